"""Training: clear errors, own data, the shipped model rebuilt."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joblib import Memory

from kanyu.detector import Detector
from kanyu.errors import DataError, InputError
from kanyu.labels import HEADLINES
from kanyu.model import load_model
from kanyu.training.corpus import load_conversations, load_labelled, load_messages
from kanyu.training.train import OrdinaryRecord, train


@pytest.fixture(scope="module")
def some(root: Path) -> pd.DataFrame:
    frame = load_messages(root / "data")
    writers = sorted(frame.loc[frame["split"] == "train", "writer"].unique())[:4]
    return frame[frame["writer"].isin(writers)]


def test_the_shipped_model_is_what_the_data_gives(root: Path, tmp_path: Path) -> None:
    shipped = load_model()
    record = OrdinaryRecord.load(root / "models" / "ordinary-chat.json")
    built = train(
        load_messages(root / "data"),
        load_conversations(root / "data"),
        record=record,
        name=shipped.name,
        version=shipped.version,
        memory=Memory(tmp_path, verbose=0),
    )
    assert built.record is not None, "models/ordinary-chat.json belongs to other data; run kanyu train with --ordinary"
    here = {name: version(name) for name in shipped.info["environment"]}
    if here == shipped.info["environment"]:
        assert built.model.save(tmp_path / "rebuilt.safetensors") == shipped.sha256
    texts = load_messages(root / "data")["text"].tolist()
    ours, _ = shipped.log_odds(texts, HEADLINES)
    theirs, _ = built.model.log_odds(texts, HEADLINES)
    assert np.abs(1 / (1 + np.exp(-ours)) - 1 / (1 + np.exp(-theirs))).max() < 1e-4


def test_a_model_from_ones_own_csv(some: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    some[["text", *HEADLINES, "group"]].to_csv(path, index=False)
    frame = load_labelled([path])
    assert len(frame) == len(some)
    trained = train(frame, name="mine")
    assert trained.model.labels == HEADLINES
    verdict = Detector(trained.model).check("会わせたい人がいます。詳しくは会ってから")
    assert 0 <= verdict.labels["delayed_reveal"].probability <= 1
    assert verdict.experimental >= {"pressure"}


def test_labels_that_are_absent_are_not_trained_for_a_row(some: pd.DataFrame) -> None:
    frame = some.copy()
    frame.loc[frame.index[::2], "network_hype"] = np.nan
    trained = train(frame, name="mine")
    assert "network_hype" in trained.model.labels


BAD = [
    ('{"text": "", "pitch": 1}', "no text"),
    ('{"text": "あ", "pitch": 2}', "'pitch' must be 0 or 1"),
    ('{"text": "あ"}', "no headline label"),
    ('{"text": "あ", "pitch": 0, "risky_product": 1}', "implies a pitch"),
    ('{"text": "あ", "pitch": 1, "signals": ["nope"]}', "unknown signal 'nope'"),
    ("not json", "no JSON object"),
    ("[1]", "no text"),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_bad_labels_are_named_with_file_and_row(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "よい行", "pitch": 0}\n' + line + "\n", "utf-8")
    with pytest.raises(DataError, match=reason) as caught:
        load_labelled([path])
    assert "row 2" in str(caught.value)
    assert "よい行" not in str(caught.value)


def test_unreadable_data_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        load_labelled([tmp_path / "missing.jsonl"])
    (tmp_path / "sjis.jsonl").write_bytes('{"text": "日本語", "pitch": 0}'.encode("cp932"))
    with pytest.raises(InputError, match="UTF-8"):
        load_labelled([tmp_path / "sjis.jsonl"])


def test_too_few_examples_are_refused() -> None:
    frame = pd.DataFrame([json.loads('{"text": "あ", "pitch": 0}')] * 5)
    with pytest.raises(DataError, match="too few examples of 'pitch'"):
        train(load_frame(frame))


def test_one_group_cannot_be_cross_validated(some: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="same 'group'"):
        train(some.assign(group="one"))


def load_frame(frame: pd.DataFrame) -> pd.DataFrame:
    from kanyu.labels import MODEL_LABELS

    for name in MODEL_LABELS:
        frame[name] = frame.get(name, np.nan)
    return frame.assign(split="train", group="a", ambiguous=False)

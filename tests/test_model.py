"""The model file: round trip, parity with scikit-learn, refusal of damage."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from kanyu.canonical import canonicalize
from kanyu.errors import ModelError
from kanyu.features import windows
from kanyu.labels import HEADLINES
from kanyu.model import Model, load_model, shipped_model_path
from kanyu.training.corpus import load_messages
from kanyu.training.export import to_pipeline


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def test_the_shipped_model_is_small_and_verified(model: Model) -> None:
    assert shipped_model_path().stat().st_size <= 10 * 2**20
    assert model.name == "kanyu-ja"
    assert set(HEADLINES) <= set(model.labels)
    assert model.dictionary_matches


def test_scores_equal_the_scikit_learn_pipeline_on_the_whole_corpus(model: Model, root: Path) -> None:
    texts = load_messages(root / "data")["text"].tolist()
    row_of, pieces = [], []
    for row, text in enumerate(texts):
        canonical = canonicalize(text).text
        for start, end in windows(canonical):
            row_of.append(row)
            pieces.append(canonical[start:end])
    decisions = np.asarray(to_pipeline(model).decision_function(pieces))
    expected = np.full((len(texts), len(model.labels)), -np.inf)
    np.maximum.at(expected, row_of, decisions)
    scores, _ = model.log_odds(texts)
    assert np.abs(expected * model.slopes + model.offsets - scores).max() < 1e-6


def test_scores_do_not_depend_on_company(model: Model) -> None:
    texts = ["会わせたい人がいます", "了解です", "月利8%で元本保証です。" * 60, "🎉", ""]
    together, _ = model.log_odds(texts)
    for row, text in enumerate(texts):
        alone, _ = model.log_odds([text])
        assert np.array_equal(alone[0], together[row])


def test_some_labels_score_as_all_labels(model: Model) -> None:
    texts = ["会わせたい人がいます", "元本保証です"]
    every, _ = model.log_odds(texts)
    some, _ = model.log_odds(texts, HEADLINES)
    assert np.array_equal(some, every[:, model.columns(HEADLINES)])


def test_contributions_add_up(model: Model) -> None:
    for text in ("会わせたい人がいます。詳しくは会ってから", "ありがとう", "月利8%。" * 200, "🎉🎉"):
        scores, _ = model.log_odds([text])
        _, explanations, _ = model.explain(text, model.labels)
        for column, label in enumerate(model.labels):
            item = explanations[label]
            assert item.log_odds == scores[0, column]
            assert abs(item.intercept + item.occurrences.contributions.sum() - item.log_odds) < 1e-6


def test_a_saved_model_is_the_same(model: Model, tmp_path: Path) -> None:
    digest = model.save(tmp_path / "copy.safetensors")
    assert digest == model.sha256
    again = load_model(tmp_path / "copy.safetensors")
    assert again.vocabulary == model.vocabulary
    assert np.array_equal(again.weights, model.weights)
    assert again.course == model.course


def test_damage_is_refused_with_one_line(model: Model, tmp_path: Path) -> None:
    whole = shipped_model_path().read_bytes()
    (header_length,) = struct.unpack("<Q", whole[:8])
    draws = np.random.default_rng(0)
    places = [0, 3, 7, 8, 9, 8 + header_length - 1, 8 + header_length, len(whole) - 1]
    places += [int(place) for place in draws.integers(0, len(whole), 60)]
    target = tmp_path / "damaged.safetensors"
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 0x20 if place % 2 else 0x01
        target.write_bytes(changed)
        with pytest.raises(ModelError) as caught:
            load_model(target)
        assert "\n" not in str(caught.value)
    for size in (0, 5, 8, 100, 8 + header_length, len(whole) // 2, len(whole) - 1):
        target.write_bytes(whole[:size])
        with pytest.raises(ModelError):
            load_model(target)
    target.write_bytes(whole + b"\0")
    with pytest.raises(ModelError):
        load_model(target)


def test_other_files_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "no.safetensors"
    header = json.dumps({"weights": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    for payload in (b"hello", b"\x80\x04K\x01.", struct.pack("<Q", len(header)) + header + b"\0" * 4):
        target.write_bytes(payload)
        with pytest.raises(ModelError):
            load_model(target)
    with pytest.raises(ModelError, match="cannot read"):
        load_model(tmp_path / "missing.safetensors")
    with pytest.raises(ModelError, match="cannot read"):
        load_model(tmp_path)


def test_nothing_is_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    found: list[str] = []
    active = [True]

    def hook(event: str, _arguments: object) -> None:
        if active[0] and event.startswith("pickle."):
            found.append(event)

    sys.addaudithook(hook)
    load_model().log_odds(["会わせたい人がいます"])
    active[0] = False
    assert found == []

"""The corpus follows its datasheet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest

from kanyu.labels import HEADLINES, MODEL_LABELS, PATTERNS, SIGNALS
from kanyu.training.collect import CHANNELS, expand_conversation, expand_message, read_brief
from kanyu.training.corpus import load_conversations, load_messages
from kanyu.training.data_report import near_duplicates, report, split_faults

BINARY = [name for name in MODEL_LABELS if name not in SIGNALS]

SCHEMA = pa.DataFrameSchema(
    {
        "id": pa.Column(str, pa.Check.str_matches(r"^b\d\d-\d{4}$"), unique=True),
        "text": pa.Column(str, [pa.Check.str_length(2, 5000), pa.Check(lambda texts: texts.str.strip() != "")]),
        "channel": pa.Column(str, pa.Check.isin(CHANNELS)),
        **{name: pa.Column(float, pa.Check.isin([0.0, 1.0])) for name in MODEL_LABELS},
        **{name: pa.Column(bool) for name in ("ambiguous", "hard", "reported", "disguise")},
        "pair": pa.Column(object, nullable=True),
        "writer": pa.Column(str, pa.Check.str_matches(r"^b\d\d$")),
        "scenario": pa.Column(str),
        "split": pa.Column(str, pa.Check.isin(["train", "dev", "test"])),
    },
    checks=[
        pa.Check(
            lambda frame: frame["pitch"] >= frame[list(PATTERNS)].max(axis=1), error="each pattern implies a pitch"
        ),
        pa.Check(
            lambda frame: (frame["pitch"] == 1) | (frame[list(SIGNALS)].sum(axis=1) == 0), error="signals need a pitch"
        ),
        pa.Check(lambda frame: (frame["pitch"] == 0) | ~frame["hard"], error="hard is for non-pitches"),
    ],
)


@pytest.fixture(scope="module")
def frame(root: Path) -> pd.DataFrame:
    return load_messages(root / "data")


@pytest.fixture(scope="module")
def talks(root: Path) -> list[dict[str, Any]]:
    return load_conversations(root / "data")


def test_messages_follow_the_schema(frame: pd.DataFrame) -> None:
    SCHEMA.validate(frame.astype({"pair": object}), lazy=True)


def test_conversations_point_at_their_own_messages(talks: list[dict[str, Any]]) -> None:
    for talk in talks:
        messages = talk["messages"]
        senders = {message["sender"] for message in messages}
        assert talk["me"] in senders
        assert talk["pitcher"] is None or talk["pitcher"] in senders - {talk["me"]}
        for name in ("setup_index", "reveal_index"):
            index = talk[name]
            assert index is None or messages[index]["sender"] == talk["pitcher"]
        if talk["refused_index"] is not None:
            assert messages[talk["refused_index"]]["refusal"] == 1
            assert messages[talk["refused_index"]]["sender"] != talk["pitcher"]
        if talk["setup_index"] is not None and talk["reveal_index"] is not None and talk["delayed_reveal"]:
            assert talk["setup_index"] < talk["reveal_index"]
        pitchers = {message["sender"] for message in messages if message["pitch"]}
        assert pitchers <= {talk["pitcher"], *talk["allies"]}


def test_nothing_crosses_a_split(frame: pd.DataFrame, talks: list[dict[str, Any]]) -> None:
    assert split_faults(frame, talks, near_duplicates(frame)) == []


def test_splits_are_those_of_the_briefs(frame: pd.DataFrame, root: Path) -> None:
    for writer, split in frame.groupby("writer")["split"].first().items():
        assert read_brief(root / "data" / "briefs" / f"{writer}.md").split == split


def test_the_datasheet_tells_what_the_report_prints(root: Path) -> None:
    lines, _ = report(root / "data")
    text = (root / "data" / "README.md").read_text("utf-8")
    missing = [line for line in lines if line.strip() and line not in text]
    assert missing == [], "run make data-report"


def test_rationales_cut_the_test_split(frame: pd.DataFrame, root: Path) -> None:
    texts = dict(zip(frame["id"], frame["text"], strict=True))
    splits = dict(zip(frame["id"], frame["split"], strict=True))
    rows = [
        json.loads(line)
        for line in (root / "data" / "annotations" / "rationales.jsonl").read_text("utf-8").splitlines()
    ]
    assert rows
    for row in rows:
        assert splits[row["id"]] == "test"
        assert row["text"] == texts[row["id"]]
        assert all(0 <= start < end <= len(row["text"]) for start, end in row["spans"])


BRIEF_HEAD = "---\nbrief: b99\nsplit: train\nquota: standard\nlong: 9\nsignals: [pressure]\n---\n"


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ({"t": "あ"}, "2 to 5,000"),
        ({"t": "ああ", "l": "d"}, "need p"),
        ({"t": "ああ", "l": "px"}, "unknown letter"),
        ({"t": "ああ", "s": ["pressure"]}, "belong to pitches"),
        ({"t": "ああ", "l": "p", "x": ["hard"]}, "belong to non-pitches"),
        ({"t": "ああ", "c": "fax"}, "unknown channel"),
        ({"t": "ああ", "q": 1}, "unknown keys"),
    ],
)
def test_a_faulty_draft_is_named(tmp_path: Path, draft: dict[str, Any], reason: str) -> None:
    path = tmp_path / "b99.md"
    path.write_text(BRIEF_HEAD, "utf-8")
    with pytest.raises(ValueError, match=reason):
        expand_message(draft, read_brief(path), 1)


def test_a_draft_conversation_is_expanded(tmp_path: Path) -> None:
    path = tmp_path / "b99.md"
    path.write_text(BRIEF_HEAD, "utf-8")
    body = [[1, "19:30", "甲", "先日はどうも"], [1, "19:31", "乙", "こちらこそ"]] * 3
    pitch = [
        [9, "21:00", "甲", "会わせたい人がいて", "pd setup"],
        [9, "21:05", "乙", "行かないよ", "refusal"],
        [9, "21:06", "甲", "38万だけ", "pr w:o reveal"],
    ]
    draft = {"me": "乙", "l": "dr", "pitcher": "甲", "m": body + pitch}
    row = expand_conversation(draft, read_brief(path), 1)
    assert (row["setup_index"], row["reveal_index"], row["refused_index"]) == (6, 8, 7)
    assert row["pushed_after_refusal"]
    assert row["messages"][8]["discloses_product"] == 1
    assert [row[name] for name in HEADLINES[1:]] == [1, 1, 0]
    draft["l"] = "r"
    with pytest.raises(ValueError, match="set-up before the reveal"):
        expand_conversation(draft, read_brief(path), 1)

"""The store of corrections, its command, and what training makes of it."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

from kanyu.cli import run
from kanyu.errors import InputError, OutputError, UsageError
from kanyu.feedback import FeedbackStore, default_path
from kanyu.training.corpus import load_labelled
from kanyu.training.feedback import COPIES, with_feedback


@pytest.fixture
def store(tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(tmp_path / "deep" / "feedback.sqlite3")


def test_nothing_is_written_before_a_correction_and_nothing_is_left_after_the_last(store: FeedbackStore) -> None:
    assert store.corrections() == []
    assert not store.path.parent.exists()
    number = store.add("clear", False, patterns=["delayed_reveal"], text="会ってから話す", model="abc")
    kept = store.corrections()[0]
    assert kept.labels == {"pitch": 1, "delayed_reveal": 1, "risky_product": 0, "network_hype": 0}
    assert (kept.id, kept.said, kept.is_right, kept.text, kept.model) == (
        number,
        "clear",
        False,
        "会ってから話す",
        "abc",
    )
    assert store.delete(number)
    assert not store.delete(number)
    assert list(store.path.parent.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="rights are others there")
def test_only_its_owner_can_read_it(store: FeedbackStore) -> None:
    store.add("clear", True)
    assert store.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("said", "options", "word"),
    [
        ("nope", {}, "said"),
        ("clear", {"patterns": ["pitch"]}, "patterns"),
        ("clear", {"patterns": ["network_hype"], "is_pitch": False}, "pitch"),
    ],
)
def test_values_that_are_unknown_are_refused(
    store: FeedbackStore, said: str, options: dict[str, bool], word: str
) -> None:
    with pytest.raises(UsageError, match=word):
        store.add(said, False, **options)  # type: ignore[arg-type]
    assert not store.path.exists()


def test_a_store_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("これはデータベースではありません" * 100)
    with pytest.raises(InputError, match="not a usable store"):
        FeedbackStore(path).corrections()
    with pytest.raises(OutputError, match="KANYU_FEEDBACK"):
        FeedbackStore(path / "below").add("clear", True)


def test_a_lone_surrogate_is_kept_as_a_question_mark(store: FeedbackStore) -> None:
    store.add("clear", True, text="a\ud800b")
    assert store.corrections()[0].text == "a?b"


def test_it_is_where_the_user_keeps_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KANYU_FEEDBACK", str(tmp_path / "x"))
    assert default_path() == tmp_path / "x"
    monkeypatch.delenv("KANYU_FEEDBACK")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path().parts[-2:] == ("kanyu", "feedback.sqlite3")


def test_only_corrections_with_a_text_and_an_answer_train_and_the_last_word_counts(store: FeedbackStore) -> None:
    store.add("flagged", False, is_pitch=False)  # no text
    store.add("undecided", False, text="分からない")  # no answer
    store.add("flagged", False, is_pitch=False, text="同じ文")
    store.add("flagged", True, patterns=["risky_product"], text="同じ文")
    rows = store.training_rows()
    assert [(row["text"], row["pitch"], row["risky_product"]) for row in rows] == [("同じ文", 1, 1)]


def test_an_export_is_labelled_data(store: FeedbackStore, tmp_path: Path) -> None:
    store.add("flagged", False, is_pitch=False, text="ふつうの文")
    out = tmp_path / "feedback.jsonl"
    assert run(["feedback", "export", "--store", str(store.path), "--out", str(out)]) == 0
    frame = load_labelled([out])
    assert frame["text"].tolist() == ["ふつうの文"]
    assert frame["pitch"].tolist() == [0.0]


def test_a_correction_decides_over_the_data_and_stays_in_one_group(store: FeedbackStore, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    rows = [{"text": "同じ文", "pitch": 1, "group": "a"}, {"text": "別の文", "pitch": 0, "group": "b"}]
    data.write_text("\n".join(json.dumps(row) for row in rows))
    store.add("flagged", False, is_pitch=False, text="同じ文")
    frame = with_feedback(load_labelled([data]), store.training_rows())
    mine = frame[frame["text"] == "同じ文"]
    assert len(mine) == COPIES
    assert mine["pitch"].eq(0).all()
    assert mine["group"].nunique() == 1
    assert mine["id"].is_unique
    assert (frame["text"] == "別の文").sum() == 1


def test_the_command_lists_exports_and_deletes(store: FeedbackStore, capfd: pytest.CaptureFixture[str]) -> None:
    place = ["--store", str(store.path)]
    store.add("flagged", False, is_pitch=False, text="ふつうの\x1b[2J文")
    store.add("clear", True)
    assert run(["feedback", "list", *place]) == 0
    told = capfd.readouterr()
    assert "ふつうの連絡" in told.out
    assert "\x1b" not in told.out
    assert "2件" in told.err
    assert run(["feedback", "list", "--lang", "en", *place]) == 0
    assert "no pitch" in capfd.readouterr().out
    assert run(["feedback", "list", "--json", *place]) == 0
    assert len(json.loads(capfd.readouterr().out)["corrections"]) == 2
    assert run(["feedback", "export", *place]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 2
    assert run(["feedback", "delete", *place]) == 2
    assert run(["feedback", "delete", "9", *place]) == 1
    assert "no correction 9" in capfd.readouterr().err
    assert run(["feedback", "delete", "1", *place]) == 0
    assert run(["feedback", "delete", "--all", *place]) == 0
    assert not store.path.exists()


def test_training_with_a_store_that_is_not_there_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "d.jsonl"
    data.write_text('{"text": "a", "pitch": 1}')
    arguments = ["train", str(data), "--out", str(tmp_path / "m"), "--feedback-store", str(tmp_path / "none")]
    assert run(arguments) == 1
    assert "no such file of corrections" in capfd.readouterr().err
    assert not (tmp_path / "m").exists()


def test_deleted_words_are_overwritten(store: FeedbackStore) -> None:
    store.add("clear", True, text="消したい言葉")
    number = store.add("clear", True, text="もっと消したい言葉")
    store.delete(number)
    assert "もっと".encode() not in store.path.read_bytes()
    with sqlite3.connect(store.path) as database:
        assert database.execute("SELECT count(*) FROM corrections").fetchone() == (1,)
    database.close()

"""What the page makes of any text and any name."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanyu.detector import Detector, load
from kanyu.render.terminal import harmless
from kanyu.web.corrections import correction_of
from kanyu.web.problems import Problem
from kanyu.web.uploads import safe_name
from kanyu.web.view import read_paste, verdict_view

PIECES = st.sampled_from(
    ["すごい人に会わせたい", "詳しくは会ってから", "元本保証で月利8%", "😀", "𠮷", "\n", "<b>", "\u202e", "\x00"]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=8)), min_size=1, max_size=8).map("".join)


@pytest.fixture(scope="module")
def judge() -> Detector:
    return load()


@given(text=TEXTS.filter(str.strip))
@settings(max_examples=60, deadline=None)
def test_the_stretches_of_a_text_are_the_whole_text(judge: Detector, text: str) -> None:
    view = verdict_view(judge.check(text), "ja")
    shown = "".join(bit["text"] for bit in view["bits"])
    assert shown == harmless(text.replace("\r\n", "\n").replace("\r", "\n"))
    assert all(bit["tip"] for bit in view["bits"] if bit["label"])


@given(name=st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_name_is_a_name_of_one_file(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe not in (".", "..")
    assert len(os.fsencode(safe)) <= 255
    assert not set('/\\:*?"<>|\x00') & set(safe)


def test_a_name_keeps_what_importers_read() -> None:
    assert safe_name("[LINE] 佐藤とのトーク.txt") == "[LINE] 佐藤とのトーク.txt"
    assert safe_name("C:\\Users\\a\\20260101_20260131_もも.csv") == "20260101_20260131_もも.csv"


def test_a_paste_is_one_message_several_or_a_chat() -> None:
    assert read_paste("一行目\r\n\r\n二行目", apart=False).texts == ["一行目\n\n二行目"]
    assert read_paste("一行目\r\n　\r\n\n二行目\n", apart=True).texts == ["一行目", "二行目"]
    chat = read_paste("12:30\t佐藤\tこんにちは\n12:31\t田中\tどうも", apart=False)
    assert chat.texts == ["こんにちは", "どうも"]
    assert chat.senders == ["佐藤", "田中"]
    assert read_paste(" \n ", apart=True).texts == []


FIELDS = {
    "said": "flagged",
    "text": "文",
    "consent": "",
    "delayed_reveal": "",
    "risky_product": "1",
    "network_hype": "",
}


@pytest.mark.parametrize(
    ("said", "truth", "is_right", "is_pitch", "patterns"),
    [
        ("flagged", "right", True, True, ("risky_product",)),
        ("flagged", "ordinary", False, False, ()),
        ("flagged", "pitch", False, True, ()),
        ("clear", "pattern", False, True, ("risky_product",)),
        ("clear", "right", True, False, ()),
        ("ordinary_pitch", "right", True, True, ()),
    ],
)
def test_a_form_becomes_a_correction(
    said: str, truth: str, is_right: bool, is_pitch: bool, patterns: tuple[str, ...]
) -> None:
    correction = correction_of({**FIELDS, "said": said, "truth": truth})
    assert (correction.is_right, correction.is_pitch, correction.patterns) == (is_right, is_pitch, patterns)
    assert correction.text is None  # no consent
    assert correction_of({**FIELDS, "said": said, "truth": truth, "consent": "1"}).text == "文"


@pytest.mark.parametrize("fields", [{"truth": ""}, {"truth": "nope"}, {"truth": "pattern", "risky_product": ""}])
def test_an_incomplete_form_is_told(fields: dict[str, str]) -> None:
    with pytest.raises(Problem, match="incomplete"):
        correction_of({**FIELDS, **fields})

"""Canonical text: what disguise hides is undone, and offsets lead back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanyu.canonical import _FOLD, _MASKS, _SIGN, _kana, _kana_finder, canonicalize, lexicon_spellings

UNDONE = [
    ("FX", "fx"),
    ("副 業で稼ご", "副業で稼ご"),
    ("F.X", "fx"),
    ("投・資", "投資"),
    ("副💰業", "副業"),
    ("副\u200b業", "副業"),
    ("ネ ッ ト ワ ー ク ビ ジ ネ ス", "ネットワークビジネス"),
    ("ネ☆ッ★ト☆ワ★ー☆ク", "ネットワーク"),
    ("情報商○", "情報商材"),
    ("仮○通貨", "仮想通貨"),
    ("副○", "副業"),
    ("マ●チ商法", "マルチ商法"),
    ("力ジノ", "カジノ"),
    ("セミナ一", "セミナー"),
    ("セミナ─に", "セミナーに"),
    ("ふくぎょう", "副業"),
    ("ﾌｸｷﾞｮｳ", "副業"),
    ("ｾﾐﾅｰ", "セミナー"),
    ("か\u3099", "が"),
    ("すごーーーい!!!!!", "すごーい!!"),
    ("💰が欲しい", "お金が欲しい"),
    ("МLМ", "mlm"),
    ("𝐅𝐗", "fx"),
    ("a\r\nb\rc", "a\nb\nc"),
]
LEFT_ALONE = [
    "口コミを見て",
    "〇〇さん、こんにちは",
    "○月○日に集合",
    "今日は、お金の話",
    "入力ミスでした",
    "グループ一同",
    "1000円",
    "うちの子がトウシューズを履いた",
    "A社とB社",
]


@pytest.mark.parametrize(("text", "expected"), UNDONE)
def test_disguise_is_undone(text: str, expected: str) -> None:
    assert canonicalize(text).text == expected


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_ordinary_text_keeps_its_words(text: str) -> None:
    assert canonicalize(text).text == text.lower()


def test_spans_lead_back_to_the_original() -> None:
    text = "🎉𠮷田です。ｾﾐﾅｰの件、副 業です"
    canonical = canonicalize(text)
    for word, original in (("セミナー", "ｾﾐﾅｰ"), ("副業", "副 業"), ("𠮷田", "𠮷田")):
        start = canonical.text.index(word)
        span = canonical.to_original(start, start + len(word))
        assert text[span.start : span.end] == original


@pytest.mark.parametrize("blank", [" ", "\u3000", "\u00a0", "\t", "\u00a0\u200c"])
def test_padding_is_one_blank_and_no_window_of_its_own(blank: str) -> None:
    text = f"あした会おう{blank * 500}またね"
    canonical = canonicalize(text)
    assert re.fullmatch(r"あした会おう\sまたね", canonical.text)
    span = canonical.to_original(7, 10)
    assert text[span.start : span.end] == "またね"


def test_a_lone_surrogate_reads_as_the_replacement_character() -> None:
    assert canonicalize("あ\ud83dい").text == "あ\ufffdい"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_maps_back_in_order(text: str) -> None:
    canonical = canonicalize(text)
    if canonical.starts is None or canonical.ends is None:
        assert len(canonical.text) == len(text)
        return
    assert len(canonical.starts) == len(canonical.ends) == len(canonical.text)
    assert all(0 <= a < b <= len(text) for a, b in zip(canonical.starts, canonical.ends, strict=True))
    assert list(canonical.starts) == sorted(canonical.starts)


@given(st.text(alphabet="副業投資FXﾌｸ ・.○●💰ーネットワーク一力\u200b\n", max_size=60))
def test_any_mix_of_disguises_maps_back(text: str) -> None:
    canonical = canonicalize(text)
    for index in range(len(canonical.text)):
        span = canonical.to_original(index, index + 1)
        assert 0 <= span.start < span.end <= len(text)


def test_texts_without_signs_need_no_folding() -> None:
    plain = [chr(code) for code in range(0x110000) if not _SIGN.match(chr(code))]
    assert len(plain) > 20_000
    assert all(char.translate(_FOLD) == char for char in plain)
    assert _MASKS.isdisjoint(plain)


@given(st.text(alphabet="".join(lexicon_spellings()) + "ーん", max_size=12))
def test_every_kana_spelling_is_found_by_the_fast_finder(text: str) -> None:
    assert _kana_finder().find_matches_as_indexes(text) or not _kana().search(text)

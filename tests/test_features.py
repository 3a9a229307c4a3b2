"""Windows and terms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kanyu.canonical import canonicalize
from kanyu.features import WINDOW, FeatureOptions, TermMaker, windows


def test_short_texts_are_one_window() -> None:
    assert windows("あ" * WINDOW) == [(0, WINDOW)]


def test_windows_hold_whole_sentences() -> None:
    text = "今日の練習は雨で中止です。来週の予定は追って連絡します。" * 40
    for start, end in windows(text):
        assert start == 0 or text[start - 1] == "。"
        assert text[end - 1] == "。"


@given(st.text(alphabet="あい。!\n」", min_size=0, max_size=3000))
def test_windows_cover_every_text_and_stay_short(text: str) -> None:
    spans = windows(text)
    if sum(char in "あい" for char in text) < 2:
        assert spans == [(0, 0)]
        return
    assert spans[0].start == 0
    assert spans[-1].end == len(text)
    assert all(0 < span.end - span.start <= WINDOW for span in spans) or not text
    assert all(a.end == b.start for a, b in zip(spans, spans[1:], strict=False))


def test_a_window_count_grows_linearly() -> None:
    assert len(windows("あ。" * 50_000)) < 1_000


def test_amounts_become_classes() -> None:
    names = TermMaker().word_terms("月収38万円、月利8%、2人紹介").names
    assert {"n/円", "n/円/6", "n/%", "n/人"} <= set(names)


def test_names_of_people_and_places_are_one_class_each() -> None:
    names = TermMaker().word_terms("佐伯さんは大阪に住む").names
    assert {"w/<人名>", "w/<地名>"} <= set(names)
    assert "w/佐伯" not in names


def test_concepts_pair_up() -> None:
    names = TermMaker().word_terms("会わせたい人がいる。詳しくは会ってから話すね").names
    assert {"c/mentor", "c/withhold", "p/mentor/withhold"} <= set(names)


@given(st.text(max_size=300))
def test_terms_stand_inside_the_text(text: str) -> None:
    canonical = canonicalize(text).text
    maker = TermMaker(FeatureOptions(skip=2))
    for terms in (maker.word_terms(canonical), maker.char_terms(canonical)):
        assert len(terms.names) == len(terms.starts) == len(terms.ends)
        assert (
            all(0 <= start < end <= len(canonical) for start, end in zip(terms.starts, terms.ends, strict=True))
            or not canonical
        )

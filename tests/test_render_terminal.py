import json

import pytest
from rich.cells import cell_len

from kanyu.render.phrases import excerpt, likelihood, moment, pattern_sentence, percent
from kanyu.render.terminal import fold, harmless, render_verdict, to_json
from kanyu.verdict import Evidence

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"


def evidence(text, part, label, contribution=1.0):
    start = text.index(part)
    return Evidence(start, start + len(part), part, label, contribution)


@pytest.mark.parametrize("width", [30, 44, 80, 120])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_no_line_is_wider_than_the_terminal(detector, width, lang):
    said = render_verdict(detector.check(RISKY + "。A" + "w" * 150 + "\n" + RISKY), lang=lang, width=width)
    assert max(map(cell_len, said.split("\n"))) <= width


def test_without_colours_evidence_stands_in_brackets_and_the_text_is_whole(detector):
    said = render_verdict(detector.check(RISKY), width=120)
    line = next(line for line in said.split("\n") if "│" in line)
    assert "【" in line
    assert line.replace("【", "").replace("】", "").strip(" │") == RISKY


def test_colours_only_when_asked_for(detector):
    verdict = detector.check(RISKY)
    assert "\x1b[" in render_verdict(verdict, colors=True)
    assert "\x1b" not in render_verdict(verdict, colors=False)


def test_each_flagged_pattern_has_its_name_and_the_articles(detector):
    said = render_verdict(detector.check(RISKY))
    assert "ヤバい商材" in said
    assert "型2「商材がヤバい」" in said


def test_a_long_text_shows_what_surrounds_its_evidence(detector):
    text = "今日は雨です。" * 2000 + RISKY + "。" + "明日は晴れです。" * 2000
    said = render_verdict(detector.check(text))
    assert "元本保証" in said.replace("【", "").replace("】", "").replace("\n  │ ", "")
    assert "…" in said
    assert len(said) < 6000


def test_a_verdict_never_speaks_of_what_is_illegal(detector):
    for text in (RISKY, "詳しくは会ってから。すごい人を紹介したいです", "了解です"):
        said = render_verdict(detector.check(text))
        assert "違法です" not in said
        assert "詐欺です" not in said


def test_windows_line_ends_are_shown_as_line_ends(detector):
    assert "\ufffd" not in render_verdict(detector.check("一行目です\r\n二行目です\r三行目"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[2J", "a\ufffd[2J"),
        ("\u202eabc", "\ufffdabc"),
        ("\x9b", "\ufffd"),
        ("é\t\n", "é\t\n"),
        ("\ud800", "\ufffd"),
    ],
)
def test_harmless_replaces_one_for_one(text, expected):
    assert harmless(text) == expected
    assert len(harmless(text)) == len(text)


def test_json_keeps_japanese_and_escapes_what_steers():
    said = to_json({"text": "日本\u202e\x9b\ud800"})
    assert "日本" in said
    assert not set("\u202e\x9b\ud800") & set(said)
    assert json.loads(said) == {"text": "日本\u202e\x9b\ud800"}


@pytest.mark.parametrize("width", [4, 7, 20])
def test_folding_loses_nothing_and_begins_no_line_with_a_full_stop(width):
    text = "会いませんか。「詳しくは」会って、話します。Some English words here.\n次の段落です。" + "x" * 50
    folded = fold(text, width)
    assert folded.replace("\n", "").replace(" ", "") == text.replace("\n", "").replace(" ", "")
    assert max(map(cell_len, folded.split("\n"))) <= width
    assert not any(line.startswith(("。", "、", "」")) for line in folded.split("\n") if width > 4)


def test_an_excerpt_is_the_text_with_overlapping_evidence_cut_at_its_borders():
    text = "あいうえおかきくけこ"
    pieces = excerpt(text, [evidence(text, "いうえ", "pitch", 2.0), evidence(text, "えお", "risky_product", 3.0)])
    assert "".join(piece.text for piece in pieces) == text
    assert [(piece.text, piece.labels) for piece in pieces] == [
        ("あ", ()),
        ("いう", ("pitch",)),
        ("え", ("risky_product", "pitch")),
        ("お", ("risky_product",)),
        ("かきくけこ", ()),
    ]


def test_an_excerpt_of_an_astral_text_keeps_its_offsets():
    text = "🎉𠮷田です。元本保証です"
    pieces = excerpt(text, [evidence(text, "元本保証", "risky_product")])
    assert [piece.text for piece in pieces if piece.labels] == ["元本保証"]


def test_a_pattern_sentence_quotes_the_strongest_in_reading_order():
    text = "詳しくは会ってから。すごい人がいます。駅で待ってます"
    parts = [
        evidence(text, part, "delayed_reveal", weight)
        for part, weight in (("すごい人", 2.0), ("詳しくは会ってから", 3.0), ("駅で", 0.1))
    ]
    said = pattern_sentence("delayed_reveal", parts)
    assert said.startswith("「詳しくは会ってから」「すごい人」という言葉に、")
    assert "駅で" not in said


def test_a_pattern_without_quotes_is_told_by_its_meaning():
    assert "お金を失う" in pattern_sentence("risky_product", [])


def test_no_probability_is_shown_as_certain():
    assert [percent(value) for value in (0.0, 0.004, 0.5, 0.994, 0.9951, 1.0)] == [
        "<1%",
        "<1%",
        "50%",
        "99%",
        "99%+",
        "99%+",
    ]


def test_words_follow_the_probability():
    assert len({likelihood(value) for value in (0.02, 0.2, 0.5, 0.8, 0.97)}) == 5


def test_an_unknown_moment_is_said_to_be_unknown():
    assert moment(None) == "日時は不明"
    assert moment(None, "en") == "date unknown"


def test_a_quote_grows_to_its_clause_where_that_is_near():
    text = "はい。それは会ってからのお楽しみです、あと" + "え" * 40 + "人生が変わる" + "お" * 40
    parts = [evidence(text, "は会ってから", "delayed_reveal"), evidence(text, "人生が変わる", "delayed_reveal")]
    said = pattern_sentence("delayed_reveal", parts, text=text)
    assert said.startswith("「それは会ってからのお楽しみです」「人生が変わる」")

"""Check, score and scan through the public surface."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kanyu
from kanyu.detector import SCORE_COLUMNS, Detector
from kanyu.errors import UsageError
from kanyu.labels import HEADLINES, SIGNALS

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
ORDINARY = "了解です。10時に改札前で"


def check_invariants(verdict: kanyu.Verdict, text: str) -> None:
    assert verdict.text == text
    for name in HEADLINES:
        score = verdict.labels[name]
        assert math.isfinite(score.probability)
        assert 0 <= score.probability <= 1
        shown = sum(item.contribution for item in verdict.evidence if item.label == name)
        assert abs(score.intercept + shown + score.other - score.log_odds) < 1e-6
        assert score.flagged == (score.probability >= score.threshold)
    assert set(verdict.signals) == set(SIGNALS)
    for item in verdict.evidence:
        assert text[item.start : item.end] == item.text
        assert item.contribution > 0


def test_a_blunt_risky_offer_is_flagged_with_evidence(detector: Detector) -> None:
    verdict = detector.check(RISKY)
    assert verdict.verdict == "flagged"
    assert "risky_product" in verdict.flags
    assert any("元本保証" in item.text for item in verdict.evidence if item.label == "risky_product")
    assert verdict.advice


@pytest.mark.parametrize("padded", [ORDINARY + " " * 500, "\u3000" * 300 + ORDINARY, ORDINARY * 30 + "\u00a0" * 450])
def test_padding_makes_no_pitch_of_an_ordinary_message(detector: Detector, padded: str) -> None:
    assert detector.check(padded).verdict == "clear"


def test_an_ordinary_appointment_is_clear(detector: Detector) -> None:
    verdict = detector.check(ORDINARY)
    assert verdict.verdict == "clear"
    assert verdict.advice == ()


@pytest.mark.parametrize(
    "text",
    [
        "🎉🎉🎉",
        "Hello, how are you?",
        "あ",
        "12345",
        "!!!!",
        "привет как дела",
        "مرحبا نلتقي غدا في المحطة " * 3,
        "สวัสดีครับ เจอกันพรุ่งนี้ที่สถานี " * 3,
        "\ud83d",
        "\0\0",
    ],
)
def test_what_cannot_be_read_is_undecided(detector: Detector, text: str) -> None:
    verdict = detector.check(text)
    check_invariants(verdict, text)
    assert verdict.verdict == "undecided"


@pytest.mark.parametrize("noise", ["", "🎉", "𠮷", "ｶﾞｷﾞ", "ＡＢＣ　", "\u200b\u202e", "か\u3099\r\n"])
def test_evidence_cuts_the_original_whatever_stands_before_it(detector: Detector, noise: str) -> None:
    text = noise + RISKY
    verdict = detector.check(text)
    check_invariants(verdict, text)
    assert verdict.verdict == "flagged"


def test_a_pitch_inside_a_long_text_is_found(detector: Detector) -> None:
    text = (
        "今日の練習は雨のため中止になりました。来週の予定は追って連絡します。" * 20
        + RISKY
        + "。"
        + "持ち物は水筒です。" * 60
    )
    verdict = detector.check(text)
    check_invariants(verdict, text)
    assert verdict.verdict == "flagged"
    place = text.index(RISKY)
    assert any(place <= item.start < place + len(RISKY) for item in verdict.evidence)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=120))
def test_any_text_gets_a_sound_verdict(text: str) -> None:
    check_invariants(kanyu_detector().check(text), text)


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="副業投資元本保証月利8%FXﾌｸ ・.○●💰ーネットワーク会わせたい人。!\n\u200b", max_size=200))
def test_disguised_text_gets_a_sound_verdict(text: str) -> None:
    check_invariants(kanyu_detector().check(text), text)


def kanyu_detector() -> Detector:
    return _DETECTORS.setdefault("shipped", kanyu.load())


_DETECTORS: dict[str, Detector] = {}


def test_a_table_keeps_rows_index_and_columns(detector: Detector) -> None:
    frame = pd.DataFrame({"id": ["0012", "NA", "x"], "text": [RISKY, None, ORDINARY]}, index=[7, 3, 9])
    scored = detector.score(frame)
    assert list(scored.index) == [7, 3, 9]
    assert list(scored.columns) == ["id", "text", *SCORE_COLUMNS]
    assert scored["verdict"].tolist() == ["flagged", "undecided", "clear"]
    assert scored.loc[3, list(HEADLINES)].isna().all()
    assert "risky_product" in scored.loc[7, "flags"].split(";")


def test_a_table_and_a_check_agree(detector: Detector) -> None:
    texts = [RISKY, ORDINARY, "会わせたい人がいます", RISKY]
    scored = detector.score(pd.DataFrame({"text": texts}))
    for row, text in enumerate(texts):
        verdict = detector.check(text)
        assert scored.loc[row, "verdict"] == verdict.verdict
        for name in HEADLINES:
            assert scored.loc[row, name] == verdict.labels[name].probability


def test_score_refuses_a_missing_or_taken_column(detector: Detector) -> None:
    with pytest.raises(UsageError, match="'column' parameter"):
        detector.score(pd.DataFrame({"body": ["x"]}))
    with pytest.raises(UsageError, match="already has a column 'pitch'"):
        detector.score(pd.DataFrame({"text": ["x"], "pitch": [1]}))


def test_thresholds_can_be_set_and_are_recorded() -> None:
    strict = kanyu.load(thresholds={"risky_product": 0.999999999})
    assert strict.check(RISKY).labels["risky_product"].threshold == 0.999999999
    with pytest.raises(UsageError, match="range"):
        kanyu.load(thresholds={"pitch": 1.5})
    with pytest.raises(UsageError, match="'nope'"):
        kanyu.load(thresholds={"nope": 0.5})


def talk(*bodies: tuple[str, str]) -> kanyu.Conversation:
    return kanyu.Conversation("", "line", "x.txt", [kanyu.Message(sender, text) for sender, text in bodies], me="私")


def test_scan_names_the_pitcher_and_not_the_owner(detector: Detector) -> None:
    report = detector.scan(
        talk(
            ("佐伯", "先日はどうも!"),
            ("私", "こちらこそ"),
            ("佐伯", "会わせたい人がいるんだけど、詳しくは会ってから話すね"),
            ("私", "何の話?"),
            ("佐伯", RISKY),
            ("私", "結構です。もう連絡しないでください"),
            ("佐伯", "今だけだから、" + RISKY),
        )
    )
    (conversation,) = report.conversations
    (sender,) = conversation.senders
    assert sender.name == "佐伯"
    assert sender.verdict == "flagged"
    assert sender.reveal_index == 4
    assert sender.refused_index == 5
    assert sender.pushed_after_refusal
    assert 4 in [message.index for message in conversation.flagged]
    frame = report.to_frame()
    assert len(frame) == 7
    assert frame["sender"].tolist()[0] == "佐伯"


def test_an_ordinary_talk_flags_nobody(detector: Detector) -> None:
    report = detector.scan(
        talk(("佐伯", "明日は雨らしいよ"), ("私", "傘もってく"), ("佐伯", "10時に改札前で"), ("私", "了解"))
    )
    assert [sender.verdict for sender in report.conversations[0].senders] == ["clear"]
    assert not report.has_flagged


def test_stickers_count_but_are_not_scored(detector: Detector) -> None:
    conversation = kanyu.Conversation("", "line", "x", [kanyu.Message("a", "[スタンプ]", None, False)])
    (report,) = detector.scan(conversation).conversations
    assert report.senders[0].messages == 1
    assert report.verdicts == (None,)

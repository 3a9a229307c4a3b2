from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

import kanyu.course
import kanyu.detector
from kanyu.course import COURSE_LABELS, stage_features, stage_features_in_blocks
from kanyu.messages import Conversation, Message


@pytest.mark.parametrize("n", [0, 1, 4, 5, 6, 23])
def test_blocks_of_stage_features_join_without_a_seam(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(n).normal(0, 6, (n, len(COURSE_LABELS)))
    whole = stage_features(scores)
    monkeypatch.setattr(kanyu.course, "_BLOCK", 5)
    blocks = [*stage_features_in_blocks(scores)]
    assert [start for start, _ in blocks] == [*range(0, n, 5)]
    np.testing.assert_array_equal(stage_features(scores), whole)
    for row in range(n):
        before = np.clip(scores[:row], -8, 8).max(axis=0, initial=-8)
        np.testing.assert_array_equal(whole[row, len(COURSE_LABELS) : -1], before)


def test_a_scan_is_the_same_in_slices_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        "了解です",
        "元本保証で月利8%、2人紹介すれば元が取れます",
        "",
        "結構です",
        "了解です",
        "また明日",
    ]
    messages = tuple(Message(("みずき", "小島")[number % 2], text) for number, text in enumerate(texts))
    detector = kanyu.detector.load()
    whole = detector.scan(Conversation("花屋", "line", "a.txt", messages))
    monkeypatch.setattr(kanyu.detector, "_SLICE", 2)
    parts = detector.scan(Conversation("花屋", "line", "a.txt", messages))
    assert parts.to_dict() == whole.to_dict()
    assert parts.conversations[0].verdicts == whole.conversations[0].verdicts
    np.testing.assert_array_equal(parts.conversations[0].scores, whole.conversations[0].scores)


def test_mass_greetings_are_texts_sent_again_on_another_day() -> None:
    start = datetime.fromisoformat("2024-05-01T09:00:00+09:00")
    greeting, other, short = "おはようございます、今日も一日よろしく", "きのうの写真をアルバムに入れました", "おはよう"
    sent = [(0, greeting), (0, greeting), (0, short), (1, greeting), (1, short), (2, other), (2, other), (3, greeting)]
    messages = tuple(Message("みずき", text, start + timedelta(days=day)) for day, text in sent)
    report = kanyu.detector.load().scan(Conversation("花屋", "line", "a.txt", messages))
    assert report.conversations[0].senders[0].mass_greetings == 2

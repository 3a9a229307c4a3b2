"""How well the course of conversations is judged, and how early: whole writers left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from kanyu.conversations import SenderReport
from kanyu.course import CourseModel
from kanyu.labels import HEADLINES, PATTERNS
from kanyu.training.course import course_examples, fit_course
from kanyu.training.train import OrdinaryRecord, choose_sender_thresholds, judge_senders, open_thresholds

__all__ = ["JudgedSender", "conversation_figures", "judge_held_out"]

Floats = NDArray[np.float64]
_DRAWS: Final = 200
_PENALTY: Final = 0.078  # of a message of delay (Sadeque et al. 2018)


@dataclass(frozen=True)
class JudgedSender:
    """A sender of a labelled conversation, judged by a model that never saw the writer.

    Attributes
    ----------
    talk : dict
        The conversation's row of ``data/conversations``.
    report : SenderReport
    truth : dict of str to bool
        By headline label.
    """

    talk: dict[str, Any]
    report: SenderReport
    truth: dict[str, bool]

    @property
    def is_pitcher(self) -> bool:
        """Whether this sender is the one who pitches."""
        return bool(self.report.name == self.talk["pitcher"])

    @property
    def is_delayed(self) -> bool:
        """Whether this is a pitcher who set the pitch up before naming it."""
        return self.is_pitcher and self.truth["delayed_reveal"] and self.talk["setup_index"] is not None


Figure = Callable[[Sequence[JudgedSender]], float]


def judge_held_out(
    talks: Sequence[dict[str, Any]],
    scores: Sequence[Floats],
    message_thresholds: Mapping[str, float],
    record: OrdinaryRecord | None = None,
    n_folds: int = 5,
) -> list[JudgedSender]:
    """Judge every sender of every conversation by a course model that never saw the writer.

    Parameters
    ----------
    talks : sequence of dict
        Rows of ``data/conversations``.
    scores : sequence of ndarray
        Log-odds of their messages, out of fold by writer too.
    message_thresholds : mapping of str to float
        Thresholds of disclosures, refusal and duty, by label.
    record : OrdinaryRecord, optional
        Floors for senders that ordinary chats asked for.

    Returns
    -------
    list of JudgedSender
        Everybody but the owners and the allies.
    """
    examples = course_examples(talks, scores)
    groups = np.array([talk["writer"] for talk in talks])
    judged = []
    for train_rows, test_rows in GroupKFold(n_folds).split(talks, groups=groups):
        inside = list(set(groups[train_rows]))
        weights = fit_course(examples, np.isin(examples.groups, inside), np.isin(examples.stage_groups, inside))
        limits = choose_sender_thresholds(
            [talks[row] for row in train_rows], [scores[row] for row in train_rows], record
        )
        course = CourseModel(weights, {**open_thresholds(), **message_thresholds, **limits})
        for row in test_rows:
            for report, truth in judge_senders(talks[row], scores[row], course):
                by_label = {label: bool(truth[k]) for k, label in enumerate(HEADLINES)}
                judged.append(JudgedSender(talks[row], report, by_label))
    return judged


def conversation_figures(judged: Sequence[JudgedSender]) -> dict[str, list[float]]:
    """The published figures over judged senders, each with a 95 % range over writers.

    Returns
    -------
    dict of str to list of float
        By figure: ``[value, low, high]``.
    """
    figures: dict[str, Figure] = {
        **{f"F1 {label}": _pattern_f1(label) for label in PATTERNS},
        "pitcher named rightly": _named_rightly,
        "delayed pitchers warned of before the reveal": _warned_in_time,
        "median messages from set-up to warning": lambda rows: _median(_delays(rows)),
        "latency-weighted F1": _latency_f1,
        "set-up found within 3 messages": _setup_found,
        "false alarms per 100 ordinary conversations": lambda rows: _per_100(rows, "flagged"),
        "ordinary_pitch per 100 ordinary conversations": lambda rows: _per_100(rows, "ordinary_pitch"),
        "refusal found within 2 messages": _refusal_found,
    }
    return {name: [figure(judged), *_interval(figure, judged)] for name, figure in figures.items()}


def _share(hits: Sequence[bool]) -> float:
    return float(np.mean(hits)) if hits else float("nan")


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else float("nan")


def _pattern_f1(label: str) -> Figure:
    def figure(rows: Sequence[JudgedSender]) -> float:
        truth = [row.truth[label] for row in rows]
        found = [row.report.labels[label].flagged for row in rows]
        total = sum(truth) + sum(found)
        return 2 * sum(a and b for a, b in zip(truth, found, strict=True)) / total if total else float("nan")

    return figure


def _by_talk(rows: Sequence[JudgedSender]) -> list[list[JudgedSender]]:
    talks: dict[int, list[JudgedSender]] = defaultdict(list)
    for row in rows:
        talks[id(row.talk)].append(row)
    return list(talks.values())


def _named_rightly(rows: Sequence[JudgedSender]) -> float:
    """Of the conversations with a pitcher: the pitcher is the most suspicious sender, and at least a pitch."""
    hits = []
    for part in _by_talk([row for row in rows if row.talk["pitcher"] is not None]):
        best = max(part, key=lambda row: max(s.probability - s.threshold for s in row.report.labels.values()))
        hits.append(best.is_pitcher and best.report.verdict in ("flagged", "ordinary_pitch"))
    return _share(hits)


def _warned_in_time(rows: Sequence[JudgedSender]) -> float:
    """Of the delayed pitchers with a reveal: first flagged at or after the set-up and before the reveal."""
    hits = []
    for row in rows:
        if row.is_delayed and row.talk["reveal_index"] is not None:
            warned = row.report.first_flagged_index
            hits.append(warned is not None and row.talk["setup_index"] <= warned < row.talk["reveal_index"])
    return _share(hits)


def _delays(rows: Sequence[JudgedSender]) -> list[float]:
    """The pitcher's own messages from the set-up to the warning, for those warned of at or after it."""
    delays = []
    for row in rows:
        warned = row.report.first_flagged_index
        if row.is_delayed and warned is not None and warned >= row.talk["setup_index"]:
            own = [index for index, m in enumerate(row.talk["messages"]) if m["sender"] == row.report.name]
            delays.append(float(sum(row.talk["setup_index"] < index <= warned for index in own)))
    return delays


def _latency_f1(rows: Sequence[JudgedSender]) -> float:
    """F1 of delayed reveal times the median speed, ``1 - tanh(p k / 2)`` for a delay of k messages."""
    speeds = [1.0 - float(np.tanh(_PENALTY * delay / 2)) for delay in _delays(rows)]
    return _pattern_f1("delayed_reveal")(rows) * (_median(speeds) if speeds else 0.0)


def _setup_found(rows: Sequence[JudgedSender]) -> float:
    hits = []
    for row in rows:
        if row.is_delayed:
            found = row.report.setup_index
            hits.append(found is not None and abs(found - row.talk["setup_index"]) <= 3)
    return _share(hits)


def _per_100(rows: Sequence[JudgedSender], verdict: str) -> float:
    talks = _by_talk([row for row in rows if row.talk["pitcher"] is None])
    return 100 * _share([any(row.report.verdict == verdict for row in part) for part in talks])


def _refusal_found(rows: Sequence[JudgedSender]) -> float:
    hits = []
    for row in rows:
        true = row.talk["refused_index"]
        if row.is_pitcher and true is not None:
            found = row.report.refused_index
            hits.append(found is not None and abs(found - true) <= 2)
    return _share(hits)


def _interval(figure: Figure, judged: Sequence[JudgedSender]) -> list[float]:
    """A 95 % percentile bootstrap range over writers."""
    draws = np.random.default_rng(0)
    writers: dict[str, list[JudgedSender]] = defaultdict(list)
    for row in judged:
        writers[row.talk["writer"]].append(row)
    parts = list(writers.values())
    samples = []
    for _ in range(_DRAWS):
        rows: list[JudgedSender] = []
        for index in draws.integers(0, len(parts), len(parts)):
            copies: dict[int, dict[str, Any]] = {}  # a writer drawn twice is two writers
            for row in parts[index]:
                talk = copies.setdefault(id(row.talk), dict(row.talk))
                rows.append(JudgedSender(talk, row.report, row.truth))
        samples.append(figure(rows))
    values = [value for value in samples if value == value]
    return [float(np.quantile(values, q)) for q in (0.025, 0.975)] if values else [float("nan")] * 2

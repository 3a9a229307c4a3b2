"""How well the course of conversations is judged, and how early: whole writers left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from kanyu.conversations import SenderReport
from kanyu.course import CourseModel
from kanyu.labels import HEADLINES, PATTERNS
from kanyu.training.course import course_examples, fit_course
from kanyu.training.train import OrdinaryRecord, choose_sender_thresholds, judge_senders, open_thresholds

__all__ = ["conversation_figures", "judge_held_out"]

Floats = NDArray[np.float64]
_DRAWS: Final = 500


def judge_held_out(
    talks: Sequence[dict[str, Any]],
    scores: Sequence[Floats],
    message_thresholds: Mapping[str, float],
    record: OrdinaryRecord | None = None,
    n_folds: int = 5,
) -> pd.DataFrame:
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
    DataFrame
        One row per sender: ``talk, writer, sender, is_pitcher, is_innocent, report`` and the truth.
    """
    examples = course_examples(talks, scores)
    groups = np.array([talk["writer"] for talk in talks])
    rows = []
    for train_rows, test_rows in GroupKFold(n_folds).split(talks, groups=groups):
        inside = set(groups[train_rows])
        weights = fit_course(examples, np.isin(examples.groups, list(inside)), np.isin(examples.stage_groups, list(inside)))
        known = [talks[row] for row in train_rows]
        limits = choose_sender_thresholds(known, [scores[row] for row in train_rows], record)
        course = CourseModel(weights, {**open_thresholds(), **message_thresholds, **limits})
        for row in test_rows:
            talk = talks[row]
            for report, truth in judge_senders(talk, scores[row], course):
                rows.append(
                    {
                        "talk": talk["id"],
                        "writer": talk["writer"],
                        "sender": report.name,
                        "is_pitcher": report.name == talk["pitcher"],
                        "has_pitcher": talk["pitcher"] is not None,
                        **{f"true_{label}": truth[k] for k, label in enumerate(HEADLINES)},
                        **{f"found_{label}": report.labels[label].flagged for label in HEADLINES},
                        "true_setup": talk["setup_index"],
                        "true_reveal": talk["reveal_index"],
                        "report": report,
                        "table": talk,
                    }
                )
    return pd.DataFrame(rows)


def conversation_figures(frame: pd.DataFrame) -> dict[str, Any]:
    """The published figures over the senders of :func:`judge_held_out`, each with a 95 % range over writers.

    Returns
    -------
    dict
        By figure: ``[value, low, high]``.
    """
    figures: dict[str, Callable[[pd.DataFrame], float]] = {
        **{f"f1 {label}": lambda rows, label=label: _f1(rows[f"true_{label}"], rows[f"found_{label}"]) for label in PATTERNS},  # type: ignore[misc]
        "pitcher named rightly": _named_rightly,
        "delayed pitchers warned of before the reveal": _warned_in_time,
        "median messages from set-up to warning": _median_delay,
        "latency-weighted F1": _latency_f1,
        "set-up found within 3 messages": _setup_found,
        "false alarms per 100 ordinary conversations": _false_alarms,
        "ordinary_pitch per 100 ordinary conversations": _ordinary_pitch,
        "refusal found": _refusal_found,
    }
    return {name: [figure(frame), *_interval(figure, frame)] for name, figure in figures.items()}


def _f1(truth: pd.Series, found: pd.Series) -> float:
    total = truth.sum() + found.sum()
    return float(2 * (truth * found).sum() / total) if total else float("nan")


def _pitchers(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["is_pitcher"]]


def _named_rightly(rows: pd.DataFrame) -> float:
    """Of the conversations with a pitcher: that sender, and no other, is the most suspicious and at least a pitch."""
    chosen = rows[rows["has_pitcher"]]
    right = []
    for _, part in chosen.groupby("talk"):
        strength = part["report"].map(_strength)
        best = part.loc[strength.idxmax()]
        right.append(bool(best["is_pitcher"]) and best["report"].verdict in ("flagged", "ordinary_pitch"))
    return float(np.mean(right)) if right else float("nan")


def _strength(report: SenderReport) -> float:
    return max(score.probability - score.threshold for score in report.labels.values())


def _delayed(rows: pd.DataFrame) -> pd.DataFrame:
    pitchers = _pitchers(rows)
    return pitchers[(pitchers["true_delayed_reveal"] == 1) & pitchers["true_setup"].notna()]


def _warned_in_time(rows: pd.DataFrame) -> float:
    """Of the delayed pitchers with a reveal: first flagged at or after the set-up and before the reveal."""
    chosen = _delayed(rows)
    chosen = chosen[chosen["true_reveal"].notna()]
    hits = [
        row.report.first_flagged_index is not None and row.true_setup <= row.report.first_flagged_index < row.true_reveal
        for row in chosen.itertuples()
    ]
    return float(np.mean(hits)) if hits else float("nan")


def _delays(rows: pd.DataFrame) -> list[float]:
    """The pitcher's own messages from the set-up to the warning, for those warned of at or after it."""
    delays = []
    for row in _delayed(rows).itertuples():
        warned = row.report.first_flagged_index
        if warned is not None and warned >= row.true_setup:
            own = [i for i, m in enumerate(row.table["messages"]) if m["sender"] == row.sender]
            delays.append(float(sum(row.true_setup < i <= warned for i in own)))
    return delays


def _median_delay(rows: pd.DataFrame) -> float:
    delays = _delays(rows)
    return float(np.median(delays)) if delays else float("nan")


def _latency_f1(rows: pd.DataFrame) -> float:
    """F1 of delayed reveal times the median of 1 - tanh(0.078 k / 2) over delays k (Sadeque et al. 2018, p = 0.078)."""
    delays = np.array(_delays(rows))
    speed = 1.0 - np.tanh(0.078 * delays / 2) if len(delays) else np.array([0.0])
    return _f1(rows["true_delayed_reveal"], rows["found_delayed_reveal"]) * float(np.median(speed))


def _setup_found(rows: pd.DataFrame) -> float:
    hits = []
    for row in _delayed(rows).itertuples():
        found = row.report.setup_index
        hits.append(found is not None and abs(found - row.true_setup) <= 3)
    return float(np.mean(hits)) if hits else float("nan")


def _false_alarms(rows: pd.DataFrame) -> float:
    return _per_100(rows, "flagged")


def _ordinary_pitch(rows: pd.DataFrame) -> float:
    return _per_100(rows, "ordinary_pitch")


def _per_100(rows: pd.DataFrame, verdict: str) -> float:
    chosen = rows[~rows["has_pitcher"]]
    if chosen.empty:
        return float("nan")
    return float(100 * chosen["report"].map(lambda report: report.verdict == verdict).groupby(chosen["talk"]).any().mean())


def _refusal_found(rows: pd.DataFrame) -> float:
    chosen = [row for row in _pitchers(rows).itertuples() if row.table["refused_index"] is not None]
    hits = [row.report.refused_index is not None and abs(row.report.refused_index - row.table["refused_index"]) <= 2 for row in chosen]
    return float(np.mean(hits)) if hits else float("nan")


def _interval(figure: Callable[[pd.DataFrame], float], frame: pd.DataFrame) -> list[float]:
    draws = np.random.default_rng(0)
    parts = [part for _, part in frame.groupby("writer")]
    samples = []
    for _ in range(_DRAWS // 5):
        chosen = draws.integers(0, len(parts), len(parts))
        resampled = [parts[k].assign(talk=parts[k]["talk"] + f"#{n}") for n, k in enumerate(chosen)]
        samples.append(figure(pd.concat(resampled)))
    values = [value for value in samples if value == value]
    return [float(np.quantile(values, q)) for q in (0.025, 0.975)] if values else [float("nan")] * 2

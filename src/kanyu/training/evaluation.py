"""Measure a model: precision, recall, F1, average precision, calibration, slices, false alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.metrics import average_precision_score, brier_score_loss, precision_recall_fscore_support

from kanyu.detector import Detector
from kanyu.labels import HEADLINES, PATTERNS

__all__ = [
    "evaluate",
    "evidence_token_f1",
    "expected_calibration_error",
    "false_alarms",
    "label_figures",
    "load_real",
    "pair_accuracy",
    "pattern_recall",
    "reliability",
    "slices",
]

Floats = NDArray[np.float64]

_DRAWS: Final = 500
_LONG: Final = 400  # characters above which a text is scored in windows


def evaluate(
    detector: Detector, frame: pd.DataFrame, ordinary: Sequence[Sequence[Mapping[str, Any]]] | None = None
) -> dict[str, Any]:
    """Measure a detector on labelled messages and ordinary chats.

    Parameters
    ----------
    detector : Detector
    frame : DataFrame
        Labelled rows as :func:`kanyu.training.corpus.load_labelled` gives them.
    ordinary : sequence of chats, optional
        Chats in which nobody pitches.

    Returns
    -------
    dict
        ``labels``: figures by label; ``ordinary``: false alarms per 1,000 messages.
    """
    names = detector.model.labels
    scores, _ = detector.log_odds(frame["text"].tolist(), names)
    labels = {}
    for column, name in enumerate(names):
        known = frame[name].notna().to_numpy()
        if known.any() and frame.loc[known, name].sum() > 0:
            labels[name] = label_figures(
                frame.loc[known, name].to_numpy(dtype=float),
                _probabilities(scores[known, column]),
                detector.thresholds[name],
                frame.loc[known, "group"].astype(str).to_numpy(),
            )
    result: dict[str, Any] = {"labels": labels}
    if ordinary is not None:
        result["ordinary"] = false_alarms(detector, ordinary)
    return result


def label_figures(truth: Floats, probabilities: Floats, threshold: float, groups: NDArray[Any]) -> dict[str, Any]:
    """Figures of one label, with bootstrap intervals over whole groups.

    Parameters
    ----------
    truth : ndarray of 0 and 1, shape (n,)
    probabilities : ndarray of float64, shape (n,)
    threshold : float
    groups : ndarray of str, shape (n,)
        Draws of the bootstrap take whole groups (single rows where there is one group only).

    Returns
    -------
    dict
        ``n, positives, precision, recall, f1, average_precision``, ``interval`` with 95 % ranges of F1 and average
        precision, ``brier`` and ``ece``.
    """
    flagged = probabilities >= threshold
    precision, recall, f1, _ = precision_recall_fscore_support(truth, flagged, average="binary", zero_division=0.0)
    error, low, high = expected_calibration_error(truth, probabilities)
    return {
        "n": len(truth),
        "positives": int(truth.sum()),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "average_precision": float(average_precision_score(truth, probabilities)),
        "interval": {
            "f1": _interval(lambda rows: _f1(truth[rows], flagged[rows]), groups),
            "average_precision": _interval(lambda rows: _ap(truth[rows], probabilities[rows]), groups),
        },
        "brier": float(brier_score_loss(truth, probabilities)),
        "ece": error,
        "ece_interval": [low, high],
    }


def expected_calibration_error(truth: Floats, probabilities: Floats, n_bins: int = 10) -> tuple[float, float, float]:
    """Expected calibration error over bins of equal mass (Nixon et al. 2019), with a 95 % bootstrap range.

    Returns
    -------
    tuple of float
        The error, and the lower and upper end of its range.
    """
    value = _ece(truth, probabilities, n_bins)
    draws = np.random.default_rng(0)
    samples = []
    for _ in range(_DRAWS // 2):
        rows = draws.integers(0, len(truth), len(truth))
        samples.append(_ece(truth[rows], probabilities[rows], n_bins))
    low, high = np.quantile(samples, [0.025, 0.975])
    return value, float(low), float(high)


def false_alarms(detector: Detector, chats: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """False alarms of a detector on chats in which nobody pitches.

    Returns
    -------
    dict
        ``messages``; ``per_1000`` by headline label; ``upper_95`` (Clopper-Pearson, one-sided); ``counts``.
    """
    texts = [message["text"] for chat in chats for message in chat if message["text"].strip()]
    scores, _ = detector.log_odds(texts)
    counts = {
        name: int((_probabilities(scores[:, k]) >= detector.thresholds[name]).sum()) for k, name in enumerate(HEADLINES)
    }
    n = len(texts)
    return {
        "messages": n,
        "counts": counts,
        "per_1000": {name: 1000 * count / n for name, count in counts.items()},
        "upper_95": {name: 1000 * float(beta.ppf(0.95, count + 1, n - count)) for name, count in counts.items()},
    }


def slices(detector: Detector, frame: pd.DataFrame, stock_words: Sequence[str]) -> pd.DataFrame:
    """Recall and precision of each headline label by slice.

    Returns
    -------
    DataFrame
        One row per slice and label: ``slice, label, n, positives, precision, recall``.
    """
    scores, _ = detector.log_odds(frame["text"].tolist())
    lengths = frame["text"].str.len()
    has_stock = frame["text"].map(lambda text: any(word in text for word in stock_words))
    masks: dict[str, Any] = {
        "all": lengths >= 0,
        "under 40 characters": lengths < 40,
        "40 to 150": (lengths >= 40) & (lengths <= 150),
        "over 150": lengths > 150,
        "long (windows)": lengths > _LONG,
        "600 and more": lengths >= 600,
        "with stock words": has_stock,
        "without stock words": ~has_stock,
    }
    for column, prefix in (("channel", "channel"), ("group", "brief")):
        if column in frame:
            for value in sorted(frame[column].dropna().unique()):
                masks[f"{prefix} {value}"] = frame[column] == value
    for column, title in (("hard", "hard non-pitches"), ("disguise", "natural disguise")):
        if column in frame:
            masks[title] = frame[column].fillna(False).astype(bool)
    if "pair" in frame:
        masks["pairs"] = frame["pair"].notna()
    rows = []
    for title, mask in masks.items():
        chosen = mask.to_numpy()
        for k, name in enumerate(HEADLINES):
            truth = frame.loc[chosen, name].to_numpy(dtype=float)
            flagged = _probabilities(scores[chosen, k]) >= detector.thresholds[name]
            hits = float((truth * flagged).sum())
            rows.append(
                {
                    "slice": title,
                    "label": name,
                    "n": len(truth),
                    "positives": int(truth.sum()),
                    "false_alarms": int(flagged.sum() - hits),
                    "precision": hits / flagged.sum() if flagged.sum() else np.nan,
                    "recall": hits / truth.sum() if truth.sum() else np.nan,
                }
            )
    return pd.DataFrame(rows)


def pattern_recall(detector: Detector, frame: pd.DataFrame) -> float:
    """Share of the pattern messages whose verdict is ``flagged``."""
    rows = frame[frame[list(PATTERNS)].max(axis=1) == 1]
    scores, _ = detector.log_odds(rows["text"].tolist(), PATTERNS)
    limits = np.array([detector.thresholds[name] for name in PATTERNS])
    return float((_probabilities(scores) >= limits).any(axis=1).mean())


def reliability(detector: Detector, frame: pd.DataFrame, n_bins: int = 10) -> dict[str, list[list[float]]]:
    """Mean probability and share of positives in bins of equal mass, by headline label."""
    scores, _ = detector.log_odds(frame["text"].tolist())
    result = {}
    for k, name in enumerate(HEADLINES):
        probabilities, truth = _probabilities(scores[:, k]), frame[name].to_numpy(dtype=float)
        bins = np.array_split(np.argsort(probabilities, kind="stable"), n_bins)
        result[name] = [[float(probabilities[rows].mean()), float(truth[rows].mean())] for rows in bins]
    return result


def pair_accuracy(detector: Detector, frame: pd.DataFrame) -> tuple[float, int]:
    """Share of contrast pairs with every headline label right on both sides, and how many pairs there are."""
    rows = frame[frame["pair"].notna()]
    scores, _ = detector.log_odds(rows["text"].tolist())
    limits = np.array([detector.thresholds[name] for name in HEADLINES])
    right = ((_probabilities(scores) >= limits) == (rows[list(HEADLINES)].to_numpy() == 1)).all(axis=1)
    by_pair = pd.Series(right, index=rows["pair"].to_numpy()).groupby(level=0).all()
    return float(by_pair.mean()), len(by_pair)


def evidence_token_f1(detector: Detector, rationales: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Evidence against the spans that made a reader decide.

    Parameters
    ----------
    rationales : sequence of mapping
        ``text`` and ``spans``: a list of ``[start, end]`` of the original text.

    Returns
    -------
    dict
        ``token_f1`` of the evidence (characters as tokens, mean over texts), ``whole_message`` for marking everything,
        ``lead``, and ``coverage``: the mean share of characters that is marked.
    """
    ours, whole, shares = [], [], []
    for row in rationales:
        text = row["text"]
        truth = np.zeros(len(text), bool)
        for start, end in row["spans"]:
            truth[start:end] = True
        marked = np.zeros(len(text), bool)
        for item in detector.check(text).evidence:
            if item.label in HEADLINES:
                marked[item.start : item.end] = True
        ours.append(_f1(truth.astype(float), marked))
        whole.append(_f1(truth.astype(float), np.ones(len(text), bool)))
        shares.append(marked.mean())
    return {
        "token_f1": float(np.mean(ours)),
        "whole_message": float(np.mean(whole)),
        "lead": float(np.mean(ours) - np.mean(whole)),
        "coverage": float(np.mean(shares)),
        "n": len(ours),
    }


def load_real(path: Path, most_of_a_group: int = 3) -> pd.DataFrame:
    """The public excerpts that are for measuring: unambiguous ones, at most some of a source."""
    frame = pd.read_json(path, lines=True)
    return frame[~frame["ambiguous"]].groupby("group").head(most_of_a_group).reset_index(drop=True)


def _probabilities(log_odds: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -700, 700)))


def _ece(truth: Floats, probabilities: Floats, n_bins: int) -> float:
    order = np.argsort(probabilities, kind="stable")
    bins = np.array_split(order, n_bins)
    return float(
        sum(abs(truth[rows].mean() - probabilities[rows].mean()) * len(rows) for rows in bins if len(rows)) / len(truth)
    )


def _f1(truth: Floats, flagged: NDArray[np.bool_]) -> float:
    total = truth.sum() + flagged.sum()
    return float(2 * (truth * flagged).sum() / total) if total else 1.0


def _ap(truth: Floats, probabilities: Floats) -> float:
    return float(average_precision_score(truth, probabilities)) if truth.sum() else float("nan")


def _interval(figure: Callable[[NDArray[np.int64]], float], groups: NDArray[Any]) -> list[float]:
    """A 95 % percentile bootstrap range over whole groups."""
    draws = np.random.default_rng(0)
    distinct = np.unique(groups)
    if len(distinct) > 1:
        members = [np.flatnonzero(groups == group) for group in distinct]
    else:
        members = [np.array([row]) for row in range(len(groups))]
    samples = []
    for _ in range(_DRAWS):
        chosen = draws.integers(0, len(members), len(members))
        samples.append(figure(np.concatenate([members[index] for index in chosen])))
    low, high = np.nanquantile(samples, [0.025, 0.975])
    return [float(low), float(high)]

"""Rivals on the same split, a learning curve, and what each kind of term brings."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve
from sklearn.model_selection import GroupKFold
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from kanyu.canonical import canonicalize
from kanyu.features import TermMaker
from kanyu.labels import HEADLINES, PATTERNS
from kanyu.training.corpus import load_conversations, load_messages
from kanyu.training.pipeline import TrainingOptions, count_terms, cross_validate, fit_labels, highest_window
from kanyu.training.train import training_frame

__all__ = ["ablation", "learning_curve", "rivals", "stock_word_scores"]

Floats = NDArray[np.float64]


def stock_word_scores(texts: Sequence[str], stock_words: Sequence[str]) -> Floats:
    """How many stock words each text holds, shape (n_texts,)."""
    return np.array([sum(word in text for word in stock_words) for text in texts], dtype=float)


class _Words:
    """Sudachi words as an analyzer."""

    def __init__(self) -> None:
        self._maker = TermMaker()

    def __call__(self, text: str) -> list[str]:
        return self._maker.word_terms(canonicalize(text).text).names


def rivals(train: pd.DataFrame, test: pd.DataFrame, stock_words: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """Measure rivals: trained on `train`, thresholds by F1 on a fifth of its groups, measured on `test`.

    Returns
    -------
    DataFrame
        ``rival, label, f1, average_precision``.
    """
    words = _Words()
    made = {id(part): [words(text) for text in part["text"]] for part in (train, test)}
    plain = {id(part): part["text"].tolist() for part in (train, test)}
    by_words: dict[str, Any] = {"analyzer": list, "sublinear_tf": True, "min_df": 2}
    by_characters: dict[str, Any] = {"analyzer": "char", "ngram_range": (1, 3), "sublinear_tf": True, "min_df": 2}
    makers: Final[dict[str, tuple[Any, dict[int, list[Any]], dict[str, Any]]]] = {
        "naive Bayes (Sudachi words)": (ComplementNB(), made, by_words),
        "linear SVM (Sudachi words)": (LinearSVC(C=0.5, random_state=seed), made, by_words),
        "the same without Sudachi (characters 1-3)": (
            LogisticRegression(C=10, solver="liblinear", dual=True, random_state=seed, max_iter=5000),
            plain,
            by_characters,
        ),
    }
    groups = train["group"].to_numpy()
    inner, held = next(GroupKFold(5).split(train, groups=groups))
    rows = []
    for label in HEADLINES:
        truth = test[label].to_numpy()
        share = train[label].mean()
        majority = np.full(len(test), float(share >= 0.5))
        rows.append(_row("majority class", label, truth, majority, majority > 0.5))
        scores = stock_word_scores(test["text"].tolist(), stock_words)
        known = stock_word_scores(train["text"].tolist(), stock_words)
        rows.append(_row("stock-word list", label, truth, scores, scores >= _threshold(train[label].to_numpy(), known)))
        for name, (classifier, texts, options) in makers.items():
            model = make_pipeline(TfidfVectorizer(**options), classifier)
            known_texts = texts[id(train)]
            model.fit([known_texts[row] for row in inner], train[label].iloc[inner])
            held_scores = _decide(model, [known_texts[row] for row in held])
            limit = _threshold(train[label].iloc[held].to_numpy(), held_scores)
            scores = _decide(model, texts[id(test)])
            rows.append(_row(name, label, truth, scores, scores >= limit))
    return pd.DataFrame(rows)


def _decide(model: Pipeline, texts: Sequence[Any]) -> Floats:
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(texts), dtype=np.float64)
    probabilities = np.asarray(model.predict_proba(texts))[:, 1]
    odds: Floats = np.clip(probabilities, 1e-12, None) / np.clip(1 - probabilities, 1e-12, None)
    return np.log(odds)


def _threshold(truth: Floats, scores: Floats) -> float:
    precision, recall, limits = precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(limits[min(int(np.argmax(f1)), len(limits) - 1)])


def _row(name: str, label: str, truth: Floats, scores: Floats, flagged: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "rival": name,
        "label": label,
        "f1": float(f1_score(truth, flagged, zero_division=0.0)),
        "average_precision": float(average_precision_score(truth, scores)),
    }


def _held_out_ap(frame: pd.DataFrame, is_message: NDArray[np.bool_], options: TrainingOptions) -> dict[str, float]:
    """Average precision of the headline labels, whole groups left out."""
    counts = count_terms(frame["text"].tolist(), options.features)
    targets = frame[list(HEADLINES)].to_numpy(dtype=float)
    weights = np.where(is_message, 1.0, options.conversation_weight)
    scores = cross_validate(counts, targets, weights, frame["group"].to_numpy(), options)
    return {
        label: float(average_precision_score(targets[is_message, k], scores[is_message, k]))
        for k, label in enumerate(HEADLINES)
    }


def ablation(
    frame: pd.DataFrame, is_message: NDArray[np.bool_], options: TrainingOptions | None = None
) -> pd.DataFrame:
    """What each kind of term brings: out-of-fold average precision without it (or with it, where it is off).

    Returns
    -------
    DataFrame
        ``variant``, one column per headline label, ``patterns`` (mean of the three).
    """
    base = options or TrainingOptions()
    features = base.features
    variants = {
        "shipped": features,
        "without concepts": replace(features, concepts=False),
        "without synonym groups": replace(features, synonyms=False),
        "without amounts": replace(features, amounts=False),
        "names as themselves": replace(features, names=False),
        "with the length class": replace(features, length=True),
        "single characters only": replace(features, char_max=1),
        "characters 2-4": replace(features, char_min=2, char_max=4),
        "with skip-grams": replace(features, skip=3),
        "split mode A": replace(features, mode="A"),
    }
    rows = []
    for name, chosen in variants.items():
        figures = _held_out_ap(frame, is_message, replace(base, features=chosen))
        rows.append({"variant": name, **figures, "patterns": float(np.mean([figures[label] for label in PATTERNS]))})
    return pd.DataFrame(rows)


def learning_curve(
    frame: pd.DataFrame, is_message: NDArray[np.bool_], options: TrainingOptions | None = None
) -> pd.DataFrame:
    """Mean average precision of the patterns on writers left out, by the share of the other writers that is trained on.

    Returns
    -------
    DataFrame
        ``share, messages, patterns``.
    """
    base = options or TrainingOptions()
    counts = count_terms(frame["text"].tolist(), base.features)
    targets = frame[list(HEADLINES)].to_numpy(dtype=float)
    weights = np.where(is_message, 1.0, base.conversation_weight)
    groups = frame["group"].to_numpy()
    draws = np.random.default_rng(0)
    rows = []
    for share in (0.125, 0.25, 0.5, 1.0):
        scores = np.zeros_like(targets)
        sizes = []
        for train, test in GroupKFold(5).split(targets, groups=groups):
            distinct = draws.permutation(np.unique(groups[train]))
            kept = distinct[: max(2, round(share * len(distinct)))]
            part = train[np.isin(groups[train], kept)]
            sizes.append(int(is_message[part].sum()))
            fitted = fit_labels(counts, targets, weights, base, part)
            scores[test] = highest_window(fitted.decide(counts), counts.row, len(targets))[test]
        figures = [average_precision_score(targets[is_message, k], scores[is_message, k]) for k in range(1, 4)]
        rows.append({"share": share, "messages": int(np.mean(sizes)), "patterns": float(np.mean(figures))})
    return pd.DataFrame(rows)


def main(arguments: Sequence[str]) -> int:
    """Run the ablation over a data folder and write it as JSON beside the model."""
    data, target = map(Path, arguments or ("data", "models/ablation.json"))
    frame, is_message = training_frame(load_messages(data), load_conversations(data))
    table = ablation(frame, is_message)
    target.write_text(table.to_json(orient="records", indent=1) + "\n", "utf-8")
    print(table.to_string())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

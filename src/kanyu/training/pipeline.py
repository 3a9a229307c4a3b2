"""From labelled messages to a model: TF-IDF, logistic regression, calibration, thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from joblib import Memory, Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from kanyu.canonical import canonicalize
from kanyu.features import FeatureOptions, TermMaker, windows

__all__ = ["Counts", "FittedLabels", "TrainingOptions", "count_terms", "cross_validate", "fit_labels"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[str], None]

FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How a model is trained.

    Attributes
    ----------
    features : FeatureOptions
        Which terms are made.
    C : float
        Inverse strength of regularisation, in (0, inf).
    min_df : int
        A term must occur in this many windows of the training rows.
    max_terms : int
        Where more terms than this are left, `min_df` rises until they are not: the model file stays small.
    conversation_weight : float
        Weight of a message that comes from a conversation.
    n_jobs : int
        Parallel jobs of joblib.
    """

    features: FeatureOptions = field(default_factory=FeatureOptions)
    C: float = 10.0
    min_df: int = 2
    max_terms: int = 80_000
    conversation_weight: float = 0.3
    n_jobs: int = 2


class Counts(NamedTuple):
    """Term counts of every window.

    Attributes
    ----------
    blocks : tuple of csr_matrix, each of shape (n_windows, n_terms of the block)
        Counts, one matrix per block of :data:`kanyu.features.BLOCKS`.
    vocabulary : tuple of ndarray of str
        The terms of each block.
    row : ndarray of int64, shape (n_windows,)
        The text that a window belongs to.
    """

    blocks: tuple[sparse.csr_matrix, ...]
    vocabulary: tuple[NDArray[Any], ...]
    row: Ints


@dataclass(frozen=True)
class FittedLabels:
    """The linear part of a model.

    Attributes
    ----------
    kept : tuple of ndarray of int64
        The terms of each block that are used, as positions in the vocabulary of the counts.
    idf : tuple of ndarray of float64
        Their inverse document frequencies.
    weights : ndarray of float64, shape (n_terms, n_labels)
    intercepts : ndarray of float64, shape (n_labels,)
    """

    kept: tuple[Ints, ...]
    idf: tuple[Floats, ...]
    weights: Floats
    intercepts: Floats

    def decide(self, counts: Counts) -> Floats:
        """Decision values of every window, shape (n_windows, n_labels)."""
        return np.asarray(_tfidf(counts, self.kept, self.idf) @ self.weights) + self.intercepts


def count_terms(texts: Sequence[str], options: FeatureOptions, memory: Memory | None = None) -> Counts:
    """Cut texts into windows and count their terms.

    Parameters
    ----------
    texts : sequence of str
        Original texts.
    options : FeatureOptions
    memory : joblib.Memory, optional
        Where tokenised text is cached between runs.
    """
    rows: list[int] = []
    pieces: list[str] = []
    for row, text in enumerate(texts):
        canonical = canonicalize(text).text
        for start, end in windows(canonical):
            rows.append(row)
            pieces.append(canonical[start:end])
    make = memory.cache(_make_terms) if memory else _make_terms
    terms = make(pieces, options)
    blocks, vocabulary = [], []
    for block in range(2):
        vectorizer = CountVectorizer(analyzer=_Picker(block), dtype=np.float64)
        blocks.append(sparse.csr_matrix(vectorizer.fit_transform(terms)))
        vocabulary.append(vectorizer.get_feature_names_out())
    return Counts(tuple(blocks), tuple(vocabulary), np.array(rows, dtype=np.int64))


class _Picker:
    """An analyzer that takes terms which are already made."""

    def __init__(self, block: int) -> None:
        self.block = block

    def __call__(self, terms: tuple[list[str], list[str]]) -> list[str]:
        return terms[self.block]


def _make_terms(pieces: list[str], options: FeatureOptions) -> list[tuple[list[str], list[str]]]:
    maker = TermMaker(options)
    return [(maker.word_terms(piece).names, maker.char_terms(piece).names) for piece in pieces]


def _tfidf(counts: Counts, kept: Sequence[Ints], idf: Sequence[Floats]) -> sparse.csr_matrix:
    parts = []
    for block, columns, weights in zip(counts.blocks, kept, idf, strict=True):
        part = block[:, columns].copy()
        part.data = 1.0 + np.log(part.data)
        part = sparse.csr_matrix(part @ sparse.diags(weights))
        norms = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
        norms[norms == 0] = 1.0
        parts.append(sparse.diags(1.0 / norms) @ part)
    return sparse.csr_matrix(sparse.hstack(parts, format="csr"))


def fit_labels(counts: Counts, targets: Floats, weights: Floats, options: TrainingOptions, rows: Ints) -> FittedLabels:
    """Fit TF-IDF and one logistic regression per label.

    Parameters
    ----------
    counts : Counts
    targets : ndarray of float64, shape (n_texts, n_labels)
        1, 0 or NaN (not labelled).
    weights : ndarray of float64, shape (n_texts,)
        Weight of each text.
    rows : ndarray of int64
        The texts to train on.

    Notes
    -----
    Of a long text that is positive, it is not known which window is. A first fit leaves such texts
    out; of each, the window that it scores highest is then the positive one, and its other windows are left out.
    """
    chosen = np.isin(counts.row, rows)
    n_windows = int(chosen.sum())
    frequencies = [np.asarray((block[chosen] > 0).sum(axis=0)).ravel() for block in counts.blocks]
    least = options.min_df
    while sum(int((frequency >= least).sum()) for frequency in frequencies) > options.max_terms:
        least += 1
    kept = [np.flatnonzero(frequency >= least) for frequency in frequencies]
    idf = [
        np.log((1 + n_windows) / (1 + frequency[columns])) + 1.0
        for frequency, columns in zip(frequencies, kept, strict=True)
    ]
    x = _tfidf(counts, kept, idf)
    windows_of = np.bincount(counts.row, minlength=len(targets))
    is_long = (windows_of > 1)[counts.row]
    label_weights = weights[counts.row] / np.sqrt(windows_of[counts.row])
    # processes, not threads: liblinear draws from one random generator per process
    fits = Parallel(n_jobs=options.n_jobs, backend="loky")(
        delayed(_fit_label)(x, targets[counts.row, label], chosen, is_long, counts.row, label_weights, options.C)
        for label in range(targets.shape[1])
    )
    return FittedLabels(
        tuple(kept), tuple(idf), np.column_stack([fit[0] for fit in fits]), np.array([fit[1] for fit in fits])
    )


def _fit_label(
    x: sparse.csr_matrix,
    target: Floats,
    chosen: NDArray[np.bool_],
    is_long: NDArray[np.bool_],
    row: Ints,
    weights: Floats,
    C: float,
) -> tuple[Floats, float]:
    known = chosen & ~np.isnan(target)
    uncertain = known & is_long & (target == 1)
    first = np.flatnonzero(known & ~uncertain)
    classifier = _regression(C).fit(x[first], target[first], sample_weight=weights[first])
    if uncertain.any():
        places = np.flatnonzero(uncertain)
        scores = pd.Series(classifier.decision_function(x[places]), index=places)
        best = scores.groupby(row[places]).idxmax().to_numpy()
        second = np.sort(np.concatenate([first, best]))
        classifier = _regression(C).fit(x[second], target[second], sample_weight=weights[second])
    return classifier.coef_[0], float(classifier.intercept_[0])


def _regression(C: float) -> LogisticRegression:
    return LogisticRegression(C=C, solver="liblinear", dual=True, max_iter=5000, random_state=0)


def highest_window(scores: Floats, row: Ints, n_texts: int) -> Floats:
    """Per text and label the highest window, shape (n_texts, n_labels)."""
    result = np.full((n_texts, scores.shape[1]), -np.inf)
    np.maximum.at(result, row, scores)
    return result


def cross_validate(
    counts: Counts,
    targets: Floats,
    weights: Floats,
    groups: NDArray[Any],
    options: TrainingOptions,
    n_folds: int = FOLDS,
) -> Floats:
    """Out-of-fold decision values, whole groups left out.

    Returns
    -------
    ndarray of float64, shape (n_texts, n_labels)
    """
    result = np.zeros_like(targets)
    for train, test in GroupKFold(n_folds).split(targets, groups=groups):
        fitted = fit_labels(counts, targets, weights, options, train)
        scores = highest_window(fitted.decide(counts), counts.row, len(targets))
        result[test] = scores[test]
    return result

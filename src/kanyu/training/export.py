"""The model as a scikit-learn pipeline, for those who want it and for the parity test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from kanyu.features import BLOCKS, FeatureOptions, TermMaker
from kanyu.model import Model

__all__ = ["WindowAnalyzer", "save_pipeline", "to_pipeline"]


class WindowAnalyzer:
    """The term maker as an ``analyzer`` of scikit-learn; pickles.

    Parameters
    ----------
    options : FeatureOptions
    block : {"word", "char"}
    """

    def __init__(self, options: FeatureOptions, block: str) -> None:
        self.options = options
        self.block = block
        self._maker = TermMaker(options)

    def __call__(self, window: str) -> list[str]:
        """Terms of one window of canonical text."""
        terms = self._maker.word_terms(window) if self.block == "word" else self._maker.char_terms(window)
        return terms.names


def to_pipeline(model: Model) -> Pipeline:
    """The model as TF-IDF and one-vs-rest logistic regression of scikit-learn.

    Parameters
    ----------
    model : Model

    Returns
    -------
    Pipeline
        Takes windows of canonical text (:func:`kanyu.features.windows`); ``decision_function`` gives
        uncalibrated log-odds of shape (n_windows, n_labels), in the order of ``model.labels``.
    """
    vectorizers = []
    base = 0
    for name, terms in zip(BLOCKS, model.vocabulary, strict=True):
        vectorizer = TfidfVectorizer(
            analyzer=WindowAnalyzer(model.options, name), vocabulary=list(terms), sublinear_tf=True, lowercase=False
        )
        vectorizer.idf_ = model.idf[base : base + len(terms)].astype(np.float64)
        vectorizers.append((name, vectorizer))
        base += len(terms)
    classifier = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
    classifier.estimators_ = [_fitted(model, column) for column in range(len(model.labels))]
    classifier.label_binarizer_ = MultiLabelBinarizer(classes=list(model.labels), sparse_output=True).fit([])
    return Pipeline([("terms", FeatureUnion(vectorizers)), ("labels", classifier)])


def _fitted(model: Model, column: int) -> LogisticRegression:
    regression = LogisticRegression(solver="liblinear")
    regression.classes_ = np.array([0, 1])
    regression.coef_ = model.weights[:, column].astype(np.float64)[None]
    regression.intercept_ = model.intercepts[column : column + 1]
    regression.n_features_in_ = len(model.weights)
    return regression


def save_pipeline(model: Model, path: Path) -> None:
    """Write the pipeline with joblib. kanyu itself never loads such a file."""
    import joblib

    joblib.dump(to_pipeline(model), path)

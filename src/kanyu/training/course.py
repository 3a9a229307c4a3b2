"""Train the model of a conversation's course on out-of-fold message scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from kanyu.course import COLUMN, STAGES, course_features, stage_features
from kanyu.labels import HEADLINES

__all__ = ["CourseExamples", "course_examples", "fit_course", "linear_weights"]

Floats = NDArray[np.float64]

_PREFIX_WEIGHT: Final = 0.5  # all prefixes of one sender together, against 1 for the whole course


@dataclass(frozen=True)
class CourseExamples:
    """Training examples of the course model.

    Attributes
    ----------
    features, targets, weights : ndarray
        Of courses and prefixes of courses: shapes (n, n_features), (n, 4), (n,).
    groups : ndarray of str, shape (n,)
    stage_features, stage_targets : ndarray
        Of pitchers' messages: shapes (m, n_stage_features), (m, 2); NaN where a stage cannot be told.
    stage_groups : ndarray of str, shape (m,)
    """

    features: Floats
    targets: Floats
    weights: Floats
    groups: NDArray[Any]
    stage_features: Floats
    stage_targets: Floats
    stage_groups: NDArray[Any]


def course_examples(conversations: Sequence[dict[str, Any]], scores: Sequence[Floats]) -> CourseExamples:
    """Make examples from labelled conversations.

    Parameters
    ----------
    conversations : sequence of dict
        Rows of ``data/conversations``.
    scores : sequence of ndarray of float64, each of shape (n_messages, n_labels)
        Log-odds of every message by :data:`kanyu.course.COURSE_LABELS`; NaN rows without a text.
    """
    features: list[Floats] = []
    targets: list[list[float]] = []
    weights: list[float] = []
    groups: list[str] = []
    stages: list[Floats] = []
    stage_targets: list[list[float]] = []
    stage_groups: list[str] = []
    for talk, table in zip(conversations, scores, strict=True):
        messages = talk["messages"]
        for name in dict.fromkeys(message["sender"] for message in messages):
            if name == talk["me"]:
                continue
            own = [i for i, m in enumerate(messages) if m["sender"] == name and not np.isnan(table[i, 0])]
            if not own:
                continue
            replies = [i for i, m in enumerate(messages) if m["sender"] == talk["me"] and not np.isnan(table[i, 0])]
            reached = np.maximum.accumulate([[float(messages[i][label]) for label in HEADLINES] for i in own], axis=0)
            if name == talk["pitcher"] and talk["setup_index"] is not None:
                reached[:, 1] = [float(i >= talk["setup_index"]) for i in own]
                reached[:, 0] = np.maximum(reached[:, 0], reached[:, 1])
            for position, index in enumerate(own):
                is_last = position == len(own) - 1
                refusals = table[[i for i in replies if i < index], COLUMN["refusal"]]
                features.append(course_features(table[own[: position + 1]], refusals))
                targets.append(list(reached[position]))
                weights.append(1.0 if is_last else _PREFIX_WEIGHT / max(len(own) - 1, 1))
                groups.append(talk["writer"])
            if name == talk["pitcher"]:
                stages.append(stage_features(table[own]))
                setup, reveal = talk["setup_index"], talk["reveal_index"]
                for index in own:
                    stage_targets.append(
                        [
                            float(
                                setup is not None
                                and index >= setup
                                and (reveal is None or index < reveal)
                                and bool(messages[index]["pitch"])
                            ),
                            float(reveal is not None and index >= reveal and bool(messages[index]["pitch"])),
                        ]
                    )
                    stage_groups.append(talk["writer"])
    return CourseExamples(
        np.array(features),
        np.array(targets),
        np.array(weights),
        np.array(groups),
        np.vstack(stages),
        np.array(stage_targets),
        np.array(stage_groups),
    )


def fit_course(
    examples: CourseExamples, rows: NDArray[np.bool_], stage_rows: NDArray[np.bool_]
) -> dict[str, tuple[float, ...]]:
    """Fit one logistic regression per headline label and stage.

    Returns
    -------
    dict of str to tuple of float
        Intercept and weights over the raw features, by label or stage.
    """
    weights = {}
    for column, label in enumerate(HEADLINES):
        model = _regression()
        model.fit(
            examples.features[rows],
            examples.targets[rows, column],
            logisticregression__sample_weight=examples.weights[rows],
        )
        weights[label] = linear_weights(model)
    for column, stage in enumerate(STAGES):
        model = _regression()
        model.fit(examples.stage_features[stage_rows], examples.stage_targets[stage_rows, column])
        weights[stage] = linear_weights(model)
    return weights


def _regression() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000))


def linear_weights(model: Pipeline) -> tuple[float, ...]:
    """Fold the scaling into the weights: intercept first, rounded to float32."""
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    intercept = regression.intercept_[0] - float(weights @ scaler.mean_)
    return tuple(float(np.float32(value)) for value in (intercept, *weights))

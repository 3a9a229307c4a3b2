"""The model of a sender's course: features over message scores, and linear models over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kanyu.labels import DISCLOSURES, HEADLINES

__all__ = ["COURSE_LABELS", "STAGES", "CourseModel", "course_features", "stage_features", "stage_features_in_blocks"]

Floats = NDArray[np.float64]

COURSE_LABELS: Final = (*HEADLINES, *(f"discloses_{name}" for name in DISCLOSURES), "refusal", "recruit_duty")
"""The labels of which every message of a conversation is scored, in the order of the score columns."""

STAGES: Final = ("setup", "reveal")
COLUMN: Final = {name: index for index, name in enumerate(COURSE_LABELS)}
UNTRAINED: Final = -5.0  # log-odds that stand for a label which the model was not trained on
_CLIP: Final = 8.0  # log-odds beyond this say nothing more
COURSE_WINDOW: Final = 60  # messages of one sender that are judged together
_TOP: Final = 3
_BLOCK: Final = 32_768  # messages whose features are held at once


@dataclass(frozen=True, slots=True)
class CourseModel:
    """Linear models over the course of a sender's messages.

    Attributes
    ----------
    weights : mapping of str to tuple of float
        By headline label (over :func:`course_features`) and by stage (over
        :func:`stage_features`): the intercept, then one weight per feature.
    thresholds : mapping of str to float
        Probabilities by headline label, stage, disclosure, ``refusal`` and ``recruit_duty``.
    """

    weights: Mapping[str, tuple[float, ...]]
    thresholds: Mapping[str, float]

    def log_odds(self, name: str, features: Floats) -> Floats:
        """Log-odds of a label or stage, shape (n,), for features of shape (n, n_features)."""
        weights = np.asarray(self.weights[name])
        return np.asarray(features @ weights[1:] + weights[0])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the model file."""
        return {
            "weights": {name: list(values) for name, values in self.weights.items()},
            "thresholds": dict(self.thresholds),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> CourseModel:
        """The course model of a model file."""
        return cls(
            {name: tuple(map(float, values)) for name, values in facts["weights"].items()},
            {name: float(value) for name, value in facts["thresholds"].items()},
        )


def course_features(scores: Floats, replies: Floats) -> Floats:
    """Features of a sender's course so far.

    Parameters
    ----------
    scores : ndarray of float64, shape (n, n_labels)
        Log-odds of the sender's text messages so far, in order.
    replies : ndarray of float64, shape (m,)
        Log-odds of ``refusal`` of everybody else's text messages so far.

    Returns
    -------
    ndarray of float64, shape (n_features,)
        Per headline label the three highest log-odds, the highest of the other labels, how far the
        highest delayed reveal stands before the highest product, the strongest refusal, the length.
    """
    recent = np.clip(scores[-COURSE_WINDOW:], -_CLIP, _CLIP)
    n = len(recent)
    top = np.sort(recent[:, :4], axis=0)[::-1][:_TOP]
    if n < _TOP:
        top = np.vstack([top, np.full((_TOP - n, 4), -_CLIP)])
    others = recent[:, 4:].max(axis=0) if n else np.full(5, -_CLIP)
    hook = int(recent[:, 1].argmax()) if n else 0
    product = int(recent[:, COLUMN["discloses_product"]].argmax()) if n else 0
    order = float(np.sign(product - hook))
    refusal = float(np.clip(replies[-COURSE_WINDOW:].max(), -_CLIP, _CLIP)) if len(replies) else -_CLIP
    return np.concatenate([top.ravel(), others, [order, refusal, np.log1p(n)]])


def stage_features(scores: Floats) -> Floats:
    """Features of every message of a sender as a possible set-up or reveal.

    Parameters
    ----------
    scores : ndarray of float64, shape (n, n_labels)

    Returns
    -------
    ndarray of float64, shape (n, 2 * n_labels + 1)
        The message's own log-odds, the highest of each label before it, its position.
    """
    blocks = [features for _, features in stage_features_in_blocks(scores)]
    return np.concatenate(blocks) if blocks else np.zeros((0, 2 * scores.shape[1] + 1))


def stage_features_in_blocks(scores: Floats) -> Iterator[tuple[int, Floats]]:
    """The rows of :func:`stage_features` in blocks, each with the place of its first."""
    highest = np.full((1, scores.shape[1]), -_CLIP)
    for start in range(0, len(scores), _BLOCK):
        clipped = np.clip(scores[start : start + _BLOCK], -_CLIP, _CLIP)
        so_far = np.maximum.accumulate(np.vstack([highest, clipped]), axis=0)
        position = np.log1p(np.arange(start, start + len(clipped)))
        yield start, np.hstack([clipped, so_far[:-1], position[:, None]])
        highest = so_far[-1:]

"""Corrections that a user kept, beside the labelled data; and what they changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from kanyu.detector import Detector
from kanyu.labels import HEADLINES, MODEL_LABELS, PATTERNS
from kanyu.verdict import VerdictName

__all__ = ["COPIES", "Change", "Changes", "compare", "with_feedback"]

COPIES: Final = 5
"""How often a correction is repeated: the user's own messages count for more than one of thousands."""


def with_feedback(messages: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Labelled messages and corrections in one table.

    Parameters
    ----------
    messages : DataFrame
        As :func:`kanyu.training.corpus.load_labelled` gives them.
    rows : sequence of mapping
        As :meth:`kanyu.feedback.FeedbackStore.training_rows` gives them.

    Returns
    -------
    DataFrame
        The same columns. A message of the data that a correction names is left out, so that the
        correction decides. The copies of a correction are of one group and never divided by a fold.
    """
    texts = {row["text"] for row in rows}
    kept = messages[~messages["text"].isin(texts)]
    added = [
        {
            **dict.fromkeys(MODEL_LABELS, np.nan),
            **{name: np.nan if row[name] is None else float(row[name]) for name in HEADLINES},
            "id": f"{row['id']}-{copy}",
            "text": row["text"],
            "group": row["group"],
            "split": "train",
            "ambiguous": False,
        }
        for row in rows
        for copy in range(COPIES)
    ]
    return pd.concat([kept, pd.DataFrame(added)], ignore_index=True) if added else messages


@dataclass(frozen=True, slots=True)
class Change:
    """One correction under the old model and under the new one.

    Attributes
    ----------
    id : str
    old, new : str
        The verdicts.
    wanted : str
        The verdict that the correction asks for.
    """

    id: str
    old: VerdictName
    new: VerdictName
    wanted: VerdictName


@dataclass(frozen=True, slots=True)
class Changes:
    """What a training with corrections changed.

    Attributes
    ----------
    corrections : tuple of Change
    n_messages : int
        Messages of the data that both models judged.
    n_changed, n_newly_flagged, n_no_longer_flagged : int
        How many of their verdicts differ.
    """

    corrections: tuple[Change, ...]
    n_messages: int
    n_changed: int
    n_newly_flagged: int
    n_no_longer_flagged: int


def compare(old: Detector, new: Detector, messages: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> Changes:
    """Judge corrections and data with two models.

    Parameters
    ----------
    old, new : Detector
    messages : DataFrame
        Labelled messages, without the corrections.
    rows : sequence of mapping
        The corrections.
    """
    texts = [str(row["text"]) for row in rows]
    before, after = _verdicts(old, texts), _verdicts(new, texts)
    data = messages["text"].tolist()
    pairs = list(zip(_verdicts(old, data), _verdicts(new, data), strict=True))
    return Changes(
        tuple(Change(str(row["id"]), a, b, _wanted(row)) for row, a, b in zip(rows, before, after, strict=True)),
        len(pairs),
        sum(a != b for a, b in pairs),
        sum(a != "flagged" and b == "flagged" for a, b in pairs),
        sum(a == "flagged" and b != "flagged" for a, b in pairs),
    )


def _verdicts(detector: Detector, texts: Sequence[str]) -> list[VerdictName]:
    return [row[-1] for row in detector.score_texts(texts)]


def _wanted(row: Mapping[str, Any]) -> VerdictName:
    if any(row[name] == 1 for name in PATTERNS):
        return "flagged"
    return "ordinary_pitch" if row["pitch"] == 1 else "clear"

"""What a judgement of one message is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from kanyu.advice import Advice
from kanyu.labels import DISCLOSURES, HEADLINES, LABELS, PATTERNS, SIGNALS

__all__ = ["Evidence", "LabelScore", "ModelReference", "Verdict", "VerdictName", "decide", "join_flags", "probability"]

VerdictName = Literal["flagged", "ordinary_pitch", "undecided", "clear"]


def probability(log_odds: float) -> float:
    """The probability in [0, 1] of calibrated log-odds."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds if log_odds > -700.0 else -700.0)
    return odds / (1.0 + odds)


def decide(
    probabilities: Mapping[str, float],
    thresholds: Mapping[str, float],
    undecided_from: Mapping[str, float],
    is_readable: bool,
) -> VerdictName:
    """The verdict over the headline labels.

    Parameters
    ----------
    probabilities, thresholds, undecided_from : mapping of str to float
        By headline label.
    is_readable : bool
        Whether the text has at least two kana or kanji and a term that the model knows.
    """
    if any(probabilities[name] >= thresholds[name] for name in PATTERNS):
        return "flagged"
    if probabilities["pitch"] >= thresholds["pitch"]:
        return "ordinary_pitch"
    if not is_readable or any(probabilities[name] >= undecided_from[name] for name in HEADLINES):
        return "undecided"
    return "clear"


def join_flags(probabilities: Mapping[str, float], thresholds: Mapping[str, float]) -> str:
    """The headline labels that reach their thresholds, joined by ``;``."""
    return ";".join(name for name in HEADLINES if probabilities[name] >= thresholds[name])


class LabelScore(NamedTuple):
    """How sure kanyu is of one label.

    Attributes
    ----------
    probability : float
        Calibrated, in [0, 1].
    threshold : float
        The label is flagged when ``probability >= threshold``.
    log_odds, intercept, other : float
        Calibrated; ``intercept + contributions of the evidence + other = log_odds``. `other` is
        what the rest of the words adds, for and against.
    """

    probability: float
    threshold: float
    log_odds: float
    intercept: float
    other: float

    @property
    def flagged(self) -> bool:
        """Whether the probability reaches the threshold."""
        return self.probability >= self.threshold

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "probability": self.probability,
            "threshold": self.threshold,
            "flagged": self.flagged,
            "log_odds": self.log_odds,
            "intercept": self.intercept,
            "other": self.other,
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """A phrase of the original text that speaks for a label.

    Attributes
    ----------
    start, end : int
        Half-open code-point offsets into the original text.
    text : str
        ``original[start:end]``.
    label : str
        A headline label or a signal.
    contribution : float
        What the phrase adds, in calibrated log-odds.
    """

    start: int
    end: int
    text: str
    label: str
    contribution: float

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {name: getattr(self, name) for name in ("start", "end", "text", "label", "contribution")}


@dataclass(frozen=True, slots=True)
class ModelReference:
    """Which model judged."""

    name: str
    version: str
    sha256: str
    dictionary_matches: bool

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {name: getattr(self, name) for name in ("name", "version", "sha256", "dictionary_matches")}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one message.

    Attributes
    ----------
    text : str
        The original text.
    verdict : str
        ``flagged`` (a pattern), ``ordinary_pitch``, ``undecided`` or ``clear``.
    labels : dict of str to LabelScore
        The four headline labels.
    signals : dict of str to LabelScore
        The fifteen signals.
    experimental : frozenset of str
        Labels with too few examples to trust.
    disclosures : dict of str to float
        Probabilities of ``who``, ``purpose``, ``product``.
    refusal, recruit_duty : float
        Probabilities.
    evidence : tuple of Evidence
        Strongest label first, in reading order within a label.
    advice : tuple of Advice
        What the reader can do.
    model : ModelReference
    """

    text: str
    verdict: VerdictName
    labels: dict[str, LabelScore]
    signals: dict[str, LabelScore]
    experimental: frozenset[str]
    disclosures: dict[str, float]
    refusal: float
    recruit_duty: float
    evidence: tuple[Evidence, ...]
    advice: tuple[Advice, ...]
    model: ModelReference

    @property
    def flags(self) -> tuple[str, ...]:
        """The headline labels that reach their thresholds, in their fixed order."""
        return tuple(name for name in HEADLINES if self.labels[name].flagged)

    def to_dict(self, lang: str = "ja") -> dict[str, Any]:
        """The JSON form of the contract.

        Parameters
        ----------
        lang : {"ja", "en"}
            Language of the advice; keys are always English.
        """
        return {
            "text": self.text,
            "verdict": self.verdict,
            "labels": {name: self.labels[name].to_dict() for name in HEADLINES},
            "signals": {name: self._signal(name) for name in SIGNALS},
            "disclosures": {name: self.disclosures[name] for name in DISCLOSURES},
            "refusal": self.refusal,
            "recruit_duty": self.recruit_duty,
            "evidence": [item.to_dict() for item in self.evidence],
            "advice": [item.to_dict(lang) for item in self.advice],
            "model": self.model.to_dict(),
        }

    def _signal(self, name: str) -> dict[str, Any]:
        score = self.signals[name]
        return {
            "probability": score.probability,
            "threshold": score.threshold,
            "flagged": score.flagged,
            "article_patterns": list(LABELS[name].article_patterns),
            "experimental": name in self.experimental,
        }


VERDICTS: Final[dict[str, tuple[str, str]]] = {
    "flagged": ("気をつけたい勧誘の特徴があります", "This shows patterns of a pitch to be careful with"),
    "ordinary_pitch": (
        "営業・案内のようです(気になる型は見つかりません)",
        "This reads like an ordinary sales message (no creepy pattern found)",
    ),
    "undecided": ("この文面だけでは判断できません", "This text alone does not decide it"),
    "clear": ("勧誘の特徴は見つかりませんでした", "No sign of a pitch was found"),
}
"""What each verdict is called: (Japanese, English)."""

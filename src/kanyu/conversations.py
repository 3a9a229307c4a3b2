"""The course of a conversation: who set what up, when it was revealed, who refused.

The model of the course is again logistic regression: over the message log-odds of one sender and
their order. Its evidence is the messages themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kanyu.course import COLUMN, CourseModel, course_features, stage_features_in_blocks
from kanyu.labels import DISCLOSURES, HEADLINES
from kanyu.messages import Conversation, Message
from kanyu.verdict import VerdictName, join_flags, probability

__all__ = [
    "ConversationReport",
    "FlaggedMessage",
    "SenderLabel",
    "SenderReport",
    "judge_conversation",
]

Floats = NDArray[np.float64]

_NIGHT: Final = frozenset((23, 0, 1, 2, 3, 4, 5))
_LOUD: Final = -2.0  # log-odds below this never change a course


@dataclass(frozen=True, slots=True)
class SenderLabel:
    """A headline label of a sender over the whole course."""

    probability: float
    threshold: float

    @property
    def flagged(self) -> bool:
        """Whether the probability reaches the threshold."""
        return self.probability >= self.threshold

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"probability": self.probability, "threshold": self.threshold, "flagged": self.flagged}


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What one sender did over a conversation. Indexes are 0-based positions among its messages.

    Attributes
    ----------
    name : str
    messages : int
        How many messages the sender sent, stickers and photos included.
    verdict : str
        Of the whole course.
    labels : dict of str to SenderLabel
        The headline labels.
    setup_index, reveal_index, first_flagged_index : int or None
        The first hook, the first naming of the offer, and the message after which the verdict
        first was ``flagged``.
    disclosed : dict of str to int or None
        When ``who``, ``purpose`` and ``product`` were first made clear.
    refused_index : int or None
        The first clear refusal by the reader.
    pushed_after_refusal : bool
    recruit_duty_index : int or None
        When recruiting others was first made a duty.
    night_messages : int
        Messages between 23:00 and 6:00, where times are known.
    mass_greetings : int
        Times that the sender sent a text that the sender had already sent on another day.
    """

    name: str
    messages: int
    verdict: VerdictName
    labels: dict[str, SenderLabel]
    setup_index: int | None
    reveal_index: int | None
    first_flagged_index: int | None
    disclosed: dict[str, int | None]
    refused_index: int | None
    pushed_after_refusal: bool
    recruit_duty_index: int | None
    night_messages: int
    mass_greetings: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of the contract."""
        result = {name: getattr(self, name) for name in self.__slots__}
        result["labels"] = {name: score.to_dict() for name, score in self.labels.items()}
        return result


@dataclass(frozen=True, slots=True)
class FlaggedMessage:
    """A message whose own verdict is ``flagged``."""

    index: int
    sender: str
    at: str | None
    text: str
    labels: dict[str, Any]
    evidence: tuple[Any, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of the contract."""
        return {
            "index": self.index,
            "sender": self.sender,
            "at": self.at,
            "text": self.text,
            "labels": {name: score.to_dict() for name, score in self.labels.items()},
            "evidence": [item.to_dict() for item in self.evidence],
        }


@dataclass(frozen=True)
class ConversationReport:
    """A judged conversation.

    Attributes
    ----------
    conversation : Conversation
    me : str or None
        The owner of the log.
    senders : tuple of SenderReport
        Everybody but the owner, the most suspicious first.
    flagged : tuple of FlaggedMessage
        By index.
    scores : ndarray of float64, shape (n_messages, n_labels)
        Log-odds by :data:`COURSE_LABELS`; NaN for messages without a text body.
    verdicts : tuple of str or None
        The verdict of each message; None for messages without a text body.
    """

    conversation: Conversation
    me: str | None
    senders: tuple[SenderReport, ...]
    flagged: tuple[FlaggedMessage, ...]
    scores: Floats = field(repr=False)
    verdicts: tuple[VerdictName | None, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of the contract."""
        talk = self.conversation
        return {
            "title": talk.title,
            "platform": talk.platform,
            "source": talk.source,
            "me": self.me,
            "messages": len(talk),
            "skipped": [{"line": item.line, "reason": item.reason} for item in talk.skipped],
            "senders": [sender.to_dict() for sender in self.senders],
            "flagged": [message.to_dict() for message in self.flagged],
        }


def judge_conversation(
    conversation: Conversation,
    scores: Floats,
    verdicts: Sequence[VerdictName | None],
    course: CourseModel,
    undecided_from: Mapping[str, float],
    explain: Callable[[str], tuple[dict[str, Any], tuple[Any, ...]]],
    thresholds: Mapping[str, float] | None = None,
) -> ConversationReport:
    """Judge a conversation from the scores of its messages.

    Parameters
    ----------
    conversation : Conversation
    scores : ndarray of float64, shape (n_messages, n_labels)
        Log-odds by :data:`COURSE_LABELS`; NaN rows for messages without a text body.
    verdicts : sequence of str or None
        The verdict of each message.
    course : CourseModel
    undecided_from : mapping of str to float
        Where the ``undecided`` band of each headline label begins.
    explain : callable
        From a text to its label scores and evidence, for flagged messages.
    thresholds : mapping of str to float, optional
        Thresholds of headline labels that override the model's.

    Returns
    -------
    ConversationReport
    """
    limits = {name: (thresholds or {}).get(name, course.thresholds[name]) for name in HEADLINES}
    senders = [
        _judge_sender(conversation, name, scores, course, limits, undecided_from)
        for name in conversation.senders
        if name != conversation.me
    ]
    senders.sort(key=lambda sender: -max(score.probability - score.threshold for score in sender.labels.values()))
    flagged = []
    for index, message in enumerate(conversation.messages):
        if verdicts[index] == "flagged":
            labels, evidence = explain(message.text)
            at = message.at.isoformat() if message.at else None
            flagged.append(FlaggedMessage(index, message.sender, at, message.text, labels, evidence))
    return ConversationReport(conversation, conversation.me, tuple(senders), tuple(flagged), scores, tuple(verdicts))


def _judge_sender(
    conversation: Conversation,
    name: str,
    scores: Floats,
    course: CourseModel,
    limits: Mapping[str, float],
    undecided_from: Mapping[str, float],
) -> SenderReport:
    messages = conversation.messages
    n = len(messages)
    own = np.fromiter((message.sender == name for message in messages), np.bool_, n)
    sent = [messages[index] for index in np.flatnonzero(own).tolist()]
    read = np.fromiter((_is_reader(message.sender, name, conversation.me) for message in messages), np.bool_, n)
    is_body = ~np.isnan(scores[:, 0])
    texts, others = np.flatnonzero(own & is_body), np.flatnonzero(read & is_body)
    mine = scores[texts]
    probabilities, first_flagged = _course(mine, texts, scores, others, course, limits)
    is_pitcher = any(probabilities[label] >= limits[label] for label in HEADLINES)
    setup, reveal = _stages(mine, texts, course) if is_pitcher else (None, None)
    if not is_pitcher or probabilities["delayed_reveal"] < limits["delayed_reveal"]:
        setup = None
    refused = _first(others, scores[others, COLUMN["refusal"]], course.thresholds["refusal"]) if is_pitcher else None
    pitch = mine[:, COLUMN["pitch"]] >= _logit(course.thresholds["message_pitch"])
    flags = join_flags(probabilities, limits).split(";")
    verdict: VerdictName = "clear"
    if any(label in flags for label in HEADLINES[1:]):
        verdict = "flagged"
    elif "pitch" in flags:
        verdict = "ordinary_pitch"
    elif not len(texts) or any(probabilities[label] >= undecided_from[label] for label in HEADLINES):
        verdict = "undecided"
    return SenderReport(
        name=name,
        messages=len(sent),
        verdict=verdict,
        labels={label: SenderLabel(probabilities[label], limits[label]) for label in HEADLINES},
        setup_index=setup,
        reveal_index=reveal,
        first_flagged_index=first_flagged,
        disclosed={
            what: _first(texts, mine[:, COLUMN[f"discloses_{what}"]], course.thresholds[f"discloses_{what}"])
            if is_pitcher
            else None
            for what in DISCLOSURES
        },
        refused_index=refused,
        pushed_after_refusal=refused is not None and bool((pitch & (texts > refused)).any()),
        recruit_duty_index=_first(texts, mine[:, COLUMN["recruit_duty"]], course.thresholds["recruit_duty"])
        if is_pitcher
        else None,
        night_messages=sum(map(_is_at_night, sent)),
        mass_greetings=_mass_greetings(sent),
    )


def _is_reader(sender: str, pitcher: str, me: str | None) -> bool:
    """Whose refusal counts: the owner's; where the owner is unknown, anybody's but the sender's."""
    return sender == me if me is not None else sender != pitcher


def _course(
    mine: Floats,
    texts: NDArray[np.int64],
    scores: Floats,
    others: NDArray[np.int64],
    course: CourseModel,
    limits: Mapping[str, float],
) -> tuple[dict[str, float], int | None]:
    """Probability per headline label over the course, and after which message it was first flagged.

    The course is judged after every message that is at all suspicious and after the last one; the
    highest probability counts, so that a warning once given stays.
    """
    best = dict.fromkeys(HEADLINES, 0.0)
    first_flagged: int | None = None
    refusals = scores[others, COLUMN["refusal"]]
    for position, index in enumerate(texts):
        is_last = position == len(texts) - 1
        if not is_last and not (mine[position, :4] > _LOUD).any():
            continue
        features = course_features(mine[: position + 1], refusals[: int(np.searchsorted(others, index))])
        for label in HEADLINES:
            best[label] = max(best[label], probability(float(course.log_odds(label, features[None])[0])))
        if first_flagged is None and any(best[label] >= limits[label] for label in HEADLINES[1:]):
            first_flagged = int(index)
    return best, first_flagged


def _stages(mine: Floats, texts: NDArray[np.int64], course: CourseModel) -> tuple[int | None, int | None]:
    """The first set-up and the first reveal of a pitcher; a set-up counts only before the reveal."""
    log_odds = {name: np.empty(len(mine)) for name in ("setup", "reveal")}
    for start, features in stage_features_in_blocks(mine):
        for name, values in log_odds.items():
            values[start : start + len(features)] = course.log_odds(name, features)
    reveal = _first(texts, log_odds["reveal"], course.thresholds["reveal"])
    setup = _first(texts, log_odds["setup"], course.thresholds["setup"])
    if setup is not None and reveal is not None and setup >= reveal:
        setup = None
    return setup, reveal


def _first(indexes: NDArray[np.int64], log_odds: Floats, threshold: float) -> int | None:
    found = np.flatnonzero(log_odds >= _logit(threshold))
    return int(indexes[found[0]]) if len(found) else None


def _logit(value: float) -> float:
    return float(np.log(value / (1.0 - value)))


def _is_at_night(message: Message) -> bool:
    return message.at is not None and message.at.hour in _NIGHT


def _mass_greetings(messages: Sequence[Message]) -> int:
    long = [message for message in messages if message.is_text and len(message.text) >= 10]
    hashes, counts = np.unique(np.fromiter((hash(m.text) for m in long), np.int64, len(long)), return_counts=True)
    again = set(hashes[counts > 1].tolist())  # few: most texts are sent once and need not be remembered
    seen: dict[str, Any] = {}
    repeats = 0
    for message in long:
        if hash(message.text) in again:
            day = message.at.date() if message.at else None
            if message.text in seen and seen[message.text] != day:
                repeats += 1
            seen.setdefault(message.text, day)
    return repeats

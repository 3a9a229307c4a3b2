"""The shapes of the API's bodies, for its OpenAPI description. The answers themselves are ``to_dict()``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from kanyu.web.limits import MAX_TEXT_CHARACTERS, MAX_TEXTS

__all__ = ["CheckRequest", "FeedbackRequest", "Health", "ProblemBody", "ScanBody", "VerdictBody", "VerdictsBody"]


class CheckRequest(BaseModel):
    """One message, or several."""

    text: str | None = Field(None, description=f"a message; at most {MAX_TEXT_CHARACTERS:,} characters")
    texts: list[str] | None = Field(None, description=f"several messages, at most {MAX_TEXTS}")
    lang: Literal["ja", "en"] = Field("ja", description="language of the advice")


class Cell(BaseModel):
    """A headline label."""

    probability: float
    threshold: float
    flagged: bool
    log_odds: float
    intercept: float
    other: float


class SignalCell(BaseModel):
    """A signal."""

    probability: float
    threshold: float
    flagged: bool
    article_patterns: list[int]
    experimental: bool


class EvidenceBody(BaseModel):
    """A phrase of the text; offsets are code points, half-open."""

    start: int
    end: int
    text: str
    label: str
    contribution: float


class AdviceBody(BaseModel):
    """What a reader can do."""

    id: str
    text: str
    source: str


class ModelBody(BaseModel):
    """Which model judged."""

    name: str
    version: str
    sha256: str
    dictionary_matches: bool


class VerdictBody(BaseModel):
    """The judgement of one message."""

    text: str
    verdict: Literal["flagged", "ordinary_pitch", "undecided", "clear"]
    labels: dict[str, Cell]
    signals: dict[str, SignalCell]
    disclosures: dict[str, float]
    refusal: float
    recruit_duty: float
    evidence: list[EvidenceBody]
    advice: list[AdviceBody]
    model: ModelBody


class VerdictsBody(BaseModel):
    """The judgements of several messages, in their order."""

    verdicts: list[VerdictBody]


class SkippedBody(BaseModel):
    """A line that was not understood."""

    line: int
    reason: str


class SenderCell(BaseModel):
    """A headline label of a sender."""

    probability: float
    threshold: float
    flagged: bool


class SenderBody(BaseModel):
    """What one sender did; indexes are 0-based positions among the messages."""

    name: str
    messages: int
    verdict: Literal["flagged", "ordinary_pitch", "undecided", "clear"]
    labels: dict[str, SenderCell]
    setup_index: int | None
    reveal_index: int | None
    first_flagged_index: int | None
    disclosed: dict[str, int | None]
    refused_index: int | None
    pushed_after_refusal: bool
    recruit_duty_index: int | None
    night_messages: int
    mass_greetings: int


class FlaggedBody(BaseModel):
    """A flagged message."""

    index: int
    sender: str
    at: str | None
    text: str
    labels: dict[str, Cell]
    evidence: list[EvidenceBody]


class ConversationBody(BaseModel):
    """A judged conversation."""

    title: str
    platform: str
    source: str
    me: str | None
    messages: int
    skipped: list[SkippedBody]
    senders: list[SenderBody]
    flagged: list[FlaggedBody]


class SourceError(BaseModel):
    """A file that could not be read."""

    source: str
    reason: str


class ScanBody(BaseModel):
    """Judged exports."""

    conversations: list[ConversationBody]
    errors: list[SourceError]


class Health(BaseModel):
    """That the server is there, and with which model."""

    status: Literal["ok"]
    version: str
    model: ModelBody


class ProblemBody(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class FeedbackRequest(BaseModel):
    """A correction, stored on this machine. The text is stored only when it is given here."""

    said: Literal["flagged", "ordinary_pitch", "undecided", "clear"] = Field(description="the verdict that was shown")
    right: bool = Field(description="whether that verdict is right")
    is_pitch: bool | None = Field(None, description="whether it is a pitch, where known")
    patterns: list[Literal["delayed_reveal", "risky_product", "network_hype"]] = Field(default_factory=list)
    text: str | None = Field(None, description="the message, only with its owner's consent")

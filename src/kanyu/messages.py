"""Messages and conversations, whatever platform they come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

__all__ = ["Conversation", "Message", "Skipped", "Span"]


class Span(NamedTuple):
    """A half-open range ``[start, end)`` of code points in the original text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Message:
    """One record with a sender: a text, or a sticker, photo, call, album …

    Attributes
    ----------
    sender : str
        The sender's name as the export writes it.
    text : str
        The body; for a record without a text body its placeholder, such as ``[スタンプ]``.
    at : datetime or None
        When it was sent, with a time zone; None where the export does not tell.
    is_text : bool
        Whether `text` is something the sender wrote. Only such bodies are scored.
    """

    sender: str
    text: str
    at: datetime | None = None
    is_text: bool = True


@dataclass(frozen=True, slots=True)
class Skipped:
    """A piece of an export that was not understood.

    Attributes
    ----------
    line : int
        1-based number of the line (of the record, in formats without lines).
    reason : str
        Why it was skipped. Never the text itself.
    """

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation of an export, in the order of the file.

    Attributes
    ----------
    title : str
        The chat's name, or an empty string.
    platform : str
        The importer's name, such as ``"line"``.
    source : str
        The file it came from; a member of an archive reads ``archive.zip/inner/path``.
    messages : sequence of Message
        Every record with a sender. Positions in it are the indexes of all reports.
    me : str or None
        The owner of the log, where the format or the caller tells.
    skipped : sequence of Skipped
        What was not understood.
    is_group : bool or None
        Whether more than two people take part; None where unknown.
    """

    title: str
    platform: str
    source: str
    messages: Sequence[Message]
    me: str | None = None
    skipped: Sequence[Skipped] = field(default=())
    is_group: bool | None = None

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    @property
    def senders(self) -> tuple[str, ...]:
        """The senders, in the order of their first message."""
        return tuple(dict.fromkeys(message.sender for message in self.messages))

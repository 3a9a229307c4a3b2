"""iMessage and SMS of an iPhone, as imessage-exporter writes them: .txt and .html."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo

from ..messages import Conversation, Message, Skipped
from .base import Format, Options, Source, message_of
from .dates import parse_moment
from .markup import class_text, parse_html, visible_text

__all__ = ["IMessageImporter"]

OWNER = "Me"
# "May 17, 2022  5:29:42 PM (Read by you after 5 seconds)"
STAMP = re.compile(
    r"([A-Z][a-z]{2} \d{2}, \d{4} {1,2}\d{1,2}:\d{2}:\d{2} [AP]M)"
    r"(?: \((?:Read|Delivered).{0,80}\))?( .+)?"
)
REPLY = "This message responded to an earlier message."
REACTIONS = ("Reactions:", "Tapbacks:")
FILE = re.compile(r"(?:/|~/|attachments/)\S.{0,300}\.\w{2,5}")  # attachments/12/3.heic
HTML_PEEK = 1 << 18
NO_MESSAGE = "no time above it"


class IMessageImporter:
    """Reads imessage-exporter's files; the owner is ``Me``."""

    format = Format(
        "imessage",
        "iMessage（imessage-exporter）",
        "iMessage (imessage-exporter)",
        "….txt, ….html",
        "Macで imessage-exporter を使い、形式 txt で書き出します。",
        "On a Mac run imessage-exporter with format txt; the iPhone itself exports nothing.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether a line is one of its stamps, or a page has its classes."""
        head = source.head
        if head.lstrip().startswith("<"):
            page = source.peek(HTML_PEEK)
            return 'class="message"' in page and "message_part" in page and "timestamp" in page
        lines = head.split("\n")[:50]
        return any(STAMP.fullmatch(line) for line in lines[:3])

    def thread(self, source: Source) -> str:
        """Every file is a conversation."""
        return source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read each file as one conversation."""
        for source in sources:
            skipped: list[Skipped] = []
            if source.head.lstrip().startswith("<"):
                messages = _read_page(source, options.zone)
            else:
                messages = list(_read_text(source, options.zone, skipped))
            senders = {message.sender for message in messages}
            name, others = self.format.name, len(senders - {OWNER})
            is_group = others > 1 or ", " in source.stem
            yield Conversation(source.stem, name, source.name, messages, OWNER, skipped, is_group)


def _read_text(source: Source, zone: tzinfo, skipped: list[Skipped]) -> Iterator[Message]:
    stamp: re.Match[str] | None = None
    block: list[str] = []
    for number, line in enumerate(source.lines(), 1):
        match = STAMP.fullmatch(line)
        if match:
            yield from _message(stamp, block, zone)
            stamp, block = match, []
        elif stamp:
            block.append(line)
        elif line.strip():
            skipped.append(Skipped(number, NO_MESSAGE))
    yield from _message(stamp, block, zone)


def _message(stamp: re.Match[str] | None, block: Sequence[str], zone: tzinfo) -> Iterator[Message]:
    """The message below a stamp; none where the stamp's own line tells an event."""
    if stamp is None or stamp[2] or not block or not block[0].strip():
        return
    body: list[str] = []
    kind = ""
    for line in block[1:]:
        if line in REACTIONS:
            break
        if FILE.fullmatch(line):
            kind = "file"
        elif not line.startswith("    ") and line != REPLY:
            body.append(line)
    text = "\n".join(body).strip("\n")
    yield message_of(block[0].strip(), text, parse_moment(stamp[1], zone), kind)


def _read_page(source: Source, zone: tzinfo) -> list[Message]:
    messages = []
    page = parse_html(source.text())
    for box in page.find_class("message"):
        if "message" not in box.get("class").split() or box.xpath("ancestor::*[@class='reply']"):
            continue
        stamp = STAMP.match(class_text(box, "timestamp"))
        sender = class_text(box, "sender")
        parts = [
            visible_text(part) for part in box.find_class("bubble") if not part.xpath("ancestor::*[@class='replies']")
        ]
        kind = "photo" if box.find(".//img") is not None else ""
        if sender:
            at = parse_moment(stamp[1], zone) if stamp else None
            messages.append(message_of(sender, "\n".join(filter(None, parts)), at, kind))
    return messages

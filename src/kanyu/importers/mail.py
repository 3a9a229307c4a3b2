"""Mail: single messages (.eml) and mailboxes (.mbox, Gmail Takeout), by threads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from ..messages import Conversation, Message, Skipped
from .base import RECORD_FAULTS, Format, Options, People, Source, by_time, message_of
from .mail_text import decode_bytes, decode_header_text, own_words

if TYPE_CHECKING:
    from email.message import Message as Mail

__all__ = ["MailImporter"]

# "From sato@example.com Mon Mar 11 09:00:00 2024", "From - Mon Mar 11 09:00:00 2024"
FROM_LINE = re.compile(rb"From \S.{0,200} \d{1,2} \d{2}:\d{2}(?::\d{2})? .{0,20}\d{4}.{0,10}\s*$")
# "Message-ID: <…>"
FIELD = re.compile(rb"([!-9;-~]{1,80}):[ \t]?")
WANTED = (b"from", b"to", b"date", b"subject", b"message-id", b"received", b"mime-version")
ADDRESS = re.compile(r"[^\s<>\"(),;:@]{1,80}@[^\s<>\"(),;:@]{1,255}")
MESSAGE_ID = re.compile(r"<[^<>\s]{1,500}>")
# "Re: RE[2]: Fwd: 返信："
REPLY = re.compile(r"\A(?:(?:re|fwd?|返信|転送)(?:\[\d+\])? ?[:：]\s*)+", re.IGNORECASE)
MAX_MAIL_BYTES = 64 << 20
TOO_LARGE = "a mail larger than 64 MiB"
DAMAGED = "a damaged mail"
NO_SENDER = "a mail without a sender"


class MailImporter:
    """Reads .eml files and mailboxes; a thread is a conversation, an address is a person."""

    format = Format(
        "mail",
        "メール（eml・mbox・Gmailのエクスポート）",
        "Mail (eml, mbox, Gmail Takeout)",
        "….eml, ….mbox",
        "メールをファイルに保存（.eml）するか、Google データ エクスポートで「メール」を選びます（.mbox）。",
        "Save the mail as a file (.eml), or choose Mail in Google Takeout (.mbox).",
    )

    def sniff(self, source: Source) -> bool:
        """Whether it begins with a mailbox's From line or with a mail's header."""
        head = source.head_bytes.lstrip(b"\xef\xbb\xbf\r\n")
        lines = head.splitlines()[:200]
        if lines and FROM_LINE.match(lines[0]):
            return True
        found = set()
        for line in lines:
            field = FIELD.match(line)
            if field:
                found.add(field[1].lower())
            elif not line.strip() or line[:1] not in b" \t":
                break
        return b"from" in found and len(found.intersection(WANTED)) >= 3

    def thread(self, source: Source) -> str:
        """The mails of one folder, since a thread may be many files."""
        return source.folder

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read the threads, in the order in which they begin."""
        box = _Box(options.zone)
        for source in sources:
            for number, raw in _split(source):
                try:
                    box.add(source, number, raw)
                except RECORD_FAULTS:
                    box.skip(source, number, DAMAGED)
        yield from box.conversations()


def _split(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield every mail with the number of its first line; ``>From`` is unquoted."""
    lines: list[bytes] = []
    start, is_blank, is_box = 1, True, False
    with source.open() as stream:
        for number, line in enumerate(stream, 1):
            if is_blank and line.startswith(b"From ") and FROM_LINE.match(line):
                if any(map(bytes.strip, lines)):
                    yield start, b"".join(lines)
                lines, start, is_box = [line], number, True
            elif is_box and line.startswith(b">") and line.lstrip(b">").startswith(b"From "):
                lines.append(line[1:])
            else:
                lines.append(line)
            is_blank = not line.strip()
    if any(map(bytes.strip, lines)):
        yield start, b"".join(lines)


class _Box:
    """Mails while they are joined to threads."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self.people = People()
        self.parents: dict[str, str] = {}
        self.mails: list[tuple[str, str, Source, Message]] = []
        self.skipped: dict[str, list[Skipped]] = {}
        self.owners: Counter[str] = Counter()

    def add(self, source: Source, number: int, raw: bytes) -> None:
        """Read one mail."""
        from email import message_from_bytes

        opening, _, rest = raw.partition(b"\n")
        is_boxed = FROM_LINE.match(opening) is not None
        mail = message_from_bytes(rest if is_boxed else raw.removeprefix(b"\xef\xbb\xbf"))
        sender = decode_header_text(mail, "From") or decode_header_text(mail, "Sender")
        if not sender or len(raw) > MAX_MAIL_BYTES:
            self.skip(source, number, TOO_LARGE if sender else NO_SENDER)
            return
        address = ADDRESS.search(sender)
        display = re.sub(r"<[^<>]*>", "", sender).strip(" \"'") if address else sender
        key = address[0].lower() if address else sender
        name = self.people.name(key, display or key)
        for owner in ADDRESS.findall(decode_header_text(mail, "Delivered-To")):
            self.owners[owner.lower()] += 1
        own_id = next(iter(MESSAGE_ID.findall(decode_header_text(mail, "Message-ID"))), "")
        root = self._root(own_id or f"{source.name}:{number}")
        for field in ("References", "In-Reply-To"):
            for reference in MESSAGE_ID.findall(decode_header_text(mail, field)):
                self.parents[root] = self._root(reference)
                root = self._root(root)
        text, kind = _body(mail)
        at = _date(mail, opening if is_boxed else b"", self.zone)
        subject = REPLY.sub("", decode_header_text(mail, "Subject")).strip()
        self.mails.append((root, subject, source, message_of(name, text, at, kind)))

    def skip(self, source: Source, number: int, reason: str) -> None:
        """Remember what could not be read."""
        self.skipped.setdefault(source.name, []).append(Skipped(number, reason))

    def _root(self, key: str) -> str:
        self.parents.setdefault(key, key)
        while self.parents[key] != key:
            self.parents[key] = self.parents[self.parents[key]]
            key = self.parents[key]
        return key

    def conversations(self) -> Iterator[Conversation]:
        """Yield every thread; what was skipped goes with its file's first one."""
        threads: dict[str, list[tuple[str, Source, Message]]] = {}
        for root, subject, source, message in self.mails:
            threads.setdefault(self._root(root), []).append((subject, source, message))
        owner = self.people.name(next(iter(self.owners))) if len(self.owners) == 1 else None
        for mails in threads.values():
            subject, source, _ = mails[0]
            messages = by_time([message for _, _, message in mails])
            names = {message.sender for message in messages}
            skipped = self.skipped.pop(source.name, [])
            yield Conversation(
                subject,
                "mail",
                source.name,
                messages,
                owner,
                skipped,
                True if len(names) > 2 else None,
            )
        for name, skipped in self.skipped.items():
            yield Conversation("", "mail", name, [], owner, skipped)


def _date(mail: Mail, opening: bytes, zone: tzinfo) -> datetime | None:
    """The Date field, else the last Received, else the mailbox's From line."""
    from email.utils import parsedate_to_datetime

    received = decode_header_text(mail, "Received").rpartition(";")[2]
    boxed = b" ".join(opening.split()[2:]).decode("ascii", "replace")
    for text in (decode_header_text(mail, "Date"), received, boxed):
        try:
            moment = parsedate_to_datetime(text.strip())
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return aware.astimezone(zone)
        except (TypeError, ValueError, OverflowError, IndexError):
            continue
    return None


def _body(mail: Mail) -> tuple[str, str]:
    """What the sender wrote, and the kind of an attachment."""
    plain: list[str] = []
    rich: list[str] = []
    kind = ""
    for part in mail.walk():
        if part.is_multipart():
            continue
        content_type = part.get_content_type()
        is_attached = "attachment" in str(part.get("Content-Disposition") or "").lower()
        payload = part.get_payload(decode=True)
        if is_attached or not content_type.startswith("text/") or not isinstance(payload, bytes):
            major = content_type.partition("/")[0]
            kind = kind or {"image": "photo", "audio": "audio", "video": "video"}.get(major, "file")
            continue
        text = decode_bytes(payload, part.get_content_charset()).replace("\r\n", "\n")
        (rich if content_type == "text/html" else plain).append(text)
    if not any(map(str.strip, plain)) and rich:
        from .markup import html_text

        plain = [html_text(text) for text in rich]
    return own_words("\n".join(plain)), kind

"""SMS Backup & Restore (Android): one XML of all short messages and MMS."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import BinaryIO

from ..errors import InputError
from ..messages import Conversation, Message, Skipped
from .base import Format, Options, People, Source, by_time, message_of
from .dates import parse_moment

__all__ = ["OWNER", "SmsImporter"]

OWNER = "自分"
# An emoji as two surrogates, which XML forbids: "&#55357;&#56832;"
PAIR = re.compile(rb"&#(5[56]\d{3});&#(5[67]\d{3});")
HEX = re.compile(rb"&#[xX]([0-9A-Fa-f]{1,6});")  # "&#xD83D;&#xDE00;"
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
NUMBER = re.compile(rb"&#(\d{1,7});")
CHUNK = 1 << 16
DRAFT = "3"
NO_ADDRESS = "a message without an address"


class SmsImporter:
    """Reads the XML of SMS Backup & Restore; what was sent is the owner's (自分)."""

    format = Format(
        "sms",
        "SMS（SMS Backup & Restore）",
        "SMS (SMS Backup & Restore)",
        "sms-….xml",
        "Androidのアプリ「SMS Backup & Restore」で「今すぐバックアップ」→XMLを取り出します。",
        "In the Android app SMS Backup & Restore, Back up now; take the XML.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether its root is ``smses``."""
        return source.head.lstrip().startswith("<") and re.search(r"<smses\b", source.head) is not None

    def thread(self, source: Source) -> str:
        """Every backup stands alone."""
        return source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read every conversation of each backup."""
        for source in sources:
            yield from _read(source, options.zone)


class _JoinedPairs(io.RawIOBase):
    """The bytes of an XML with every surrogate pair made one character, and no character that XML forbids."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.rest = b""
        self.is_wide: bool | None = None  # UTF-16, whose bytes are no characters

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self.stream.read(CHUNK)
        data = self.rest + block
        if self.is_wide is None:
            self.is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        cut = data.rfind(b"&", max(0, len(data) - 24)) if block else -1
        before = data.rfind(b"&#", max(0, cut - 9), cut) if cut > 0 else -1
        cut = before if before >= 0 else cut
        self.rest = data[cut:] if cut >= 0 else b""
        whole = data[:cut] if cut >= 0 else data
        if not self.is_wide:
            whole = CONTROL.sub(b"\xef\xbf\xbd", HEX.sub(lambda match: b"&#%d;" % int(match[1], 16), whole))
        done = NUMBER.sub(_legal, PAIR.sub(_join, whole))
        return done or (self.read(size) if block else b"")


def _join(match: re.Match[bytes]) -> bytes:
    high, low = int(match[1]), int(match[2])
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return match[0]
    return b"&#%d;" % (0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)


def _legal(match: re.Match[bytes]) -> bytes:
    code = int(match[1])
    is_legal = code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE
    return match[0] if is_legal or 0x10000 <= code < 0x110000 else b"&#65533;"


def _key(address: str) -> str:
    """One key for a number with and without its country: +81 90-1234-5678, 09012345678."""
    digits = re.sub(r"[\s()-]", "", address)
    if re.fullmatch(r"\+?\d+", digits):
        return f"0{digits[3:]}" if digits.startswith("+81") else digits
    return address.strip()


def _present(value: str | None) -> str:
    return "" if value in (None, "null", "(Unknown)") else str(value)


def _read(source: Source, zone: tzinfo) -> Iterator[Conversation]:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    talks: dict[str, list[Message]] = {}
    skipped: list[Skipped] = []
    people = People()
    number = 0
    try:
        with source.open() as stream:
            for _, item in iterparse(_JoinedPairs(stream), events=("end",)):
                if item.tag not in ("sms", "mms"):
                    continue
                number += 1
                key = "~".join(_key(one) for one in _present(item.get("address")).split("~") if one)
                at = parse_moment(_present(item.get("date")), zone)
                names = _present(item.get("contact_name"))
                if not key:
                    skipped.append(Skipped(number, NO_ADDRESS))
                elif item.tag == "sms" and item.get("type") != DRAFT:
                    sender = people.name(key, names) if item.get("type") == "1" else OWNER
                    text = _present(item.get("body"))
                    talks.setdefault(key, []).append(message_of(sender, text, at))
                elif item.tag == "mms":
                    parts = [dict(part.attrib) for part in item.iter("part")]
                    addresses = {one.get("type"): one.get("address") for one in item.iter("addr")}
                    author = _key(_present(addresses.get("137"))) or key
                    is_own = item.get("msg_box") in ("2", "4") or author == "insert-address-token"
                    display = names if author == key else ""
                    sender = OWNER if is_own else people.name(author, display)
                    text, kind = _mms(parts)
                    talks.setdefault(key, []).append(message_of(sender, text, at, kind))
                item.clear()
    except (ParseError, DefusedXmlException):
        if not talks:
            raise InputError(f"{source.name}: cut or damaged XML; back up again") from None
        skipped.append(Skipped(number + 1, "the file is cut or damaged from here on"))
    for key, messages in talks.items():
        title = "~".join(people.name(one) for one in key.split("~"))
        is_group = "~" in key
        yield Conversation(title, "sms", source.name, by_time(messages), OWNER, skipped, is_group)
        skipped = []


def _mms(parts: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    """The text of an MMS, and the kind of what is attached."""
    kinds = {"image": "photo", "audio": "audio", "video": "video"}
    texts: list[str] = []
    kind = ""
    for part in parts:
        major, _, minor = (part.get("ct") or "").partition("/")
        if major == "text" and minor == "plain":
            texts.append(_present(part.get("text")))
        elif minor != "smil":
            kind = kind or kinds.get(major, "file")
    return "\n".join(filter(None, texts)), kind

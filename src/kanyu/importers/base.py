"""What every importer shares: a file seen as text, lines or JSON, and the shape of an importer."""

from __future__ import annotations

import codecs
import io
import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from itertools import pairwise
from typing import Any, BinaryIO, Protocol

from ..errors import InputError
from ..messages import Conversation, Message, Skipped

__all__ = [
    "MARKS",
    "NO_MESSAGE",
    "RECORD_FAULTS",
    "Format",
    "Importer",
    "Options",
    "People",
    "Source",
    "by_time",
    "collect",
    "kind_of_file",
    "message_of",
    "natural",
    "oldest_first",
    "owner_of_pair",
    "strip_marks",
    "without_surrogates",
]

HEAD_BYTES = 1 << 16
MAX_FILE_BYTES = 8 << 30
MAX_WHOLE_BYTES = 1 << 30
EPOCH = datetime.fromtimestamp(0, UTC)
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# First bytes of files that are no text: PNG, JPEG, GIF, PDF, ELF, SQLite, RIFF, gzip, 7z, RAR, MP4.
BINARY = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|%PDF|\x7fELF|SQLite format|RIFF....WEBP|\x1f\x8b|7z\xbc\xaf|Rar!"
    rb"|....ftyp|OggS|ID3",
    re.DOTALL,
)
# Direction marks, isolates and byte-order marks that surround names and dates: "\u2068佐藤\u2069"
MARKS = dict.fromkeys([0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
MARKS |= dict.fromkeys([0x00A0, 0x2009, 0x202F], " ")
# What stands for a record without a text, where its export has no word of its own for it.
PLACEHOLDERS = {
    "audio": "[音声]",
    "call": "[通話]",
    "contact": "[連絡先]",
    "file": "[ファイル]",
    "link": "[リンク]",
    "photo": "[写真]",
    "place": "[位置情報]",
    "poll": "[投票]",
    "sticker": "[スタンプ]",
    "unsent": "[送信取消]",
    "video": "[動画]",
}
ENDINGS = {
    "photo": ("jpg", "jpeg", "png", "gif", "webp", "heic", "bmp"),
    "video": ("mp4", "mov", "webm", "avi", "mkv", "3gp"),
    "audio": ("mp3", "m4a", "aac", "ogg", "opus", "wav", "amr"),
}
NO_MESSAGE = "a record that is no message"
RECORD_FAULTS = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)
SURROGATE = re.compile("[\ud800-\udfff]")


def strip_marks(text: str) -> str:
    """A name, date or head of a row without direction marks; odd spaces become plain ones."""
    return text.strip() if text.isascii() else text.translate(MARKS).strip()


def without_surrogates(text: str) -> str:
    """The text with U+FFFD for every lone surrogate; offsets stay."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def natural(path: str) -> list[tuple[int, str]]:
    """Sort key that puts ``messages.html`` first and ``messages2.html`` before the tenth."""
    pieces = re.split(r"(\d+)", posixpath.splitext(path)[0])
    return [(int(piece[:18]), "") if piece.isdecimal() else (-1, piece) for piece in pieces]


def message_of(sender: str, text: str, at: datetime | None, kind: str = "") -> Message:
    """A message; without a text, what stands for its attachment of this kind."""
    if text.strip():
        return Message(sender, text, at)
    return Message(sender, PLACEHOLDERS.get(kind, "[添付]") if kind else "", at, is_text=False)


def collect(records: Any, make: Callable[[Any], Message | None], skipped: list[Skipped]) -> list[Message]:
    """Make messages of records; one that is damaged is skipped and the others are kept.

    Parameters
    ----------
    records : list
        What a JSON export lists.
    make : callable
        Gives a message, or None for what is a notice.
    skipped : list of Skipped
        Takes the 1-based number of each damaged record.
    """
    messages = []
    for number, record in enumerate(records if isinstance(records, list) else [], 1):
        try:
            message = make(record)
        except RECORD_FAULTS:
            skipped.append(Skipped(number, NO_MESSAGE))
            continue
        if message is not None:
            messages.append(message)
    return messages


def oldest_first(messages: list[Message]) -> list[Message]:
    """The messages of a file that may put the newest first; ties keep their place in the file.

    Nothing is sorted: the whole list is turned round where times mostly go backwards.
    """
    times = [message.at for message in messages if message.at]
    steps = [(later > former) - (later < former) for former, later in pairwise(times)]
    return messages[::-1] if sum(steps) < 0 else messages


def by_time(messages: list[Message]) -> list[Message]:
    """The messages in order of their times, where all are known to the second."""
    turned = oldest_first(messages)
    if any(message.at is None for message in turned):
        return turned
    return sorted(turned, key=lambda message: message.at or EPOCH)


def owner_of_pair(title: str, senders: Sequence[str]) -> str | None:
    """The owner of a log whose title names one of exactly two senders; else None."""
    if len(senders) != 2 or title not in senders:
        return None
    return senders[0] if senders[1] == title else senders[1]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of export, for ``kanyu formats`` and the docs.

    Attributes
    ----------
    name : str
        The platform's name in every report, such as ``"line"``.
    title_ja, title_en : str
        What a person calls it.
    files : str
        The files that are read.
    how_ja, how_en : str
        How to get the export out of its app, in one or two sentences.
    """

    name: str
    title_ja: str
    title_en: str
    files: str
    how_ja: str
    how_en: str


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller knows about an export.

    Attributes
    ----------
    zone : tzinfo
        The time zone of exports that name none.
    """

    zone: tzinfo


class People:
    """Names for ids: two people who call themselves the same stay two."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()

    def name(self, key: object, display: object = None) -> str:
        """The name of the person with this id; the first one given is kept."""
        identity = str(key or display or "")
        if identity not in self._names:
            name = str(display or key or "").strip()
            name = f"{name} ({identity})" if name in self._taken else name
            self._names[identity] = name
            self._taken.add(name)
        return self._names[identity]

    def known(self, key: object) -> str | None:
        """The name of the person with this id, if it was ever given."""
        return self._names.get(str(key))


def kind_of_file(name: object) -> str:
    """What a file is by its ending: photo, video, audio or file."""
    ending = posixpath.splitext(str(name).partition("?")[0])[1].lower().lstrip(".")
    return next((kind for kind, endings in ENDINGS.items() if ending in endings), "file")


class Source:
    """One file of an export: on disk, or a member of an archive.

    Parameters
    ----------
    name : str
        How the file is named to people.
    opener : callable
        Opens its bytes.
    size : int
        Number of bytes.
    inner : str
        Its path inside the folder or archive that was given, with ``/``.
    tree : mapping of str to Source
        The files beside it, by `inner`.
    """

    def __init__(
        self,
        name: str,
        opener: Callable[[], BinaryIO],
        size: int,
        inner: str = "",
        tree: Mapping[str, Source] | None = None,
    ) -> None:
        self.name = name
        self.open = opener
        self.size = size
        self.inner = inner or posixpath.basename(name)
        self.tree = {} if tree is None else tree

    @property
    def folder(self) -> str:
        """The folder of `inner`."""
        return posixpath.dirname(self.inner)

    @property
    def stem(self) -> str:
        """The file's own name without its ending."""
        return posixpath.splitext(posixpath.basename(self.inner))[0]

    def beside(self, relative: str) -> Source | None:
        """Another file of the same folder or archive, as ``"../users.json"``; None if absent."""
        return self.tree.get(posixpath.normpath(posixpath.join(self.folder, relative)))

    @cached_property
    def head_bytes(self) -> bytes:
        """The first 64 KiB."""
        with self.open() as stream:
            return stream.read(HEAD_BYTES)

    @cached_property
    def head(self) -> str:
        """The first 64 KiB as text without a byte-order mark; empty for a binary file."""
        if self.is_binary:
            return ""
        text = self.head_bytes.decode(self.encoding, "replace")
        return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")

    def peek(self, n_bytes: int) -> str:
        """The beginning as text, for files whose first 64 KiB are all style sheets."""
        if self.is_binary:
            return ""
        with self.open() as stream:
            return stream.read(n_bytes).decode(self.encoding, "replace")

    @cached_property
    def is_binary(self) -> bool:
        """Whether the first bytes are those of no text."""
        start = self.head_bytes
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return False
        if BINARY.match(start) or start.startswith(b"PK\x03\x04"):
            return True
        if _guess_utf16(start):
            return False
        controls = sum(start.count(bytes([code])) for code in (*range(9), *range(14, 27)))
        return controls * 10 > len(start)

    @cached_property
    def encoding(self) -> str:
        """The codec of its text: by byte-order mark, else UTF-8, else what fits best."""
        start = self.head_bytes
        for bom, codec in BOMS:
            if start.startswith(bom):
                return codec
        return _guess_utf16(start) or self._guess_encoding()

    def _guess_encoding(self) -> str:
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        try:
            with self.open() as stream:
                while block := stream.read(1 << 20):
                    decoder.decode(block)
        except UnicodeDecodeError as error:
            damaged = error.object[max(0, error.start - HEAD_BYTES) : error.start + HEAD_BYTES]
            return _best_encoding(damaged)
        return "utf-8"  # a character cut at the very end is no reason to doubt

    def lines(self) -> Iterator[str]:
        r"""Yield its lines without their ends, split at ``\n``, ``\r\n`` and ``\r`` only."""
        if self.is_binary:
            raise InputError(f"{self.name}: binary, not a text; give the app's exported file")
        with self._text_stream(None) as stream:
            for line in stream:
                yield line[:-1] if line.endswith("\n") else line

    def _text_stream(self, newline: str | None) -> io.TextIOWrapper:
        raw = self.open()
        return io.TextIOWrapper(raw, self.encoding, "replace", newline=newline)

    def text(self) -> str:
        """All of it as text, line ends as they are."""
        self._check_whole()
        with self._text_stream("") as stream:
            return stream.read().removeprefix("\ufeff")

    def read_bytes(self) -> bytes:
        """All of it as bytes."""
        self._check_whole()
        with self.open() as stream:
            return stream.read()

    def _check_whole(self) -> None:
        if self.size > MAX_WHOLE_BYTES:
            limit = MAX_WHOLE_BYTES >> 20
            raise InputError(f"{self.name}: larger than {limit} MiB; split it and try again")

    def json(self) -> Any:
        """All of it as JSON, lone surrogates replaced."""
        return self.parse_json(self.text())

    def parse_json(self, text: str) -> Any:
        """Read JSON; an `InputError` names this file and the line."""
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            what = "cut or damaged JSON"
            cure = "export it again"
            raise InputError(f"{self.name}: {what} at line {error.lineno}; {cure}") from None
        except (RecursionError, ValueError):
            raise InputError(f"{self.name}: JSON that cannot be read; export it again") from None
        return _clean_json(value) if re.search(r"\\u[dD][89a-fA-F]", text) else value


def _clean_json(value: Any) -> Any:
    """JSON whose strings hold no lone surrogate."""
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_clean_json(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): _clean_json(item) for key, item in value.items()}
    return value


def _guess_utf16(start: bytes) -> str | None:
    """UTF-16 without a byte-order mark shows as NULs or line feeds at one parity."""
    half = len(start) // 2
    if half < 2:
        return None
    for codec, newline, other in (("utf-16-le", b"\n\0", 1), ("utf-16-be", b"\0\n", 0)):
        zeros, others = start[other::2].count(0), start[1 - other :: 2].count(0)
        if zeros > others * 8 and (zeros * 4 > half or newline in start):
            return codec
    return None


def _best_encoding(sample: bytes) -> str:
    """UTF-8 with a few damaged bytes, or the East Asian code page that fits best."""
    utf8 = sample.decode("utf-8", "replace")
    damaged = utf8.count("\ufffd")
    wide = sum(1 for char in utf8 if char > "\x7f") - damaged
    if wide > damaged * 10:
        return "utf-8"
    japanese, korean = sample.decode("cp932", "replace"), sample.decode("cp949", "replace")
    # Hangul's bytes read as CP932 are half-width katakana, which a Japanese text has few of.
    half = sum(1 for char in japanese if "\uff61" <= char <= "\uff9f")
    if half * 2 > sum(1 for char in japanese if char > "\x7f"):
        return "cp949" if korean.count("\ufffd") <= damaged else "utf-8"
    return "cp932" if japanese.count("\ufffd") <= damaged else "utf-8"


class Importer(Protocol):
    """One platform's reader. It knows messages and errors, and nothing of analysis."""

    format: Format

    def sniff(self, source: Source) -> bool:
        """Whether this file, by its content, holds messages of this platform."""

    def thread(self, source: Source) -> str:
        """The files that share this key are one piece of work and may be one conversation."""

    def read(self, sources: Sequence[Source], options: Options) -> Iterable[Conversation]:
        """Read the files of one `thread`, in natural order of their names."""

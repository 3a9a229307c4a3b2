"""LINE's talk history as a phone writes it: ``time TAB sender TAB body``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import zip_longest

from ..messages import Conversation, Message, Skipped
from .base import Format, Options, Source, strip_marks
from .dates import parse_clock, parse_day_line
from .line_words import is_notice, is_placeholder, is_save_line, parse_title

__all__ = ["LineImporter"]

CLOCK_LENGTH = 14
NO_MESSAGE = "no row, and no text message before it to continue"
CUT_ROW = "a row without a text: the file was cut here"


class LineImporter:
    """Reads the .txt of LINE on Android and iOS in any language of its user interface."""

    format = Format(
        "line",
        "LINE（スマートフォンのトーク履歴）",
        "LINE talk history (phone)",
        "[LINE] ….txt",
        "トーク画面の右上のメニュー→設定（その他）→「トーク履歴を送信」で .txt を保存します。",
        "In the chat: menu, settings (other), Export chat history; save the .txt.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether it opens with a LINE header, or has rows with a TAB after the time."""
        lines = [line for line in source.head.split("\n")[:400] if line.strip()]
        if not lines:
            return False
        if strip_marks(lines[0]).startswith("[LINE]") or any(map(is_save_line, lines[:3])):
            rows = sum(map(_is_row, lines))
            return rows > 0 or len(lines) < 6
        n_rows = sum(1 for line in lines if _is_row(line) and line.count("\t") >= 2)
        has_day = any(parse_day_line(strip_marks(line)) for line in lines if len(line) < 40)
        if has_day:
            return n_rows > 0
        return n_rows > 0 and ("\t" not in lines[0] or _is_row(lines[0]))

    def thread(self, source: Source) -> str:
        """Every file is a conversation."""
        return source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read each file as one conversation."""
        for source in sources:
            yield _Reader(source, options).read()


def _clock_of(line: str) -> tuple[tuple[int, int, int] | None, int]:
    """The time that opens a row, and where the first TAB is."""
    tab = line.find("\t", 0, CLOCK_LENGTH)
    if tab < 1:
        return None, tab
    head = line[:tab]
    return parse_clock(head if head.isascii() else strip_marks(head)), tab


def _is_row(line: str) -> bool:
    return _clock_of(line)[0] is not None


def _blocks(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Cut the lines before every row: number of the first line, then the row and what follows."""
    block: list[str] = []
    start = 1
    for number, line in enumerate(lines, 1):
        if _is_row(line):
            if block:
                yield start, block
            start, block = number, [line]
        else:
            block.append(line)
    if block:
        yield start, block


def _is_header(line: str, following: str) -> bool:
    """Whether another export begins here, glued behind the first."""
    return strip_marks(line).startswith("[LINE]") and is_save_line(following)


def find_closing_quote(lines: Sequence[str]) -> int | None:
    """Index of the line that closes the quote with which ``lines[0]`` opens.

    Inner quotes are doubled, so at the end the count of quotes is even; exports that forget to
    double them close at the last line that ends in a quote. A body on one line is never quoted.
    """
    count, last = 0, None
    for index, line in enumerate(lines):
        count += line.count('"')
        if line.rstrip().endswith('"') and (index or len(line) > 1):
            if count % 2 == 0:
                return index or None
            last = index
    return last or None


class _Reader:
    """The state of reading one file."""

    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.zone = options.zone
        self.messages: list[Message] = []
        self.skipped: list[Skipped] = []
        self.names: dict[str, str] = {}
        self.day: date | None = None
        self.times: dict[tuple[int, int, int], datetime] = {}
        self.title: tuple[str, bool | None] | None = None

    def read(self) -> Conversation:
        for start, block in _blocks(self.source.lines()):
            if _is_row(block[0]):
                self._read_row(start, block)
            else:
                self._read_tail(start, block, None)
        file_title = parse_title(self.source.stem, is_file_name=True)
        title, is_group = self.title or file_title or ("", None)
        senders = tuple(dict.fromkeys(message.sender for message in self.messages))
        return Conversation(
            title,
            LineImporter.format.name,
            self.source.name,
            self.messages,
            owner_of_pair(title, is_group, senders),
            self.skipped,
            True if len(senders) > 2 else is_group,
        )

    def _read_row(self, start: int, block: list[str]) -> None:
        clock, tab = _clock_of(block[0])
        assert clock is not None
        raw_name, border, body = block[0][tab + 1 :].partition("\t")
        name = self._name(raw_name) if border else ""
        if not name or is_notice(body, name):
            if not border and self.names.get(raw_name):
                self.skipped.append(Skipped(start, CUT_ROW))
            self._read_tail(start + 1, block[1:], None)
            return
        at = self._at(clock)
        if len(block) == 1:
            is_text = body != "" and not is_placeholder(body)
            self.messages.append(Message(name, body, at, is_text))
            return
        lines = [body, *block[1:]]
        close = find_closing_quote(lines) if body.startswith('"') else None
        if close is not None:
            quoted = "\n".join(lines[: close + 1]).rstrip()
            lines[: close + 1] = [quoted[1:-1].replace('""', '"')]
        text = self._read_tail(start + 1 + (close or 0), lines[1:], lines[0])
        self.messages.append(Message(name, text, at, text != "" and not is_placeholder(text)))

    def _read_tail(self, start: int, lines: Sequence[str], body: str | None) -> str:
        """Give what follows a row to its body, to the calendar, or to the skipped lines."""
        grown = [] if body is None else [body]
        is_open = body is not None and not is_placeholder(body)
        filled = [index for index, line in enumerate(lines) if line.strip()]
        before = -1
        for index, after in zip_longest(filled, filled[1:]):
            line = lines[index]
            n_blanks, before = index - before - 1, index
            if is_open and after is not None and _is_header(line, lines[after]):
                is_open = False
            day = self._day(line, is_open and after is not None, n_blanks > 0)
            if day is not None:
                self.day, self.times, is_open = day, {}, False
            elif is_open:
                grown += [*[""] * n_blanks, line]
            elif not self._read_header(line):
                self.skipped.append(Skipped(start + index, NO_MESSAGE))
        return "\n".join(grown)

    def _day(self, line: str, is_inside: bool, after_blank: bool) -> date | None:
        """The date of a date line; None for a line that only looks like one inside a body."""
        found = parse_day_line(strip_marks(line)) if len(line) < 40 else None
        if found is None:
            return None
        day, is_right = found
        is_next = is_right and after_blank and (self.day is None or day > self.day)
        return day if is_next or not is_inside else None

    def _name(self, raw: str) -> str:
        """The sender's name, one string per person."""
        name = self.names.get(raw)
        if name is None:
            name = self.names[raw] = strip_marks(raw)
        return name

    def _at(self, clock: tuple[int, int, int]) -> datetime | None:
        """The moment, one object per minute."""
        if self.day is None:
            return None
        at = self.times.get(clock)
        if at is None:
            at = datetime.combine(self.day, time(*clock), self.zone)
            self.times[clock] = at
        return at

    def _read_header(self, line: str) -> bool:
        """Whether the line is one of a header; the first title is kept."""
        if is_save_line(line):
            return True
        is_title = not self.messages or strip_marks(line).startswith("[LINE]")
        title = parse_title(line) if is_title else None
        if title is not None:
            self.title = self.title or title
        return title is not None


def owner_of_pair(title: str, is_group: bool | None, senders: Sequence[str]) -> str | None:
    """The owner of a log whose 1:1 title names one of exactly two senders."""
    if is_group is not False or len(senders) != 2 or title not in senders:
        return None
    return senders[0] if senders[1] == title else senders[1]

"""LINE's talk history as a phone writes it: ``time TAB sender TAB body``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..messages import Conversation, Message, Skipped
from .base import Format, Options, Source, strip_marks
from .dates import parse_clock, parse_day_line
from .line_desktop import is_desktop, read_desktop
from .line_log import Clock, LineLog
from .line_words import is_notice, is_placeholder, is_save_line

__all__ = ["LineImporter"]

CLOCK_LENGTH = 14
CUT_ROW = "a row without a text: the file was cut here"


class LineImporter:
    """Reads LINE's .txt of a phone or a computer, in any language of its user interface."""

    format = Format(
        "line",
        "LINE（トーク履歴）",
        "LINE talk history",
        "[LINE] ….txt",
        "スマートフォン：トーク右上のメニュー→設定（その他）→「トーク履歴を送信」。"
        "パソコン：トーク右上のメニュー→「トークを保存」。",
        "Phone: chat menu, settings (other), Export chat history. Computer: chat menu, Save chat.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether it opens with a LINE header, or has rows of LINE's two kinds."""
        lines = [line for line in source.head.split("\n")[:400] if line.strip()]
        return _is_phone(lines) or is_desktop(lines)

    def thread(self, source: Source) -> str:
        """Every file is a conversation."""
        return source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read each file as one conversation."""
        for source in sources:
            lines = [line for line in source.head.split("\n")[:400] if line.strip()]
            read = _read_phone if _is_phone(lines) else read_desktop
            yield read(LineLog(source, options.zone))


def _is_phone(lines: Sequence[str]) -> bool:
    """Whether the file's first lines are those of the family with TABs."""
    if not lines:
        return False
    rows = [line for line in lines if _clock_of(line)]
    if strip_marks(lines[0]).startswith("[LINE]") or any(map(is_save_line, lines[:3])):
        return bool(rows) or len(lines) < 6
    n_whole = sum(1 for row in rows if row.count("\t") >= 2)
    if any(parse_day_line(strip_marks(line)) for line in lines if len(line) < 40):
        return n_whole > 0
    return n_whole > 0 and ("\t" not in lines[0] or lines[0] in rows)


def _clock_of(line: str) -> Clock | None:
    """The time of day that opens a row; None if the line is no row."""
    tab = line.find("\t", 0, CLOCK_LENGTH)
    if tab < 1:
        return None
    head = line[:tab]
    return parse_clock(head) or (None if head.isascii() else parse_clock(strip_marks(head)))


def _blocks(lines: Iterator[str]) -> Iterator[tuple[int, Clock | None, list[str]]]:
    """Cut before every row: number of its line, its time, and its lines with what follows."""
    block: list[str] = []
    start, opening = 1, None
    for number, line in enumerate(lines, 1):
        clock = _clock_of(line)
        if clock is None:
            block.append(line)
            continue
        if block:
            yield start, opening, block
        start, opening, block = number, clock, [line]
    if block:
        yield start, opening, block


def find_closing_quote(lines: Sequence[str]) -> int | None:
    """Index of the line that closes the quote with which ``lines[0]`` opens.

    Inner quotes are doubled, so after the first line the count of quotes is odd and at the end it
    is even; exports that forget to double them close at the last line that ends in a quote. A body
    on one line is never quoted.
    """
    if lines[0].count('"') % 2 == 0:
        return None
    count, last = 0, None
    for index, line in enumerate(lines):
        count += line.count('"')
        if index and line.rstrip().endswith('"'):
            if count % 2 == 0:
                return index
            last = index
    return last


def _unquote(lines: Sequence[str]) -> tuple[str, int]:
    """A row's whole quoted body and how many further lines it takes; else its first line."""
    close = find_closing_quote(lines) if lines[0].startswith('"') else None
    if close is None:
        return lines[0], 0
    quoted = "\n".join(lines[: close + 1]).rstrip()
    return quoted[1:-1].replace('""', '"'), close


def _read_phone(log: LineLog) -> Conversation:
    names: dict[str, str] = {}
    add = log.messages.append
    for start, clock, block in _blocks(log.source.lines()):
        if clock is None:
            log.tail(start, block)
            continue
        _, raw_name, *bodies = block[0].split("\t", 2)
        body = bodies[0] if bodies else ""
        name = names.get(raw_name, "")
        if not name and bodies:
            name = names[raw_name] = strip_marks(raw_name)
        if not bodies or not name or is_notice(body, name):
            if not bodies and name:
                log.skipped.append(Skipped(start, CUT_ROW))
            log.tail(start + 1, block[1:])
        elif len(block) == 1:
            add(Message(name, body, log.at(clock), body != "" and not is_placeholder(body)))
        else:
            body, n_taken = _unquote([body, *block[1:]])
            log.add(name, body, clock, start + 1 + n_taken, block[1 + n_taken :])
    return log.conversation()

"""LINE's talk as a computer saves it: ``HH:MM name body`` with single spaces.

The border between name and body is not marked. Evidence for a name, strongest first: a notice that
names it, the file's name, and beginnings that are repeated.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..messages import Conversation, Skipped
from .base import strip_marks
from .dates import parse_day_line
from .line_log import Clock, LineLog
from .line_words import is_notice, names_in_notice, parse_title

__all__ = ["is_desktop", "read_desktop"]

# "19:30 佐藤 花子 おはよう"
ROW = re.compile(r"(\d{2}):(\d{2}) (\S.*)", re.DOTALL)
BARE = re.compile(
    r"画像|写真|スタンプ|動画|ファイル|ボイスメッセージ|連絡先|アルバム|圖片|照片|貼圖|影片|檔案"
    r"|未接來電|Photos?|Stickers?|Videos?|Files?|รูป|สติกเกอร์"
)
# What a part of a name has not: "おはよう。", "【お知らせ】", "https://…"
NOT_NAME = re.compile(r"[。、！？!?「」【】…]|https?:|\d{3}")
MAX_NAME_WORDS = 4
CUT_ROW = "a row without a text: the file was cut here, or a time at the start of a line"


class _Row(NamedTuple):
    number: int
    clock: Clock
    rest: str
    tail: list[str]


def is_desktop(lines: Sequence[str]) -> bool:
    """Whether the file's first lines are those of the family with spaces."""
    rows = [match for match in map(_match_row, lines) if match]
    if not rows or any("\t" in line[:14] for line in lines[:1]):
        return False
    if any(parse_day_line(strip_marks(line)) for line in lines if len(line) < 40):
        return True
    heads = Counter(match[3].partition(" ")[0] for match in rows if " " in match[3])
    is_repeated = any(count > 1 for count in heads.values())
    return _match_row(lines[0]) is not None and is_repeated and len(rows) * 2 >= len(lines)


def read_desktop(log: LineLog) -> Conversation:
    """Read one talk: first all rows, then the names in them, then the messages."""
    log.bare = BARE
    rows = list(_rows(log))
    first = parse_title(log.source.stem, is_file_name=True)
    names = _find_names([row.rest for row in rows], first[0] if first else "")
    held: _Row | None = None
    for row in rows:
        if held and _is_inside(row, held, names):
            held = held._replace(tail=[*held.tail, _line_of(row), *row.tail])
            continue
        if held:
            _read_row(log, held, names)
        held = row
    if held:
        _read_row(log, held, names)
    return log.conversation()


def _match_row(line: str) -> re.Match[str] | None:
    match = ROW.match(line)
    return match if match and int(match[1]) < 25 and int(match[2]) < 60 else None


def _line_of(row: _Row) -> str:
    return f"{row.clock[0]:02}:{row.clock[1]:02} {row.rest}"


def _rows(log: LineLog) -> Iterator[_Row]:
    """Every row with the lines up to the next; what stands before the first is told apart."""
    row: _Row | None = None
    opening: list[str] = []
    for number, line in enumerate(log.source.lines(), 1):
        match = _match_row(line)
        if match:
            if row:
                yield row
            clock = int(match[1]) % 24, int(match[2]), 0
            row = _Row(number, clock, match[3], [])
        else:
            (row.tail if row else opening).append(line)
        if match and opening:
            log.tail(1, opening)
            opening = []
    log.tail(1, opening)
    if row:
        yield row


def _find_names(rests: Iterable[str], title: str) -> dict[str, int]:
    """The senders' names and how often each opens a row."""
    longer: dict[str, Counter[str]] = defaultdict(Counter)  # beginning to beginnings + one word
    certain = {title}
    for rest in rests:
        noticed = names_in_notice(rest)
        if noticed is not None:
            certain.update(noticed)
            continue
        words = rest.split(" ", MAX_NAME_WORDS)
        for n_words in range(1, len(words)):
            longer[" ".join(words[: n_words - 1])][" ".join(words[:n_words])] += 1
    names: dict[str, int] = {}
    waiting = list(longer[""].items())
    while waiting:
        name, count = waiting.pop()
        known = [item for item in longer[name].items() if item[0] in certain]
        often = [(other, n) for other, n in longer[name].items() if n >= 3 and not NOT_NAME.search(other, len(name))]
        if name not in certain and sum(n for _, n in often) * 10 >= count * 9:
            waiting += often
        else:
            names[name] = count
            waiting += known
    return names


def _name_of(rest: str, names: Mapping[str, int]) -> str | None:
    """The longest known name with which a row begins; None for what the app tells of a known."""
    if any(name in names for name in names_in_notice(rest) or ()):
        return None
    words = rest.split(" ", MAX_NAME_WORDS)
    beginnings = (" ".join(words[:n_words]) for n_words in range(len(words) - 1, 0, -1))
    return next((name for name in beginnings if name in names), None)


def _is_inside(row: _Row, held: _Row, names: Mapping[str, int]) -> bool:
    """Whether what looks like a row is a line of the body before it, as ``10:00 集合``."""
    if is_notice(row.rest) or any(parse_day_line(strip_marks(line)) for line in held.tail):
        return False
    name = _name_of(row.rest, names)
    return name is None or (names[name] < 2 and row.clock < held.clock)


def _read_row(log: LineLog, row: _Row, names: Mapping[str, int]) -> None:
    name = _name_of(row.rest, names)
    body = "" if name is None else row.rest[len(name) + 1 :]
    if name is None or is_notice(body, name):
        if not is_notice(body if name else row.rest, name):
            log.skipped.append(Skipped(row.number, CUT_ROW))
        log.tail(row.number + 1, row.tail)
    else:
        log.add(strip_marks(name), body, row.clock, row.number + 1, row.tail)

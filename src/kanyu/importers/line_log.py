"""What both families of LINE's text exports do alike: days, continued bodies, skipped lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, tzinfo
from itertools import zip_longest

from ..messages import Conversation, Message, Skipped
from .base import Source, owner_of_pair, strip_marks
from .dates import is_month_first, parse_day_line
from .line_words import is_placeholder, is_save_line, parse_title

__all__ = ["Clock", "LineLog"]

Clock = tuple[int, int, int]
NO_MESSAGE = "no row, and no text message before it to continue"
DAY_LENGTH = 40


class LineLog:
    """The state of reading one talk: the calendar, the header, what was read and skipped."""

    def __init__(self, source: Source, zone: tzinfo) -> None:
        self.source = source
        self.bare: re.Pattern[str] | None = None  # placeholders without brackets
        self.zone = zone
        self.messages: list[Message] = []
        self.skipped: list[Skipped] = []
        self.day: date | None = None
        self.title: tuple[str, bool | None] | None = None
        self._is_doubtful = False
        self._is_glued = False  # two talks in one file: who is the owner cannot be told
        self._times: dict[Clock, datetime] = {}
        short = (strip_marks(line) for line in source.head.split("\n") if len(line) < DAY_LENGTH)
        self._month_first = is_month_first(short)

    def at(self, clock: Clock) -> datetime | None:
        """The moment of a row, one object per minute; None before the first date line."""
        at = self._times.get(clock)
        if at is None and self.day is not None:
            at = self._times[clock] = datetime.combine(self.day, time(*clock), self.zone)
        return at

    def add(self, name: str, body: str, clock: Clock, start: int, lines: Sequence[str]) -> None:
        """Add a message; `lines`, the first of which has number `start`, follow its row."""
        is_bare = self.bare is not None and self.bare.fullmatch(body) is not None
        at, is_text = self.at(clock), not is_bare and not is_placeholder(body)
        whole = self.tail(start, lines, body if is_text else None)
        body = whole if is_text else body
        self.messages.append(Message(name, body, at, is_text and body != ""))

    def tail(self, start: int, lines: Sequence[str], body: str | None = None) -> str:
        """Give what follows a row to its body, to the calendar, or to the skipped lines.

        Parameters
        ----------
        start : int
            Number of the first line.
        lines : sequence of str
            All lines up to the next row.
        body : str, optional
            The row's text, if it is one that can go on.

        Returns
        -------
        str
            The body with its continuation.
        """
        grown = [] if body is None else [body]
        is_open = body is not None
        filled = [index for index, line in enumerate(lines) if line.strip()]
        before = -1
        for index, after in zip_longest(filled, filled[1:]):
            line = lines[index]
            n_blanks, before = index - before - 1, index
            if is_open and after is not None and _is_header(line, lines[after]):
                is_open = False
            is_inside = is_open and after is not None and self._found_day(lines[after]) is None
            day = self._day(line, is_inside, n_blanks > 0)
            if day is not None:
                self.day, self._times, is_open = day, {}, False
            elif is_open:
                grown += [*[""] * n_blanks, line]
            elif not self._read_header(line):
                self.skipped.append(Skipped(start + index, NO_MESSAGE))
        return "\n".join(grown)

    def _day(self, line: str, is_inside: bool, after_blank: bool) -> date | None:
        """The date of a date line; None for a line that only looks like one inside a body."""
        found = self._found_day(line)
        if found is None:
            return None
        day, is_right = found
        is_next = is_right and after_blank and (self.day is None or day > self.day)
        return day if is_next or not is_inside else None

    def _found_day(self, line: str) -> tuple[date, bool] | None:
        """The date of a line that has the form of a date line, and whether its weekday is right."""
        if len(line) >= DAY_LENGTH:
            return None
        return parse_day_line(strip_marks(line), self._month_first)

    def _read_header(self, line: str) -> bool:
        """Whether the line is one of a header; the first title is kept."""
        if is_save_line(line):
            return True
        is_title = not self.messages or strip_marks(line).startswith("[LINE]")
        title = parse_title(line) if is_title else None
        if title is not None and self.title is None:
            self.title, self._is_doubtful = title, "とのトーク履歴" in line
        elif title not in (None, self.title):
            self._is_glued = True
        return title is not None

    def conversation(self) -> Conversation:
        """What was read, as one conversation."""
        file_title = parse_title(self.source.stem, is_file_name=True)
        title, is_group = self.title or file_title or ("", None)
        senders = tuple(dict.fromkeys(message.sender for message in self.messages))
        if len(senders) > 2 and self._is_doubtful:
            title = f"{title}と"  # まことのトーク履歴: the group まこと, not a talk with まこ
        me = None if is_group or self._is_glued else owner_of_pair(title, senders)
        if len(senders) > 2:
            is_group = True
        elif is_group is None and me:
            is_group = False
        return Conversation(title, "line", self.source.name, self.messages, me, self.skipped, is_group)


def _is_header(line: str, following: str) -> bool:
    """Whether another export begins here, glued behind the first."""
    return strip_marks(line).startswith("[LINE]") and is_save_line(following)

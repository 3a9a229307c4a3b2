"""Times of day, weekdays and calendar dates in the languages of the apps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

__all__ = ["calendar_date", "is_month_first", "parse_clock", "parse_day_line", "weekday_of"]

HALVES = {
    **dict.fromkeys(("午前", "上午", "오전", "am", "a.m.", "a. m.", "凌晨", "早上"), 0),
    **dict.fromkeys(("午後", "下午", "오후", "pm", "p.m.", "p. m.", "晚上"), 12),
}
# Rows of Monday to Sunday; "曜日", "週", "요일" and the like are cut off before the look-up.
WEEKDAYS = (
    "月 火 水 木 金 土 日",
    "一 二 三 四 五 六 日",
    "월 화 수 목 금 토 일",
    "mon tue wed thu fri sat sun",
    "monday tuesday wednesday thursday friday saturday sunday",
    "จ อ พ พฤ ศ ส อา",
    "จันทร์ อังคาร พุธ พฤหัสบดี ศุกร์ เสาร์ อาทิตย์",
    "sen sel rab kam jum sab min",
    "senin selasa rabu kamis jumat sabtu minggu",
    "lun mar mié jue vie sáb dom",
    "lunes martes miércoles jueves viernes sábado domingo",
)
NUMBERS = {day: number for row in WEEKDAYS for number, day in enumerate(row.split())} | {"天": 6}
# "午後05:38", "24:53", "12:05AM", "12:00 AM", "7:32:10 p. m."
CLOCK = re.compile(
    r"([^\d\s:]{2})?\s?(\d{1,2}):(\d{2})(?::(\d{2}))?\s?([AaPp]\.? ?[Mm]\.?|[^\d\s:]{2})?"
)
# "2023/07/13(木)", "2024.03.31 日曜日", "2024/1/2週二", "2022/12/24（週六）"
YEAR_FIRST = re.compile(
    r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})\s?[(\uff08]?([^\d\s()（）,./]{1,12}\.?)[)\uff09]?"
)
# "Sat, 11/01/2025", "ศ. 28/11/2568"
DAY_FIRST = re.compile(r"([^\d\s()（）,./]{1,12})[.,]{0,2} ?(\d{1,2})/(\d{1,2})/(\d{4})")


@lru_cache(maxsize=8192)
def parse_clock(text: str) -> tuple[int, int, int] | None:
    """Hour, minute and second of a time of day in 12 or 24 hours; None if it is no such thing."""
    match = CLOCK.fullmatch(text)
    if match is None:
        return None
    before, hours, minutes, seconds, after = match.groups()
    hour, minute, second = int(hours), int(minutes), int(seconds or 0)
    if hour > 24 or minute > 59 or second > 59:
        return None
    mark = before or after
    if mark is None:
        return hour % 24, minute, second
    half = HALVES.get(mark.lower())
    if half is None or (before and after):
        return None
    return (hour % 12 + half if hour <= 12 else hour % 24), minute, second


def weekday_of(text: str) -> int | None:
    """0 for Monday to 6 for Sunday, from a weekday's name in any of the languages; else None."""
    word = text.lower().rstrip(".")
    word = word.removesuffix("曜日").removesuffix("曜").removesuffix("요일")
    for prefix in ("星期", "週", "周", "禮拜", "วัน"):
        word = word.removeprefix(prefix)
    return NUMBERS.get(word)


def calendar_date(year: int, month: int, day: int) -> date | None:
    """The date, a Buddhist year brought down to ours; None if there is no such day."""
    try:
        return date(year - 543 if year > 2400 else year, month, day)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def parse_day_line(text: str, month_first: bool = False) -> tuple[date, bool] | None:
    """Read a line that is a date with its weekday and nothing else.

    Parameters
    ----------
    text : str
        The line, without blanks around it.
    month_first : bool
        What 11/01/2025 means where its weekday fits both.

    Returns
    -------
    (date, bool) or None
        The date, and whether its weekday is right.
    """
    if match := YEAR_FIRST.fullmatch(text):
        year, month, day = map(int, match.groups()[:3])
        weekday = weekday_of(match[4])
        readings = [calendar_date(year, month, day)]
    elif match := DAY_FIRST.fullmatch(text):
        first, second, year = map(int, match.groups()[1:])
        weekday = weekday_of(match[1])
        readings = [calendar_date(year, second, first), calendar_date(year, first, second)]
        if month_first:
            readings.reverse()
    else:
        return None
    possible = [reading for reading in readings if reading is not None]
    if weekday is None or not possible:
        return None
    for reading in possible:
        if reading.weekday() == weekday:
            return reading, True
    return possible[0], False


def is_month_first(lines: Iterable[str]) -> bool:
    """Whether these lines' dates put the month first; the first that is not ambiguous decides."""
    for line in lines:
        if match := DAY_FIRST.fullmatch(line):
            first, second, year = map(int, match.groups()[1:])
            readings = calendar_date(year, second, first), calendar_date(year, first, second)
            weekday = weekday_of(match[1])
            day_fits, month_fits = (day and day.weekday() == weekday for day in readings)
            if day_fits != month_fits:
                return bool(month_fits)
    return False

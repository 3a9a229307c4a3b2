"""Times of day, weekdays and calendar dates in the languages of the apps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache

from .base import MARKS

__all__ = [
    "calendar_date",
    "is_month_first",
    "parse_clock",
    "parse_day_line",
    "parse_moment",
    "weekday_of",
]

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
CLOCK = re.compile(r"([^\d\s:]{2})?\s?(\d{1,2}):(\d{2})(?::(\d{2}))?\s?([AaPp]\.? ?[Mm]\.?|[^\d\s:]{2})?")
# "2023/07/13(木)", "2024.03.31 日曜日", "2024/1/2週二", "2022/12/24（週六）"
YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})\s?[(\uff08]?([^\d\s()（）,./]{1,12}\.?)[)\uff09]?")
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


ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925}
# "2024-03-04T11:20:34.1234567Z", "2024/5/1(水) 午後7:32", "令和6年5月1日 19時32分"
MOMENT = re.compile(
    r"(?:(令和|平成|昭和|[RHS])(\d{1,2}|元)|(\d{4}))[-/.年] ?(\d{1,2})[-/.月] ?(\d{1,2})[.日]?"
    r"(?: ?[(\uff08][^()（）]{1,6}[)\uff09]|[月火水木金土日]曜日)?[T, ]{1,3}(.{1,40})"
)
# "10/6/2023 12:37 AM": the month first where AM or PM follows
SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}),? (.{1,20})")
# "May 12, 2025 2:37:00 PM", "Wednesday, April 15, 2015 at 12:51:41 AM UTC", "Jul 9, 2015, 8:34 PM"
NAMED = re.compile(r"(?:[A-Za-z]{3,9}, )?([A-Za-z]{3,9})\.? (\d{1,2}), (\d{4})(?:,| at)? {1,2}(.{1,24})")
# "01-May-24 07:32 PM", "1 May 2024, 19:32"
NAMED_SECOND = re.compile(r"(\d{1,2})[- ]([A-Za-z]{3,9})\.?[- ](\d{4}|\d{2}),? {1,2}(.{1,24})")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# "19:32:00.123456+09:00", "19:32 UTC+01:00"
ZONED_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)? ?(Z|UTC|GMT)?([+-]\d{2}:?\d{2})?")
KANJI_CLOCK = re.compile(r"(午前|午後)?(\d{1,2})時(\d{1,2})分(?:(\d{1,2})秒)?")
EXCEL_DAYS = range(20_000, 80_000)


def parse_moment(value: object, zone: tzinfo) -> datetime | None:
    """Read a date with its time of day, as people, programs and spreadsheets write it.

    Parameters
    ----------
    value : object
        Text, a number (seconds, milliseconds or microseconds since 1970, or days of a
        spreadsheet) or a datetime.
    zone : tzinfo
        The zone of what names none.

    Returns
    -------
    datetime or None
        With a time zone; None for what is not understood, and for a date without a time.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).translate(MARKS).strip().removeprefix("'")
    if re.fullmatch(r"\d{1,20}(?:\.\d{1,20})?", text):
        return _moment_of_number(float(text), zone)
    if match := MOMENT.fullmatch(text):
        era, era_year, plain_year, month, day, clock = match.groups()
        year = int(plain_year) if plain_year else ERAS[era] + int(era_year.replace("元", "1"))
        return _combine(calendar_date(year, int(month), int(day)), clock, zone)
    if match := NAMED.fullmatch(text):
        return _named(match[1], match[2], match[3], match[4], zone)
    if match := NAMED_SECOND.fullmatch(text):
        return _named(match[2], match[1], match[3], match[4], zone)
    if match := SLASHED.fullmatch(text):
        numbers = int(match[1]), int(match[2])
        is_month_first_ = numbers[1] > 12 or (numbers[0] <= 12 and match[4][-1] in "Mm")
        month_, day_ = numbers if is_month_first_ else numbers[::-1]
        return _combine(calendar_date(int(match[3]), month_, day_), match[4], zone)
    return None


def _named(month: str, day: str, year: str, clock: str, zone: tzinfo) -> datetime | None:
    """A moment whose month is an English word."""
    if month[:3].lower() not in MONTHS:
        return None
    number = MONTHS.index(month[:3].lower()) + 1
    long_year = int(year) + (2000 if len(year) == 2 else 0)
    return _combine(calendar_date(long_year, number, int(day)), clock, zone)


def _moment_of_number(number: float, zone: tzinfo) -> datetime | None:
    if int(number) in EXCEL_DAYS and number != int(number):
        whole = datetime(1899, 12, 30, tzinfo=zone) + timedelta(days=number)
        return (whole + timedelta(milliseconds=500)).replace(microsecond=0)
    for scale in (1, 1_000, 1_000_000):
        if 1e8 <= number / scale < 1e10:
            return datetime.fromtimestamp(number / scale, UTC).astimezone(zone)
    return None


def _combine(day: date | None, clock: str, zone: tzinfo) -> datetime | None:
    if day is None:
        return None
    micro, own_zone = 0, zone
    if clock.endswith(("M UTC", "秒 UTC")):
        clock, own_zone = clock[:-4], UTC
    if match := ZONED_CLOCK.fullmatch(clock):
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        micro = int((match[4] or "0").ljust(6, "0")[:6])
        if match[5] or match[6]:
            offset = (match[6] or "+0000").replace(":", "")
            minutes = int(offset[1:3]) * 60 + int(offset[3:])
            sign = -1 if offset[0] == "-" else 1
            own_zone = timezone(sign * timedelta(minutes=minutes)) if minutes < 1440 else zone
    else:
        kanji = KANJI_CLOCK.fullmatch(clock)
        parsed = parse_clock(f"{kanji[1] or ''}{kanji[2]}:{kanji[3]:0>2}" if kanji else clock)
        if parsed is None:
            return None
        hour, minute, second = parsed
    if hour > 24 or minute > 59 or second > 59:
        return None
    moment = datetime.combine(day, time(hour % 24, minute, second, micro), own_zone)
    return moment if own_zone is zone else moment.astimezone(zone)

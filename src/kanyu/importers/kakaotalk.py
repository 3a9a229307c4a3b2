"""KakaoTalk: the text of Android, iOS and Windows, and the CSV of Mac and newer Windows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import NamedTuple

from ..messages import Conversation, Message, Skipped
from .base import Format, Options, Source, owner_of_pair, strip_marks
from .cells import clean_cell, find_header, read_csv
from .dates import parse_clock, parse_moment

__all__ = ["KakaoTalkImporter"]

OWNERS = ("회원님", "you", "You")
# "윤서 님과 카카오톡 대화", "KakaoTalk Chats with Mari (4)", "Mari with KakaoTalk Chats"
TITLE = re.compile(
    r"(?P<ko>.{1,200}?) (?:(?P<n_ko>\d{1,4}) )?님과 카카오톡 대화"
    r"|KakaoTalk Chats with (?P<en>.{1,200}?)(?: \((?P<n_en>\d{1,4})\))?"
    r"|(?P<win>.{1,200}) with KakaoTalk Chats"
)
SAVED = re.compile(r"(?:저장한 날짜|Date Saved|保存日) ?: ?.{4,40}")
# "2015년 7월 9일", and the time before the date: "8:34pm, July 9, 2015"
KOREAN_DAY = re.compile(r"(\d{4})[년年] ?(\d{1,2})[월月] ?(\d{1,2})[일日]")
TIME_FIRST = re.compile(r"(\d{1,2}:\d{2} ?[ap]m), ([A-Za-z]{3,9} \d{1,2}, \d{4})", re.IGNORECASE)
# "--------------- 2015년 8월 1일 토요일 ---------------", "2015년 7월 9일 목요일"
DAY_LINE = re.compile(
    r"(?:-{5,} )?(?:(\d{4}[년年] ?\d{1,2}[월月] ?\d{1,2}[일日]) ?\S{1,4}"
    r"|[A-Z][a-z]{5,8}, ([A-Z][a-z]{2,8} \d{1,2}, \d{4}))(?: -{5,})?"
)
WINDOWS_ROW = re.compile(r"\[([^\[\]]{1,80})\] \[([^\[\]]{4,12})\] (.*)")  # [이름] [오후 2:37] 본문
PLACEHOLDER = re.compile(
    r"(?:사진|동영상|이모티콘|음성메시지|연락처|지도|보이스톡|페이스톡)(?: \d{1,3}장)?"
    r"|파일: .{1,200}|삭제된 메시지입니다\.?"
    r"|(?:Photo|Video|Emoticon|Voice Message)s?|File: .{1,200}"
    r"|写真|動画|スタンプ|This message was deleted\.?"
)
NOTICE = re.compile(
    r".{1,80}님이 .{0,80}(?:들어왔습니다|나갔습니다|초대(?:했|하였)습니다|내보냈습니다)\.?"
    r"|.{1,80} (?:invited .{1,80}|joined .{0,40}|left .{0,40}|has (?:joined|left).{0,40})\.?"
)
NO_MESSAGE = "no row, and no text message before it to continue"
HEADER = ("Date", "User", "Message")


class _Row(NamedTuple):
    sender: str
    text: str
    at: datetime | None


class KakaoTalkImporter:
    """Reads KakaoTalk's exports in Korean and English (and Japanese as far as it is alike)."""

    format = Format(
        "kakaotalk",
        "KakaoTalk（カカオトーク）",
        "KakaoTalk",
        "KakaoTalk….txt, KakaoTalk_Chat_….csv",
        "トークルームのメニュー→設定→トークのエクスポート→テキストを保存します。",
        "Chat room menu, settings, Export chat messages, save the text.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether it has KakaoTalk's title, its CSV header or two of its rows."""
        lines = [line for line in map(strip_marks, source.head.split("\n")[:100]) if line]
        if not lines:
            return False
        if any(TITLE.fullmatch(line) for line in lines[:2]) or find_header(source, *HEADER) == 0:
            return True
        return sum(1 for line in lines if _stamped(line) and " : " in line) > 1

    def thread(self, source: Source) -> str:
        """Every file is a conversation."""
        return source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read each file as one conversation."""
        for source in sources:
            is_csv = find_header(source, *HEADER) == 0
            yield _read_csv(source, options.zone) if is_csv else _read_text(source, options.zone)


@lru_cache(maxsize=4096)
def _moment(text: str, zone: tzinfo) -> datetime | None:
    """A stamp such as ``2015년 7월 9일 오후 8:34``; None for what is none."""
    text = TIME_FIRST.sub(r"\2, \1", KOREAN_DAY.sub(r"\1-\2-\3", text))
    return parse_moment(text, zone)


def _stamped(line: str, zone: tzinfo | None = None) -> tuple[datetime, str] | None:
    """The stamp that opens a line, and what follows; nothing for a line without one."""
    if not line[:1].isalnum() or not any(char.isdecimal() for char in line[:16]):
        return None
    for border in re.finditer(r", |: |$", line[:48]):
        moment = _moment(line[: border.start()], zone or UTC)
        if moment is not None:
            return moment, line[border.end() :] if border.end() < 48 else ""
    return None


def _read_text(source: Source, zone: tzinfo) -> Conversation:
    rows: list[_Row] = []
    skipped: list[Skipped] = []
    body: list[str] = []
    title, is_group, is_open = "", None, False
    day: date | None = None

    def close() -> None:
        if is_open:
            rows[-1] = rows[-1]._replace(text="\n".join(body).rstrip("\n"))

    for number, raw in enumerate(source.lines(), 1):
        line = strip_marks(raw) if len(raw) < 200 else raw
        if number <= 3 and not rows and (match := TITLE.fullmatch(line)):
            title = match["ko"] or match["en"] or match["win"]
            n_people = match["n_ko"] or match["n_en"]
            is_group = int(n_people) > 2 if n_people else None
            continue
        windows = WINDOWS_ROW.fullmatch(line)
        clock = parse_clock(windows[2]) if windows else None
        stamped = _stamped(raw.lstrip("\ufeff"), zone)
        if (found := DAY_LINE.fullmatch(line)) or (SAVED.fullmatch(line) and not rows):
            if found:
                text = (found[1] or found[2]).replace("年", "년").replace("月", "월").replace("日", "일")
                moment = _moment(f"{text} 0:00" if found[1] else f"{text}, 0:00", zone)
                day = moment.date() if moment else day
            close()
            is_open = False
        elif windows and clock:
            close()
            at = datetime.combine(day, time(*clock), zone) if day else None
            rows.append(_Row(windows[1], "", at))
            body, is_open = [windows[3]], True
        elif stamped:
            close()
            name, colon, text = stamped[1].partition(" : ")
            is_open = bool(colon)
            if is_open:
                rows.append(_Row(name.strip(), "", stamped[0]))
                body = [text]
        elif NOTICE.fullmatch(line):
            close()
            is_open = False
        elif is_open:
            body.append(raw)
        elif line:
            skipped.append(Skipped(number, NO_MESSAGE))
    close()
    return _conversation(source, title, is_group, rows, skipped)


def _read_csv(source: Source, zone: tzinfo) -> Conversation:
    rows: list[_Row] = []
    skipped: list[Skipped] = []
    for number, row in read_csv(source):
        cells = [clean_cell(cell) for cell in row]
        if number == 1 or not any(cells):
            continue
        if len(cells) < 3:
            skipped.append(Skipped(number, NO_MESSAGE))
        elif not NOTICE.fullmatch(cells[2]):
            rows.append(_Row(cells[1], ",".join(cells[2:]), parse_moment(cells[0], zone)))
    return _conversation(source, "", None, rows, skipped)


def _conversation(
    source: Source, title: str, is_group: bool | None, rows: Sequence[_Row], skipped: list[Skipped]
) -> Conversation:
    messages = [
        Message(row.sender, row.text, row.at, row.text != "" and not PLACEHOLDER.fullmatch(row.text)) for row in rows
    ]
    senders = tuple(dict.fromkeys(message.sender for message in messages))
    me = next((owner for owner in OWNERS if owner in senders), owner_of_pair(title, senders))
    is_group = True if len(senders) > 2 else is_group
    name = KakaoTalkImporter.format.name
    return Conversation(title, name, source.name, messages, me, skipped, is_group)

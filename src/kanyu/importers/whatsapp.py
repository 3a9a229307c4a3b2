"""WhatsApp's exported chat, of iOS (``[date, time] name: text``) and Android (``… - name: …``)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, tzinfo
from itertools import islice, pairwise

from ..messages import Conversation, Message, Skipped
from .base import MARKS, Format, Options, Source, owner_of_pair, strip_marks
from .dates import calendar_date, parse_clock

__all__ = ["WhatsAppImporter"]

# "[2024/05/01, 19:32:00] 佐藤: はい", "5/1/24, 7:32 PM - Mari: hi", "01.05.24 19.32 – A: x"
ROW = re.compile(
    r"\[?(\d{1,4})([./-])(\d{1,2})[./-](\d{1,4})\.?,?[ \u3000]([^\]\[]{4,16}?)(?:\] ?| [-–] )(.*)",
    re.DOTALL,
)
OPENINGS = " \u200e\u200f\u202a\ufeff["
PLACEHOLDER = re.compile(
    # <メディアは含まれていません>, 画像は含まれていません, <attached: 00000003-PHOTO.jpg>
    r"<(?:メディアは含まれていません|メディアなし|Media omitted|attached: [^<>]{1,200}"
    r"|添付ファイル: ?[^<>]{1,200})>"
    r"|(?:画像|ビデオ|動画|音声|スタンプ|GIF|ドキュメント|連絡先カード)(?:は含まれていません|を省略)"
    r"|(?:image|video|audio|sticker|GIF|document|Contact card) omitted"
    r"|ライブロケーション共有.{0,40}|(?:ビデオ通話|音声通話)?不在着信.{0,20}|null"
    r"|[\w.\- ]{1,100}\.\w{2,5} \((?:file attached|ファイルが添付されています|添付ファイル)\)"
    r"|(?:このメッセージは削除されました|メッセージを削除しました)。?"
    r"|(?:This message was deleted|You deleted this message)\.?|Missed (?:voice|video) call.{0,20}"
)
# "Messages and calls are end-to-end encrypted. …"
NOTICE = re.compile(
    r"(?:Messages and calls are|Messages you send to this|メッセージと通話は"
    r"|このグループに送信したメッセージ).{0,400}",
    re.DOTALL,
)
# "A created group “x: y”", "Aがグループ「x: y」を作成しました"
NOTICE_HEAD = re.compile(
    r".{1,80}(?: created (?:this )?group| changed (?:the|this)| added | left| joined"
    r"|が(?:グループ|件名|説明|アイコン)).{0,200}"
)
EDITED = re.compile(r" ?<(?:This message was edited|このメッセージは編集されました)>$")
TITLES = (
    re.compile(r"WhatsApp ?(?:Chat|チャット)(?: with| -|[:：])? ?(?P<name>.+)"),
    re.compile(r"(?P<name>.+)との ?WhatsApp ?チャット"),
)
# Which of the three numbers is year, month and day, in the order of preference
ORDERS = {"day first": (2, 1, 0), "month first": (2, 0, 1), "year first": (0, 1, 2)}
BEGINNING = 2009  # the year in which WhatsApp began
NO_MESSAGE = "no row, and no text message before it to continue"
NO_DATE = "a row whose date does not exist"

Stamp = tuple[str, str, str]


class WhatsAppImporter:
    """Reads the .txt of a phone; the order of day and month is found over the whole file."""

    format = Format(
        "whatsapp",
        "WhatsApp",
        "WhatsApp",
        "WhatsApp Chat - ….zip, _chat.txt, WhatsApp Chat with ….txt",
        "トークを開く→相手の名前→「チャットをエクスポート」→「メディアなし」。",
        "Open the chat, tap its name, Export chat, without media.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether its first line is a row, or two of the first hundred are."""
        lines = [line for line in source.head.split("\n")[:100] if line.strip()]
        rows = [line for line in lines if _match(line)]
        return len(rows) > 1 or (len(rows) == 1 and rows[0] == lines[0] and ": " in rows[0])

    def thread(self, source: Source) -> str:
        """Every file is a conversation."""
        return source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read each file as one conversation."""
        for source in sources:
            yield _read(source, options.zone)


def _match(line: str) -> re.Match[str] | None:
    if not line[:8].lstrip(OPENINGS)[:1].isdecimal():
        return None
    match = ROW.match(line) or ROW.match(line[:48].translate(MARKS).lstrip() + line[48:])
    return match if match and _clock(match[5]) else None


def _clock(text: str) -> tuple[int, int, int] | None:
    plain = strip_marks(text)
    return parse_clock(plain.replace(".", ":") if ":" not in plain else plain)


def _order(stamps: Iterable[Stamp], first_row: str) -> tuple[int, int, int]:
    """The reading under which the fewest dates do not exist, and the fewest go backwards."""

    def faults(order: tuple[int, int, int]) -> tuple[int, int]:
        days = [_day(stamp, order) for stamp in known]
        backwards = sum(1 for a, b in pairwise(days) if a and b and a > b)
        n_before = sum(1 for day in days if day and day.year < BEGINNING)
        return days.count(None) + n_before, backwards

    known = list(dict.fromkeys(stamps))
    orders = list(ORDERS.values())
    if re.search(r"\d [AP]M\b", first_row) and not first_row.lstrip("[").startswith("0"):
        orders = [orders[1], orders[0], orders[2]]  # "5/1/24, 7:32 PM" is how Americans write
    return min(orders, key=faults)


def _day(stamp: Stamp, order: tuple[int, int, int]) -> date | None:
    year, month, day = (stamp[index] for index in order)
    if len(year) not in (2, 4) or len(month) > 2 or len(day) > 2:
        return None
    return calendar_date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))


def _read(source: Source, zone: tzinfo) -> Conversation:
    matches = (match for match in map(_match, source.lines()) if match)
    first_row = next((line for line in islice(source.lines(), 100) if _match(line)), "")
    order = _order(((m[1], m[3], m[4]) for m in matches), strip_marks(first_row[:48]))
    messages: list[Message] = []
    skipped: list[Skipped] = []
    body: list[str] = []
    sender, at = "", None

    def close() -> None:
        """Add the message whose lines are complete."""
        if sender:
            text = EDITED.sub("", "\n".join(body).rstrip("\n"))
            is_text = text.strip() != "" and not PLACEHOLDER.fullmatch(strip_marks(text))
            messages.append(Message(sender, text, at, is_text))

    for number, line in enumerate(source.lines(), 1):
        match = _match(line)
        if match is None:
            if sender:
                body.append(line)
            elif line.strip():
                skipped.append(Skipped(number, NO_MESSAGE))
            continue
        close()
        sender, text = _split(match[6])
        day, clock = _day((match[1], match[3], match[4]), order), _clock(match[5])
        if sender and (day is None or clock is None):
            skipped.append(Skipped(number, NO_DATE))
            sender = ""
        elif day is not None and clock is not None:
            body, at = [text], datetime.combine(day, time(*clock), zone)
    close()
    senders = tuple(dict.fromkeys(message.sender for message in messages))
    title = _title(source)
    me = owner_of_pair(title, senders)
    is_group = True if len(senders) > 2 else (False if me else None)
    name = WhatsAppImporter.format.name
    return Conversation(title, name, source.name, messages, me, skipped, is_group)


def _split(rest: str) -> tuple[str, str]:
    """Sender and text of a row; no sender for what the app says by itself."""
    if NOTICE.fullmatch(rest.lstrip("\u200e\u200f")):
        return "", ""
    name, colon, text = rest.partition(":")
    if colon and text[:1] not in ("", " "):
        name, colon, text = rest.partition(": ")
    name, text = strip_marks(name).removeprefix("~").strip(), text.strip(" ").lstrip("\u200e\u200f")
    if not colon or NOTICE.fullmatch(text) or NOTICE_HEAD.fullmatch(name):
        return "", ""
    return sys.intern(name), text


def _title(source: Source) -> str:
    """The other's or the group's name, from the file's name or that of its zip."""
    for part in (source.stem, *reversed(source.name.split("/"))):
        for pattern in TITLES:
            if match := pattern.fullmatch(re.sub(r"\.(?:zip|txt)$", "", part)):
                return strip_marks(match["name"])
    return ""

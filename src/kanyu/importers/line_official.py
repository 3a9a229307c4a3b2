"""LINE公式アカウント: the chat CSV of LINE Official Account Manager, one customer per file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta, timezone, tzinfo

from ..messages import Conversation, Message, Skipped
from .base import Format, Options, Source, by_time
from .cells import clean_cell, find_header, read_csv
from .dates import parse_moment

__all__ = ["LineOfficialImporter"]

HEADER = ("送信者タイプ", "送信者名", "送信日", "送信時刻", "内容")
PLACEHOLDER = re.compile(
    # 写真を送信しました。
    r"(?:写真|動画|スタンプ|音声|ファイル|位置情報)を送信しました。?|送信が取り消されたメッセージです。?"
)
OFFSET = re.compile(r"'?([+-])(\d{2}):(\d{2})")  # '+09:00
AUTOMATIC = {"応答メッセージ", "あいさつメッセージ"}  # what the account sends by itself, under no one's name
UNKNOWN_ROW = "a row that is neither of a user nor of the account"


class LineOfficialImporter:
    """Reads the CSV that an official account's owner downloads; the account is the owner."""

    format = Format(
        "line_official",
        "LINE公式アカウント（チャットのCSV）",
        "LINE Official Account chat CSV",
        "日付_日付_名前.csv",
        "LINE Official Account Managerのチャットで相手を開き、メニューの「チャット履歴をダウンロード」。",
        "LINE Official Account Manager: chats, open the person, menu, download the chat history.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether the header row is within the first rows."""
        return "送信者タイプ" in source.head and find_header(source, *HEADER) is not None

    def thread(self, source: Source) -> str:
        """Every file is a customer."""
        return source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read each file as one conversation."""
        for source in sources:
            yield _read(source, options.zone)


def _read(source: Source, zone: tzinfo) -> Conversation:
    preamble: dict[str, str] = {}
    rows: list[tuple[str, Message]] = []
    skipped: list[Skipped] = []
    is_below = False
    for number, row in read_csv(source):
        cells = [str(cell) for cell in row]
        if not is_below:
            is_below = tuple(cell.strip() for cell in cells[:5]) == HEADER
            preamble.setdefault(cells[0], cells[1]) if len(cells) > 1 else None
            zone = _zone(preamble.get("タイムゾーン", ""), zone) if is_below else zone
        elif len(cells) >= 5 and cells[0] in ("User", "Account"):
            text = clean_cell(",".join(cells[4:])).strip()
            at = parse_moment(f"{cells[2]} {cells[3]}", zone)
            is_text = text != "" and PLACEHOLDER.fullmatch(text) is None
            rows.append((cells[0], Message(cells[1] or cells[0], text, at, is_text)))
        elif any(cells):
            skipped.append(Skipped(number, UNKNOWN_ROW))
    names = {message.sender for kind, message in rows if kind == "Account"}
    account = preamble.get("アカウント名") or "Account"
    me = next(iter(names)) if len(names) == 1 and not names & AUTOMATIC else account
    messages = [Message(me, m.text, m.at, m.is_text) if kind == "Account" else m for kind, m in rows]
    title = next((message.sender for kind, message in rows if kind == "User"), "")
    name = LineOfficialImporter.format.name
    return Conversation(title, name, source.name, by_time(messages), me, skipped, False)


def _zone(text: str, default: tzinfo) -> tzinfo:
    match = OFFSET.fullmatch(text.strip())
    if match is None:
        return default
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)

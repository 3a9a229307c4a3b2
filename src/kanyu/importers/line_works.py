"""LINE WORKS: the CSV of the audit download, all rooms in one file, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo

from ..messages import Conversation, Message, Skipped
from .base import Format, Options, People, Source, by_time
from .cells import clean_cell, find_header, read_csv
from .dates import parse_moment

__all__ = ["LineWorksImporter"]

HEADER = ("日時", "送信者", "受信者", "トークルームID", "トーク")
PERSON = re.compile(r"(.{1,100})\(([^()]{1,200})\)")  # 太郎(taro@example)
# "(写真) image_20230106.png", "https://stickers.example/1.png"
PLACEHOLDER = re.compile(
    r"\((?:写真|動画|ファイル|音声|位置情報)\) ?[^\n]{0,200}|https?://[^\s]{1,500}\.(?:png|gif|jpe?g)"
)
NO_ROW = "a row that has not all columns"
FAILED = "the download failed here: downloadLogs error"


class LineWorksImporter:
    """Reads the Japanese form of the audit CSV; the other languages' headers are not known."""

    format = Format(
        "line_works",
        "LINE WORKS（監査のトークCSV）",
        "LINE WORKS audit CSV",
        "….csv",
        "管理者画面→監査→トーク→期間を選んで「ダウンロード」（言語は日本語）。",
        "Administrators: Audit, Message, choose the period, Download (in Japanese).",
    )

    def sniff(self, source: Source) -> bool:
        """Whether the first row is the header."""
        return "トークルームID" in source.head and find_header(source, *HEADER) is not None

    def thread(self, source: Source) -> str:
        """All files of one folder: a room may go on in the next month's file."""
        return source.folder

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read every room."""
        people = People()
        rooms: dict[str, tuple[Source, list[Message], set[str]]] = {}
        skipped: list[Skipped] = []
        for source in sources:
            for number, row in read_csv(source):
                cells = [clean_cell(cell) for cell in row]
                if tuple(cells[:5]) == HEADER or not any(cells):
                    continue
                if len(cells) < 5:
                    reason = FAILED if "downloadLogs error" in cells[0] else NO_ROW
                    skipped.append(Skipped(number, reason))
                    continue
                _, messages, members = rooms.setdefault(cells[3], (source, [], set()))
                messages.append(_message(cells, people, options.zone))
                members.update(re.findall(r"\(([^()]{1,200})\)", f"{cells[1]} {cells[2]}"))
        for _, (source, messages, members) in rooms.items():
            ordered = by_time(messages)
            title = ", ".join(dict.fromkeys(message.sender for message in ordered))
            is_group = len(members) > 2
            name = self.format.name
            yield Conversation(title, name, source.name, ordered, None, skipped, is_group)
            skipped = []


def _message(cells: Sequence[str], people: People, zone: tzinfo) -> Message:
    person = PERSON.fullmatch(cells[1])
    name = people.name(person[2], person[1]) if person else people.name(cells[1])
    text = ",".join(cells[4:]).strip()
    is_text = text != "" and PLACEHOLDER.fullmatch(text) is None
    return Message(name, text, parse_moment(cells[0], zone), is_text)

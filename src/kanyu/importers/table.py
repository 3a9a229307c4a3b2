"""Any table with a sender and a text: CSV, TSV, JSON, JSONL, XLSX (also Chatwork's)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from ..errors import InputError
from ..messages import Conversation, Message, Skipped
from .base import Format, Options, Source, oldest_first, without_surrogates
from .cells import Row, clean_cell, csv_head, is_spreadsheet, read_csv, read_spreadsheet
from .dates import parse_moment

__all__ = ["TableImporter"]

# Headers in the order in which they are preferred, in lower case without spaces and underscores.
ALIASES = {
    "sender": "sender from sendername author user username speaker role name 送信者 発言者"
    " 送信者名 差出人 名前 ユーザー ユーザー名 投稿者 話者",
    "text": "text message content contents body 本文 内容 発言 発言内容 メッセージ テキスト トーク",
    "at": "at timestamp datetime sentat createdat created date time 日時 送信日時 投稿日時 日付 送信日",
    "clock": "clock 時刻 送信時刻 time",
    "talk": "conversation conversationid thread threadid room roomid channel トークルームid ルーム 会話 会話id",
}
DELIMITERS = (",", "\t", ";")
HEADER_WITHIN = 12
LISTS = ("messages", "turns", "conversation")
SHORT = "a row that has not all columns"
NO_SENDER = "a row without a sender"
NO_RECORD = "a line that is no JSON record"


class TableImporter:
    """Reads tables by their headers, or by the columns that the caller names.

    Parameters
    ----------
    columns : mapping of str to str, optional
        ``sender``, ``text`` and ``at`` to the names of their columns. With it, any table is taken.
    """

    format = Format(
        "table",
        "表（CSV・TSV・JSONL・XLSX。Chatworkなど）",
        "Table (CSV, TSV, JSONL, XLSX; Chatwork and others)",
        "….csv, ….tsv, ….jsonl, ….json, ….xlsx",
        "送信者と本文の列がある表を用意します。列名が違うときは --columns sender=列名,text=列名,at=列名 を付けます。",
        "Any table with a sender and a text column; else --columns sender=…,text=…,at=….",
    )

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        self.columns = columns or {}

    def sniff(self, source: Source) -> bool:
        """Whether the sender's and the text's columns are both found."""
        if is_spreadsheet(source):
            sheets = read_spreadsheet(source)
            return any(self._header(rows[:HEADER_WITHIN]) is not None for rows in sheets)
        if source.head.lstrip()[:1] in ("{", "["):
            return self._sniff_json(source)
        return self._delimiter(source) is not None

    def thread(self, source: Source) -> str:
        """Every table stands alone."""
        return source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read the conversations of each table, in the order in which they begin."""
        for source in sources:
            talks: dict[str, _Talk] = {}
            for title, number, record in self._records(source, talks):
                talks.setdefault(title, _Talk()).add(number, record, options)
            for title, talk in talks.items():
                yield talk.conversation(title, source)

    def _sniff_json(self, source: Source) -> bool:
        line = next((line for line in source.head.split("\n") if line.strip()), "")
        try:
            first = json.loads(line)
        except ValueError:
            head = source.head.lstrip()
            is_list = head.startswith("[") or any(f'"{name}"' in head[:4096] for name in LISTS)
            first = source.json() if is_list else None
        return next((True for _ in self._objects("", first, {})), False)

    def _objects(self, title: str, value: Any, talks: dict[str, _Talk]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the records in JSON of any of the shapes, with the title of their conversation."""
        if isinstance(value, list):
            for item in value:
                yield from self._objects(title, item, talks)
        elif isinstance(value, dict):
            inner = next((value[key] for key in LISTS if isinstance(value.get(key), list)), None)
            if inner is not None:
                name = value.get("title") or value.get("id") or f"{title}{len(talks) + 1}"
                yield from self._objects(str(name), inner, talks)
                return
            names = self._resolve([str(key) for key in value])
            if names is not None:
                record = {role: value[key] for role, key in names.items()}
                yield str(record.get("talk") or title), record

    def _records(self, source: Source, talks: dict[str, _Talk]) -> Iterator[tuple[str, int, dict[str, Any]]]:
        if is_spreadsheet(source):
            for rows in read_spreadsheet(source):
                yield from self._rows(rows)
        elif source.head.lstrip()[:1] in ("{", "["):
            yield from self._json_records(source, talks)
        else:
            delimiter = self._delimiter(source) or ","
            yield from self._rows(read_csv(source, delimiter), delimiter)

    def _json_records(self, source: Source, talks: dict[str, _Talk]) -> Iterator[tuple[str, int, dict[str, Any]]]:
        lines = source.head.split("\n", 2)
        try:
            json.loads(lines[0])
            is_lines = len(lines) > 1
        except ValueError:
            is_lines = source.head.lstrip()[:1] == "{" and not any(f'"{name}"' in source.head[:4096] for name in LISTS)
        if not is_lines:
            for number, (title, record) in enumerate(self._objects("", source.json(), talks), 1):
                yield title, number, record
            return
        for number, line in enumerate(source.lines(), 1):
            if line.strip():
                try:
                    found = list(self._objects("", source.parse_json(line), talks))
                except InputError:
                    found = []
                if not found:
                    talks.setdefault("", _Talk()).skipped.append(Skipped(number, NO_RECORD))
                for title, record in found:
                    yield title, number, record

    def _rows(self, rows: Iterable[Row], delimiter: str = " ") -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Yield the rows below the header; a text in the last column may hold the delimiter unquoted."""
        width = 0
        top: list[Row] = []
        names: dict[str, int] | None = None
        for row in rows:
            number, cells = row
            if names is None:
                top.append(row)
                names = self._header([row])
                width = max((index for index, cell in enumerate(cells, 1) if cell not in (None, "")), default=0)
                if names is None and len(top) >= HEADER_WITHIN:
                    return
            elif any(cell not in (None, "") for cell in cells):
                if names["text"] == width - 1 and any(cell not in (None, "") for cell in cells[width:]):
                    rest = delimiter.join(str(cell or "") for cell in cells[width - 1 :])
                    cells = [*cells[: width - 1], rest.rstrip(delimiter)]
                record = {role: cells[column] for role, column in names.items() if column < len(cells)}
                yield str(record.get("talk") or ""), number, record

    def _delimiter(self, source: Source) -> str | None:
        for delimiter in DELIMITERS:
            rows: list[Row] = [(0, [*row]) for row in csv_head(source, delimiter)]
            if self._header(rows) is not None:
                return delimiter
        return None

    def _header(self, rows: Sequence[Row]) -> dict[str, int] | None:
        """Column numbers by role, from the first row that is a header."""
        for _, cells in rows:
            texts = [str(cell or "") for cell in cells]
            names = self._resolve(texts)
            if names is not None:
                return {role: texts.index(name) for role, name in names.items()}
        return None

    def _resolve(self, header: Sequence[str]) -> dict[str, str] | None:
        """Which of these names is the sender's, the text's …; None unless both are there."""
        if self.columns:
            found = {role: name for role, name in self.columns.items() if name in header}
            return found if {"sender", "text"} <= found.keys() else None
        plain = {_plain(name): name for name in reversed(header)}
        found = {}
        for role, aliases in ALIASES.items():
            for alias in aliases.split():
                if alias in plain and plain[alias] not in found.values():
                    found[role] = plain[alias]
                    break
        return found if {"sender", "text"} <= found.keys() else None


class _Talk:
    """The records of one conversation while they come in."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.skipped: list[Skipped] = []

    def add(self, number: int, record: Mapping[str, Any], options: Options) -> None:
        """Add one record, or say why it is none."""
        sender = _name(record.get("sender"))
        if "text" not in record or not sender:
            reason = NO_SENDER if "text" in record else SHORT
            self.skipped.append(Skipped(number, reason))
            return
        text = _text(record["text"])
        at = _moment(record.get("at"), record.get("clock"), options.zone)
        self.messages.append(Message(sender, text, at, text != ""))

    def conversation(self, title: str, source: Source) -> Conversation:
        """What came in; a table that puts the newest first is turned round."""
        messages = oldest_first(self.messages)
        return Conversation(title, "table", source.name, messages, skipped=self.skipped)


def _moment(at: Any, clock: Any, zone: tzinfo) -> datetime | None:
    """When a record was sent: its date with its time of day, where that has a column of its own."""
    day = at.date() if isinstance(at, datetime) else at  # a spreadsheet's date says midnight
    joined = parse_moment(f"{day} {clock}", zone) if clock else None
    return joined or parse_moment(at, zone)


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "").replace("_", "").replace("-", "")


def _name(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("name") or value.get("display_name") or value.get("id")
    return clean_cell(value).strip()


def _text(value: Any) -> str:
    """A text; of a list of parts, as chat models write them, the texts."""
    if isinstance(value, list):
        parts = (part.get("text") if isinstance(part, dict) else part for part in value)
        return "\n".join(part for part in parts if isinstance(part, str))
    return without_surrogates(clean_cell(value))

"""Discord, as DiscordChatExporter writes it: JSON, CSV and HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from ..messages import Conversation, Message, Skipped
from .base import (
    NO_MESSAGE,
    Format,
    Options,
    People,
    Source,
    collect,
    kind_of_file,
    message_of,
    owner_of_pair,
)
from .cells import clean_cell, find_header, read_csv
from .dates import parse_moment
from .markup import class_text, parse_html, visible_text

__all__ = ["DiscordImporter"]

HEADERS = ((",", ("AuthorID", "Author", "Date", "Content")), (";", ("Author", "Date", "Content")))
TYPES = frozenset(("Default", "Reply", "Call", "ChatInputCommand", "ContextMenuCommand", "20", "23"))
HTML_PEEK = 1 << 20
# "Direct Messages - mika [123456] [part 2]"
PART = re.compile(r" \[part \d+\]$")
# "started a call that lasted 3 minutes", the one event of the app that counts as a message
CALL = re.compile(r"started a call\b")
CHANNEL_ID = re.compile(r"(?: \[\d+\])?(?: \[part \d+\])?$")


class DiscordImporter:
    """Reads what DiscordChatExporter writes. Discord's own data package has one side only."""

    format = Format(
        "discord",
        "Discord（DiscordChatExporter）",
        "Discord (DiscordChatExporter)",
        "….json, ….csv, ….html",
        "DiscordChatExporterでチャンネルやDMを選び、形式をJSON（またはCSV・HTML）にして書き出します。",
        "In DiscordChatExporter choose the channel or DM and export it as JSON, CSV or HTML.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether it has the exporter's keys, classes or header."""
        head = source.head.lstrip()
        if head.startswith("{"):
            return all(f'"{key}"' in head for key in ("guild", "channel", "messages"))
        if head.startswith("<"):
            return "chatlog__" in source.peek(HTML_PEEK)
        return _header(source) is not None

    def thread(self, source: Source) -> str:
        """The parts of one channel."""
        return f"{source.folder}/{PART.sub('', source.stem)}"

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read one channel, cut over however many files."""
        talk = _Channel(options.zone)
        talk.title = CHANNEL_ID.sub("", sources[0].stem)
        for source in sources:
            head = source.head.lstrip()
            if head.startswith("{"):
                talk.add_json(source.json())
            elif head.startswith("<"):
                talk.add_html(parse_html(source.text()))
            else:
                talk.add_csv(source)
        senders = tuple(dict.fromkeys(message.sender for message in talk.messages))
        me = None if talk.is_group else owner_of_pair(talk.title, senders)
        name, path = self.format.name, sources[0].name
        yield Conversation(talk.title, name, path, talk.messages, me, talk.skipped, talk.is_group)


def _header(source: Source) -> tuple[str, tuple[str, ...]] | None:
    """Which of the two CSV headers stands on the first line."""
    for delimiter, names in HEADERS:
        if find_header(source, *names, delimiter=delimiter) == 0:
            return delimiter, names
    return None


def _has_author(record: Any) -> bool:
    return isinstance(record, dict) and isinstance(record.get("author"), dict)


class _Channel:
    """The messages of one channel while they come in."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self.title = ""
        self.is_group: bool | None = None
        self.shows_nicknames = False
        self.people = People()
        self.messages: list[Message] = []
        self.skipped: list[Skipped] = []

    def add_json(self, data: Mapping[str, Any]) -> None:
        channel = data["channel"]
        self.title = channel.get("name") or self.title
        kind = str(channel.get("type"))
        self.is_group = kind not in ("DirectTextChat", "1")
        # Newer exporters call a DM by the other's display name, older ones by the account's name.
        authors = (record["author"] for record in data.get("messages") or [] if _has_author(record))
        self.shows_nicknames = self.is_group or any(author.get("nickname") == self.title for author in authors)
        self.messages += collect(data.get("messages"), self._message, self.skipped)

    def _message(self, record: Mapping[str, Any]) -> Message | None:
        if str(record.get("type", "Default")) not in TYPES:
            return None
        author = record["author"]
        display = author.get("nickname") if self.shows_nicknames else author.get("name")
        name = self.people.name(author.get("id"), display or author.get("name"))
        text = record.get("content") or (record.get("forwardedMessage") or {}).get("content") or ""
        kind = "call" if record.get("type") == "Call" else ""
        for key, fallback in (("attachments", ""), ("stickers", "sticker"), ("embeds", "link")):
            if not kind and record.get(key):
                kind = fallback or kind_of_file(record[key][0].get("fileName"))
        text = "" if kind == "call" else text
        return message_of(name, text, parse_moment(record.get("timestamp"), self.zone), kind)

    def add_csv(self, source: Source) -> None:
        delimiter, names = _header(source) or HEADERS[0]
        for number, row in read_csv(source, delimiter):
            cells = [str(cell) for cell in row]
            if number == 1 or not any(cells):
                continue
            if len(cells) < len(names):
                self.skipped.append(Skipped(number, NO_MESSAGE))
                continue
            record = dict(zip(names, cells, strict=False))
            files = cells[len(names)] if len(cells) > len(names) else ""
            name = self.people.name(record.get("AuthorID"), record["Author"])
            at = parse_moment(record["Date"], self.zone)
            kind = kind_of_file(files.split(",")[0]) if files else ""
            self.messages.append(message_of(name, clean_cell(record["Content"]), at, kind))

    def add_html(self, page: Any) -> None:
        self.title = (
            " / ".join(filter(None, (visible_text(entry) for entry in page.find_class("preamble__entry")[:2])))
            or self.title
        )
        author = ""
        for box in page.find_class("chatlog__message-container"):
            if box.find_class("chatlog__system-notification-author") or box.find_class("chatlog__system-notification"):
                self._add_call(box)
                continue
            names = box.find_class("chatlog__author")
            if names:
                author = visible_text(names[0])
            at = None
            for mark in ("chatlog__timestamp", "chatlog__short-timestamp"):
                for stamp in box.find_class(mark):
                    clock = stamp.get("title") or visible_text(stamp)
                    at = at or parse_moment(clock, self.zone)
            bodies = box.find_class("chatlog__content")
            text = visible_text(bodies[0], skip="chatlog__edited-timestamp") if bodies else ""
            kind = "file" if box.find_class("chatlog__attachment") else ""
            kind = "sticker" if box.find_class("chatlog__sticker") else kind
            if author:
                self.messages.append(message_of(author, text, at, kind))
            else:
                self.skipped.append(Skipped(box.sourceline or 1, NO_MESSAGE))

    def _add_call(self, box: Any) -> None:
        """Add a message for a call; the app's other events are notices."""
        name = class_text(box, "chatlog__system-notification-author")
        if name and CALL.match(class_text(box, "chatlog__system-notification-content").strip()):
            at = parse_moment(class_text(box, "chatlog__system-notification-timestamp"), self.zone)
            self.messages.append(message_of(name, "", at, "call"))

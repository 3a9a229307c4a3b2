"""Microsoft Teams: messages as Graph gives them, and the personal edition's (or Skype's) export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any

from ..errors import InputError
from ..messages import Conversation, Message, Skipped
from .base import NO_MESSAGE, Format, Options, People, Source, by_time, collect, message_of
from .dates import parse_moment
from .markup import html_text

__all__ = ["TeamsImporter"]

# "messageType": "message", "MessageType": "message"
GRAPH = re.compile(r'"[mM]essageType"\s*:')
GRAPH_BODY = re.compile(r'"[bB]ody"\s*:\s*\{')
DOT_NET = re.compile(r"/Date\((-?\d{1,17})\)/")  # /Date(1714559520000)/
MEDIA = {"UriObject": "photo", "Video": "video", "AudioMsg": "audio", "GenericFile": "file"}
PSEUDO = "48:"


class TeamsImporter:
    """Reads JSON of the Graph API, in either spelling, and ``messages.json`` of Teams Free."""

    format = Format(
        "teams",
        "Microsoft Teams（Graph・個人版・Skype）",
        "Microsoft Teams (Graph, personal, Skype)",
        "….json, messages.json",
        "個人版：Teams設定→プライバシー→データのエクスポート→届いた.tarを展開してmessages.jsonを渡します。",
        "Personal: settings, privacy, export data; unpack the .tar and give messages.json.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether it has the keys of either kind."""
        head = source.head
        if head.lstrip()[:1] not in ("{", "["):
            return False
        is_skype = '"exportDate"' in head and '"conversations"' in head
        return is_skype or (GRAPH.search(head) is not None and bool(GRAPH_BODY.search(head)))

    def thread(self, source: Source) -> str:  # noqa: ARG002 - the protocol's name
        """All files together: a 1:1 chat appears in both people's files."""
        return ""

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read every chat of all files; a message seen twice counts once."""
        people = People()
        chats: dict[str, tuple[Source, list[Message], list[Skipped]]] = {}
        seen: set[tuple[str, str]] = set()
        for source in sources:
            data = _load(source)
            if isinstance(data, dict) and "exportDate" in data:
                yield from _read_personal(data, source, options.zone)
                continue
            for number, record in enumerate(_records(data), 1):
                channel = record.get("channelIdentity") or {}
                chat = str(record.get("chatId") or _lower(channel).get("channelId") or "")
                key = chat, str(record.get("id") or f"{source.name}:{number}")
                _, messages, skipped = chats.setdefault(chat, (source, [], []))
                if key in seen or str(record.get("messageType")) not in ("message", "0"):
                    continue
                seen.add(key)
                damaged: list[Skipped] = []
                make = partial(_message, people=people, zone=options.zone)
                messages += collect([record], make, damaged)
                skipped += [Skipped(number, NO_MESSAGE) for _ in damaged]
        for source, messages, skipped in chats.values():
            ordered = by_time(messages)
            names = list(dict.fromkeys(message.sender for message in ordered))
            is_group = True if len(names) > 2 else None
            title = ", ".join(names[:4])
            yield Conversation(title, "teams", source.name, ordered, None, skipped, is_group)


def _load(source: Source) -> Any:
    """One JSON value, or one a line."""
    text = source.text()
    try:
        return source.parse_json(text)
    except InputError:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise
        return [source.parse_json(line) for line in lines]


def _lower(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its keys in camel case."""
    return {key[:1].lower() + key[1:]: value for key, value in record.items()}


def _records(data: Any) -> Iterator[dict[str, Any]]:
    """Yield every message of lists, pages and ``value`` arrays, with its replies."""
    waiting = [data]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            record = _lower(item)
            if "messageType" in record and isinstance(record.get("body"), dict):
                yield record
                waiting.append(record.get("replies"))
            else:
                waiting.extend(v for v in reversed(record.values()) if isinstance(v, list | dict))


def _message(record: Mapping[str, Any], people: People, zone: tzinfo) -> Message:
    author = _lower(record["from"])
    who = _lower(author.get("user") or author.get("application") or author["device"])
    name = people.name(who.get("id"), who.get("displayName"))
    body = _lower(record["body"])
    text = str(body.get("content") or "")
    if str(body.get("contentType")).lower() in ("html", "1"):
        text = html_text(text)
    subject = record.get("subject")
    text = f"{subject}\n{text}".strip() if subject else text
    kind = "file" if record.get("attachments") else ""
    if record.get("deletedDateTime"):
        text, kind = "", "unsent"
    return message_of(name, text, _moment(record.get("createdDateTime"), zone), kind)


def _moment(value: Any, zone: tzinfo) -> Any:
    match = DOT_NET.fullmatch(str(value))
    return parse_moment(match[1] if match else value, zone)


def _read_personal(data: Mapping[str, Any], source: Source, zone: tzinfo) -> Iterator[Conversation]:
    """Read the chats of a personal export; its owner is the one without a name."""
    owner = str(data.get("userId") or "")
    people = People()
    me = json.dumps(owner)[1:-1].removeprefix("8:") or None
    for chat in data.get("conversations") or []:
        if str(chat.get("id")).startswith(PSEUDO):
            continue
        skipped: list[Skipped] = []
        make = partial(_personal_message, owner=owner, me=me or "", people=people, zone=zone)
        messages = collect(chat.get("MessageList"), make, skipped)
        title = str(chat.get("displayName") or chat.get("id") or "")
        is_group = str(chat.get("id")).startswith("19:")
        yield Conversation(title, "teams", source.name, by_time(messages), me, skipped, is_group)


def _personal_message(record: Mapping[str, Any], owner: str, me: str, people: People, zone: tzinfo) -> Message | None:
    kind = str(record["messagetype"])
    if not kind.startswith(("RichText", "Text", "Event/Call")):
        return None
    origin = str(record.get("from") or "").rpartition("/")[2]
    name = me if origin == owner else people.name(origin, record.get("displayName"))
    media = MEDIA.get(kind.rpartition("/")[2].removeprefix("Media_"), "")
    media = "call" if kind.startswith("Event/Call") else media
    text = "" if media else html_text(str(record.get("content") or ""))
    at = parse_moment(record.get("originalarrivaltime"), zone)
    is_deleted = (record.get("properties") or {}).get("deletetime")
    return message_of(name, text, at, "unsent" if is_deleted else media)

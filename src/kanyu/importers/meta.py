"""Meta's downloads: Instagram and Messenger, JSON (old and end-to-end encrypted) and HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

from ..messages import Conversation, Message, Skipped
from .base import (
    Format,
    Options,
    Source,
    by_time,
    collect,
    message_of,
    oldest_first,
    owner_of_pair,
    without_surrogates,
)
from .dates import parse_moment
from .markup import class_text, parse_html, visible_text

__all__ = ["INSTAGRAM", "MESSENGER", "MetaImporter"]

INSTAGRAM = Format(
    "instagram",
    "Instagram（DM）",
    "Instagram direct messages",
    "instagram-….zip, messages/inbox/…/message_1.json or .html",
    "アカウントセンター→あなたの情報とアクセス許可→情報をダウンロード→メッセージを選び、形式はJSON。",
    "Accounts Centre, Your information and permissions, Download: messages, format JSON.",
)
MESSENGER = Format(
    "messenger",
    "Messenger（Facebook）",
    "Facebook Messenger",
    "facebook-….zip, message_1.json or .html, messages.zip",
    "アカウントセンター→情報をダウンロード（JSON）。暗号化されたチャットは"
    "Messengerの設定→エンドツーエンド暗号化→ストレージのデータをダウンロード。",
    "Accounts Centre, Download (JSON); encrypted chats: Messenger settings, secure storage.",
)
HTML_PEEK = 1 << 20
# The reader of files message_1, message_2 … of one folder; the newest come first
PART = re.compile(r"message_\d+")
KINDS = {
    "photos": "photo",
    "gifs": "photo",
    "videos": "video",
    "audio_files": "audio",
    "files": "file",
    "sticker": "sticker",
    "share": "link",
    "call_duration": "call",
    "media": "photo",
}
# "Reacted ❤ to your message", "Liked a message", "You created the group."
NOTICE = re.compile(
    r"(?:Liked a message|Reacted .{1,20} to (?:your|a) message|.{1,20}とリアクションしました"
    r"|メッセージに「?いいね!?！?」?しました|.{1,80} (?:created|left|named) the group.{0,80}"
    r"|.{1,80} (?:added|removed) .{1,80} (?:to|from) the group\.?) ?"
)
ATTACHMENT = re.compile(r"(?:.{1,80} sent an attachment\.|User unsent a message)")


class MetaImporter:
    """Reads one of Meta's two products; both write the same files.

    Parameters
    ----------
    format : Format
        `INSTAGRAM` or `MESSENGER`.
    """

    def __init__(self, format: Format) -> None:
        self.format = format

    def sniff(self, source: Source) -> bool:
        """Whether the file has Meta's keys or classes, and is of this product."""
        head = source.head
        start = head.lstrip()[:1]
        if start == "{":
            is_meta = '"participants"' in head and (
                '"sender_name"' in head or ('"threadName"' in head and '"senderName"' in head)
            )
            is_meta = is_meta or ('"participants"' in head and '"thread_path"' in head)
        elif start == "<":
            is_meta = "_a6-g" in head or "_a6-g" in source.peek(HTML_PEEK)
        else:
            is_meta = False
        return is_meta and _is_instagram(source) == (self.format is INSTAGRAM)

    def thread(self, source: Source) -> str:
        """The files of one folder, for those that are parts of one conversation."""
        return source.folder if PART.fullmatch(source.stem) else source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read one conversation, cut over however many files."""
        messages: list[Message] = []
        skipped: list[Skipped] = []
        title = ""
        names: list[str] = []
        for source in sources:
            if source.head.lstrip().startswith("<"):
                part_title, part_names = _read_html(source, options.zone, messages)
            else:
                data = source.json()
                part_title = _mend(data.get("title") or "") or re.sub(r"_\d+$", "", data.get("threadName") or "")
                part_names = [_participant(person) for person in data.get("participants") or []]
                make = partial(_message, zone=options.zone)
                messages += collect(data.get("messages"), make, skipped)
            title, names = title or part_title, names or part_names
        is_html = sources[0].head.lstrip().startswith("<")
        ordered = oldest_first(messages) if is_html else by_time(messages)
        people = names or list(dict.fromkeys(message.sender for message in messages))
        me = owner_of_pair(title, people)
        is_group = len(people) > 2 if people else None
        name = self.format.name
        yield Conversation(title, name, sources[0].name, ordered, me, skipped, is_group)


def _is_instagram(source: Source) -> bool:
    """By the folder's name, or by a key that Instagram writes."""
    path = source.name.lower()
    if "instagram" in path:
        return True
    return "facebook" not in path and "is_geoblocked_for_viewer" in source.head


def _mend(text: str) -> str:
    """Undo UTF-8 that was written as Latin-1, three characters for "こ"; clean text stays."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return without_surrogates(text)


def _participant(person: Any) -> str:
    return person if isinstance(person, str) else _mend(person.get("name") or "")


def _message(record: Mapping[str, Any], zone: tzinfo) -> Message | None:
    if "senderName" in record:
        sender, text = record["senderName"] or "", record.get("text") or ""
    else:
        sender, text = _mend(record["sender_name"] or ""), _mend(record.get("content") or "")
    stamp = record.get("timestamp_ms") or record.get("timestamp")
    at = datetime.fromtimestamp(int(stamp) / 1000, UTC).astimezone(zone) if stamp else None
    if record.get("type") in ("Subscribe", "Unsubscribe") or NOTICE.fullmatch(text):
        return None
    kind = next((kind for key, kind in KINDS.items() if record.get(key)), "")
    if record.get("type") == "Call" or "call_duration" in record:
        kind, text = "call", ""  # "Mari started a video chat" is the app's text
    if record.get("is_unsent") or record.get("isUnsent") or ATTACHMENT.fullmatch(text):
        kind = kind or ("unsent" if "attachment" not in text else "link")
        text = ""
    return message_of(sender or "Facebook user", text, at, kind)


def _read_html(source: Source, zone: tzinfo, messages: list[Message]) -> tuple[str, list[str]]:
    """Add the messages of one page; returns the page's title and no participants."""
    page = parse_html(source.text())
    for block in page.find_class("_a6-g"):
        sender, clock = class_text(block, "_a6-h"), class_text(block, "_a6-o")
        if not clock:
            continue  # the list of participants at the top
        bodies = block.find_class("_a6-p")
        text = visible_text(bodies[0], skip="_a6-q") if bodies else ""
        kinds = {"img": "photo", "video": "video", "audio": "audio", "a": "link"}
        kind = next((kind for tag, kind in kinds.items() if block.find(f".//{tag}") is not None), "")
        if not NOTICE.fullmatch(text):
            at = parse_moment(clock, zone)
            messages.append(message_of(sender or "Facebook user", text, at, kind))
    return (page.findtext(".//title") or "").strip(), []

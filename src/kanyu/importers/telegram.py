"""Telegram Desktop's exports: result.json (one chat or all) and messages*.html."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any

from ..messages import Conversation, Message, Skipped
from .base import NO_MESSAGE, Format, Options, People, Source, collect, message_of, owner_of_pair
from .dates import parse_moment
from .markup import parse_html, visible_text

__all__ = ["TelegramImporter"]

# "type": "personal_chat"
CHAT_TYPE = re.compile(
    r'"type":\s*"(?:personal_chat|bot_chat|saved_messages|replies'
    r'|(?:private|public)_(?:group|supergroup|channel))"'
)
PERSONAL = ("personal_chat", "bot_chat", "saved_messages")
DELETED = "Deleted Account"
MEDIA = {
    "sticker": "sticker",
    "voice_message": "audio",
    "audio_file": "audio",
    "video_message": "video",
    "video_file": "video",
    "animation": "video",
}
KEYS = {
    "photo": "photo",
    "file": "file",
    "poll": "poll",
    "location_information": "place",
    "contact_information": "contact",
}
CLASSES = {
    "media_photo": "photo",
    "photo_wrap": "photo",
    "media_video": "video",
    "video_file_wrap": "video",
    "media_voice_message": "audio",
    "media_audio_file": "audio",
    "sticker_wrap": "sticker",
    "media_call": "call",
    "media_poll": "poll",
    "media_location": "place",
    "media_wrap": "file",
}


class TelegramImporter:
    """Reads what Telegram Desktop exports. Its phone apps export nothing."""

    format = Format(
        "telegram",
        "Telegram（デスクトップ版）",
        "Telegram Desktop",
        "result.json, messages.html",
        "Telegram Desktopでチャット右上のメニュー→「チャット履歴をエクスポート」→形式はJSON。",
        "Telegram Desktop: chat menu, Export chat history, format JSON.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether it has Telegram's chat types, its full export's keys, or its pages' classes."""
        head = source.head.lstrip()
        if head.startswith("{"):
            is_chat = CHAT_TYPE.search(head) is not None and '"messages"' in head
            is_full = '"about"' in head and ('"personal_information"' in head or '"chats"' in head)
            return is_chat or is_full
        is_page = head.startswith("<") and "page_wrap" in head
        return is_page and 'class="history"' in head

    def thread(self, source: Source) -> str:
        """The pages of one chat; a JSON file stands alone."""
        return source.folder if source.head.lstrip().startswith("<") else source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read every chat of a JSON file, or the one of a set of pages."""
        if sources[0].head.lstrip().startswith("<"):
            yield _read_pages(sources, options.zone)
            return
        data = sources[0].json()
        chats = [data] if "messages" in data else []
        for key in ("chats", "left_chats"):
            chats += (data.get(key) or {}).get("list") or []
        owner = str((data.get("personal_information") or {}).get("user_id") or "")
        for chat in chats:
            yield _read_chat(chat, f"user{owner}" if owner else "", sources[0], options.zone)


def _read_chat(chat: Mapping[str, Any], owner: str, source: Source, zone: tzinfo) -> Conversation:
    people = People()
    skipped: list[Skipped] = []
    make = partial(_message, people=people, zone=zone)
    messages = collect(chat.get("messages"), make, skipped)
    me = people.known(owner)
    title = chat.get("name") or ""
    is_personal = chat.get("type") in PERSONAL
    senders = tuple(dict.fromkeys(message.sender for message in messages))
    if chat.get("type") == "saved_messages":
        me = me or next(iter(senders), None)
    elif is_personal:
        me = me or owner_of_pair(title, senders)
    name = TelegramImporter.format.name
    return Conversation(title, name, source.name, messages, me, skipped, not is_personal)


def _message(record: Mapping[str, Any], people: People, zone: tzinfo) -> Message | None:
    is_call = record.get("action") in ("phone_call", "group_call")
    if record["type"] == "service" and not is_call:
        return None
    if record["type"] == "unsupported" and not record.keys() & {"from", "from_id"}:
        return None  # newer than the app that exported it: an id, and nobody who sent it
    key = record.get("from_id") or record.get("actor_id")
    name = people.name(key, record.get("from") or record.get("actor") or DELETED)
    at = parse_moment(record.get("date_unixtime") or record.get("date"), zone)
    kind = MEDIA.get(record.get("media_type", ""), "")
    kind = kind or next((kind for key, kind in KEYS.items() if record.get(key)), "")
    return message_of(name, _text(record), at, "call" if is_call else kind)


def _text(record: Mapping[str, Any]) -> str:
    """The text: a string, a list of strings and objects, or only its entities."""
    text = record.get("text") or record.get("text_entities") or ""
    if isinstance(text, str):
        return text
    return "".join(part if isinstance(part, str) else part.get("text") or "" for part in text)


def _read_pages(sources: Sequence[Source], zone: tzinfo) -> Conversation:
    messages: list[Message] = []
    skipped: list[Skipped] = []
    title, sender = "", ""
    for source in sources:
        page = parse_html(source.text())
        header = page.find_class("page_header")
        title = title or (visible_text(header[0]) if header else "")
        for box in page.find_class("message"):
            classes = box.get("class").split()
            body = next((child for child in box if "body" in (child.get("class") or "")), None)
            if "default" not in classes or body is None:
                continue
            parts = {(part.get("class") or "").split(" ")[-1]: part for part in body}
            if "from_name" in parts:
                sender = visible_text(parts["from_name"])
            if not sender:
                skipped.append(Skipped(box.sourceline or 1, NO_MESSAGE))
                continue
            texts = body.find_class("text")
            stamp = next((part.get("title") for part in body.find_class("date")), None)
            kind = next((kind for name, kind in CLASSES.items() if body.find_class(name)), "")
            text = visible_text(texts[0]) if texts else ""
            messages.append(message_of(sender, text, parse_moment(stamp, zone), kind))
    senders = tuple(dict.fromkeys(message.sender for message in messages))
    me = owner_of_pair(title, senders)
    is_group = True if len(senders) > 2 else (False if me else None)
    name = TelegramImporter.format.name
    return Conversation(title, name, sources[0].name, messages, me, skipped, is_group)

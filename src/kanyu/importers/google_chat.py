"""Google Chat, from Google Takeout: one messages.json per direct message or space."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any

from ..messages import Conversation, Message, Skipped
from .base import Format, Options, People, Source, collect, kind_of_file, message_of, oldest_first
from .dates import parse_moment

__all__ = ["GoogleChatImporter"]

USER_INFO = re.compile(r"(?:.*/)?Users/[^/]+/user_info\.json")


class GoogleChatImporter:
    """Reads Takeout's Google Chat; the owner is in ``Users/…/user_info.json``."""

    format = Format(
        "google_chat",
        "Google Chat（Google データ エクスポート）",
        "Google Chat (Google Takeout)",
        "takeout-….zip, Google Chat/Groups/…/messages.json",
        "Google データ エクスポート（takeout）で「Google Chat」を選び、届いたzipを渡します。",
        "In Google Takeout choose Google Chat; give the zip as it is.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether it has Takeout's keys."""
        head = source.head
        is_json = head.lstrip().startswith("{") and '"messages"' in head
        return is_json and '"creator"' in head and '"created_date"' in head

    def thread(self, source: Source) -> str:
        """Every file is a conversation."""
        return source.inner

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read each file as one conversation."""
        for source in sources:
            people = People()
            skipped: list[Skipped] = []
            make = partial(_message, people=people, zone=options.zone)
            messages = collect(source.json().get("messages"), make, skipped)
            owner = _owner(source)
            me = people.name(owner["email"], owner.get("name")) if owner.get("email") else None
            info = source.beside("group_info.json")
            group = info.json() if info else {}
            members = [person.get("name") or "" for person in group.get("members") or []]
            others = [name for name in members if name and name != me]
            title = group.get("name") or ", ".join(others)
            is_group = len(members) > 2 if members else None
            name = self.format.name
            ordered = oldest_first(messages)
            yield Conversation(title, name, source.name, ordered, me, skipped, is_group)


def _message(record: Mapping[str, Any], people: People, zone: tzinfo) -> Message:
    creator = record["creator"]
    name = people.name(creator.get("email"), creator["name"])
    files = record.get("attached_files") or []
    kind = kind_of_file(files[0].get("original_name")) if files else ""
    is_deleted = record.get("message_state") == "DELETED"
    at = parse_moment(record.get("created_date"), zone)
    return message_of(name, record.get("text") or "", at, "unsent" if is_deleted else kind)


def _owner(source: Source) -> Mapping[str, Any]:
    """The one whose archive it is, where the archive tells."""
    for path, beside in source.tree.items():
        if USER_INFO.fullmatch(path):
            user: Mapping[str, Any] = beside.json().get("user") or {}
            return user
    return {}

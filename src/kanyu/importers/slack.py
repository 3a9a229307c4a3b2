"""Slack: the workspace export, a zip of one folder per channel and one file per day."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

from ..messages import Conversation, Message, Skipped
from .base import Format, Options, People, Source, by_time, collect, kind_of_file, message_of

__all__ = ["SlackImporter"]

CONTENT = (None, "", "file_share", "thread_broadcast", "me_message", "bot_message", "file_comment")
LISTS = ("channels", "groups", "dms", "mpims")
# <@U123|name>, <#C123|general>, <https://example.com|label>, <!here>
MARKUP = re.compile(r"<([^<>\n]{1,3000})>")
# {"type": "message", "user": "U1", "text": "…", "ts": "1454884927.000002"
STAMP = re.compile(r'"ts":\s*"\d{9,11}\.\d{1,6}"')


class SlackImporter:
    """Reads the day files of every channel; users.json beside them names the people."""

    format = Format(
        "slack",
        "Slack（ワークスペースのエクスポート）",
        "Slack workspace export",
        "….zip",
        "ワークスペースの設定→データのインポートとエクスポート→エクスポート（管理者）。zipのまま渡します。",
        "Workspace settings, Import/Export data, Export (administrators); give the zip as it is.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether it is a list of records with Slack's stamps."""
        head = source.head.lstrip()
        return head.startswith("[") and '"type"' in head and STAMP.search(head) is not None

    def thread(self, source: Source) -> str:
        """The day files of one channel."""
        return source.folder

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read one channel."""
        first = sources[0]
        people = People()
        users = _users(first, people)
        messages: list[Message] = []
        skipped: list[Skipped] = []
        for source in sources:
            make = partial(_message, users=users, people=people, zone=options.zone)
            messages += collect(source.json(), make, skipped)
        folder = posixpath.basename(first.folder)
        kind, channel = _channel(first, folder)
        members = [users.get(member, member) for member in channel.get("members") or []]
        title = ", ".join(members) if kind in ("dms", "mpims") and members else folder or first.stem
        is_group = kind != "dms" if kind else None
        yield Conversation(title, self.format.name, first.name, by_time(messages), None, skipped, is_group)


def _table(source: Source, name: str) -> list[Mapping[str, Any]]:
    """One of the lists at the top of the archive; empty if it is not there."""
    beside = source.beside(f"../{name}.json") or source.beside(f"{name}.json")
    data = beside.json() if beside else []
    return [row for row in data if isinstance(row, dict)]


def _users(source: Source, people: People) -> dict[str, str]:
    """Names by id: the display name, else the real name, else the account's name."""
    names = {}
    for user in _table(source, "users") or _table(source, "org_users"):
        names[str(user.get("id"))] = people.name(user.get("id"), _display(user))
    return names


def _display(user: Mapping[str, Any]) -> str:
    profile = user.get("profile") or {}
    choices = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"))
    return next(filter(None, choices), None) or user.get("name") or ""


def _channel(source: Source, folder: str) -> tuple[str, Mapping[str, Any]]:
    for kind in LISTS:
        for row in _table(source, kind):
            if folder and folder in (row.get("name"), row.get("id")):
                return kind, row
    return "", {}


def _message(record: Mapping[str, Any], users: Mapping[str, str], people: People, zone: tzinfo) -> Message | None:
    if record["type"] != "message" or record.get("subtype") not in CONTENT:
        return None
    profile = record.get("user_profile") or {}
    comment = record.get("comment") or {}
    user = record.get("user") or comment.get("user")
    if user:
        own = profile.get("display_name") or profile.get("real_name") or record.get("username")
        name = users.get(str(user)) or people.name(user, own)
    else:
        bot = record.get("bot_profile") or {}
        name = record.get("username") or bot.get("name") or str(record.get("bot_id") or "bot")
    text = record.get("text") or comment.get("comment") or ""
    if not text.strip():
        parts = record.get("attachments") or []
        keys = ("pretext", "title", "text", "fallback")
        shown = ([part.get(key) for key in keys[:3]] or [part.get("fallback")] for part in parts)
        text = "\n".join(piece for pieces in shown for piece in pieces if piece)
        text = text or "\n".join(_block_texts([record.get("blocks"), *(part.get("blocks") for part in parts)]))
    files = record.get("files") or ([record["file"]] if record.get("file") else [])
    kind = kind_of_file(files[0].get("name")) if files else ""
    at = datetime.fromtimestamp(float(record["ts"]), UTC).astimezone(zone)
    return message_of(name, plain_text(text, users), at, kind)


def _block_texts(value: Any) -> Iterator[str]:
    """The texts of blocks, however deep; the pieces of one section make one line."""
    if isinstance(value, list):
        for item in value:
            yield from _block_texts(item)
    elif isinstance(value, dict):
        if value.get("type") in ("rich_text_section", "rich_text_quote", "rich_text_preformatted"):
            pieces = (piece for piece in value.get("elements") or [] if isinstance(piece, dict))
            yield "".join(str(piece.get("text") or piece.get("url") or "") for piece in pieces)
        elif isinstance(value.get("text"), str):
            yield value["text"]
        else:
            for key in ("text", "fields", "elements"):
                yield from _block_texts(value.get(key))


def plain_text(text: str, users: Mapping[str, str]) -> str:
    """Slack's markup as a reader sees it; escapes are decoded once, after the markup."""

    def show(match: re.Match[str]) -> str:
        target, _, label = match[1].partition("|")
        if target.startswith("@"):
            return f"@{users.get(target[1:]) or label or target[1:]}"
        if target.startswith("!"):
            return label or f"@{target[1:].partition('^')[0]}"
        if target.startswith("#"):
            return f"#{label or target[1:]}"
        return f"{label} ({target})" if label and label != target else target

    return html.unescape(MARKUP.sub(show, text))

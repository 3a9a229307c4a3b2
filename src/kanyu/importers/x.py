"""X (Twitter): the direct messages of the account's archive."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import partial, reduce
from typing import Any

from ..errors import InputError
from ..messages import Conversation, Message, Skipped
from .base import Format, Options, Source, by_time, collect, message_of
from .dates import parse_moment

__all__ = ["XImporter"]

# window.YTD.direct_messages_group.part0 = [
OPENING = re.compile(r"\s*window\.YTD\.direct_messages?(?:_group)?\.part\d+\s*=")
PAIR = re.compile(r"(\d+)-(\d+)")
EVENTS = ("joinConversation", "participantsJoin", "participantsLeave", "conversationNameUpdate")


class XImporter:
    """Reads ``direct-messages*.js``; people are numbers there, the owner is in account.js."""

    format = Format(
        "x",
        "X（旧Twitter、DM）",
        "X (Twitter) direct messages",
        "twitter-….zip, data/direct-messages.js",
        "設定→アカウント→データのアーカイブをダウンロード。届いたzipをそのまま渡します。",
        "Settings, Your account, Download an archive of your data; give the zip as it is.",
    )

    def sniff(self, source: Source) -> bool:
        """Whether the script assigns direct messages."""
        return OPENING.match(source.head) is not None

    def thread(self, source: Source) -> str:
        """All parts of one archive."""
        return source.folder

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Conversation]:
        """Read every conversation of one archive, cut over however many files."""
        talks: dict[str, tuple[Source, list[Any]]] = {}
        for source in sources:
            for item in _load(source):
                talk = item["dmConversation"]
                entry = talks.setdefault(str(talk.get("conversationId")), (source, []))
                entry[1].extend(talk.get("messages") or [])
        own_id, own_name = _account(sources[0])
        own_id = own_id or _common_id(talks)
        for talk_id, (source, records) in talks.items():
            pair = PAIR.fullmatch(talk_id)
            other = next((number for number in pair.groups() if number != own_id), "") if pair else ""
            name = next((_title(r) for r in records if "conversationNameUpdate" in r), "")
            skipped: list[Skipped] = []
            make = partial(_message, own_id=own_id, own_name=own_name, zone=options.zone)
            messages = collect(records, make, skipped)
            yield Conversation(
                name or other or talk_id,
                self.format.name,
                source.name,
                by_time(messages),
                (own_name or own_id) if own_id else None,
                skipped,
                pair is None,
            )


def _load(source: Source) -> list[Any]:
    """The list behind the first ``=``; nothing is executed."""
    _, _, code = source.text().partition("=")
    data = source.parse_json(code.strip().rstrip(";"))
    if not isinstance(data, list):
        raise InputError(f"{source.name}: not the list that X writes; download the archive again")
    return [item for item in data if isinstance(item, dict) and "dmConversation" in item]


def _account(source: Source) -> tuple[str, str]:
    """The owner's number and name, where the archive's account.js is there."""
    beside = source.beside("account.js")
    if beside is None:
        return "", ""
    _, _, code = beside.text().partition("=")
    account = beside.parse_json(code.strip().rstrip(";"))[0]["account"]
    return str(account["accountId"]), account.get("accountDisplayName") or account["username"]


def _common_id(talks: Mapping[str, object]) -> str:
    """The one number that takes part in each of several 1:1 conversations."""
    pairs = [set(match.groups()) for match in map(PAIR.fullmatch, talks) if match]
    common = reduce(set.intersection, pairs) if len(pairs) > 1 else set()
    return common.pop() if len(common) == 1 else ""


def _title(record: Mapping[str, Any]) -> str:
    return str(record["conversationNameUpdate"].get("name") or "")


def _message(record: Mapping[str, Any], own_id: str, own_name: str, zone: tzinfo) -> Message | None:
    if any(event in record for event in EVENTS):
        return None
    body = record["messageCreate"]
    text = body.get("text") or ""
    for link in body.get("urls") or []:
        if link.get("url") and link.get("expanded"):
            text = text.replace(link["url"], link["expanded"])
    sender = str(body["senderId"])
    kind = "photo" if body.get("mediaUrls") else ""
    at = parse_moment(body.get("createdAt"), zone)
    name = own_name if own_name and sender == own_id else sender
    return message_of(name, html.unescape(text), at, kind)

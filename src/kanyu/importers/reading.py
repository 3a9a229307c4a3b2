"""Any path to conversations: the importers in the order in which they are asked."""

from __future__ import annotations

import csv
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta, timezone, tzinfo
from os import PathLike
from pathlib import Path
from posixpath import splitext
from zoneinfo import ZoneInfo

from ..errors import InputError, KanyuError, UnknownFormatError, UsageError
from ..messages import Conversation
from .archive import sources_of
from .base import Format, Importer, Options, Source, natural
from .discord import DiscordImporter
from .google_chat import GoogleChatImporter
from .imessage import IMessageImporter
from .kakaotalk import KakaoTalkImporter
from .line import LineImporter
from .line_official import LineOfficialImporter
from .line_works import LineWorksImporter
from .mail import MailImporter
from .meta import INSTAGRAM, MESSENGER, MetaImporter
from .slack import SlackImporter
from .sms import SmsImporter
from .table import TableImporter
from .teams import TeamsImporter
from .telegram import TelegramImporter
from .whatsapp import WhatsAppImporter
from .x import XImporter

__all__ = ["FORMATS", "IMPORTERS", "read_export", "read_exports", "sniff"]

IMPORTERS: tuple[Importer, ...] = (
    LineImporter(),
    LineOfficialImporter(),
    MetaImporter(INSTAGRAM),
    MetaImporter(MESSENGER),
    XImporter(),
    DiscordImporter(),
    SlackImporter(),
    TelegramImporter(),
    KakaoTalkImporter(),
    IMessageImporter(),
    WhatsAppImporter(),
    MailImporter(),
    SmsImporter(),
    LineWorksImporter(),
    TeamsImporter(),
    GoogleChatImporter(),
    TableImporter(),  # last: it takes what the others leave
)
FORMATS: tuple[Format, ...] = tuple(importer.format for importer in IMPORTERS)

# What a damaged file can raise in an importer; a bug of ours would too, and the name tells it.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
)
# Endings of files in a folder that a person expects to be read; others are media and the like.
EXPECTED = (".csv", ".eml", ".jsonl", ".mbox", ".tsv", ".txt", ".xlsx", ".zip")
KNOWN = "`kanyu formats` lists the exports that can be read"

Path_ = str | PathLike[str]


def read_export(
    path: Path_,
    *,
    me: str | None = None,
    columns: Mapping[str, str] | None = None,
    timezone: str = "Asia/Tokyo",
    platform: str | None = None,
) -> list[Conversation]:
    """Read one chat export: a file, a zip or a folder.

    Parameters
    ----------
    path : str or path-like
        The export. Its content decides what it is, never its name.
    me : str, optional
        The owner's name, as the export writes it.
    columns : mapping of str to str, optional
        For a table: ``sender``, ``text`` and ``at`` to the names of its columns.
    timezone : str
        The zone of exports that name none.
    platform : str, optional
        Ask only the importer of this name (see `FORMATS`).

    Returns
    -------
    list of Conversation
        At least one.

    Raises
    ------
    UnknownFormatError
        If no importer knows it.
    InputError
        If it is missing, empty, binary, damaged or too large, or if any chat in it is.
    UsageError
        If `me`, `columns`, `timezone` or `platform` cannot be what they are.
    """
    found, failed = _read_path(Path(path), Options(_zone(timezone)), _chosen(platform, columns))
    for _, error in failed:
        if not found or not isinstance(error, UnknownFormatError):
            raise error
    return _with_owner(found, me)


def read_exports(
    paths: Iterable[Path_],
    *,
    me: str | None = None,
    columns: Mapping[str, str] | None = None,
    timezone: str = "Asia/Tokyo",
    platform: str | None = None,
) -> tuple[list[Conversation], list[tuple[str, str]]]:
    """Read several exports, as `read_export` reads one; what fails does not stop the others.

    Returns
    -------
    list of Conversation
        All that could be read, in the order given.
    list of (str, str)
        Source and reason of what could not be read.
    """
    options, importers = Options(_zone(timezone)), _chosen(platform, columns)
    found: list[Conversation] = []
    errors: list[tuple[str, str]] = []
    for path in paths:
        read, failed = _read_path(Path(path), options, importers)
        found += read
        errors += [(name, str(error).removeprefix(f"{name}: ")) for name, error in failed]
    return _with_owner(found, me), errors


def sniff(path: Path_) -> str | None:
    """Name the platform of a file, a zip or a folder; None if it is no chat export."""
    try:
        sources = sources_of(Path(path))
        for source in sources:
            importer = _importer_of(source, IMPORTERS)
            if importer is not None:
                return importer.format.name
    except (KanyuError, *DAMAGE):
        return None
    return None


def _read_path(
    path: Path, options: Options, importers: Iterable[Importer]
) -> tuple[list[Conversation], list[tuple[str, InputError]]]:
    """Read one path; errors are told with the file they belong to."""
    try:
        sources = sources_of(path)
    except InputError as error:
        return [], [(str(path), error)]
    except DAMAGE as error:
        return [], [(str(path), _damaged(str(path), error))]
    found: list[Conversation] = []
    failed: list[tuple[str, InputError]] = []
    work: dict[tuple[int, int, str], tuple[Importer, list[Source]]] = {}
    unknown: list[Source] = []
    places: set[tuple[str, str]] = set()
    for source in sorted(sources, key=lambda source: natural(source.inner)):
        try:
            importer = _importer_of(source, importers)
            if importer is None:
                unknown.append(source)
                continue
            key = id(source.tree), id(importer), importer.thread(source)
            work.setdefault(key, (importer, []))[1].append(source)
            places.add(_place(source))
        except InputError as error:
            failed.append((source.name, error))
        except DAMAGE as error:
            failed.append((source.name, _damaged(source.name, error)))
    for source in unknown:
        if len(sources) == 1 or (path.is_dir() and _is_expected(source, places)):
            failed.append((source.name, _unknown(source)))
    for importer, members in work.values():
        try:
            found += map(_frozen, importer.read(members, options))
        except InputError as error:
            failed.append((members[0].name, error))
        except DAMAGE as error:
            failed.append((members[0].name, _damaged(members[0].name, error)))
    if not found and not failed:
        nothing = UnknownFormatError(f"{path}: no chat export inside; {KNOWN}")
        failed.append((str(path), nothing))
    return found, failed


def _frozen(conversation: Conversation) -> Conversation:
    """The conversation with what cannot be changed any more."""
    messages, skipped = tuple(conversation.messages), tuple(conversation.skipped)
    return replace(conversation, messages=messages, skipped=skipped)


def _place(source: Source) -> tuple[str, str]:
    return source.folder, splitext(source.inner)[1].lower()


def _is_expected(source: Source, places: set[tuple[str, str]]) -> bool:
    """Whether a person would miss this file of a folder: no media, no part of another export."""
    folder, ending = _place(source)
    return ending in EXPECTED and (folder == "" or (folder, ending) in places)


def _importer_of(source: Source, importers: Iterable[Importer]) -> Importer | None:
    return next((importer for importer in importers if importer.sniff(source)), None)


def _unknown(source: Source) -> InputError:
    if source.is_binary:
        return InputError(f"{source.name}: binary, not a text; give the app's exported file")
    if not source.head.strip():
        return InputError(f"{source.name}: empty; export the chat again")
    return UnknownFormatError(f"{source.name}: not a chat export that kanyu knows; {KNOWN}")


def _damaged(name: str, error: BaseException) -> InputError:
    return InputError(f"{name}: damaged ({type(error).__name__}); export it again")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        if name == "Asia/Tokyo":  # a system without a zone table; Japan has no summer time
            return timezone(timedelta(hours=9), name)
    raise UsageError(f"timezone must be a name such as 'Asia/Tokyo'. Got {name!r} instead.")


def _chosen(platform: str | None, columns: Mapping[str, str] | None) -> tuple[Importer, ...]:
    if columns:
        if not {"sender", "text"} <= columns.keys() <= {"sender", "text", "at"}:
            names = sorted(columns)
            raise UsageError(f"columns must name 'sender', 'text' and perhaps 'at'. Got {names}.")
        return (TableImporter(columns),)
    if platform is None:
        return IMPORTERS
    chosen = tuple(importer for importer in IMPORTERS if importer.format.name == platform)
    if not chosen:
        names = sorted(known.name for known in FORMATS)
        raise UsageError(f"platform must be one of {names}. Got {platform!r} instead.")
    return chosen


def _with_owner(found: list[Conversation], me: str | None) -> list[Conversation]:
    """Name the owner in the conversations in which that name occurs."""
    if me is None or not found:
        return found
    wanted = _plain(me)
    owned = []
    is_known = False
    for conversation in found:
        names = (*conversation.senders, *filter(None, [conversation.me]))
        name = next((name for name in names if _plain(name) == wanted), None)
        is_known = is_known or name is not None
        owned.append(replace(conversation, me=name) if name else conversation)
    if not is_known:
        raise UsageError("me must be a sender's name as the export writes it; nobody is so named")
    return owned


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()

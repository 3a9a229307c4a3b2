"""Uploaded exports to a report, by way of a temporary folder that is gone afterwards."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from kanyu.conversations import ConversationReport
from kanyu.detector import Detector, ScanReport
from kanyu.errors import InputError, UsageError
from kanyu.importers import read_exports
from kanyu.web.problems import Problem

__all__ = ["Progress", "Upload", "reason_for", "safe_name", "save_uploads", "scan_folder"]

Upload = tuple[str, BinaryIO]
"""The name that the browser gives, and the bytes."""
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

# What has no place in the name of a file, on any system: "a/b", "C:x", NUL, controls, direction marks, surrogates
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_REASONS = (
    ("password", "パスワードの付いたzipです。ほどいて、中のファイルを選んでください"),
    ("for safety", "ほどくと大きすぎるzipです。安全のため開きませんでした"),
    ("leave its folder", "あやしい名前の入ったzipです。開かないでください"),
    ("damaged", "こわれているようです。もう一度書き出してみてください"),
    ("empty", "空のファイルです。もう一度書き出してみてください"),
    ("binary", "文の入ったファイルではありません"),
    ("larger than", "大きすぎます。分けて書き出してください"),
    ("more than", "ファイルが多すぎます。一部だけを選んでください"),
)
_LONGEST_NAME = 60  # characters: at most 240 bytes of UTF-8


def safe_name(name: str) -> str:
    r"""A name that stays in its folder; importers read the title of a chat from it.

    >>> safe_name("../../[LINE] 佐藤とのトーク.txt"), safe_name("C:\\a\\con"), safe_name("...")
    ('[LINE] 佐藤とのトーク.txt', '_con', 'file')
    """
    own = re.split(r"[/\\]", name)[-1]
    own = _UNSAFE.sub("_", own).strip(" .")
    stem, dot, ending = own.rpartition(".")
    if not dot:
        stem, ending = ending, ""
    if re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", stem.split(".")[0]):
        stem = f"_{stem}"
    ending = ending[:10]
    stem = stem[: _LONGEST_NAME - len(ending)]
    return f"{stem}.{ending}" if dot else stem or "file"


def save_uploads(uploads: Iterable[Upload]) -> Path:
    """Write uploads into a new temporary folder of the user's own, each in a folder by its number."""
    folder = Path(tempfile.mkdtemp(prefix="kanyu-"))
    try:
        for number, (name, stream) in enumerate(uploads):
            place = folder / str(number)
            place.mkdir()
            with (place / safe_name(name)).open("wb") as target:
                shutil.copyfileobj(stream, target, 1 << 20)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def scan_folder(detector: Detector, folder: Path, me: str | None, progress: Progress | None = None) -> ScanReport:
    """Judge what :func:`save_uploads` wrote, and remove the folder, whatever happens.

    Parameters
    ----------
    detector : Detector
    folder : Path
    me : str or None
        The owner's name in the logs.
    progress : callable, optional

    Returns
    -------
    ScanReport
        With the names of the uploads as sources; nothing in it leads to the folder.

    Raises
    ------
    Problem
        When nothing could be read.
    """
    tell = progress or _tell_nobody
    places = re.compile(re.escape(str(folder)) + r"[/\\]\d+[/\\]")
    try:
        paths = sorted(folder.glob("*/*"), key=lambda path: int(path.parent.name))
        try:
            conversations, failed = read_exports(_told(paths, tell), me=me or None)
        except UsageError as error:
            raise Problem(
                422,
                "unusable",
                "「あなたの表示名」が、トークの中に見つかりません。トークに出ている名前と同じ文字で入れてください。",
                f"Your name cannot be used: {places.sub('', str(error))}",
            ) from None
        except InputError as error:
            raise _unreadable([("", places.sub("", str(error)))]) from None
        errors = tuple((places.sub("", name), places.sub("", reason)) for name, reason in failed)
        if not conversations:
            raise _unreadable(errors)
        total = sum(len(talk) for talk in conversations)
        judged: list[ConversationReport] = []
        done = 0
        for talk in conversations:
            tell("judge", done, total)
            named = replace(talk, source=places.sub("", talk.source))
            judged += detector.scan(named).conversations
            done += len(talk)
        tell("report", total, total)
        return replace(detector.scan([]), conversations=tuple(judged), errors=errors)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tell_nobody(_what: str, _done: int, _total: int) -> None:
    pass


def _told(paths: Sequence[Path], tell: Progress) -> Iterable[Path]:
    for number, path in enumerate(paths):
        tell("read", number, len(paths))
        yield path


def reason_for(reason: str, lang: str) -> str:
    """Why a file could not be read, in the reader's language; importers speak English.

    >>> reason_for("a zip with a password; unpack it and give the folder", "ja")
    'パスワードの付いたzipです。ほどいて、中のファイルを選んでください'
    """
    if lang != "ja":
        return reason
    return next((ja for word, ja in _REASONS if word in reason), "トーク履歴の形ではありません")


def _unreadable(errors: Sequence[tuple[str, str]]) -> Problem:
    ja, en = (" / ".join(f"{name}: {reason_for(reason, lang)}" for name, reason in errors[:3]) for lang in ("ja", "en"))
    return Problem(
        422,
        "unreadable",
        f"トーク履歴として読み取れませんでした。アプリから書き出したファイルか、zipのままのものを選んでください。({ja})",
        f"This could not be read as an exported chat; choose the file (or zip) that the app exported. ({en})",
        {"errors": [{"source": name, "reason": reason} for name, reason in errors]},
    )

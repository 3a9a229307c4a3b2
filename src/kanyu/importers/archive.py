"""From a path to its files: one file, a folder, or a zip that is read where it lies."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from ..errors import InputError
from .base import MAX_FILE_BYTES, Source

__all__ = ["sources_of"]

MAX_MEMBERS = 200_000
MAX_TOTAL_BYTES = 32 << 30
MAX_RATIO = 200
RATIO_FREE_BYTES = 16 << 20


def sources_of(path: Path) -> list[Source]:
    """List the files of a file, a folder or a zip.

    Parameters
    ----------
    path : Path
        What the user gave.

    Returns
    -------
    list of Source
        The files, those of one folder or archive knowing each other. A zip inside a folder is
        opened too; a zip inside a zip is not.

    Raises
    ------
    InputError
        If there is no such path, if it is empty, or if an archive is damaged or dangerous.
    """
    try:
        if path.is_dir():
            return list(_walk(path))
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check the path")
        if not path.is_file():
            raise InputError(f"{path}: not a file; give the app's exported file")
        size = path.stat().st_size
        if size == 0:
            raise InputError(f"{path}: empty; export the chat again")
        if is_zip(path):
            return _members(path)
    except OSError as error:
        reason = error.strerror or "cannot be opened"
        raise InputError(f"{path}: {reason}; check the path and its rights") from None
    if size > MAX_FILE_BYTES:
        raise InputError(f"{path}: larger than {MAX_FILE_BYTES >> 30} GiB; split it and try again")
    return [Source(str(path), partial(_open_file, path), size, path.name)]


def is_zip(path: Path) -> bool:
    """Whether it is a zip, and not a spreadsheet, which is one too."""
    with path.open("rb") as stream:
        if stream.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "[Content_Types].xml" not in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise InputError(f"{path}: a damaged zip; download or export it again") from None


def _open_file(path: Path) -> BinaryIO:
    return path.open("rb")


def _open_member(path: Path, member: str) -> BinaryIO:
    with zipfile.ZipFile(path) as archive:
        return cast(BinaryIO, archive.open(member))  # closes the archive when it is closed


def _walk(folder: Path) -> Iterator[Source]:
    tree: dict[str, Source] = {}
    archives: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if name.startswith(".") or not path.is_file():
                continue
            inner = path.relative_to(folder).as_posix()
            size = path.stat().st_size
            if path.suffix.lower() == ".zip":
                archives.append(path)
            elif 0 < size <= MAX_FILE_BYTES:
                tree[inner] = Source(str(path), partial(_open_file, path), size, inner, tree)
            if len(tree) > MAX_MEMBERS:
                raise InputError(f"{folder}: more than {MAX_MEMBERS:,} files; give a part of it")
    yield from tree.values()
    for path in archives:
        yield from sources_of(path)


def _members(path: Path) -> list[Source]:
    tree: dict[str, Source] = {}
    total = 0
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise InputError(f"{path}: a zip of more than {MAX_MEMBERS:,} files; unpack a part of it")
    for member in members:
        name = _member_name(member)
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or name[1:2] == ":":
            raise InputError(f"{path}: a zip whose names leave its folder; do not open this file")
        if member.flag_bits & 1:
            raise InputError(f"{path}: a zip with a password; unpack it and give the folder")
        total += member.file_size
        is_hidden = any(part.startswith(".") or part == "__MACOSX" for part in pure.parts)
        if not member.is_dir() and member.file_size and not is_hidden:
            opener = partial(_open_member, path, member.filename)
            tree[name] = Source(f"{path}/{name}", opener, member.file_size, name, tree)
    ratio = total / max(1, path.stat().st_size)
    if total > MAX_TOTAL_BYTES or (total > RATIO_FREE_BYTES and ratio > MAX_RATIO):
        raise InputError(f"{path}: a zip that unpacks to {total:,} bytes; not opened, for safety")
    return list(tree.values())


def _member_name(member: zipfile.ZipInfo) -> str:
    """The name, which old Windows programs write in UTF-8 or CP932 without saying so."""
    name = member.filename
    if not member.flag_bits & 0x800 and not name.isascii():
        for codec in ("utf-8", "cp932"):
            try:
                return name.encode("cp437").decode(codec).replace("\\", "/")
            except (UnicodeEncodeError, UnicodeDecodeError):
                continue
    return name.replace("\\", "/")

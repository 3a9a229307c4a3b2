"""What a user names to what is scored: files, folders and patterns to inputs, each with the name of its output."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from kanyu.batch.tables import ENDINGS
from kanyu.errors import InputError
from kanyu.importers import sniff
from kanyu.importers.base import natural

__all__ = ["MANIFEST", "Input", "find_inputs", "total_bytes"]

MANIFEST: Final = "kanyu-score.manifest"
"""The file that tells which parts of a folder are finished."""
# Endings of files that can be exports; pictures and the like beside them are passed over.
_EXPORTS: Final = (".eml", ".html", ".json", ".mbox", ".txt", ".xml", ".zip")
# Exports of one file each. Others, such as Slack's, are folders whose files belong together.
_OF_ONE_FILE: Final = {"line", "table"}


@dataclass(frozen=True, slots=True)
class Input:
    """A table, an export, or a folder that is one export.

    Attributes
    ----------
    path : Path
    label : str
        The path of its output inside a folder, mostly without an ending.
    """

    path: Path
    label: str

    def output_name(self, ending: str) -> str:
        """The name of the output of that format."""
        return self.label if self.label.lower().endswith(ending) else f"{self.label}{ending}"

    def fingerprint(self) -> tuple[int, int]:
        """Size and time of last change, in bytes and nanoseconds; of a folder, all of its files'."""
        try:
            paths = [self.path] if not self.path.is_dir() else [path for path in self.path.rglob("*") if path.is_file()]
            facts = [path.stat() for path in paths]
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror or 'cannot be read'}; check the path") from None
        return sum(fact.st_size for fact in facts), max((fact.st_mtime_ns for fact in facts), default=0)


def find_inputs(
    sources: Iterable[str], out: Path | None = None
) -> tuple[list[Input], list[tuple[str, str]], list[str]]:
    """Find what is to be scored.

    Parameters
    ----------
    sources : iterable of str
        Files, folders, and patterns such as ``logs/*.csv`` that no shell has expanded.
    out : Path, optional
        The folder of the outputs; it is never an input.

    Returns
    -------
    inputs : list of Input
        In the order given; within folders and patterns by name, ``2`` before ``10``. No path comes twice.
    errors : list of (str, str)
        Sources that are not there, with the reason.
    notes : list of str
        Files of folders that are neither a table nor an export.
    """
    found: dict[Path, str] = {}
    errors: list[tuple[str, str]] = []
    notes: list[str] = []
    for source in sources:
        path = Path(source)
        if path.exists():
            pairs = _of_folder(path, out, notes) if path.is_dir() else [(path, path.name)]
            reason = "no table and no chat export inside; `kanyu formats` lists what can be read"
        elif glob.has_magic(source):
            pairs = _of_pattern(source, out, notes)
            reason = "nothing fits this pattern; check it"
        else:
            pairs, reason = [], "no such file or folder; check the path"
        if not pairs:
            errors.append((source, reason))
        for item, name in pairs:
            found.setdefault(item, name)
    return _labelled(found), errors, notes


def _of_pattern(pattern: str, out: Path | None, notes: list[str]) -> list[tuple[Path, str]]:
    base = Path(pattern)
    while glob.has_magic(str(base)):
        base = base.parent
    pairs: list[tuple[Path, str]] = []
    # Path.glob would want the pattern apart from its folder
    for name in sorted(glob.glob(pattern, recursive=True), key=_order):  # noqa: PTH207
        path = Path(name)
        if path.is_dir():
            if "**" not in pattern and not _is_inside(path, out):
                pairs += [(item, f"{path.name}/{label}") for item, label in _of_folder(path, out, notes)]
        elif path.name != MANIFEST and not _is_inside(path, out):
            pairs.append((path, PurePath(os.path.relpath(path, base)).as_posix()))
    return pairs


def _of_folder(folder: Path, out: Path | None, notes: list[str]) -> list[tuple[Path, str]]:
    """Its tables and exports; the folder itself where its files are one export."""
    paths = [path for path in _walk(folder, out) if path.suffix.lower() in (*ENDINGS, *_EXPORTS)]
    platforms = {path: sniff(path) for path in paths if path.suffix.lower() not in ENDINGS}
    if len(platforms) == len(paths) and not set(platforms.values()) <= {*_OF_ONE_FILE, None}:
        return [(folder, folder.resolve().name or "folder")]
    strangers = [path for path, platform in platforms.items() if platform is None]
    if strangers:
        notes.append(
            f"{folder}: {len(strangers)} files are neither a table nor a chat export, such as {strangers[0].name}"
        )
    return [(path, path.relative_to(folder).as_posix()) for path in paths if path not in strangers]


def _walk(folder: Path, out: Path | None) -> list[Path]:
    """The files of a folder, without hidden ones, the manifest, and the outputs of an earlier run."""
    paths = []
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "." and not _is_inside(Path(top, name), out)]
        paths += [Path(top, name) for name in names if name[0] != "." and name != MANIFEST]
    return sorted(paths, key=lambda path: _order(path.as_posix()))


def _order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key by name, ``2`` before ``10``; one order for one set of files, whatever the disk tells first."""
    return natural(name), name


def _is_inside(path: Path, out: Path | None) -> bool:
    return out is not None and path.resolve().is_relative_to(out.resolve())


def _labelled(found: dict[Path, str]) -> list[Input]:
    """Give each output a name of its own, also where file names do not tell upper from lower case."""
    bare = {path: name if path.is_dir() else PurePath(name).with_suffix("").as_posix() for path, name in found.items()}
    counts = Counter(label.casefold() for label in bare.values())
    taken: set[str] = set()
    inputs = []
    for path, name in found.items():
        label = first = bare[path] if counts[bare[path].casefold()] == 1 else name
        number = 1
        while label.casefold() in taken:
            number += 1
            label = f"{first}-{number}"
        taken.add(label.casefold())
        inputs.append(Input(path, label))
    return inputs


def total_bytes(inputs: Sequence[Input]) -> int:
    """Size of all inputs; what is not there counts nothing."""
    total = 0
    for item in inputs:
        try:
            total += item.fingerprint()[0]
        except InputError:
            continue
    return total

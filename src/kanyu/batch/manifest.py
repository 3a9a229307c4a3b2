"""Which parts of a folder are finished, so that a killed run can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kanyu.batch.files import LEFTOVERS, atomically
from kanyu.batch.sources import MANIFEST, Input
from kanyu.errors import OutputError, UsageError

__all__ = ["Manifest", "Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part.

    Attributes
    ----------
    input : str
        The path as it was given.
    size, mtime_ns : int
        The input's, when it was read.
    output : str
        The output's path inside the folder.
    n_bytes : int
        The output's size.
    n_rows, n_flagged : int
        Its rows, and those whose verdict is ``flagged``.
    """

    input: str
    size: int
    mtime_ns: int
    output: str
    n_bytes: int
    n_rows: int
    n_flagged: int


class Manifest:
    """One line of JSON for the model and the options, and one for each finished part.

    Parameters
    ----------
    folder : Path
        The folder of the outputs; made if it is not there.
    facts : mapping
        Whatever decides what the outputs are. A run with other facts never goes on from this one.
    is_resumed : bool
        Whether finished parts are kept.

    Raises
    ------
    UsageError
        When the folder was begun with other facts.
    OutputError
        When the folder cannot be written.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], *, is_resumed: bool = False) -> None:
        self.folder = folder
        self._path = folder / MANIFEST
        self._facts = dict(facts)
        self._parts: dict[str, Part] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if is_resumed:
                self._read()
                for leftover in folder.rglob(LEFTOVERS):
                    leftover.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from error
        self._rewrite()

    def _read(self) -> None:
        if not self._path.exists():
            return
        first, *others = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
        if _parsed(first) != self._facts:
            cure = "repeat them, give another folder, or leave out --resume"
            raise UsageError(f"--resume: {self.folder} was begun with another model or other options; {cure}.")
        for line in others:
            facts = _parsed(line)  # a torn last line of a killed run is no line
            if facts is not None:
                part = Part(**facts)
                self._parts[part.input] = part

    def _rewrite(self) -> None:
        with atomically(self._path) as temporary:
            lines = [self._facts, *map(asdict, self._parts.values())]
            temporary.write_text("".join(map(_line, lines)), encoding="utf-8", newline="\n")

    def finished(self, source: Input, fingerprint: tuple[int, int]) -> Part | None:
        """The finished part of an unchanged input, if its output is whole; None if it is to be done."""
        part = self._parts.get(str(source.path))
        if part is None or (part.size, part.mtime_ns) != fingerprint:
            return None
        output = self.folder / part.output
        return part if output.is_file() and output.stat().st_size == part.n_bytes else None

    def add(self, part: Part) -> None:
        """Note a part whose output is in its place."""
        try:
            with self._path.open("a", encoding="utf-8", newline="\n") as stream:
                stream.write(_line(asdict(part)))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self._parts[part.input] = part

    def settle(self, inputs: Sequence[Input]) -> None:
        """Keep the lines of these inputs, in their order, as an undisturbed run has them."""
        names = [str(source.path) for source in inputs]
        self._parts = {name: self._parts[name] for name in names if name in self._parts}
        self._rewrite()


def _line(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=True) + "\n"


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _unwritable(folder: Path, error: OSError) -> OutputError:
    reason = error.strerror or type(error).__name__
    return OutputError(f"cannot write to {folder}: {reason}; make room or choose another folder with --out")

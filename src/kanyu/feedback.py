"""Corrections that a user asked to keep: SQLite, on this machine, the text only by consent."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kanyu._version import __version__
from kanyu.errors import InputError, OutputError, UsageError
from kanyu.labels import HEADLINES, PATTERNS

__all__ = ["Correction", "FeedbackStore", "default_path"]

_VERDICTS: Final = ("flagged", "ordinary_pitch", "undecided", "clear")
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    said TEXT NOT NULL,
    is_right INTEGER NOT NULL,
    pitch INTEGER, delayed_reveal INTEGER, risky_product INTEGER, network_hype INTEGER,
    text TEXT,
    model TEXT NOT NULL,
    version TEXT NOT NULL
)
"""


def default_path() -> Path:
    """Where corrections are kept: ``KANYU_FEEDBACK``, else the user's folder for data of programs."""
    given = os.environ.get("KANYU_FEEDBACK")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "kanyu" / "feedback.sqlite3"


@dataclass(frozen=True, slots=True)
class Correction:
    """What a user said of one verdict.

    Attributes
    ----------
    id : int
        Number in the store.
    at : str
        When, in UTC.
    said : str
        The verdict that was shown.
    is_right : bool
        Whether the user found it right.
    labels : dict of str to int or None
        The headline labels as the user sees them; None where not said.
    text : str or None
        The message; None without consent.
    model : str
        SHA-256 of the model that judged.
    """

    id: int
    at: str
    said: str
    is_right: bool
    labels: dict[str, int | None]
    text: str | None
    model: str

    def to_dict(self) -> dict[str, Any]:
        """A row for export; with a text it is labelled data that ``kanyu train`` reads."""
        return {
            "id": f"feedback-{self.id}",
            **({"text": self.text} if self.text is not None else {}),
            **self.labels,
            "group": f"feedback-{self.id}",
            "split": "train",
            "at": self.at,
            "said": self.said,
            "right": self.is_right,
            "model": self.model,
        }


class FeedbackStore:
    """A file of corrections. It is made when the first one is kept, and removed with the last.

    Parameters
    ----------
    path : Path, optional
        :func:`default_path` by default.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()

    def add(
        self,
        said: str,
        is_right: bool,
        *,
        is_pitch: bool | None = None,
        patterns: Collection[str] = (),
        text: str | None = None,
        model: str = "",
    ) -> int:
        """Keep a correction.

        Parameters
        ----------
        said : str
            The verdict that was shown.
        is_right : bool
            Whether it is right.
        is_pitch : bool, optional
            What it is in truth; None where the user does not say.
        patterns : collection of str
            The headline patterns that are in it; they imply a pitch.
        text : str, optional
            The message, only when its owner agreed.
        model : str
            SHA-256 of the model that judged.

        Returns
        -------
        int
            The number of the correction.

        Raises
        ------
        UsageError
            When a value is none of the known ones.
        OutputError
            When the store cannot be written.
        """
        if said not in _VERDICTS:
            raise UsageError(f"The 'said' parameter must be one of {', '.join(_VERDICTS)}.")
        unknown = [name for name in patterns if name not in PATTERNS]
        if unknown:
            raise UsageError(f"The 'patterns' parameter takes {', '.join(PATTERNS)}.")
        if patterns and is_pitch is False:
            raise UsageError("A pattern implies a pitch: leave out 'patterns' or set 'is_pitch' to true.")
        labels: dict[str, int | None] = dict.fromkeys(HEADLINES)
        if is_pitch is not None or patterns:
            labels = {name: int(name in patterns) for name in HEADLINES}
            labels["pitch"] = int(bool(patterns) or bool(is_pitch))
        values = (
            datetime.now(UTC).isoformat(timespec="seconds"),
            said,
            int(is_right),
            *(labels[name] for name in HEADLINES),
            # SQLite holds UTF-8, which a lone surrogate is not
            None if text is None else text.encode("utf-8", "replace").decode(),
            model,
            __version__,
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            with self._open() as database:
                database.execute(_SCHEMA)
                added = database.execute(
                    f"INSERT INTO corrections (at, said, is_right, {', '.join(HEADLINES)}, text, model, version) "
                    f"VALUES ({', '.join('?' * len(values))})",
                    values,
                )
                return int(added.lastrowid or 0)
        except OSError as error:
            raise OutputError(
                f"cannot keep corrections in {self.path.parent}: {error.strerror}; set KANYU_FEEDBACK to another file"
            ) from None

    def corrections(self) -> list[Correction]:
        """Every correction, the oldest first; empty where none was kept."""
        if not self.path.exists():
            return []
        with self._open() as database:
            rows = database.execute(
                f"SELECT id, at, said, is_right, {', '.join(HEADLINES)}, text, model FROM corrections ORDER BY id"
            ).fetchall()
        return [
            Correction(
                row[0], row[1], row[2], bool(row[3]), dict(zip(HEADLINES, row[4:8], strict=True)), row[8], row[9]
            )
            for row in rows
        ]

    def delete(self, number: int) -> bool:
        """Remove one correction; False where there is none of this number."""
        if not self.path.exists():
            return False
        with self._open() as database:
            is_gone = database.execute("DELETE FROM corrections WHERE id = ?", (number,)).rowcount == 1
        if is_gone and not self.corrections():
            self.delete_all()
        return is_gone

    def delete_all(self) -> int:
        """Remove every correction and the file; how many there were."""
        if not self.path.exists():
            return 0
        count = len(self.corrections())
        try:
            for ending in ("-journal", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + ending).unlink()
            self.path.unlink()
        except OSError as error:
            raise OutputError(
                f"cannot delete {self.path}: {error.strerror}; close what uses it and try again"
            ) from None
        return count

    def export(self) -> str:
        """Every correction as a line of JSON."""
        return "".join(json.dumps(item.to_dict(), ensure_ascii=False) + "\n" for item in self.corrections())

    def training_rows(self) -> list[dict[str, Any]]:
        """What training can use: corrections with a text and labels; the last word on a text counts."""
        usable = [item for item in self.corrections() if item.text and item.labels["pitch"] is not None]
        return list({item.text: item.to_dict() for item in usable}.values())

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=10)) as database, database:
                database.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
                yield database
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: not a usable store of corrections ({error}); move it away") from None

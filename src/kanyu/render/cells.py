"""One cell of any type as text or JSON, and what a table looks like."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final, Protocol

from kanyu.batch.chunks import Chunk, JsonNumber
from kanyu.importers.base import without_surrogates
from kanyu.render.terminal import to_json

__all__ = ["Layout", "TableWriter", "cell_json", "cell_text", "guard"]

# What a spreadsheet program would read as a formula: "=1+1", "＝1+1", "+81-90", "@name"
_FORMULA: Final = re.compile(r"[=+\-@\t\r＝＋－＠]")
# A plain number: "-5", "+81", "-1,234.5", "-3.2e-5", "-4%", "－５"
_NUMBER: Final = re.compile(r"[+\-＋－](?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?(?:[eE][+-]?\d+)?%?")


@dataclass(frozen=True, slots=True)
class Layout:
    """What a table looks like.

    Attributes
    ----------
    columns : tuple of str
        The columns that were there.
    added : tuple of str
        The columns that come after them.
    kinds : mapping of str to str
        What typed formats make of a column: ``str`` (where absent), ``int``, ``float``, ``bool``, ``time``.
    schema : pyarrow.Schema, optional
        The schema of the columns that were there, if all come from Parquet.
    n_rows : int, optional
        How many rows will come, where that is known.
    """

    columns: tuple[str, ...]
    added: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    schema: Any = None
    n_rows: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        return (*self.columns, *self.added)


class TableWriter(Protocol):
    """Writes chunk after chunk."""

    def write(self, chunk: Chunk, added: Sequence[Sequence[Any]]) -> None:
        """Write rows and the values added to each."""

    def close(self) -> None:
        """Write what is held back, and end the file."""

    def abandon(self) -> None:
        """Let go of a file that is to be thrown away; never fails."""


def guard(cell: str) -> str:
    """A text cell that no spreadsheet program reads as a formula; numbers stay.

    >>> guard("=1+1"), guard("-5"), guard("+81-3-0000"), guard("0012")
    ("'=1+1", '-5', "'+81-3-0000", '0012')
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def cell_text(value: Any) -> str:
    """Any value as the text of a cell."""
    if isinstance(value, str):
        return without_surrogates(value)
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list | dict):
        return cell_json(value)
    return repr(value) if isinstance(value, float) else str(value)


def cell_json(value: Any) -> str:
    """JSON of any value; numbers keep the digits that the input gave them."""
    if isinstance(value, JsonNumber):
        return value if value[-1:].isdigit() else "null"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_json(str(key))}: {cell_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(cell_json, value)) + "]"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "null"
    return to_json(value if value is None or isinstance(value, bool | int | str) else cell_text(value))

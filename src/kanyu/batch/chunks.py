"""Rows on their way from a table to a writer, each kept as its format wrote it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self

__all__ = [
    "BatchChunk",
    "Chunk",
    "JsonNumber",
    "LineChunk",
    "RowChunk",
    "SheetFloat",
    "SheetInt",
    "kind_of",
    "parse_line",
    "unified",
]


class JsonNumber(str):
    """A number with the digits that the file holds: ``1.10`` stays ``1.10``, and no big integer is rounded."""

    __slots__ = ()


class SheetInt(int):
    """A whole number of a sheet with its number format, such as ``0000``."""

    number_format = "General"

    def shown_as(self, number_format: str) -> Self:
        """Set the number format."""
        self.number_format = number_format
        return self


class SheetFloat(float):
    """A number of a sheet with its number format, such as ``0.0%``."""

    number_format = "General"

    def shown_as(self, number_format: str) -> Self:
        """Set the number format."""
        self.number_format = number_format
        return self


class Chunk(Protocol):
    """Some rows of one table."""

    @property
    def texts(self) -> list[str]:
        """What is scored; an empty string for a missing text."""

    def cells(self, columns: Sequence[str]) -> list[list[Any]]:
        """The rows' values in the order of these columns."""


@dataclass(frozen=True, slots=True)
class RowChunk:
    """Rows of CSV, TSV, XLSX or a chat export."""

    texts: list[str]
    columns: tuple[str, ...]
    rows: list[list[Any]]

    def cells(self, columns: Sequence[str]) -> list[list[Any]]:
        """The rows' values in the order of these columns."""
        if tuple(columns) == self.columns:
            return self.rows
        places = [self.columns.index(name) for name in columns]
        return [[row[place] for place in places] for row in self.rows]


@dataclass(frozen=True, slots=True)
class LineChunk:
    """JSON lines as they stand in the file."""

    texts: list[str]
    lines: list[str]

    def cells(self, columns: Sequence[str]) -> list[list[Any]]:
        """The rows' values in the order of these columns; None where a line lacks one."""
        return [[record.get(name) for name in columns] for record in map(parse_line, self.lines)]


@dataclass(frozen=True, slots=True)
class BatchChunk:
    """A record batch of a Parquet file."""

    texts: list[str]
    batch: Any

    def cells(self, columns: Sequence[str]) -> list[list[Any]]:
        """The rows' values in the order of these columns."""
        values = [self.batch.column(name).to_pylist() for name in columns]
        return [list(row) for row in zip(*values, strict=True)]


def parse_line(line: str) -> Any:
    """JSON whose numbers keep their digits."""
    return json.loads(line, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=JsonNumber)


def kind_of(value: Any) -> str:
    """What a column must be to hold the value: ``none``, ``bool``, ``int``, ``float``, ``time`` or ``str``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, JsonNumber):
        digits = value.removeprefix("-")
        # Eighteen digits always fit 64 bits; what a float cannot give back as written stays a text.
        if digits.isdecimal():
            return "int" if len(digits) <= 18 else "str"
        return "float" if len(digits) <= 15 and digits[-1:].isdecimal() else "str"
    if isinstance(value, int):
        return "int" if abs(value) < 2**63 else "str"
    if isinstance(value, float):
        return "float"
    return "time" if isinstance(value, datetime) and value.tzinfo is None else "str"


def unified(kinds: set[str]) -> str:
    """The one kind that holds all of these; a text where nothing else does."""
    found = kinds - {"none"}
    if len(found) == 1:
        return found.pop()
    return "float" if found == {"int", "float"} else "str"

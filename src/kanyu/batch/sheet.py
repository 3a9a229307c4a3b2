"""Sheets of .xlsx workbooks."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from kanyu.batch.base import CHUNK_ROWS, Table, as_text, grouped, reading
from kanyu.batch.chunks import Chunk, RowChunk, SheetFloat, SheetInt, kind_of, unified
from kanyu.errors import InputError

__all__ = ["SheetTable"]

# How a sheet writes what XML cannot hold, and the beginning of what only looks like it: "_x000D_", "_x005F_x000D_"
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SheetTable(Table):
    """The first sheet of an .xlsx whose top row has the column."""

    ending = ".xlsx"

    def __init__(self, path: Path, column: str) -> None:
        super().__init__(path, column)
        self._place = 0
        with reading(path), self._book() as book:
            for place, sheet in enumerate(book.worksheets):
                header = _header_of(sheet)
                if place == 0 or column in header:
                    self.columns, self._place = header, place
                if column in header:
                    break
            if len(book.worksheets) > 1:
                self.notes = (f"{path}: only the sheet {book.worksheets[self._place].title!r} is scored",)

    @contextmanager
    def _book(self) -> Iterator[Any]:
        from openpyxl import load_workbook

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that only matter to a spreadsheet program
            book = load_workbook(self.path, read_only=True, data_only=True)
            try:
                yield book
            finally:
                book.close()

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each column holds; reads the sheet once."""
        found: list[set[str]] = [set() for _ in self.columns]
        with reading(self.path):
            for row in self._rows():
                for kinds, value in zip(found, row, strict=True):
                    kinds.add(kind_of(value))
        return {name: unified(kinds) for name, kinds in zip(self.columns, found, strict=True)}

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the rows in order."""
        place = self.columns.index(self.column)
        with reading(self.path):
            for texts, held in grouped(self._rows(), lambda row: as_text(row[place]), n_rows):
                yield RowChunk(texts, self.columns, held)

    def _rows(self) -> Iterator[list[Any]]:
        width = len(self.columns)
        with self._book() as book:
            sheet = book.worksheets[self._place]
            sheet.reset_dimensions()  # some programs write a wrong size
            for number, row in enumerate(sheet.iter_rows(min_row=2), 2):
                cells = [_value(cell) for cell in row]
                if any(cell is not None for cell in cells[width:]):
                    raise InputError(f"{self.path}: row {number} has a cell beyond the header; name its column")
                if any(cell is not None for cell in cells):
                    yield [*cells[:width], *[None] * (width - len(cells))]


def _value(cell: Any) -> Any:
    """A cell's value; a number that is shown in a way of its own, such as 0012 for 12, keeps that way."""
    value = cell.value
    if isinstance(value, str):
        return _ESCAPED.sub(_unescaped, value) if "_x" in value else value
    if isinstance(value, int | float) and not isinstance(value, bool) and cell.number_format != "General":
        kind = SheetInt if isinstance(value, int) else SheetFloat
        return kind(value).shown_as(cell.number_format)
    return value


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return found[0] if 0xD800 <= code < 0xE000 else chr(code)


def _header_of(sheet: Any) -> tuple[str, ...]:
    sheet.reset_dimensions()
    cells = list(next(sheet.iter_rows(max_row=1, values_only=True), ()))
    while cells and cells[-1] is None:
        cells.pop()
    return tuple(as_text(cell) for cell in cells)

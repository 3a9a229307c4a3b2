"""Rows to table files: CSV, TSV, JSONL, XLSX and Parquet, in chunks, whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from kanyu.batch.chunks import Chunk, JsonNumber, LineChunk, RowChunk
from kanyu.batch.files import atomically
from kanyu.errors import UsageError
from kanyu.render.cells import Layout, TableWriter, cell_json, cell_text, guard
from kanyu.render.parquet import ParquetWriter
from kanyu.render.terminal import to_json
from kanyu.render.workbook import WorkbookWriter

__all__ = ["ENDINGS", "Layout", "TableWriter", "open_writer", "write_table"]


class _Delimited:
    def __init__(self, path: Path, layout: Layout, *, delimiter: str, plain: bool) -> None:
        self._columns = layout.columns
        self._guard: Callable[[str], str] = str if plain else guard
        self._stream = path.open("x", encoding="utf-8" if plain else "utf-8-sig", newline="")
        # Lines end in \r\n: with \n alone, Python before 3.13 leaves a lone \r in a cell without quotes.
        self._rows = csv.writer(self._stream, delimiter=delimiter, lineterminator="\r\n")
        self._rows.writerow([self._cell(name) for name in layout.names])

    def write(self, chunk: Chunk, added: Sequence[Sequence[Any]]) -> None:
        rows = zip(chunk.cells(self._columns), added, strict=True)
        self._rows.writerows([self._cell(value) for value in (*cells, *more)] for cells, more in rows)

    def _cell(self, value: Any) -> str:
        text = cell_text(value)
        return self._guard(text) if isinstance(value, str) and not isinstance(value, JsonNumber) else text

    def close(self) -> None:
        self._stream.close()

    def abandon(self) -> None:
        with suppress(OSError):
            self._stream.close()


class _Lines:
    def __init__(self, path: Path, layout: Layout) -> None:
        self._layout = layout
        self._keys = [to_json(name) for name in layout.added]
        self._stream = path.open("x", encoding="utf-8", newline="\n")

    def write(self, chunk: Chunk, added: Sequence[Sequence[Any]]) -> None:
        if isinstance(chunk, LineChunk):
            # Spliced into the line as it stands, so that not a digit of it changes.
            heads = (line[:-1].rstrip() for line in chunk.lines)
        else:
            names = self._layout.columns
            rows = (dict(zip(names, cells, strict=True)) for cells in chunk.cells(names))
            heads = (cell_json(row)[:-1] for row in rows)
        for head, values in zip(heads, added, strict=True):
            pairs = [f"{key}: {cell_json(value)}" for key, value in zip(self._keys, values, strict=True)]
            between = ", " if pairs and head != "{" else ""
            self._stream.write(f"{head}{between}{', '.join(pairs)}}}\n")

    def close(self) -> None:
        self._stream.close()

    def abandon(self) -> None:
        with suppress(OSError):
            self._stream.close()


ENDINGS: Final[Mapping[str, Callable[[Path, Layout, bool, str], TableWriter]]] = {
    ".csv": lambda path, layout, plain, _: _Delimited(path, layout, delimiter=",", plain=plain),
    ".tsv": lambda path, layout, plain, _: _Delimited(path, layout, delimiter="\t", plain=plain),
    ".jsonl": lambda path, layout, _plain, _sheet: _Lines(path, layout),
    ".parquet": lambda path, layout, _plain, _sheet: ParquetWriter(path, layout),
    ".xlsx": lambda path, layout, _plain, sheet: WorkbookWriter(path, layout, sheet),
}
"""The writer of each ending."""


@contextmanager
def open_writer(path: Path, layout: Layout, *, plain: bool = False, sheet: str = "messages") -> Iterator[TableWriter]:
    """Open a table file for writing; it is put in place when the context ends without an error.

    Parameters
    ----------
    path : Path
        Its ending decides the format: .csv, .tsv, .jsonl, .parquet or .xlsx.
    layout : Layout
    plain : bool
        For programs: CSV and TSV without byte-order mark and without the formula guard.
    sheet : str
        Name of the sheet in .xlsx.

    Yields
    ------
    TableWriter

    Raises
    ------
    UsageError
        For another ending.
    OutputError
        When it cannot be written, or does not fit into the format. Nothing is left then.
    """
    make = ENDINGS.get(path.suffix.lower())
    if make is None:
        raise UsageError(f"--out must end in one of {', '.join(ENDINGS)}. Got {path.name!r} instead.")
    with atomically(path) as temporary:
        writer = make(temporary, layout, plain, sheet)
        try:
            yield writer
            writer.close()
        except BaseException:
            writer.abandon()
            raise


def write_table(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    kinds: Mapping[str, str] | None = None,
    plain: bool = False,
    sheet: str = "messages",
    more_sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[Any]]]] | None = None,
) -> None:
    """Write rows to one table file.

    Parameters
    ----------
    path : Path
        Its ending decides the format.
    columns : sequence of str
    rows : iterable of sequences
    kinds : mapping of str to str, optional
        See `Layout`; texts by default.
    plain : bool
        See `open_writer`.
    sheet : str
        Name of the first sheet in .xlsx.
    more_sheets : mapping of str to (columns, rows), optional
        Further sheets of an .xlsx; the other formats leave them out.
    """
    with open_writer(path, Layout(tuple(columns), kinds=kinds or {}), plain=plain, sheet=sheet) as writer:
        _write_rows(writer, columns, rows)
        if isinstance(writer, WorkbookWriter):
            for title, (names, others) in (more_sheets or {}).items():
                writer.begin(title, Layout(tuple(names)))
                _write_rows(writer, names, others)


def _write_rows(writer: TableWriter, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    held: list[list[Any]] = []
    for row in rows:
        held.append(list(row))
        if len(held) >= 2048:
            writer.write(RowChunk([], tuple(columns), held), [()] * len(held))
            held = []
    writer.write(RowChunk([], tuple(columns), held), [()] * len(held))

"""Any file to a table: its content decides the format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kanyu.batch.base import Table, reading
from kanyu.batch.delimited import DelimitedTable
from kanyu.batch.export import ExportTable
from kanyu.batch.lines import LinesTable
from kanyu.batch.parquet import ParquetTable
from kanyu.batch.sheet import SheetTable
from kanyu.errors import InputError, UnknownFormatError
from kanyu.importers import sniff
from kanyu.importers.base import Source
from kanyu.importers.cells import is_spreadsheet

__all__ = ["ENDINGS", "open_table", "total_rows"]

ENDINGS: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".xlsx", ".parquet")
"""Endings of the files that a folder's tables have."""


def open_table(path: Path, column: str | None = None) -> Table:
    """Open a table or a chat export; its content decides which, never its name.

    Parameters
    ----------
    path : Path
        A file; a folder only if it is one export.
    column : str, optional
        The column with the messages; ``text`` by default.

    Returns
    -------
    Table
        Looked through once, so that faults show before the scoring begins.

    Raises
    ------
    InputError
        When it is missing, damaged, neither a table nor an export, or lacks the column.
    MissingExtraError
        For Parquet without pyarrow.
    """
    name = column or "text"
    table = None if path.is_dir() else _as_table(path, name)
    is_named = path.suffix.lower() in ENDINGS
    if table is not None and name not in table.columns:
        platform = None if isinstance(table, ParquetTable) else sniff(path)
        if platform == "table" and column is not None:
            platform = None  # a table all the same, whose column was mistyped
        if platform is None and not is_named and not isinstance(table, SheetTable | ParquetTable | LinesTable):
            raise UnknownFormatError(
                f"{path}: neither a table with a column {name!r} nor a chat export; see `kanyu formats`"
            )
        table = table if platform is None else None
    if table is None:
        return ExportTable(path)
    table.check_columns()
    if isinstance(table, DelimitedTable):
        table.survey()
    return table


def _as_table(path: Path, column: str) -> Table | None:
    """The table in a file; None for an archive or JSON that is no table."""
    with reading(path):
        with path.open("rb") as stream:
            start = stream.read(4)
        if not start:
            raise InputError(f"{path}: empty; give a file with rows")
        if start == b"PAR1":
            return ParquetTable(path, column)
        source = Source(str(path), lambda: path.open("rb"), path.stat().st_size)
        if start[:2] == b"PK":
            return SheetTable(path, column) if is_spreadsheet(source) else None
        if source.is_binary:
            raise InputError(f"{path}: binary, not a table; give CSV, TSV, JSONL, XLSX or Parquet")
        encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
        try:
            if source.head.lstrip()[:1] not in ("{", "["):
                return DelimitedTable(path, column, encoding)
            lines = LinesTable(path, column, encoding)
            lines.survey()
        except InputError:
            # JSON of other shapes, or a chat whose first line begins with a quotation mark
            if path.suffix.lower() in ENDINGS and sniff(path) is None:
                raise
            return None
        return lines


def total_rows(tables: Sequence[Table]) -> int | None:
    """Rows of all tables; None where one does not tell."""
    counts = [table.n_rows for table in tables]
    return None if None in counts else sum(count for count in counts if count is not None)

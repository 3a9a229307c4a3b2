"""CSV and TSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from kanyu.batch.base import CHUNK_ROWS, Table, grouped, reading
from kanyu.batch.chunks import Chunk, RowChunk
from kanyu.errors import InputError
from kanyu.importers.cells import MAX_CELL

__all__ = ["DelimitedTable"]

_DELIMITERS: Final = (",", "\t", ";")


class DelimitedTable(Table):
    """CSV or TSV, in UTF-8, UTF-16 or CP932; every cell is a text."""

    def __init__(self, path: Path, column: str, encoding: str) -> None:
        super().__init__(path, column)
        self.encoding = encoding
        self.delimiter = ","
        with reading(path):
            best: list[str] = []
            for delimiter in _DELIMITERS:
                self.delimiter = delimiter
                header = next(self._rows(), [])
                if len(header) > len(best):
                    best, chosen = header, delimiter
                if column in header:
                    best, chosen = header, delimiter
                    break
            self.columns = tuple(best)
            self.delimiter = chosen if best else ","
        self.ending = ".tsv" if self.delimiter == "\t" else ".csv"

    def survey(self) -> None:
        """Count the rows; refuse one that has more or fewer cells than the header."""
        with reading(self.path):
            self.n_rows = sum(1 for _ in islice(self._rows(), 1, None))

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the rows in order."""
        place = self.columns.index(self.column)
        with reading(self.path):
            rows = islice(self._rows(), 1, None)
            for texts, held in grouped(rows, lambda row: str(row[place]), n_rows):
                yield RowChunk(texts, self.columns, held)

    def _rows(self) -> Iterator[list[str]]:
        csv.field_size_limit(MAX_CELL)
        width = 0
        with self.path.open(encoding=self.encoding, newline="") as stream:
            reader = csv.reader(stream, delimiter=self.delimiter)
            for row in reader:
                if not row:
                    continue  # a blank line; a row of one empty cell reads ""
                width = width or len(row)
                if len(row) != width:
                    fault = f"{len(row)} cells where the header has {width}"
                    raise InputError(f"{self.path}: line {reader.line_num} has {fault}; put quotes around the cell")
                yield row

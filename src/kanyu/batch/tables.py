"""Readers of tables: CSV, TSV, JSONL, XLSX, Parquet and chat exports, all in chunks of rows."""

from __future__ import annotations

import csv
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Final

from kanyu.batch import EXPORT_COLUMNS
from kanyu.batch.chunks import BatchChunk, Chunk, LineChunk, RowChunk, kind_of, parse_line, unified
from kanyu.errors import InputError, KanyuError, MissingExtraError, UnknownFormatError
from kanyu.importers import read_exports, sniff
from kanyu.importers.base import Source
from kanyu.importers.cells import MAX_CELL, is_spreadsheet
from kanyu.messages import Conversation

__all__ = ["CHUNK_ROWS", "ENDINGS", "Table", "open_table"]

CHUNK_ROWS: Final = 2048
_CHUNK_CHARACTERS: Final = 1 << 21
ENDINGS: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".xlsx", ".parquet")
"""Endings of the files that a folder's tables have."""
_DELIMITERS: Final = (",", "\t", ";")


class Table:
    """A table on disk whose columns are known and whose rows are read when asked for.

    Attributes
    ----------
    path : Path
    ending : str
        The ending that a table of the same format has.
    columns : tuple of str
    n_rows : int or None
        None where only reading it all would tell.
    errors : tuple of (str, str)
        Pieces that could not be read, with the reason; the rest is read.
    notes : tuple of str
        What a user should know.
    """

    ending = ".csv"
    n_rows: int | None = None
    errors: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, column: str) -> None:
        self.path = path
        self.column = column
        self.columns: tuple[str, ...] = ()

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each column holds, for formats whose columns have types (see `chunks.kind_of`)."""
        return dict.fromkeys(self.columns, "str")

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the rows in order."""
        raise NotImplementedError

    def check_columns(self) -> None:
        """Refuse a table without the text's column, or with two columns of one name."""
        if self.column not in self.columns:
            names = ", ".join(name[:24] for name in self.columns[:20]) or "none"
            raise InputError(f"{self.path}: no column {self.column!r}; its columns: {names}; choose one with --column")
        twice = next((name for name in self.columns if self.columns.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"{self.path}: two columns are named {twice[:24]!r}; rename one of them")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tell what a damaged, missing or changing file raises as one line."""
    try:
        before = path.stat()
        yield
        after = path.stat()
    except KanyuError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or folder; check the path") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: bytes that are not {error.encoding}; save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be read'}; check the path and its rights") from None
    except (csv.Error, zipfile.BadZipFile, ValueError, KeyError, EOFError, RecursionError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}); save it again") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(f"{path}: changed while it was read; try again when nothing writes to it")


def _grouped(rows: Iterable[Any], text_of: Callable[[Any], str], n_rows: int) -> Iterator[tuple[list[str], list[Any]]]:
    """Yield texts and rows, so many at a time; fewer where texts are long."""
    texts: list[str] = []
    held: list[Any] = []
    characters = 0
    for row in rows:
        text = text_of(row)
        texts.append(text)
        held.append(row)
        characters += len(text)
        if len(held) >= n_rows or characters >= _CHUNK_CHARACTERS:
            yield texts, held
            texts, held, characters = [], [], 0
    if held:
        yield texts, held


class DelimitedTable(Table):
    """CSV or TSV, in UTF-8, UTF-16 or CP932; every cell is a text."""

    def __init__(self, path: Path, column: str, encoding: str) -> None:
        super().__init__(path, column)
        self.encoding = encoding
        self.delimiter = ","
        with _reading(path):
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
        with _reading(self.path):
            self.n_rows = sum(1 for _ in islice(self._rows(), 1, None))

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the rows in order."""
        place = self.columns.index(self.column)
        with _reading(self.path):
            rows = islice(self._rows(), 1, None)
            for texts, held in _grouped(rows, lambda row: str(row[place]), n_rows):
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


class LinesTable(Table):
    """JSON lines; a line may lack columns that others have."""

    ending = ".jsonl"

    def __init__(self, path: Path, column: str, encoding: str) -> None:
        super().__init__(path, column)
        self.encoding = encoding
        self._kinds: dict[str, set[str]] = {}

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each column holds."""
        return {name: unified(kinds) for name, kinds in self._kinds.items()}

    def survey(self) -> None:
        """Count the lines and gather every column."""
        self.n_rows = 0
        with _reading(self.path):
            for _, record in self._records():
                self.n_rows += 1
                for name, value in record.items():
                    self._kinds.setdefault(name, set()).add(kind_of(value))
        self.columns = tuple(self._kinds)

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the lines in order."""
        with _reading(self.path):
            for texts, held in _grouped(self._records(), lambda pair: as_text(pair[1].get(self.column)), n_rows):
                yield LineChunk(texts, [line for line, _ in held])

    def _records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with self.path.open(encoding=self.encoding, newline="\n") as stream:
            for number, line in enumerate(stream, 1):
                text = line.strip(" \t\r\n")
                if not text:
                    continue
                try:
                    record = parse_line(text)
                except (ValueError, RecursionError):
                    record = None
                if not isinstance(record, dict):
                    raise InputError(f"{self.path}: line {number} is no JSON object; mend or delete it")
                yield text, record


class SheetTable(Table):
    """The first sheet of an .xlsx whose top row has the column."""

    ending = ".xlsx"

    def __init__(self, path: Path, column: str) -> None:
        super().__init__(path, column)
        self._place = 0
        with _reading(path), self._book() as book:
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

    @cached_property
    def kinds(self) -> Mapping[str, str]:  # type: ignore[override]
        """What each column holds; reads the sheet once."""
        found: list[set[str]] = [set() for _ in self.columns]
        with _reading(self.path):
            for row in self._rows():
                for kinds, value in zip(found, row, strict=True):
                    kinds.add(kind_of(value))
        return {name: unified(kinds) for name, kinds in zip(self.columns, found, strict=True)}

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the rows in order."""
        place = self.columns.index(self.column)
        with _reading(self.path):
            for texts, held in _grouped(self._rows(), lambda row: as_text(row[place]), n_rows):
                yield RowChunk(texts, self.columns, held)

    def _rows(self) -> Iterator[list[Any]]:
        width = len(self.columns)
        with self._book() as book:
            sheet = book.worksheets[self._place]
            sheet.reset_dimensions()  # some programs write a wrong size
            for number, cells in enumerate(sheet.iter_rows(min_row=2, values_only=True), 2):
                if any(cell is not None for cell in cells[width:]):
                    raise InputError(f"{self.path}: row {number} has a cell beyond the header; name its column")
                if all(cell is None for cell in cells):
                    continue
                yield [*cells[:width], *[None] * (width - len(cells))]


def _header_of(sheet: Any) -> tuple[str, ...]:
    sheet.reset_dimensions()
    cells = list(next(sheet.iter_rows(max_row=1, values_only=True), ()))
    while cells and cells[-1] is None:
        cells.pop()
    return tuple(as_text(cell) for cell in cells)


class ParquetTable(Table):
    """A Parquet file, read batch by batch; its schema is kept."""

    ending = ".parquet"

    def __init__(self, path: Path, column: str) -> None:
        super().__init__(path, column)
        with _reading(path), self._file() as file:
            self.schema = file.schema_arrow
            self.columns = tuple(self.schema.names)
            self.n_rows = file.metadata.num_rows

    @contextmanager
    def _file(self) -> Iterator[Any]:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise MissingExtraError("Parquet", "parquet") from None
        try:
            with self.path.open("rb") as stream, pq.ParquetFile(stream) as file:
                yield file
        except pa.ArrowException as error:
            raise InputError(f"{self.path}: damaged Parquet ({type(error).__name__}); write it again") from None

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each column holds."""
        from pyarrow import types

        tests = {"int": types.is_signed_integer, "float": types.is_floating, "bool": types.is_boolean}
        return {
            field.name: next((kind for kind, test in tests.items() if test(field.type)), "str") for field in self.schema
        }

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the batches in order."""
        with _reading(self.path), self._file() as file:
            for batch in file.iter_batches(batch_size=n_rows, use_threads=False):
                texts = [as_text(value) for value in batch.column(self.column).to_pylist()]
                yield BatchChunk(texts, batch)


class ExportTable(Table):
    """A chat export: a row per message."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "text")
        self.columns = EXPORT_COLUMNS
        talks, errors = read_exports([path])
        self.errors = tuple(errors)
        if not talks:
            source, reason = errors[0]
            raise InputError(f"{source}: {reason}")
        self.n_rows = sum(map(len, talks))
        n_skipped = sum(len(talk.skipped) for talk in talks)
        if n_skipped:
            self.notes = (f"{path}: {n_skipped} lines were not understood; `kanyu scan --json` names them",)

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each column holds."""
        return {name: "int" if name == "index" else "str" for name in self.columns}

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the messages in order; the export is read anew, so that none is held before its turn."""
        talks, _ = read_exports([self.path])
        pairs = (pair for talk in talks for pair in _messages(talk))
        for texts, held in _grouped(pairs, lambda pair: str(pair[0]), n_rows):
            yield RowChunk(texts, self.columns, [row for _, row in held])


def _messages(talk: Conversation) -> Iterator[tuple[str, list[Any]]]:
    """What is scored of each message, and its row; stickers and the like have no text to score."""
    for index, message in enumerate(talk.messages):
        at = message.at.isoformat() if message.at else None
        row = [talk.source, talk.title, index, at, message.sender, message.text]
        yield message.text if message.is_text else "", row


def as_text(value: Any) -> str:
    """A cell's text; a missing one is empty."""
    return "" if value is None or value != value else str(value)


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
    with _reading(path):
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
        if source.head.lstrip()[:1] not in ("{", "["):
            return DelimitedTable(path, column, encoding)
        lines = LinesTable(path, column, encoding)
        try:
            lines.survey()
        except InputError:
            if path.suffix.lower() in (".jsonl", ".ndjson") and sniff(path) is None:
                raise
            return None
        return lines


def total_rows(tables: Sequence[Table]) -> int | None:
    """Rows of all tables; None where one does not tell."""
    counts = [table.n_rows for table in tables]
    return None if None in counts else sum(count for count in counts if count is not None)

"""Rows to table files: CSV, TSV, JSONL, XLSX and Parquet, in chunks, whole or not at all."""

from __future__ import annotations

import base64
import csv
import io
import math
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final, Protocol
from xml.sax.saxutils import escape, quoteattr

from kanyu.batch.chunks import BatchChunk, Chunk, JsonNumber, LineChunk, RowChunk
from kanyu.batch.files import atomically
from kanyu.errors import MissingExtraError, OutputError, UsageError
from kanyu.importers.base import without_surrogates
from kanyu.render.terminal import to_json

__all__ = ["ENDINGS", "SHEET_ROWS", "Layout", "TableWriter", "guard", "open_writer", "write_table"]

SHEET_ROWS: Final = 1_048_575
"""The rows that a sheet holds below its header."""
_SHEET_CELL: Final = 32_767
# What a spreadsheet program would read as a formula: "=1+1", "＝1+1", "+81-90", "@name"
_FORMULA: Final = re.compile(r"[=+\-@\t\r＝＋－＠]")
# A plain number: "-5", "+81", "-1,234.5", "-3.2e-5", "-4%"
_NUMBER: Final = re.compile(r"[+-](?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?(?:[eE][+-]?\d+)?%?")


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
        """Write what is held back."""


def guard(cell: str) -> str:
    """A text cell that no spreadsheet program reads as a formula; numbers stay.

    >>> guard("=1+1"), guard("-5"), guard("+81-3-0000"), guard("0012")
    ("'=1+1", '-5', "'+81-3-0000", '0012')
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def _as_text(value: Any) -> str:
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
        return _json(value)
    return repr(value) if isinstance(value, float) else str(value)


def _json(value: Any) -> str:
    """JSON of any value; numbers keep the digits that the input gave them."""
    if isinstance(value, JsonNumber):
        return value if value[-1:].isdigit() else "null"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_json(str(key))}: {_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_json, value)) + "]"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "null"
    return to_json(value if value is None or isinstance(value, bool | int | str) else _as_text(value))


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
        text = _as_text(value)
        return self._guard(text) if isinstance(value, str) and not isinstance(value, JsonNumber) else text

    def close(self) -> None:
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
            heads = (_json(row)[:-1] for row in rows)
        for head, values in zip(heads, added, strict=True):
            pairs = [f"{key}: {_json(value)}" for key, value in zip(self._keys, values, strict=True)]
            between = ", " if pairs and head != "{" else ""
            self._stream.write(f"{head}{between}{', '.join(pairs)}}}\n")

    def close(self) -> None:
        self._stream.close()


class _Parquet:
    """Batches are gathered into row groups of a size that readers like."""

    _GROUP_ROWS: Final = 1 << 16
    _GROUP_BYTES: Final = 1 << 25

    def __init__(self, path: Path, layout: Layout) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise MissingExtraError("Parquet", "parquet") from None
        self._pa = pa
        types = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "time": pa.timestamp("us")}
        self._layout = layout
        of_kind = {name: types.get(layout.kinds.get(name, "str"), pa.string()) for name in layout.names}
        fields = list(layout.schema) if layout.schema else [pa.field(name, of_kind[name]) for name in layout.columns]
        metadata = layout.schema.metadata if layout.schema else None
        self._added = [pa.field(name, of_kind[name]) for name in layout.added]
        self._schema = pa.schema([*fields, *self._added], metadata=metadata)
        self._stream = path.open("xb")
        self._file = pq.ParquetWriter(self._stream, self._schema)
        self._held: list[Any] = []

    def write(self, chunk: Chunk, added: Sequence[Sequence[Any]]) -> None:
        more = self._arrays(self._added, added)
        if isinstance(chunk, BatchChunk) and self._layout.schema is not None:
            before = list(chunk.batch.columns)
        else:
            before = self._arrays(list(self._schema)[: len(self._layout.columns)], chunk.cells(self._layout.columns))
        self._held.append(self._pa.RecordBatch.from_arrays([*before, *more], schema=self._schema))
        n_rows, n_bytes = sum(batch.num_rows for batch in self._held), sum(batch.nbytes for batch in self._held)
        if n_rows >= self._GROUP_ROWS or n_bytes >= self._GROUP_BYTES:
            self._flush()

    def _arrays(self, fields: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[Any]:
        return [self._array(field.type, [row[place] for row in rows]) for place, field in enumerate(fields)]

    def _array(self, kind: Any, values: list[Any]) -> Any:
        types = self._pa.types
        if types.is_string(kind):
            values = [None if value is None else _as_text(value) for value in values]
        elif types.is_integer(kind):
            values = [None if value is None else int(value) for value in values]
        elif types.is_floating(kind):
            values = [None if value is None else float(value) for value in values]
        return self._pa.array(values, type=kind)

    def _flush(self) -> None:
        if self._held:
            self._file.write_table(self._pa.Table.from_batches(self._held, self._schema))
            self._held = []

    def close(self) -> None:
        self._flush()
        self._file.close()
        self._stream.close()


_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# What XML cannot hold: control characters but \t, \n, \r, lone surrogates, and two non-characters
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What a spreadsheet program would read as an escaped character: "_x0041_"
_ESCAPED: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_EPOCH: Final = datetime(1899, 12, 30)
_STYLES: Final = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/><numFmt numFmtId="166" formatCode="hh:mm:ss"/>'
    '</numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill>'
    '<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf/>'
    '<xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/>'
    '<xf numFmtId="166" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class _Workbook:
    """An .xlsx written as a stream: nothing is held, nothing lies about in a temporary folder, and
    the same rows give the same bytes (a writer that notes the hour could not be resumed).
    """  # fmt: skip

    def __init__(self, path: Path, layout: Layout, sheet: str) -> None:
        if layout.n_rows is not None and layout.n_rows > SHEET_ROWS:
            raise OutputError(_too_many(f"{layout.n_rows:,} rows"))
        self._file = zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED)
        self._titles: list[str] = []
        self._sheet: Any = None
        self.begin(sheet, layout)

    def begin(self, title: str, layout: Layout) -> None:
        """Begin a sheet; the one before it is complete."""
        self._end()
        self._columns = layout.columns
        # Thirty-one characters without []:*?/\ are what a sheet's name may have.
        self._titles.append(re.sub(r"[\[\]:*?/\\]", "_", title)[:31])
        self._n_rows = -1
        part = f"xl/worksheets/sheet{len(self._titles)}.xml"
        raw = self._file.open(self._info(part), "w", force_zip64=True)
        self._sheet = io.TextIOWrapper(raw, "utf-8", newline="\n")
        self._sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>')
        self._row(layout.names)

    def write(self, chunk: Chunk, added: Sequence[Sequence[Any]]) -> None:
        for cells, more in zip(chunk.cells(self._columns), added, strict=True):
            self._row((*cells, *more))

    def _row(self, values: Sequence[Any]) -> None:
        self._n_rows += 1
        if self._n_rows > SHEET_ROWS:
            raise OutputError(_too_many("there are more rows"))
        self._sheet.write(f"<row>{''.join(map(self._cell, values))}</row>")

    def _cell(self, value: Any) -> str:
        if value is None or value != value:
            return "<c/>"
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        number = _sheet_number(value)
        if number is not None:
            return f"<c><v>{number}</v></c>"
        if isinstance(value, datetime) and value.tzinfo is None and value.year > 1900:
            days = (value - _EPOCH).total_seconds() / 86400
            return f'<c s="{2 if value.time() != time() else 1}"><v>{days!r}</v></c>'
        if isinstance(value, time) and value.tzinfo is None:
            seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
            return f'<c s="3"><v>{seconds / 86400!r}</v></c>'
        text = _as_text(value)
        if len(text) > _SHEET_CELL:
            limit = f"a cell of row {self._n_rows + 1} is longer than the {_SHEET_CELL:,} characters of an .xlsx cell"
            raise OutputError(f"{limit}; write .csv or .jsonl instead")
        text = escape(_NO_XML.sub("\ufffd", _ESCAPED.sub("_x005F_", text)), {"\r": "_x000D_"})
        return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'

    def _end(self) -> None:
        if self._sheet is not None:
            self._sheet.write("</sheetData></worksheet>")
            self._sheet.close()
            self._sheet = None

    @staticmethod
    def _info(name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        return info

    def close(self) -> None:
        self._end()
        numbers = range(1, len(self._titles) + 1)
        sheets = "".join(
            f'<sheet name={quoteattr(title)} sheetId="{n}" r:id="rId{n}"/>'
            for n, title in zip(numbers, self._titles, strict=True)
        )
        links = "".join(
            f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
        )
        kinds = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPES}.worksheet+xml"/>' for n in numbers
        )
        parts = {
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}'
            f'<Relationship Id="rId0" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>{kinds}'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/></Types>',
        }
        self._file.writestr(self._info("xl/styles.xml"), _STYLES)
        for name, body in parts.items():
            self._file.writestr(self._info(name), _XML + body)
        self._file.close()


def _too_many(what: str) -> str:
    return f"{what} than the {SHEET_ROWS:,} of a sheet; write .csv, .jsonl or .parquet instead".replace(
        "rows than", "rows are more than" if what[0].isdigit() else "rows than"
    )


def _sheet_number(value: Any) -> str | None:
    """A number that a sheet holds without loss (fifteen digits); None for all else."""
    if isinstance(value, JsonNumber):
        digits = sum(character.isdigit() for character in value.lower().partition("e")[0])
        return value if digits <= 15 and value[-1:].isdigit() else None
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else None
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    return None


ENDINGS: Final[Mapping[str, Callable[[Path, Layout, bool, str], TableWriter]]] = {
    ".csv": lambda path, layout, plain, _: _Delimited(path, layout, delimiter=",", plain=plain),
    ".tsv": lambda path, layout, plain, _: _Delimited(path, layout, delimiter="\t", plain=plain),
    ".jsonl": lambda path, layout, _plain, _sheet: _Lines(path, layout),
    ".parquet": lambda path, layout, _plain, _sheet: _Parquet(path, layout),
    ".xlsx": lambda path, layout, _plain, sheet: _Workbook(path, layout, sheet),
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
    with atomically(path) as temporary, ExitStack() as stack:
        writer = make(temporary, layout, plain, sheet)
        try:
            yield writer
        except BaseException:
            stack.callback(_abandon, writer)
            raise
        writer.close()


def _abandon(writer: TableWriter) -> None:
    """Close the file of a writer that failed; what it holds back no longer matters."""
    try:
        writer.close()
    except Exception:  # the first fault is the one to tell
        return


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
        if isinstance(writer, _Workbook):
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

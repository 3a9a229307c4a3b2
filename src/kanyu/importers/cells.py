"""Rows of cells: CSV, TSV and spreadsheets, with what spreadsheets do to a text."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from itertools import islice

from ..errors import InputError
from .base import HEAD_BYTES, Source

__all__ = [
    "Row",
    "clean_cell",
    "csv_head",
    "find_header",
    "is_spreadsheet",
    "read_csv",
    "read_spreadsheet",
]

Row = tuple[int, list[object]]  # number of its first line, and its cells
HEADER_WITHIN = 12
MAX_CELL = 1 << 26
MAX_SHEET_BYTES = 64 << 20
MAX_RATIO = 200
# What Excel writes for a carriage return in a cell: "_x000D_"
CARRIAGE = re.compile(r"_x000[dD]_\n?")
# An apostrophe that keeps a spreadsheet from reading a formula: "'=1+1", "'\n…"
GUARD = re.compile(r"'(?=[=+\-@\n\r\t'])")


def clean_cell(value: object) -> str:
    """A cell's text without the marks of spreadsheets."""
    if value is None:
        return ""
    text = CARRIAGE.sub("\n", str(value)).replace("\r\n", "\n")
    return GUARD.sub("", text, count=1) if text.startswith("'") else text


def read_csv(source: Source, delimiter: str = ",") -> Iterator[Row]:
    """Yield the rows of a delimited file; line breaks inside quotes stay."""
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader((f"{line}\n" for line in source.lines()), delimiter=delimiter)
    before = 0
    for cells in reader:
        yield before + 1, [*cells]
        before = reader.line_num


def csv_head(source: Source, delimiter: str) -> list[list[str]]:
    """The first rows, by the head of the file alone."""
    lines = source.head.split("\n")
    if len(source.head_bytes) == HEAD_BYTES:
        lines.pop()
    rows = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    try:
        return list(islice(rows, HEADER_WITHIN))
    except csv.Error:
        return []


def find_header(source: Source, *names: str, delimiter: str = ",") -> int | None:
    """Index of the first of the top rows that begins with these names; None if there is none."""
    for index, row in enumerate(csv_head(source, delimiter)):
        if tuple(cell.strip() for cell in row[: len(names)]) == names:
            return index
    return None


def is_spreadsheet(source: Source) -> bool:
    """Whether this is an .xlsx; an `InputError` for one that unpacks to too much."""
    if not source.head_bytes.startswith(b"PK\x03\x04"):
        return False
    with source.open() as stream, zipfile.ZipFile(stream) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
    total = sum(sizes.values())
    if total > MAX_SHEET_BYTES and total > source.size * MAX_RATIO:
        raise InputError(f"{source.name}: unpacks to {total:,} bytes; not opened, for safety")
    return "xl/workbook.xml" in sizes


def read_spreadsheet(source: Source) -> Iterator[list[Row]]:
    """Yield the rows of every sheet of an .xlsx."""
    from openpyxl import load_workbook

    with source.open() as stream:
        book = load_workbook(stream, read_only=True, data_only=True)
        for sheet in book.worksheets:
            yield [(number, list(cells)) for number, cells in enumerate(sheet.iter_rows(values_only=True), 1)]

"""Rows to .xlsx."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from kanyu.batch.chunks import Chunk, JsonNumber
from kanyu.errors import OutputError
from kanyu.render.cells import Layout, cell_text

__all__ = ["SHEET_ROWS", "WorkbookWriter"]

SHEET_ROWS: Final = 1_048_575
"""The rows that a sheet holds below its header."""
_SHEET_CELL: Final = 32_767
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
_DATE: Final = "yyyy\\-mm\\-dd"
_MOMENT: Final = "yyyy\\-mm\\-dd\\ hh:mm:ss"
_CLOCK: Final = "hh:mm:ss"
_SPAN: Final = "[h]:mm:ss"
_DAY: Final = timedelta(days=1)


class WorkbookWriter:
    """An .xlsx written as a stream: nothing is held, nothing lies about in a temporary folder, and
    the same rows give the same bytes (a writer that notes the hour could not be resumed).
    """  # fmt: skip

    def __init__(self, path: Path, layout: Layout, sheet: str) -> None:
        if layout.n_rows is not None and layout.n_rows > SHEET_ROWS:
            raise OutputError(_too_many(f"{layout.n_rows:,} rows are more"))
        self._stream = path.open("xb")
        self._file = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_DEFLATED)
        self._titles: list[str] = []
        self._formats = {"General": 0}
        self._sheet: Any = None
        self.begin(sheet, layout)

    def begin(self, title: str, layout: Layout) -> None:
        """Begin a sheet; the one before it is complete."""
        self._end()
        self._columns = layout.columns
        # Thirty-one characters without []:*?/\ are what a sheet's name may have.
        self._titles.append(re.sub(r"[\[\]:*?/\\]", "_", title)[:31])
        self._letters = [_letters(number) for number in range(len(layout.names))]
        self._n_rows = -1
        part = f"xl/worksheets/sheet{len(self._titles)}.xml"
        raw = self._file.open(self._info(part), "w", force_zip64=True)
        self._sheet = io.TextIOWrapper(raw, "utf-8", newline="\n")
        self._sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>')
        self._row(layout.names)

    def write(self, chunk: Chunk, added: Sequence[Sequence[Any]]) -> None:
        """Write rows and the values added to each."""
        for cells, more in zip(chunk.cells(self._columns), added, strict=True):
            self._row((*cells, *more))

    def _row(self, values: Sequence[Any]) -> None:
        self._n_rows += 1
        if self._n_rows > SHEET_ROWS:
            raise OutputError(_too_many("there are more rows"))
        number = self._n_rows + 1
        cells = (
            f'<c r="{column}{number}"{self._cell(value)}</c>'
            for column, value in zip(self._letters, values, strict=True)
            if value is not None and value == value
        )
        self._sheet.write(f'<row r="{number}">{"".join(cells)}</row>')

    def _cell(self, value: Any) -> str:
        """A cell after its reference: the rest of its attributes, and its value."""
        if isinstance(value, bool):
            return f' t="b"><v>{int(value)}</v>'
        number = _sheet_number(value)
        if number is not None:
            return self._styled(number, getattr(value, "number_format", "General"))
        if isinstance(value, datetime) and value.tzinfo is None and value.year > 1900:
            return self._styled(repr((value - _EPOCH) / _DAY), _MOMENT if value.time() != time() else _DATE)
        if isinstance(value, time) and value.tzinfo is None:
            return self._styled(repr((datetime.combine(_EPOCH, value) - _EPOCH) / _DAY), _CLOCK)
        if isinstance(value, timedelta):
            return self._styled(repr(value / _DAY), _SPAN)
        text = cell_text(value)
        if len(text) > _SHEET_CELL:
            limit = f"a cell of row {self._n_rows + 1} is longer than the {_SHEET_CELL:,} characters of an .xlsx cell"
            raise OutputError(f"{limit}; write .csv or .jsonl instead")
        text = escape(_NO_XML.sub("\ufffd", _ESCAPED.sub("_x005F_", text)), {"\r": "_x000D_"})
        return f' t="inlineStr"><is><t xml:space="preserve">{text}</t></is>'

    def _styled(self, number: str, number_format: str) -> str:
        style = self._formats.setdefault(number_format, len(self._formats))
        return f' s="{style}"><v>{number}</v>' if style else f"><v>{number}</v>"

    def _styles(self) -> str:
        """The number formats that were met; the ids of a workbook's own begin at 164."""
        own = list(self._formats)[1:]
        formats = "".join(f'<numFmt numFmtId="{n}" formatCode={quoteattr(code)}/>' for n, code in enumerate(own, 164))
        listed = f'<numFmts count="{len(own)}">{formats}</numFmts>' if own else ""
        cells = "".join(f'<xf numFmtId="{n}" xfId="0" applyNumberFormat="1"/>' for n in range(164, 164 + len(own)))
        return (
            f'<styleSheet xmlns="{_MAIN}">{listed}<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font>'
            '</fonts><fills count="2"><fill><patternFill patternType="none"/></fill>'
            '<fill><patternFill patternType="gray125"/></fill></fills>'
            '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
            f'<cellXfs count="{len(own) + 1}"><xf xfId="0"/>{cells}</cellXfs>'
            '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
        )

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
        """Write what is held back, and end the file."""
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
            "xl/styles.xml": self._styles(),
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
        for name, body in parts.items():
            self._file.writestr(self._info(name), _XML + body)
        self._file.close()
        self._stream.close()

    def abandon(self) -> None:
        """Let go of a file that is to be thrown away."""
        self._stream.raw.close()  # what the buffer holds is not wanted
        self._file.fp = None  # nor a directory at the end


def _too_many(what: str) -> str:
    return f"{what} than the {SHEET_ROWS:,} that a sheet holds; write .csv, .jsonl or .parquet instead"


def _letters(number: int) -> str:
    """A column's name: 0 is A, 25 is Z, 26 is AA."""
    name = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        name = chr(ord("A") + place) + name
    return name


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

"""Tables in, the same tables out, with what the scorer adds."""

from __future__ import annotations

import csv
import datetime
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kanyu
from kanyu.batch import EXPORT_COLUMNS
from kanyu.batch.base import Table
from kanyu.batch.run import ADDED, Job, Shape
from kanyu.batch.scoring import Scored, Scores, Scoring
from kanyu.batch.sources import find_inputs
from kanyu.batch.tables import open_table
from kanyu.errors import InputError, MissingExtraError, OutputError, UnknownFormatError, UsageError
from kanyu.render import workbook
from kanyu.render.cells import Layout, guard
from kanyu.render.tables import open_writer, write_table

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
ORDINARY = "了解です。10時に改札前で"
ENDINGS = ("csv", "tsv", "jsonl", "xlsx", "parquet")
COLUMNS = ("id", "note", "text", "備考")
ROWS = [
    ["0012", "NA", ORDINARY, ""],
    ["0013", "null", '𠮷田です🎉、\n「明日」"は"\tどう?', "a,b;c"],
    ["0014", "", "", "-5"],
    ["", "1e5", RISKY, " 前後に空白 "],
    ["009", "TRUE", "はい", "一\r二"],
]


@dataclass(frozen=True)
class ByLength:
    """Loads a scorer that needs no model: a text's length decides."""

    def __call__(self) -> ByLength:
        return self

    def score_texts(self, texts: Sequence[str]) -> list[Scores]:
        return [
            (1 / (1 + len(text)), 0.25, 0.5, 0.75, "pitch", "flagged")
            if text
            else (None, None, None, None, "", "undecided")
            for text in texts
        ]


@dataclass(frozen=True)
class DiesOnce:
    """Loads a scorer whose first worker process is killed."""

    mark: str

    def __call__(self) -> ByLength:
        try:
            os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return ByLength()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def write(path: Path, shape: Shape, scored: Iterable[Scored]) -> None:
    layout = Layout(shape.columns, shape.added, shape.kinds, shape.schema, shape.n_rows)
    with open_writer(path, layout) as writer:
        for chunk, scores in scored:
            writer.write(chunk, scores)


def score(paths: Sequence[Path], out: Path, *, chunk_rows: int = 1024, **options: Any) -> Job:
    with Scoring(ByLength()) as scoring:
        job = Job(scoring, write, chunk_rows=chunk_rows, **options)
        inputs, _, _ = find_inputs(map(str, paths))
        tables = job.open(inputs)
        if tables:
            job.write_all(tables, out)
    return job


def read(path: Path) -> list[list[Any]]:
    """All rows with the header, by libraries that are not ours."""
    if path.suffix in (".csv", ".tsv"):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream, delimiter="\t" if path.suffix == ".tsv" else ","))
    if path.suffix == ".jsonl":
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
        return [list(records[0]), *(list(record.values()) for record in records)]
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        rows = [
            ["" if cell is None else cell for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)
        ]
        return [[cell.replace("_x000D_", "\r") if isinstance(cell, str) else cell for cell in row] for row in rows]
    table = pq.read_table(path)
    return [table.column_names, *(list(row.values()) for row in table.to_pylist())]


def make(path: Path, columns: Sequence[str] = COLUMNS, rows: Iterable[Sequence[Any]] = ROWS) -> Path:
    write_table(path, columns, rows, plain=True)
    return path


@pytest.mark.parametrize("output", ENDINGS)
@pytest.mark.parametrize("given", ENDINGS)
def test_other_columns_come_back_from_any_format_to_any_format(tmp_path: Path, given: str, output: str) -> None:
    source = make(tmp_path / f"in.{given}")
    assert read(source) == [list(COLUMNS), *ROWS]
    out = tmp_path / f"out.{output}"
    job = score([source], out)
    header, *rows = read(out)
    assert header == [*COLUMNS, *ADDED]
    assert [row[:4] for row in rows] == ROWS
    assert (job.summary.n_rows, job.summary.n_flagged) == (5, 4)
    first = rows[0][4:]
    assert float(first[0]) == 1 / (1 + len(ORDINARY))
    assert first[4:] == ["pitch", "flagged"]
    assert [cell or None for cell in rows[2][4:]] == [None, None, None, None, None, "undecided"]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+81-3-0000-0000", "'+81-3-0000-0000"),
        ("-A1", "'-A1"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1+1", "'＝1+1"),
        ("＋1+A1", "'＋1+A1"),
        ("－A1", "'－A1"),
        ("＠SUM", "'＠SUM"),
        ("-5+cmd", "'-5+cmd"),
        ("--5", "'--5"),
        ("-5", "-5"),
        ("+81", "+81"),
        ("-1,234.5", "-1,234.5"),
        ("-3.2e-5", "-3.2e-5"),
        ("-4%", "-4%"),
        ("－５", "－５"),
        ("0012", "0012"),
        ("", ""),
        ("a=1", "a=1"),
        (" =1", " =1"),
    ],
)
def test_text_cells_are_guarded_against_formulas_and_numbers_are_not(cell: str, written: str) -> None:
    assert guard(cell) == written


def test_csv_guards_cells_and_headers_and_plain_csv_does_not(tmp_path: Path) -> None:
    write_table(tmp_path / "guarded.csv", ["=h", "n"], [["=1", -5.5]])
    write_table(tmp_path / "plain.csv", ["=h", "n"], [["=1", -5.5]], plain=True)
    assert (tmp_path / "guarded.csv").read_bytes() == b"\xef\xbb\xbf'=h,n\r\n'=1,-5.5\r\n"
    assert (tmp_path / "plain.csv").read_bytes() == b"=h,n\r\n=1,-5.5\r\n"


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_csv_of_any_encoding_and_delimiter_is_read(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [["id", "text", "備考"], ["0012", "髙橋さん、①明日は雨らしい", "メモ"], ["0013", RISKY, ""]]
    text = "".join(delimiter.join(row) + "\r\n" for row in rows).replace("、", "")
    (tmp_path / "in.csv").write_bytes(text.encode(encoding))
    score([tmp_path / "in.csv"], tmp_path / "out.csv")
    found = [row[:3] for row in read(tmp_path / "out.csv")]
    assert found == [[cell.replace("、", "") for cell in row] for row in rows]


def test_json_lines_keep_every_digit_key_and_gap(tmp_path: Path) -> None:
    lines = [
        '{"id": 12345678901234567890123, "x": 1.10, "y": 1E400, "text": "はい"}',
        '{  "text":"いいえ","deep":{"a":[1.0,null]},"emoji":"\\ud83c\\udf89" , "lone": "\\ud800" }',
        '{"text": 12.50}',
        '{"other": "NA"}',
        "{}",
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    score([tmp_path / "in.jsonl"], tmp_path / "out.jsonl")
    written = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(written) == 5
    for line, before in zip(written, lines, strict=True):
        assert line.startswith(before[:-1].rstrip())
        assert set(ADDED) <= set(json.loads(line))
    score([tmp_path / "in.jsonl"], tmp_path / "out.csv")
    header, *rows = read(tmp_path / "out.csv")
    assert header[:7] == ["id", "x", "y", "text", "deep", "emoji", "lone"]
    assert rows[0][:3] == ["12345678901234567890123", "1.10", "1E400"]
    assert rows[1][4:7] == ['{"a": [1.0, null]}', "🎉", "\ufffd"]


def test_json_columns_get_the_narrowest_parquet_type_that_loses_nothing(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {
            "text": "a",
            "i": 1,
            "f": 1,
            "b": True,
            "mixed": 1,
            "big": 10**30,
            "long": 0.1234567890123456789,
            "none": None,
        },
        {"text": "b", "i": None, "f": 2.5, "b": False, "mixed": "x", "big": 2},
    ]
    lines = [json.dumps(record) for record in records]
    (tmp_path / "in.jsonl").write_text("\n".join(lines).replace("0.12345678901234568", "0.1234567890123456789"))
    score([tmp_path / "in.jsonl"], tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert [types[name] for name in ("i", "f", "b", "mixed", "big", "long", "none")] == [
        "int64", "double", "bool", "string", "string", "string", "string",
    ]  # fmt: skip
    assert table["big"].to_pylist() == ["1" + "0" * 30, "2"]
    assert table["long"].to_pylist() == ["0.1234567890123456789", None]
    assert table["mixed"].to_pylist() == ["1", "x"]


def test_a_sheet_keeps_types_formats_and_texts_that_look_like_formulas(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    moment = datetime.datetime(2024, 5, 1, 19, 30)
    sheet.append(["text", "n", "when", "yes", "formula", 7])
    sheet.append([ORDINARY, 12, moment, True, None, datetime.timedelta(hours=30)])
    sheet.append(["=1+1", 0.25, datetime.time(9, 5), False, "_x0041_", "x"])
    sheet["B2"].number_format = "0000"
    sheet["B3"].number_format = "0.0%"
    sheet["A3"].data_type = "s"
    sheet["E2"].value = "text"
    other = book.create_sheet("別")
    other.append(["これは表ではない"])
    book.save(tmp_path / "in.xlsx")
    job = score([tmp_path / "in.xlsx"], tmp_path / "out.xlsx")
    assert any("only the sheet" in note for note in job.summary.notes)
    result = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    assert [cell.value for cell in result[1]][:6] == ["text", "n", "when", "yes", "formula", "7"]
    assert [cell.value for cell in result[2]][:6] == [ORDINARY, 12, moment, True, "text", datetime.timedelta(hours=30)]
    assert [cell.value for cell in result[3]][:4] == ["=1+1", 0.25, datetime.time(9, 5), False]
    assert (result["B2"].number_format, result["B3"].number_format) == ("0000", "0.0%")
    assert result["A3"].data_type != "f"
    score([tmp_path / "in.xlsx"], tmp_path / "out.parquet")
    assert [str(field.type) for field in pq.read_schema(tmp_path / "out.parquet")][1:4] == ["double", "string", "bool"]


def test_a_text_that_a_sheet_would_unescape_comes_back(tmp_path: Path) -> None:
    make(tmp_path / "in.csv", ["text"], [["_x0041_ と _x000D_"], ["\x0b制御\x00"]])
    score([tmp_path / "in.csv"], tmp_path / "out.xlsx")
    with zipfile.ZipFile(tmp_path / "out.xlsx") as archive:
        body = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "_x005F_x0041_ と _x005F_x000D_" in body
    assert "\ufffd制御\ufffd" in body


def test_parquet_keeps_its_schema_types_and_metadata(tmp_path: Path) -> None:
    when = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.uint64()),
            "tags": pa.array([["a"], None], pa.list_(pa.string())),
            "text": pa.array([ORDINARY, None]).dictionary_encode(),
            "at": pa.array([when, None], pa.timestamp("ns", tz="Asia/Tokyo")),
        }
    ).replace_schema_metadata({"made": "by hand"})
    pq.write_table(table, tmp_path / "in.parquet")
    score([tmp_path / "in.parquet"], tmp_path / "out.parquet")
    result = pq.read_table(tmp_path / "out.parquet")
    assert result.select(table.column_names).equals(table)
    assert result.schema.metadata[b"made"] == b"by hand"
    assert result["verdict"].to_pylist() == ["flagged", "undecided"]
    score([tmp_path / "in.parquet"], tmp_path / "out.csv")
    assert read(tmp_path / "out.csv")[1][:3] == ["1", '["a"]', ORDINARY]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "id,body\n1,x\n", "no column 'text'; its columns: id, body; choose one with --column"),
        ("a.csv", "id,text,id\n1,x,2\n", "two columns are named 'id'"),
        ("a.csv", "id,text\n1,x\n2,y,秘密\n", "line 3 has 3 cells where the header has 2"),
        ("a.csv", "id,text\n1,x\n2\n", "line 3 has 1 cells where the header has 2"),
        ("a.csv", "id,text,verdict\n1,x,2\n", "already named 'verdict'; give --prefix"),
        ("a.jsonl", '{"text": "x"}\n{"text": "秘密"\n', "line 2 is no JSON object"),
        ("a.jsonl", '{"text": "x"}\n["秘密"]\n', "line 2 is no JSON object"),
        ("a.jsonl", '{"text": "x"}\n{"text": "y", "flags": 1}\n', "already named 'flags'"),
        ("a.jsonl", '{"id": "x"}\n', "no column 'text'; its columns: id"),
        ("a.csv", "", "empty"),
        ("a.csv", "id,text\n1,\x00\x01\x02\x03\x04\x05\x06\x07\x08" + "\x01" * 40, "binary"),
        ("a.xlsx", "PK\x03\x04 nothing", "damaged"),
        ("a.parquet", "PAR1 nothing PAR1", "damaged"),
        ("a.txt", "秘密の話です\n", "neither a table with a column 'text' nor a chat export"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line_without_its_texts(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    job = score([tmp_path / name], tmp_path / "out.csv")
    ((source, reason),) = job.summary.errors
    assert source == str(tmp_path / name)
    assert says in reason
    assert "秘密" not in reason
    assert "\n" not in reason
    assert not (tmp_path / "out.csv").exists()


def test_bytes_of_no_encoding_are_refused_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,text\n1,明日は雨らしいよ、傘を\n".encode() * 5 + b"2,\xff\xfe\n")
    job = score([tmp_path / "a.csv"], tmp_path / "out.csv")
    assert "save it as UTF-8" in job.summary.errors[0][1]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "in.csv")
    chunks = open_table(path).chunks(2)
    next(chunks)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("1,2,3,4\r\n")
    with pytest.raises(InputError, match="changed while it was read"):
        list(chunks)


@pytest.mark.parametrize("output", ENDINGS)
@pytest.mark.parametrize("given", ["csv", "tsv", "xlsx", "parquet"])
def test_a_table_without_rows_stays_one(tmp_path: Path, given: str, output: str) -> None:
    make(tmp_path / f"in.{given}", rows=[])
    assert score([tmp_path / f"in.{given}"], tmp_path / f"out.{output}").summary.errors == []
    if output == "jsonl":
        assert (tmp_path / "out.jsonl").read_bytes() == b""
    else:
        assert read(tmp_path / f"out.{output}") == [[*COLUMNS, *ADDED]]


def test_an_old_xls_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500)
    assert "binary" in score([tmp_path / "in.xls"], tmp_path / "out.csv").summary.errors[0][1]


def test_parquet_categories_and_the_index_of_pandas_come_back(tmp_path: Path) -> None:
    frames = []
    for name, words in (("a", ["x", "y"]), ("b", ["z", "x"])):
        texts = [f"{name}{number}" for number in range(3000)]
        frame = pd.DataFrame(
            {"text": texts, "kind": pd.Categorical(words * 1500)}, index=[f"{name}_{t}" for t in texts]
        )
        frame.to_parquet(tmp_path / f"{name}.parquet")
        frames.append(frame)
    score([tmp_path / "a.parquet"], tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet")[["text", "kind"]].equals(frames[0])
    score([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "both.parquet")
    both = pd.read_parquet(tmp_path / "both.parquet")
    assert both["kind"].astype(str).tolist() == ["x", "y"] * 1500 + ["z", "x"] * 1500
    assert both.index.tolist() == [*frames[0].index, *frames[1].index]


def test_a_sheet_can_have_many_columns(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(800)]
    write_table(tmp_path / "out.xlsx", names, [list(range(800))])
    (sheet,) = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets
    assert (sheet["A2"].value, sheet["Z2"].value, sheet["AA2"].value, sheet["ADT2"].value) == (0, 25, 26, 799)


def test_parquet_texts_may_be_bytes(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": pa.array([ORDINARY.encode()])}), tmp_path / "in.parquet")
    (chunk,) = open_table(tmp_path / "in.parquet").chunks()
    assert chunk.texts == [ORDINARY]


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\r\n\t"), max_size=30)


@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=8))
@settings(max_examples=150, deadline=None)
def test_any_text_comes_back_from_csv_json_lines_and_sheets(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    path = make(folder / "0.csv", ["id", "text"], rows)
    for number, ending in enumerate(("jsonl", "xlsx", "tsv", "parquet", "csv"), 1):
        table = open_table(path)
        path = folder / f"{number}.{ending}"
        chunks = [chunk for chunk in table.chunks() if chunk.texts]
        write_table(path, table.columns, (row for chunk in chunks for row in chunk.cells(table.columns)), plain=True)
        if ending == "jsonl" and not rows:
            return
    (*chunks,) = open_table(path).chunks()
    assert [tuple(row) for chunk in chunks for row in chunk.cells(["id", "text"])] == rows


def test_a_prefix_makes_room_for_columns_of_the_same_name(tmp_path: Path) -> None:
    make(tmp_path / "in.csv")
    score([tmp_path / "in.csv"], tmp_path / "once.csv")
    score([tmp_path / "once.csv"], tmp_path / "twice.csv", prefix="kanyu_")
    header, *rows = read(tmp_path / "twice.csv")
    assert header == [*COLUMNS, *ADDED, *(f"kanyu_{name}" for name in ADDED)]
    assert all(row[4:10] == row[10:] for row in rows)


def test_tables_with_the_same_columns_are_joined_whatever_their_order_and_format(tmp_path: Path) -> None:
    make(tmp_path / "a.csv", ["id", "text"], [["1", "あ"]])
    make(tmp_path / "b.tsv", ["text", "id"], [["い", "2"]])
    make(tmp_path / "c.jsonl", ["id", "text"], [["3", "う"]])
    make(tmp_path / "d.parquet", ["text", "id"], [["え", "4"]])
    names = ["a.csv", "b.tsv", "c.jsonl", "d.parquet"]
    for ending in ENDINGS:
        score([tmp_path / name for name in names], tmp_path / f"out.{ending}")
        rows = [row[:2] for row in read(tmp_path / f"out.{ending}")]
        assert rows == [["id", "text"], ["1", "あ"], ["2", "い"], ["3", "う"], ["4", "え"]]


def test_tables_whose_columns_differ_are_not_joined(tmp_path: Path) -> None:
    make(tmp_path / "a.csv", ["id", "text"], [["1", "あ"]])
    make(tmp_path / "b.csv", ["no", "text"], [["1", "あ"]])
    with pytest.raises(InputError, match="columns are not those of"):
        score([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_an_export_becomes_a_row_per_message(tmp_path: Path) -> None:
    sample = Path(__file__).parent / "samples" / "line" / "phone-ja-2-senders-6-messages.txt"
    score([sample], tmp_path / "out.csv")
    header, *rows = read(tmp_path / "out.csv")
    (talk,) = kanyu.read_export(sample)
    assert tuple(header) == (*EXPORT_COLUMNS, *ADDED)
    assert [row[5] for row in rows] == [guard(message.text) for message in talk]
    assert [row[2] for row in rows] == [str(index) for index in range(len(talk))]
    undecided = [not message.is_text for message in talk]
    assert [row[-1] == "undecided" for row in rows] == undecided
    assert any(undecided)


def test_a_table_that_also_reads_as_a_chat_keeps_its_columns(tmp_path: Path) -> None:
    make(tmp_path / "in.csv", ["no", "name", "text"], [["007", "佐藤", ORDINARY]])
    score([tmp_path / "in.csv"], tmp_path / "out.csv")
    assert read(tmp_path / "out.csv")[1][:3] == ["007", "佐藤", ORDINARY]
    job = score([tmp_path / "in.csv"], tmp_path / "out2.csv", column="nope")
    assert "no column 'nope'" in job.summary.errors[0][1]


def test_a_chat_table_without_that_column_is_read_as_a_chat(tmp_path: Path) -> None:
    make(tmp_path / "in.csv", ["送信者", "本文"], [["佐藤", ORDINARY]])
    score([tmp_path / "in.csv"], tmp_path / "out.csv")
    header, row = read(tmp_path / "out.csv")
    assert tuple(header[:6]) == EXPORT_COLUMNS
    assert row[4:6] == ["佐藤", ORDINARY]


def test_results_do_not_depend_on_the_size_of_the_chunks(tmp_path: Path) -> None:
    texts = [ORDINARY, RISKY, "", "🎉", "会わせたい人がいます", ORDINARY] * 5
    make(tmp_path / "in.csv", ["text"], [[f"{text}{index % 7}" if text else ""] for index, text in enumerate(texts)])
    written = set()
    for n_rows in (1, 7, 1000):
        with Scoring(kanyu.load) as scoring:
            job = Job(scoring, write, chunk_rows=n_rows)
            job.write_all([open_table(tmp_path / "in.csv")], tmp_path / "out.csv")
        written.add((tmp_path / "out.csv").read_bytes())
    assert len(written) == 1


def test_workers_keep_the_order_and_a_killed_one_loses_and_doubles_nothing(tmp_path: Path) -> None:
    make(tmp_path / "in.csv", ["id", "text"], [[str(index), "あ" * (index % 50)] for index in range(3000)])
    score([tmp_path / "in.csv"], tmp_path / "alone.csv")
    with Scoring(DiesOnce(str(tmp_path / "mark")), jobs=2) as scoring:
        job = Job(scoring, write, chunk_rows=100)
        job.write_all([open_table(tmp_path / "in.csv")], tmp_path / "shared.csv")
    assert (tmp_path / "mark").exists()
    assert (tmp_path / "shared.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()


def test_workers_end_when_their_parent_is_killed() -> None:
    program = (
        "import os, sys, time\n"
        "from kanyu.batch.scoring import Scoring\n"
        "pool = Scoring(None, jobs=2)._workers()\n"
        "pids = {future.result() for future in [pool.submit(os.getpid) for _ in range(20)]}\n"
        "print(*pids, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert workers
    deadline = time.monotonic() + 20
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_running, workers))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return not Path("/proc/self").exists()
    return ") Z " not in state  # ended, and nobody has asked for its status yet


def test_too_many_rows_for_a_sheet_are_refused_before_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="1,048,576 rows are more than the 1,048,575"),
        open_writer(tmp_path / "out.xlsx", Layout(("text",), n_rows=1_048_576)),
    ):
        pytest.fail("it began")
    assert list(tmp_path.iterdir()) == []


def test_too_many_rows_for_a_sheet_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "SHEET_ROWS", 10)
    write_table(tmp_path / "ten.xlsx", ["text"], [["あ"]] * 10)
    with pytest.raises(OutputError, match="there are more rows than"):
        write_table(tmp_path / "out.xlsx", ["text"], [["あ"]] * 11)
    assert [path.name for path in tmp_path.iterdir()] == ["ten.xlsx"]


def test_a_text_too_long_for_a_sheet_is_refused_and_not_cut(tmp_path: Path) -> None:
    write_table(tmp_path / "fits.xlsx", ["text"], [["あ" * 32_767]])
    with pytest.raises(OutputError, match="a cell of row 3 is longer"):
        write_table(tmp_path / "out.xlsx", ["text"], [["あ"], ["あ" * 32_768]])
    assert [path.name for path in tmp_path.iterdir()] == ["fits.xlsx"]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for ending in ENDINGS:
        assert make(tmp_path / f"a.{ending}").read_bytes() == make(tmp_path / f"b.{ending}").read_bytes()


def test_a_workbook_can_have_a_second_sheet(tmp_path: Path) -> None:
    more = {"senders/[?]": (["name"], [["佐藤"]])}
    write_table(tmp_path / "out.xlsx", ["text"], [["あ"]], more_sheets=more)
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["messages", "senders____"]
    assert [list(row) for row in book.worksheets[1].iter_rows(values_only=True)] == [["name"], ["佐藤"]]


def test_a_failed_output_leaves_the_old_one_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    for ending in ENDINGS:
        out = make(tmp_path / f"out.{ending}")
        before = out.read_bytes()
        with pytest.raises(RuntimeError), open_writer(out, Layout(("text",))):
            raise RuntimeError
        assert out.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_input_can_be_its_own_output(tmp_path: Path, ending: str) -> None:
    path = make(tmp_path / f"in.{ending}")
    score([path], path)
    assert [row[:4] for row in read(path)] == [list(COLUMNS), *ROWS]
    assert [name.name for name in tmp_path.iterdir()] == [path.name]


def test_an_output_that_is_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out.csv").symlink_to(tmp_path / "real" / "out.csv")
    make(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").is_symlink()
    assert (tmp_path / "real" / "out.csv").is_file()


def test_an_unknown_ending_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in one of \.csv, \.tsv, \.jsonl"):
        make(tmp_path / "out.doc")


def test_parquet_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "in.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'kanyu\[parquet\]'"):
        open_table(path)
    with pytest.raises(MissingExtraError, match=r"kanyu\[parquet\]"):
        make(tmp_path / "out.parquet")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, ending: str) -> None:
    peaks = []
    for n_rows in (5_000, 40_000):
        path = tmp_path / "in.csv" if ending == "xlsx" else tmp_path / f"in.{ending}"
        make(path, ["id", "text"], ([f"{index:08d}", f"{index}番目のメッセージです。" * 4] for index in range(n_rows)))
        score([path], tmp_path / f"out.{ending}")  # what is imported on first use is no growth
        tracemalloc.start()
        score([path], tmp_path / f"out.{ending}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 2_000_000


def test_inputs_come_by_name_with_outputs_of_their_own(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    (logs / "sub").mkdir(parents=True)
    for name in ("part10.csv", "part2.csv", "part2.tsv", "sub/part2.csv", ".hidden.csv"):
        make(logs / name)
    (logs / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (logs / "notes.txt").write_text("ただのメモ")
    (logs / "out").mkdir()
    make(logs / "out" / "part2.csv")
    inputs, errors, notes = find_inputs([str(logs), str(logs / "part2.csv")], logs / "out")
    outputs = {item.path.relative_to(logs).as_posix(): item.output_name(item.path.suffix) for item in inputs}
    assert outputs == {
        "part2.csv": "part2.csv",
        "part2.tsv": "part2.tsv",
        "part10.csv": "part10.csv",
        "sub/part2.csv": "sub/part2.csv",
    }
    assert list(outputs) == ["part2.csv", "part2.tsv", "part10.csv", "sub/part2.csv"]
    assert errors == []
    assert "notes.txt" in notes[0]
    inputs, errors, _ = find_inputs([str(logs / "*.csv"), str(logs / "**" / "*.tsv"), str(tmp_path / "no*.csv")])
    assert [item.path.name for item in inputs] == ["part2.csv", "part10.csv", "part2.tsv"]
    assert errors == [(str(tmp_path / "no*.csv"), "nothing fits this pattern; check it")]


def test_files_of_one_name_from_two_folders_get_two_outputs(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        make(tmp_path / folder / "x.csv")
    inputs, _, _ = find_inputs([str(tmp_path / "a" / "x.csv"), str(tmp_path / "b" / "x.csv")])
    assert [item.output_name(".csv") for item in inputs] == ["x.csv", "x.csv-2.csv"]


def test_a_folder_of_line_logs_is_an_input_per_log(tmp_path: Path) -> None:
    sample = Path(__file__).parent / "samples" / "line" / "phone-ja-2-senders-6-messages.txt"
    for name in ("1.txt", "2.txt"):
        (tmp_path / name).write_bytes(sample.read_bytes())
    inputs, _, _ = find_inputs([str(tmp_path)])
    assert [item.path.name for item in inputs] == ["1.txt", "2.txt"]


def test_open_table_raises_what_the_library_promises(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ただのメモ\n")
    with pytest.raises(UnknownFormatError):
        open_table(tmp_path / "a.txt")
    with pytest.raises(InputError, match="no such file"):
        open_table(tmp_path / "nothing.csv")
    table: Table = open_table(make(tmp_path / "in.csv"))
    assert (table.columns, table.n_rows) == (COLUMNS, 5)

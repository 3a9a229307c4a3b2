"""Files, texts and names that somebody made to do harm."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest
from lxml import html

from kanyu.cli import run
from kanyu.errors import InputError, KanyuError
from kanyu.importers import read_export
from tests.ledger import Ledger
from tests.regexes import Regex, pumps

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
STEERING = [
    "\x1b[2J\x1b]0;x\x07",
    "\x9b31m",
    "\u202etxt.exe",
    "\u2066x\u2069",
    "\u200f",
    "\x85",
    "\u2028",
    "\x7f",
    "\x08",
]
FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "+1+cmd", "-2+3+cmd", "@SUM(A1)", "＝1+1", "＠x", "\t=1", '=HYPERLINK("x")']
MARKUP = "</script></title><script>alert(1)</script><img src=x onerror=alert(1)>\"'>{{7*7}}"
LINES = (
    "[LINE] {title}とのトーク履歴\n保存日時:2024/05/03 10:00\n\n"
    "2024/05/01(水)\n19:32\t{name}\t{text}\n19:40\t私\tうん\n"
)


def talk(path: Path, name: str, text: str, title: str | None = None) -> Path:
    path.write_text(LINES.format(title=title or name, name=name, text=text), encoding="utf-8")
    return path


def within(seconds: float, work: Callable[[], object]) -> None:
    start = time.perf_counter()
    work()
    assert time.perf_counter() - start < seconds


def refused(path: Path) -> str:
    """The one line in which a file is refused."""
    with pytest.raises(KanyuError) as caught:
        read_export(path)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# Archives


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, ledger: Ledger) -> None:
    with ledger.case("archives: bombs, lying sizes, nested archives"):
        path = zip_of(tmp_path / "x.zip", {f"{number}.txt": bytes(8 << 20) for number in range(8)})
        within(2, lambda: refused(path))
        assert "unpacks" in refused(path)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    lines = LINES.format(title="友人", name="友人", text="あ" * (4 << 20)).encode()
    path = zip_of(tmp_path / "x.zip", {"[LINE] 友人とのトーク.txt": lines})
    data = bytearray(path.read_bytes())
    start = data.rindex(b"PK\x01\x02")
    data[start + 24 : start + 28] = struct.pack("<I", 100)  # the size when unpacked, as the directory tells it
    path.write_bytes(data)
    with ledger.case("archives: bombs, lying sizes, nested archives"):
        try:
            n_read = sum(len(message.text) for found in read_export(path) for message in found)
        except KanyuError:
            n_read = 0
        assert n_read <= 100


def test_an_archive_within_an_archive_is_not_opened(tmp_path: Path, ledger: Ledger) -> None:
    inner = zip_of(tmp_path / "inner.zip", {"a.txt": LINES.format(title="x", name="x", text=RISKY).encode()})
    data = inner.read_bytes()
    for _ in range(5):
        data = zip_of(tmp_path / "outer.zip", {"inner.zip": data}).read_bytes()
    with ledger.case("archives: bombs, lying sizes, nested archives"):
        refused(tmp_path / "outer.zip")


@pytest.mark.parametrize(
    "name", ["../out.txt", "a/../../out.txt", "/etc/out.txt", "..\\out.txt", "C:\\out.txt", "c:/out.txt", "a/..\\..\\b"]
)
def test_names_that_leave_the_archive_are_refused(tmp_path: Path, name: str, ledger: Ledger) -> None:
    path = zip_of(tmp_path / "x.zip", {name: LINES.format(title="x", name="x", text=RISKY).encode()})
    before = sorted(tmp_path.rglob("*"))
    with ledger.case("archives: names that leave their folder"):
        assert "leave" in refused(path)
        assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path, ledger: Ledger) -> None:
    secret = talk(tmp_path / "secret.txt", "秘密", RISKY)
    member = zipfile.ZipInfo("talk.txt")
    member.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(member, str(secret))
    with ledger.case("archives: names that leave their folder"):
        assert "秘密" not in refused(tmp_path / "x.zip")


def workbook(path: Path, sheet: bytes) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["sender", "text"])
    made = path.with_name("made.xlsx")
    book.save(made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else source.read(name))
    return path


SPACE = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "' + b"ha" * 50 + b'">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]>"
)  # fmt: skip
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/hostname">]>'


def xml_of(folder: Path, kind: str, head: bytes, word: bytes) -> Path:
    """A backup of short messages or a workbook that holds this word."""
    if kind == "sms":
        path = folder / "sms.xml"
        fields = b'protocol="0" address="090" date="1714559520000" type="1" readable_date="x" contact_name="x"'
        path.write_bytes(head + b'<smses count="1"><sms ' + fields + b' body="' + word + b'"/></smses>')
        return path
    cell = b'<c t="inlineStr"><is><t>%s</t></is></c>'
    rows = [
        b"<row>" + cell % first + cell % second + b"</row>" for first, second in ((b"sender", b"text"), (b"x", word))
    ]
    sheet = b'<worksheet xmlns="' + SPACE + b'"><sheetData>' + b"".join(rows) + b"</sheetData></worksheet>"
    return workbook(folder / "x.xlsx", head + sheet)


@pytest.mark.parametrize("kind", ["sms", "sheet"])
def test_xml_without_entities_is_read(tmp_path: Path, kind: str) -> None:
    """Otherwise the test below would refuse for another reason."""
    (found,) = read_export(xml_of(tmp_path, kind, b'<?xml version="1.0"?>', b"hello"))
    assert [message.text for message in found] == ["hello"]


@pytest.mark.parametrize("head", [LAUGHS, OUTSIDE], ids=["laughs", "outside"])
@pytest.mark.parametrize("kind", ["sms", "sheet"])
def test_xml_entities_are_not_expanded(tmp_path: Path, head: bytes, kind: str, ledger: Ledger) -> None:
    path = xml_of(tmp_path, kind, head, b"&j;")
    with ledger.case("XML: billion laughs, outside entities"):
        within(3, lambda: refused(path))
    with ledger.case("XML: billion laughs, outside entities"):
        assert run(["score", str(path), "--out", str(tmp_path / "out.csv")]) == 1
        assert not (tmp_path / "out.csv").exists()


def test_a_workbook_that_is_a_bomb_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    path = workbook(tmp_path / "x.xlsx", b" " * (200 << 20))
    with ledger.case("archives: bombs, lying sizes, nested archives"):
        within(5, lambda: refused(path))


# Shapes


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"messages":', '{"messages":['])
@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_deeply_nested_json_is_refused(
    tmp_path: Path, opening: str, ending: str, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_text(opening * 100_000, encoding="utf-8")
    with ledger.case("JSON nested 100,000 deep"):
        within(5, lambda: refused(path))
    with ledger.case("JSON nested 100,000 deep"):
        assert run(["score", str(path), "--out", str(tmp_path / "out.csv")]) == 1
        assert len(capsys.readouterr().err.splitlines()) <= 2


@pytest.mark.parametrize("ending", ["txt", "csv", "jsonl", "tsv"])
def test_a_gigantic_line_is_read_or_refused_in_linear_time(tmp_path: Path, ending: str, ledger: Ledger) -> None:
    def write(size: int) -> Path:
        path = tmp_path / f"{size}.{ending}"
        body = "投資 " * (size // 3)
        if ending == "txt":
            return talk(path, "友人", body)
        if ending == "jsonl":
            path.write_text(json.dumps({"sender": "友人", "text": body}) + "\n", encoding="utf-8")
        else:
            path.write_text(
                "sender,text\n友人,".replace(",", "\t" if ending == "tsv" else ",") + body + "\n", encoding="utf-8"
            )
        return path

    def spent(path: Path) -> float:
        start = time.perf_counter()
        with suppress(InputError):
            read_export(path)
        return time.perf_counter() - start

    with ledger.case("a line of 4,000,000 characters"):
        small, large = write(400_000), write(4_000_000)
        assert spent(large) < 40 * max(min(spent(small) for _ in range(3)), 0.005)


def test_a_name_without_end_does_not_fill_the_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = talk(tmp_path / "x.txt", "あ" * 5_000, RISKY)
    assert run(["scan", str(path)]) == 0
    assert len(capsys.readouterr().out) < 60_000


# Regular expressions


@pytest.fixture(scope="module")
def regexes(root: Path) -> list[Regex]:
    """Those of a process that imports the package for the first time."""
    code = "from tests.regexes import every_regex; print([(*r[:3], sorted(r.methods)) for r in every_regex()])"
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    rows = ast.literal_eval(told.stdout)
    return [Regex(pattern, flags, module, frozenset(methods)) for pattern, flags, module, methods in rows]


def test_every_regex_is_found(regexes: list[Regex]) -> None:
    modules = {regex.module for regex in regexes}
    assert {"kanyu.canonical", "kanyu.importers.line_words", "kanyu.render.terminal", "kanyu.features"} <= modules
    assert len(regexes) > 100


def attack(regex: Regex, pump: str, n_characters: int) -> str | bytes:
    text = (pump * n_characters)[:n_characters] + "\x00"
    return text if isinstance(regex.pattern, str) else text.encode("latin-1", "replace")


def clock(work: Callable[[], object], times: int) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent)


def test_no_regex_takes_more_than_linear_time(regexes: list[Regex], ledger: Ledger) -> None:
    """Four times the text: four times the time, sixteen for what is quadratic. Then 100 kB of the worst pump,
    against a pattern that only walks through the text.
    """
    walk = re.compile(r"[^\s\S]")
    base = clock(lambda: walk.search("a" * 100_000), 5)
    slow = []
    for regex in regexes:
        compiled = re.compile(regex.pattern, regex.flags)
        for name in sorted(regex.methods):
            method = getattr(compiled, name)
            worst = (0.0, "")
            for pump in pumps(regex.pattern):
                short, long = attack(regex, pump, 1_000), attack(regex, pump, 4_000)
                taken = clock(lambda method=method, long=long: method(long), 1)  # type: ignore[misc]
                if taken > 5e-4:  # below, it is the clock that is measured
                    taken = clock(lambda method=method, long=long: method(long), 5)  # type: ignore[misc]
                    growth = taken / clock(lambda method=method, short=short: method(short), 5)  # type: ignore[misc]
                    if growth > 9:
                        slow.append(f"{regex.module}: {regex.pattern!r}.{name}: {pump!r} grows {growth:.1f} times")
                        break
                worst = max(worst, (taken, pump))
            else:
                text = attack(regex, worst[1], 100_000)
                ratio = clock(lambda method=method, text=text: method(text), 2) / base  # type: ignore[misc]
                with ledger.case("regular expressions: 100 kB of the worst pump each"):
                    if ratio > 1_000:
                        slow.append(f"{regex.module}: {regex.pattern!r}.{name}: {worst[1]!r} takes {ratio:.0f} times")
    assert not slow, "\n".join(slow)


def test_the_measure_finds_a_slow_regex() -> None:
    """Otherwise the test above could not fail."""
    slow = re.compile(r"(a|a)*b")
    assert clock(lambda: slow.match("a" * 22), 1) > 9 * clock(lambda: slow.match("a" * 16), 1)


# Tables and pages


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize("command", ["scan", "score"])
def test_no_cell_of_a_table_is_a_formula(tmp_path: Path, ending: str, command: str, ledger: Ledger) -> None:
    for number, formula in enumerate(FORMULAS):
        name = formula.replace("\t", "")
        path = talk(tmp_path / f"{number}.txt", name, f"{formula} {RISKY}", title=name)
        out = tmp_path / f"out.{ending}"
        with ledger.case("formulas in names, titles and texts of tables"):
            assert run([command, str(path), "--out", str(out)]) == 0
            delimiter = "\t" if ending == "tsv" else ","
            rows = list(csv.reader(io.StringIO(out.read_text("utf-8-sig"), newline=""), delimiter=delimiter))
            assert len(rows) == 3
            for cell in (cell for row in rows for cell in row):
                assert not cell.startswith(("=", "+", "@", "\t", "\r", "＝", "＋", "＠"))
                assert not re.match(r"[-－](?!\d+(?:\.\d+)?(?:e-?\d+)?$)", cell)


@pytest.mark.parametrize("command", ["scan", "score"])
def test_no_cell_of_a_workbook_is_a_formula(tmp_path: Path, command: str, ledger: Ledger) -> None:
    for number, formula in enumerate(FORMULAS):
        name = formula.replace("\t", "")
        path = talk(tmp_path / f"{number}.txt", name, f"{formula} {RISKY}", title=name)
        out = tmp_path / "out.xlsx"
        with ledger.case("formulas in names, titles and texts of tables"):
            assert run([command, str(path), "--out", str(out)]) == 0
            sheets = openpyxl.load_workbook(out).worksheets
            cells = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
            assert name in {str(cell.value).lstrip("'") for cell in cells}
            assert all(cell.data_type != "f" for cell in cells)


def test_hostile_names_texts_and_file_names_stay_text_in_a_report(tmp_path: Path, ledger: Ledger) -> None:
    plain, hostile = tmp_path / "plain", tmp_path / "hostile"
    plain.mkdir()
    hostile.mkdir()
    talk(plain / "talk.txt", "友人", RISKY)
    talk(hostile / f"{MARKUP.replace('/', '')}.txt", MARKUP, f"{MARKUP} {RISKY}")
    with ledger.case("markup and script in names, texts and file names of a report"):
        for folder in (plain, hostile):
            assert run(["scan", str(folder), "--out", str(folder / "report.html")]) == 0
        pages = [html.document_fromstring((folder / "report.html").read_bytes()) for folder in (plain, hostile)]
        for tag in ("script", "style", "img", "iframe", "form", "link"):
            counts = [len(page.xpath(f"//{tag}")) for page in pages]
            assert counts[0] == counts[1], tag
        assert not [name for element in pages[1].iter() for name in element.attrib if name.startswith("on")]
        assert "49" not in "".join(pages[1].xpath("//title")[0].itertext())


# Terminals


def said(capsys: pytest.CaptureFixture[str]) -> str:
    caught = capsys.readouterr()
    return caught.out + caught.err


@pytest.mark.parametrize("steering", STEERING, ids=ascii)
def test_nothing_steers_a_terminal(
    tmp_path: Path, steering: str, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    text, name = f"{steering}{RISKY}{steering}", f"友{steering}人"
    path = talk(tmp_path / f"talk{steering.replace('/', '')}.txt", name, text)
    table = tmp_path / f"in{steering}.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([[f"id{steering}", "text"], ["1", text]])
    missing = str(tmp_path / f"no{steering}thing")
    calls = [
        ["check", text],
        ["check", text, "--json"],
        ["check", text, "--lang", "en"],
        ["check", "--file", missing],
        ["check", "--file", str(path)],
        ["check", "x", "--threshold", f"{steering}=1"],
        ["check", "x", "--threshold", f"pitch={steering}"],
        ["check", "x", "--lang", steering],
        ["check", "x", f"--{steering}"],
        [f"x{steering}"],
        ["scan", str(path)],
        ["scan", str(path), "--json"],
        ["scan", str(path), missing, "--lang", "en"],
        ["scan", str(path), "--me", f"nobody{steering}"],
        ["scan", str(path), "--out", f"{missing}.doc"],
        ["scan", str(path), "--out", f"{missing}/report.html"],
        ["scan", str(path), "--out", str(tmp_path / f"report{steering}.html")],
        ["scan", str(table)],
        ["score", missing, "--out", str(tmp_path / "out.csv")],
        ["score", str(table), "--out", str(tmp_path / "out.csv"), "--column", f"no{steering}"],
        ["score", str(table), "--out", str(tmp_path / f"out{steering}.csv")],
        ["score", str(table), "--out", f"{missing}/out.csv"],
        [
            "score",
            str(table),
            "--out",
            str(tmp_path / "o.csv"),
            "--backend",
            "dask",
            "--scheduler",
            f"tcp://{steering}",
        ],
        ["score", str(table), "--out", f"out.{steering}"],
        ["model", missing],
        ["evaluate", missing, str(table)],
        ["train", str(table), "--out", str(tmp_path / "m.safetensors")],
        ["train", missing, "--out", str(tmp_path / "m.safetensors")],
        ["serve", "--host", f"x{steering}", "--no-browser"],
        ["serve", "--port", steering, "--no-browser"],
    ]
    for call in calls:
        with ledger.case("steering characters in texts, names, file names and options, on standard output and error"):
            run(call)
            shown = said(capsys)
            assert shown.strip(), call
            found = UNSAFE.search(shown)
            assert found is None, (call[:1], ascii(shown[max(0, found.start() - 60) : found.end() + 20]))


def test_no_message_is_told_in_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "ひみつのことば"
    samples = {
        "a.csv": f"id,text\n1,{secret},{secret}\n",
        "b.jsonl": f'{{"text": "{secret}"\n',
        "c.json": f'[{{"text": "{secret}"',
        "d.txt": f"{secret}\n",
        "e.xml": f'<smses><sms body="{secret}"',
        "f.xlsx": f"PK\x03\x04{secret}",
    }
    for name, content in samples.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        for call in (["scan", str(tmp_path / name)], ["score", str(tmp_path / name), "--out", str(tmp_path / "o.csv")]):
            assert run(call) == 1, call
            assert secret not in said(capsys), call

"""Samples cut, shuffled, re-encoded or broken: only our own errors, and nothing lost."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kanyu.errors import InputError, KanyuError
from kanyu.importers import read_export, read_exports
from tests.importers.test_samples import EXPECTED, as_record, sample_of

FILES = [path for path in map(sample_of, EXPECTED) if path.is_file()]
TEXTS = [path for path in FILES if path.suffix in (".txt", ".csv", ".tsv", ".jsonl")]
LINE_PHONE = [path for path in TEXTS if path.name.startswith(("phone-", "demo-"))]
by_name = pytest.mark.parametrize("sample", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
by_text = pytest.mark.parametrize("sample", TEXTS, ids=lambda path: f"{path.parent.name}/{path.name}")


def text_of(sample: Path) -> str:
    """The sample's text, its line ends made LF."""
    data = sample.read_bytes()
    for codec in ("utf-16", "utf-8-sig") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp932"):
        try:
            return data.decode(codec).replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
    raise AssertionError(sample)


def read_broken(path: Path) -> int:
    """Number of messages and skipped lines; 0 where kanyu says that it cannot read the file."""
    message = ""
    found = []
    try:
        found = read_export(path)
    except KanyuError as error:
        message = str(error)
    assert len(message.splitlines()) < 2
    return sum(len(one) + len(one.skipped) for one in found)


def mutations(data: bytes, seed: int) -> Iterator[bytes]:
    """Bytes flipped, pieces removed, doubled and moved."""
    chance = random.Random(seed)
    for _ in range(12):
        start, end = sorted(chance.choices(range(len(data)), k=2))
        piece = data[start : min(end, start + 40)]
        yield data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]
        yield data[:start] + data[start + len(piece) :]
        yield data[:end] + piece + data[end:]
        yield data[:start] + bytes(len(piece)) + data[start + len(piece) :]
        yield data[:end]


@by_name
def test_a_broken_file_raises_nothing_but_our_errors(tmp_path: Path, sample: Path) -> None:
    path = tmp_path / sample.name
    for broken in mutations(sample.read_bytes(), seed=7):
        path.write_bytes(broken)
        read_broken(path)


@by_text
def test_line_ends_and_encodings_change_nothing(tmp_path: Path, sample: Path) -> None:
    path = tmp_path / sample.name
    text = text_of(sample)
    path.write_bytes(text.encode("utf-8"))
    expected = [as_record(one) for one in read_export(path)]
    variants = [
        text.replace("\n", "\r\n"),
        text.replace("\n", "\r"),
        text.removesuffix("\n"),
        f"\ufeff{text}",
    ]
    blobs = [variant.encode("utf-8") for variant in variants]
    blobs += [
        text.encode("utf-16"),
        text.encode("utf-16-le"),
        b"\xfe\xff" + text.encode("utf-16-be"),
    ]
    for blob in blobs:
        path.write_bytes(blob)
        assert [as_record(one) for one in read_export(path)] == expected


@pytest.mark.parametrize("sample", LINE_PHONE, ids=lambda path: path.name)
def test_cp932(tmp_path: Path, sample: Path) -> None:
    text = text_of(sample)
    plain = text.encode("cp932", "replace").decode("cp932")
    path = tmp_path / sample.name
    path.write_bytes(plain.encode("utf-8"))
    expected = [as_record(one) for one in read_export(path)]
    path.write_bytes(plain.encode("cp932"))
    assert [as_record(one) for one in read_export(path)] == expected


@by_text
def test_a_file_cut_at_any_line_keeps_what_is_whole(tmp_path: Path, sample: Path) -> None:
    path = tmp_path / sample.name
    lines = text_of(sample).split("\n")
    n_before = 0
    for cut in range(1, len(lines)):
        path.write_text("\n".join(lines[:cut]), encoding="utf-8")
        n_now = read_broken(path)
        assert n_now >= n_before - 1
        n_before = n_now


@pytest.mark.parametrize("sample", LINE_PHONE, ids=lambda path: path.name)
def test_no_row_of_line_is_lost(tmp_path: Path, sample: Path) -> None:
    path = tmp_path / "talk.txt"
    rows = re.compile(r"^[^\t\n]{0,4}\d+:\d\d ?[AP]?M?\t[^\t\n]+\t.*$", re.MULTILINE)
    lines = text_of(sample).split("\n")
    for seed in range(20):
        random.Random(seed).shuffle(lines)
        text = "\n".join(lines)
        path.write_text(text, encoding="utf-8")
        wanted = [row for row in rows.findall(text) if not row.startswith("25:")]
        (conversation,) = read_export(path)
        assert len(conversation) == len(wanted)


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"\0" * (64 << 20))
    with pytest.raises(InputError, match="unpacks"):
        read_export(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../a.txt", "x")
    with pytest.raises(InputError, match="leave"):
        read_export(path)
    path.write_bytes(b"PK\x03\x04broken")
    with pytest.raises(InputError, match="zip"):
        read_export(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"\x89PNG\r\n\x1a\n" + bytes(99),
        bytes(500),
        "ただの文章です。".encode(),
        b"{}",
        b"[[[",
    ],
)
def test_what_is_no_export_is_an_input_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x\.txt: "):
        read_export(path)


def test_some_fail_and_the_rest_is_kept(tmp_path: Path) -> None:
    good = LINE_PHONE[0]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "good.txt").write_bytes(good.read_bytes())
    (tmp_path / "folder" / "bad.txt").write_text("ただの文章", encoding="utf-8")
    (tmp_path / "folder" / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    found, errors = read_exports([tmp_path / "none.txt", tmp_path / "folder", good])
    assert len(found) == 2
    assert [Path(name).name for name, _ in errors] == ["none.txt", "bad.txt"]
    assert all(reason and "ただ" not in reason for _, reason in errors)


def test_a_zip_is_read_as_its_folder_is(tmp_path: Path) -> None:
    import zipfile

    folder = next(path for path in map(sample_of, EXPECTED) if path.is_dir() and path.parent.name == "instagram")
    path = tmp_path / "instagram.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member in sorted(folder.rglob("*")):
            if member.is_file():
                archive.write(member, member.relative_to(folder).as_posix())
    assert [as_record(one) for one in read_export(path)] == [as_record(one) for one in read_export(folder)]

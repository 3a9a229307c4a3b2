"""A damaged model file is refused with one line: never a crash, never a silently wrong answer.

The digest guards against accident. Who can write the file can write a digest that fits, too.
"""

from __future__ import annotations

import dataclasses
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kanyu.errors import ModelError
from kanyu.model import Model, load_model, shipped_model_path
from tests.ledger import CASES, Ledger


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The shipped model with a few of its terms: the same format, quick to load thousands of times."""
    whole = load_model()
    kept = [block[:40] for block in whole.vocabulary]
    starts = np.cumsum([0, *map(len, whole.vocabulary)])[:-1]
    rows = np.concatenate([np.arange(start, start + len(block)) for start, block in zip(starts, kept, strict=True)])
    model = dataclasses.replace(
        whole,
        vocabulary=tuple(kept),
        idf=whole.idf[rows],
        weights=whole.weights[rows],
        info={name: whole.info[name] for name in ("name", "version", "dictionary") if name in whole.info},
    )
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    model.save(path)
    return path.read_bytes()


def header_end(payload: bytes) -> int:
    """Where the header ends and the numbers begin."""
    return int(8 + struct.unpack("<Q", payload[:8])[0])


def is_same(one: Model, other: Model) -> bool:
    """Whether two models judge alike."""
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(Model)
    )


def assert_refused(path: Path, payload: bytes) -> None:
    path.write_bytes(payload)
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)


def test_the_small_model_is_a_whole_model(tmp_path: Path, small: bytes) -> None:
    """Otherwise everything below would be refused for another reason."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(small)
    assert is_same(load_model(path), load_model(path))


def test_a_changed_byte_of_the_header_is_refused_or_changes_nothing(
    tmp_path: Path, small: bytes, ledger: Ledger
) -> None:
    """The digest is taken of the numbers that the header tells; a 17th digit can leave a number as it was."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(small)
    whole = load_model(path)
    chance = random.Random(1)
    end = header_end(small)
    n_refused = n_same = 0
    for place in range(end):
        flipped = [small[place] ^ (1 << bit) for bit in range(8)]
        for value in flipped if CASES else [chance.choice(flipped)]:
            changed = small[:place] + bytes([value]) + small[place + 1 :]
            path.write_bytes(changed)
            try:
                found = load_model(path)
            except ModelError:
                with ledger.case("model file: a byte of the header changed"):
                    assert_refused(path, changed)
                n_refused += 1
            else:
                with ledger.case("model file: a byte of the header changed that changes no number"):
                    assert is_same(found, whole)
                n_same += 1
    assert n_refused + n_same == end * (8 if CASES else 1)
    assert n_same < n_refused / 100


def test_changed_bytes_anywhere_are_refused(tmp_path: Path, small: bytes, ledger: Ledger) -> None:
    path = tmp_path / "model.safetensors"
    chance = random.Random(2)
    end = header_end(small)
    for _ in range(10_000 if CASES else 2_000):
        place = chance.randrange(end, len(small))
        with ledger.case("model file: a random byte changed"):
            assert_refused(path, small[:place] + bytes([small[place] ^ chance.randrange(1, 256)]) + small[place + 1 :])


def test_changed_bytes_of_the_shipped_model_are_refused(tmp_path: Path, ledger: Ledger) -> None:
    whole = shipped_model_path().read_bytes()
    path = tmp_path / "model.safetensors"
    chance = random.Random(3)
    for _ in range(1_000 if CASES else 40):
        place = chance.randrange(len(whole))
        with ledger.case("shipped model file: a random byte changed"):
            assert_refused(path, whole[:place] + bytes([whole[place] ^ chance.randrange(1, 256)]) + whole[place + 1 :])


def test_a_cut_or_lengthened_file_is_refused(tmp_path: Path, small: bytes, ledger: Ledger) -> None:
    path = tmp_path / "model.safetensors"
    chance = random.Random(4)
    ends = {*range(20), len(small) - 1, header_end(small), header_end(small) - 1, header_end(small) + 1}
    ends |= {chance.randrange(len(small)) for _ in range(2_000 if CASES else 300)}
    for end in sorted(ends):
        with ledger.case("model file: cut"):
            assert_refused(path, small[:end])
    for more in (b"\0", b"x" * 8, small):
        with ledger.case("model file: lengthened"):
            assert_refused(path, small + more)


def remade(payload: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with another header; the numbers stay as they are."""
    end = header_end(payload)
    header = json.loads(payload[8:end])
    header = change(header) or header
    made = json.dumps(header).encode()
    return struct.pack("<Q", len(made)) + made + payload[end:]


def swap(first: str, second: str) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        header[first], header[second] = header[second], header[first]

    return change


def put(name: str, key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        header[name][key] = value

    return change


HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "swapped weights and idf": swap("weights", "idf"),
    "swapped idf and vocabulary": swap("idf", "vocabulary"),
    "swapped intercepts and vocabulary": swap("intercepts", "vocabulary"),
    "a huge shape": put("weights", "shape", [2**40, 2**20]),
    "a shape that overflows": put("weights", "shape", [2**63, 2**63]),
    "a negative shape": put("weights", "shape", [-1, 22]),
    "a shape of no numbers": put("idf", "shape", ["x"]),
    "a flat shape": put("weights", "shape", [0]),
    "offsets beyond the file": put("weights", "data_offsets", [0, 2**62]),
    "offsets backwards": put("weights", "data_offsets", [100, 0]),
    "another type": put("weights", "dtype", "F16"),
    "an unknown type": put("weights", "dtype", "OBJ"),
    "no facts": lambda header: {name: header[name] for name in header if name != "__metadata__"},
    "facts of another program": put("__metadata__", "kanyu", "{}"),
    "facts that are a list": put("__metadata__", "kanyu", "[]"),
    "facts that are no JSON": put("__metadata__", "kanyu", "{"),
    "facts nested deeply": put("__metadata__", "kanyu", "[" * 200_000),
    "a tensor more": lambda header: header | {"more": header["idf"]},
    "a tensor less": lambda header: {name: header[name] for name in header if name != "idf"},
    "no tensors": lambda header: {"__metadata__": header["__metadata__"]},
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_lies_is_refused(tmp_path: Path, small: bytes, name: str, ledger: Ledger) -> None:
    with ledger.case("model file: swapped tensors, absurd sizes, other headers"):
        assert_refused(tmp_path / "model.safetensors", remade(small, HEADERS[name]))


@pytest.mark.parametrize("length", [0, 1, 2**31, 2**32, 2**62, 2**63, 2**64 - 1])
def test_a_header_length_that_lies_is_refused(tmp_path: Path, small: bytes, length: int, ledger: Ledger) -> None:
    with ledger.case("model file: swapped tensors, absurd sizes, other headers"):
        assert_refused(tmp_path / "model.safetensors", struct.pack("<Q", length) + small[8:])


@pytest.mark.parametrize("header", [b"", b"[]", b"null", b"{}", b"1", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000])
def test_a_header_that_is_none_is_refused(tmp_path: Path, header: bytes, ledger: Ledger) -> None:
    with ledger.case("model file: swapped tensors, absurd sizes, other headers"):
        assert_refused(tmp_path / "model.safetensors", struct.pack("<Q", len(header)) + header)


def facts_of(small: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with other facts and a digest that fits them, as somebody would make it on purpose."""
    from safetensors.numpy import load

    from kanyu.model import _digest

    def renew(header: dict[str, Any]) -> None:
        facts = json.loads(header["__metadata__"]["kanyu"])
        del facts["sha256"]
        change(facts)
        facts["sha256"] = _digest(facts, load(small))
        header["__metadata__"]["kanyu"] = json.dumps(facts)

    return remade(small, renew)


FACTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "a label less": lambda facts: facts["labels"].pop(),
    "an unknown label": lambda facts: facts["labels"].append("nope"),
    "slopes that are no numbers": lambda facts: facts.update(slopes=[float("nan")] * len(facts["slopes"])),
    "endless offsets": lambda facts: facts.update(offsets=[float("inf")] * len(facts["offsets"])),
    "a threshold of 2": lambda facts: facts["thresholds"].update(pitch=2.0),
    "a threshold that is no number": lambda facts: facts["thresholds"].update(pitch=float("nan")),
    "a threshold that is a text": lambda facts: facts["thresholds"].update(pitch="0.5"),
    "no thresholds": lambda facts: facts.update(thresholds={}),
    "another format": lambda facts: facts.update(format=999),
    "unknown options": lambda facts: facts["options"].update(evil=1),
    "no course": lambda facts: facts.update(course={}),
    "no info": lambda facts: facts.pop("info"),
}  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
def test_parts_that_do_not_fit_are_refused_even_with_a_fitting_digest(
    tmp_path: Path, small: bytes, name: str, ledger: Ledger
) -> None:
    with ledger.case("model file: facts that do not fit, digest made to fit"):
        assert_refused(tmp_path / "model.safetensors", facts_of(small, FACTS[name]))


def test_the_facts_may_be_written_anew(tmp_path: Path, small: bytes) -> None:
    """Otherwise the test above would refuse for another reason."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(facts_of(small, lambda facts: None))
    load_model(path)

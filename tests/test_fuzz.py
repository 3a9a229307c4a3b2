"""Any Unicode, and files cut, mixed and damaged at will: sound answers, or one of our own errors in one line.

A few cases of each in every run; ``make fuzz`` generates more than 100,000.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanyu.canonical import canonicalize
from kanyu.detector import Detector
from kanyu.errors import KanyuError
from kanyu.features import TermMaker, windows
from kanyu.importers import read_export
from kanyu.labels import HEADLINES
from kanyu.render.terminal import harmless, to_json
from kanyu.tokenizer import SudachiTokenizer
from tests.importers.test_samples import EXPECTED, sample_of
from tests.ledger import Ledger, share

# Everything a str can hold, lone surrogates too, with what is known to be awkward made frequent.
ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=120)
AWKWARD = st.sampled_from(
    [
        "元本保証で月利8%", "副 業", "副・業", "ネ☆ッ★ト", "情報商○", "会わせたい人がいる。詳しくは会ってから",
        "ｾﾐﾅｰ", "か\u3099", "\u200b", "\u200d", "\ufe0f", "\u202e", "\u2066", "\x9b31m", "\x1b[2J", "\0", "\r", "\r\n",
        "\ud83d", "\udc00", "ﷺ", "👨‍👩‍👧‍👦", "🏳️‍🌈", "𠮷", "葛󠄀", "ー" * 40, "一二三", "\u0300" * 20, "ΐ", "ß", "İ", "ǆ",
        "1,000,000円", "38万円", "%", "。" * 30, "」", "\ufffd", "\ufeff", "\U0010ffff", "가\u1161", "あ" * 450,
    ]
)  # fmt: skip
TEXT = st.one_of(ANY, st.lists(st.one_of(AWKWARD, st.text(max_size=8)), max_size=14).map("".join))
BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
FILES = [path for path in map(sample_of, EXPECTED) if path.is_file()]
BYTES = {path: path.read_bytes() for path in FILES}
ODD = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n", b"\t", b'"', b"'", b"{", b"[", b"]]>", b"<!--", b"&#x0;",
       b"\xed\xa0\x80", b"\\ud800", b"1e999", b"-1", b"99999999999999999999", b"=", b"\x1b", b"PK\x03\x04",
       b"9999/99/99", b"25:61", b"\xe2\x80\xae", b"NaN", b"null", b"\x82"]  # fmt: skip


LETTERS = re.compile(r"[ぁ-ゖァ-ヺ一-鿿々㐀-䶿𠀀-𯿿]")  # kana and kanji


@share(0.20)
@given(TEXT)
def test_canonical_text_of_any_unicode(ledger: Ledger, text: str) -> None:
    with ledger.case("canonical text of any Unicode"):
        canonical = canonicalize(text)
        canonical.text.encode("utf-8")  # no lone surrogate is left
        last = 0
        for index in range(len(canonical.text)):
            span = canonical.to_original(index, index + 1)
            assert 0 <= span.start < span.end <= len(text)
            assert span.start >= last
            last = span.start


@share(0.15)
@given(TEXT)
def test_tokens_of_any_unicode(ledger: Ledger, text: str) -> None:
    with ledger.case("tokens of any Unicode"):
        canonical = canonicalize(text).text
        tokens = SudachiTokenizer().tokenize(canonical)
        assert "".join(canonical[token.start : token.end] for token in tokens) == canonical
        assert all(a.end == b.start for a, b in zip(tokens, tokens[1:], strict=False))


@share(0.15)
@given(TEXT)
def test_features_of_any_unicode(ledger: Ledger, text: str) -> None:
    with ledger.case("windows and terms of any Unicode"):
        canonical = canonicalize(text).text
        spans = windows(canonical)
        # a text with fewer than two kana or kanji has one empty window: nothing to judge
        scored = canonical if len(LETTERS.findall(canonical)) >= 2 else ""
        assert "".join(canonical[start:end] for start, end in spans) == scored
        maker = TermMaker()
        for start, end in spans:
            for terms in maker.terms(canonical[start:end]):
                assert len(terms.names) == len(terms.starts) == len(terms.ends)
                for first, last in zip(terms.starts, terms.ends, strict=True):
                    assert 0 <= first < last <= end - start or not canonical


@share(0.20)
@given(TEXT)
def test_a_check_of_any_unicode(detector: Detector, ledger: Ledger, text: str) -> None:
    with ledger.case("check of any Unicode: spans, probabilities, sums"):
        verdict = detector.check(text)
        for score in (*verdict.labels.values(), *verdict.signals.values()):
            assert math.isfinite(score.log_odds)
            assert 0 <= score.probability <= 1
        for value in (*verdict.disclosures.values(), verdict.refusal, verdict.recruit_duty):
            assert 0 <= value <= 1
        for item in verdict.evidence:
            assert 0 <= item.start < item.end <= len(text)
            assert text[item.start : item.end] == item.text
        for name in HEADLINES:
            score = verdict.labels[name]
            shown = sum(item.contribution for item in verdict.evidence if item.label == name)
            assert abs(score.intercept + shown + score.other - score.log_odds) < 1e-6
        line = to_json(verdict.to_dict())
        # To JSON two lone surrogates side by side are one character; no decoder hands us such a text.
        assert json.loads(line)["text"] == text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        assert harmless(line) == line


@share(0.05, few=20)
@given(st.lists(TEXT, max_size=12))
def test_scores_of_any_unicode_do_not_depend_on_company(detector: Detector, ledger: Ledger, texts: list[str]) -> None:
    with ledger.case("tables of any Unicode: a row alone and in company"):
        rows = detector.score_texts(texts)
        assert [detector.score_texts([text])[0] for text in texts] == rows
        for *values, _, verdict in rows:
            assert all(value is None or 0 <= value <= 1 for value in values)
            assert verdict in ("flagged", "ordinary_pitch", "undecided", "clear")


@share(0.04, few=30)
@given(TEXT)
def test_what_is_harmless_steers_no_terminal(ledger: Ledger, text: str) -> None:
    with ledger.case("what reaches a terminal"):
        shown = harmless(text)
        assert len(shown) == len(text)
        for char in shown:
            code = ord(char)
            assert char in "\n\t" or (code >= 0x20 and not 0x7F <= code <= 0x9F)
            assert code not in BIDI


def damaged(data: bytes, other: bytes, seed: int) -> bytes:
    """A sample mutated, truncated, or interleaved with another one; the seed decides all of it."""
    chance = random.Random(seed)
    for _ in range(chance.randrange(1, 5)):
        place = chance.randrange(len(data) + 1)
        size = chance.choice([1, 1, 4, 40])
        match chance.randrange(8):
            case 0:
                data = data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
            case 1:
                data = data[:place] + data[place + size :]
            case 2:
                data = data[:place]
            case 3:
                data = data[:place] + chance.choice(ODD) * chance.choice([1, 1, 1, 300]) + data[place:]
            case 4:
                piece = data[place : place + size * 8]
                data = data[:place] + piece * chance.choice([2, 2, 50]) + data[place:]
            case 5:
                lines, others = data.split(b"\n"), other.split(b"\n")
                cut = chance.randrange(len(others) + 1)
                for line in others[cut : cut + 20]:
                    lines.insert(chance.randrange(len(lines) + 1), line)
                data = b"\n".join(lines)
            case 6:
                lines = data.split(b"\n")
                chance.shuffle(lines)
                data = b"\n".join(lines)
            case _:
                start = chance.randrange(len(other) + 1)
                data = data[:place] + other[start : start + size * 8] + data[place:]
    return data


def read_or_refuse(path: Path) -> int:
    """How many messages there are; one of our own errors in one line counts as none."""
    talks, refusal = [], ""
    try:
        talks = read_export(path)
    except KanyuError as error:
        refusal = str(error)
    assert bool(talks) != bool(refusal)
    if refusal:
        assert refusal.splitlines() == [refusal]
        assert str(path) in refusal
    for talk in talks:
        assert talk.title is not None
        for message in talk:
            f"{message.sender}{message.text}".encode()  # no lone surrogate comes out
        for line in talk.skipped:
            assert line.line >= 1
            assert line.reason
    return sum(map(len, talks))


@share(0.28, few=400)
@given(
    sample=st.sampled_from(FILES), other=st.sampled_from(FILES), seed=st.integers(0, 2**32), keeps_name=st.booleans()
)
def test_a_damaged_export_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, ledger: Ledger, sample: Path, other: Path, seed: int, keeps_name: bool
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    path = folder / (f"in{sample.suffix}" if keeps_name else f"in{other.suffix}")
    path.write_bytes(damaged(BYTES[sample], BYTES[other], seed))
    try:
        with ledger.case(f"exports mutated, cut, interleaved: {sample.parent.name}"):
            read_or_refuse(path)
    finally:
        path.unlink()


NAME = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp", "Zs")), min_size=1)
BODY = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp")), min_size=1)
ROWS = st.lists(st.tuples(st.sampled_from("ab"), BODY.filter(lambda text: text.strip() == text)), min_size=2)


@share(0.05, few=30)
@given(names=st.tuples(NAME, NAME).filter(lambda pair: pair[0] != pair[1]), rows=ROWS)
def test_a_table_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, ledger: Ledger, names: tuple[str, str], rows: list[tuple[str, str]]
) -> None:
    people = dict(zip("ab", names, strict=True))
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["date", "sender", "text"])
    at = datetime(2024, 5, 1, 19, 0)
    for number, (who, text) in enumerate(rows):
        writer.writerow([(at + timedelta(minutes=number)).isoformat(" "), people[who], text])
    path = tmp_path_factory.getbasetemp() / "table.csv"
    path.write_bytes(stream.getvalue().encode("utf-8-sig"))
    with ledger.case("tables written and read back"):
        (talk,) = read_export(path)
        assert [(message.sender, message.text) for message in talk] == [(people[who], text) for who, text in rows]

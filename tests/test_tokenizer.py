"""Sudachi behind one door."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanyu.canonical import canonicalize
from kanyu.errors import UsageError
from kanyu.tokenizer import SudachiTokenizer, dictionary_version


def test_normalised_forms() -> None:
    assert [token.norm for token in SudachiTokenizer().tokenize("かせげる話")] == ["稼ぐ", "話"]


@pytest.mark.parametrize("text", ["あ。" * 40_000, "ﷺ" * 2_000, "𠮷" * 30_000, "投資" * 20_000])
def test_texts_beyond_sudachis_limits_are_cut(text: str) -> None:
    tokens = SudachiTokenizer().tokenize(canonicalize(text).text)
    assert tokens[0].start == 0
    assert all(a.end == b.start for a, b in zip(tokens, tokens[1:], strict=False))


def test_it_pickles_and_threads_share_it() -> None:
    tokenizer = pickle.loads(pickle.dumps(SudachiTokenizer("A")))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(tokenizer.tokenize, ["国会議事堂前駅で会う"] * 20))
    assert all(result == results[0] for result in results)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="'mode' parameter"):
        SudachiTokenizer("D")


def test_the_dictionary_has_a_version() -> None:
    assert dictionary_version().isdigit()


@given(st.text(max_size=200))
def test_tokens_cover_any_canonical_text(text: str) -> None:
    canonical = canonicalize(text).text
    tokens = SudachiTokenizer().tokenize(canonical)
    assert sum(token.end - token.start for token in tokens) == len(canonical)

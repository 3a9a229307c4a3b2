"""The array path finds the terms that the term maker names, no more and no fewer."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanyu.canonical import canonicalize
from kanyu.features import FeatureOptions, TermMaker, windows
from kanyu.index import KeyTable, TermIndex
from kanyu.model import Model, load_model
from kanyu.training.corpus import load_messages

TALK = (
    "副業で月収38万円。会わせたい人がいます、詳しくは会ってから。元本保証で月利8%! "
    "佐伯さんは大阪。1/2/日 食べたｗ😂カトゥーン"
)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def canonical_windows(texts: Sequence[str]) -> list[str]:
    pieces = []
    for text in texts:
        canonical = canonicalize(text).text
        pieces += [canonical[start:end] for start, end in windows(canonical)]
    return pieces


def by_name(maker: TermMaker, vocabulary: Sequence[Sequence[str]], pieces: Sequence[str]) -> list[Counter[int]]:
    """The definition: ids of the named terms, counted."""
    words, chars = ({term: place for place, term in enumerate(block)} for block in vocabulary)
    counted = []
    for piece in pieces:
        found = Counter(words[name] for name in maker.word_terms(piece).names if name in words)
        found.update(chars[name] + len(words) for name in maker.char_terms(piece).names if name in chars)
        counted.append(found)
    return counted


def by_index(index: TermIndex, pieces: Sequence[str]) -> list[Counter[int]]:
    found = index.find(pieces)
    assert found.rows.shape == found.ids.shape
    counted: list[Counter[int]] = [Counter() for _ in pieces]
    for row, term in zip(found.rows.tolist(), found.ids.tolist(), strict=True):
        counted[row][term] += 1
    return counted


def assert_same(index: TermIndex, maker: TermMaker, vocabulary: Sequence[Sequence[str]], pieces: Sequence[str]) -> None:
    expected = by_name(maker, vocabulary, pieces)
    for start in range(0, len(pieces), 500):
        assert by_index(index, pieces[start : start + 500]) == expected[start : start + 500]


def test_the_whole_corpus_has_the_same_terms(model: Model, root: Path) -> None:
    pieces = canonical_windows(load_messages(root / "data")["text"].tolist())
    assert_same(TermIndex(model.maker, model.vocabulary), model.maker, model.vocabulary, pieces)


def test_real_chats_have_the_same_terms(model: Model, benign: Path) -> None:
    talks = map(json.loads, (benign / "choose.jsonl").read_text("utf-8").splitlines())
    pieces = canonical_windows([message["text"] for talk in talks for message in talk["messages"]])
    assert_same(TermIndex(model.maker, model.vocabulary), model.maker, model.vocabulary, pieces)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=())), max_size=6))
def test_any_unicode_has_the_same_terms(model: Model, texts: list[str]) -> None:
    assert_same(model.index, model.maker, model.vocabulary, canonical_windows(texts))


@given(st.lists(st.text(alphabet=TALK + " \n/", max_size=80), max_size=6))
def test_any_mix_of_talk_has_the_same_terms(model: Model, texts: list[str]) -> None:
    assert_same(model.index, model.maker, model.vocabulary, canonical_windows(texts))


@pytest.mark.parametrize(
    "options",
    [
        FeatureOptions(),
        FeatureOptions(mode="A"),
        FeatureOptions(synonyms=False, amounts=False, names=False, length=False, concepts=False),
        FeatureOptions(char_min=2, char_max=3),
        FeatureOptions(char_min=2, char_max=1),
        FeatureOptions(char_min=2, char_max=4),
        FeatureOptions(skip=3),
    ],
    ids=str,
)
@given(texts=st.lists(st.text(alphabet=TALK + " \n/", max_size=40), min_size=1, max_size=4))
def test_every_option_has_the_same_terms(options: FeatureOptions, texts: list[str]) -> None:
    maker = TermMaker(options)
    pieces = canonical_windows([*texts, TALK])
    vocabulary = (
        sorted({name for piece in pieces[::2] for name in maker.word_terms(piece).names}),
        sorted({name for piece in pieces[::2] for name in maker.char_terms(piece).names}),
    )
    index = TermIndex(maker, vocabulary)
    for _ in range(2):  # tables that fill, and tables that are filled
        assert_same(index, maker, vocabulary, pieces)


def test_words_that_hold_a_slash_pair_up() -> None:
    maker = TermMaker()
    text = canonicalize("a/bとc/dを見た。https://例え.jp/道/").text
    vocabulary = (sorted(set(maker.word_terms(text).names)), sorted(set(maker.char_terms(text).names)))
    assert_same(TermIndex(maker, vocabulary), maker, vocabulary, [text, text[2:], "/" * 9])


def test_terms_stay_in_their_window(model: Model) -> None:
    together = by_index(model.index, ["元本", "保証", "", "会わせ", "たい"])
    apart = [by_index(model.index, [piece])[0] for piece in ("元本", "保証", "", "会わせ", "たい")]
    assert together == apart


def test_occurrences_are_what_is_found(model: Model) -> None:
    piece = canonicalize(TALK).text
    ids, starts, ends = model.index.occurrences(piece)
    assert Counter(ids.tolist()) == by_index(model.index, [piece])[0]
    assert ((starts >= 0) & (starts < ends) & (ends <= len(piece))).all()


def test_nothing_known_is_nothing_found() -> None:
    found = TermIndex(TermMaker(), ((), ())).find(["会わせたい人がいます", ""])
    assert len(found.rows) == len(found.ids) == 0


def test_an_index_pickles(model: Model) -> None:
    again = pickle.loads(pickle.dumps(model.index))
    assert by_index(again, [TALK]) == by_index(model.index, [TALK])


@given(
    st.lists(st.integers(0, 2**64 - 2), max_size=300, unique=True), st.lists(st.integers(0, 2**64 - 2), max_size=100)
)
def test_a_key_table_is_a_dictionary(keys: list[int], others: list[int]) -> None:
    table = KeyTable(np.array(keys, dtype=np.uint64), np.arange(len(keys)))
    expected = {key: place for place, key in enumerate(keys)}
    asked = keys + others
    assert table.find(np.array(asked, dtype=np.uint64)).tolist() == [expected.get(key, -1) for key in asked]


def test_a_key_table_bears_keys_of_one_slot() -> None:
    slots = KeyTable(np.arange(4096, dtype=np.uint64), np.arange(4096))._slots(np.arange(10**6, dtype=np.uint64))
    keys = np.flatnonzero(slots == slots[0]).astype(np.uint64)
    assert len(keys) > 10
    table = KeyTable(np.concatenate((keys, np.arange(4096, dtype=np.uint64))), np.arange(len(keys) + 4096))
    assert table.find(keys[1:]).tolist() == list(range(1, len(keys)))

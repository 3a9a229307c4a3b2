"""Known terms of many windows at once, as numbers: what scoring needs of the term maker.

:class:`kanyu.features.TermMaker` says which terms a window has, by name and with the characters they
stand on. Scoring needs neither: it needs the number of each occurrence of a term that the model
knows. Here the names of a vocabulary are taken apart once, by the term maker's own rules, so that a
chunk of windows costs a handful of array operations and no string per term:

- a token is looked up by its word id of the Sudachi dictionary, in a table that fills on first use;
- a pair of words and a character n-gram are packed into 64 bits and looked up in a hash table;
- amounts and concepts are rare in ordinary text, and are asked for by name.

Nothing here decides what a term is; ``tests/test_index.py`` holds both ways against each other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain, pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kanyu.features import TermMaker, length_name, split_pair, synonym_name, word_name
from kanyu.tokenizer import Token, TokenCoder

__all__ = ["KeyTable", "Known", "TermIndex"]

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

_LONGEST_GRAM: Final = 3
_CODE_BITS: Final = 21  # of a code point: three of them fit into a key
_WORD_BITS: Final = 31
_IS_PAIR: Final = np.uint64(1 << 63)
_GAP: Final = "\ud800"  # between two windows: canonical text has no lone surrogate

# Codes of tokens; all others stand for words with known terms.
_BLANK: Final = 0  # white space, which is no word
_UNKNOWN: Final = 1  # a word without a known term
_END: Final = 2  # not a token: the end of a window
_FEW: Final = 4  # windows for which dictionaries are faster than calls of array functions


class Known(NamedTuple):
    """Occurrences of known terms.

    Attributes
    ----------
    rows, ids : ndarray of int64, shape (n_occurrences,)
        The window and the term of each, in no particular order.
    """

    rows: Ints
    ids: Ints


class KeyTable:
    """A map from 64-bit keys to numbers that is asked for whole arrays.

    Open addressing with linear probing and multiplicative hashing (Knuth, TAOCP vol. 3, 6.4), at
    most a quarter full, so that an absent key mostly meets an empty slot at once.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n,)
        None of them the largest 64-bit number. Of equal keys the last counts.
    values : ndarray of int64, shape (n,)
        Each in [0, 2**31).
    """

    _EMPTY: Final = np.uint64(2**64 - 1)
    _FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio

    def __init__(self, keys: Keys, values: Ints) -> None:
        bits = max(4, int(len(keys) * 4 - 1).bit_length())
        self._shift = np.uint64(64 - bits)
        self._last = np.int64((1 << bits) - 1)
        self._keys = np.full(1 << bits, self._EMPTY)
        self._values = np.full(1 << bits, -1, dtype=np.int32)
        slots = self._slots(keys)
        while len(keys):
            free = self._keys[slots] == self._EMPTY
            self._keys[slots[free]] = keys[free]  # of several keys for one slot the last one stays
            placed = self._keys[slots] == keys
            self._values[slots[placed]] = values[placed]
            keys, values, slots = keys[~placed], values[~placed], (slots[~placed] + 1) & self._last

    def _slots(self, keys: Keys) -> Ints:
        return ((keys * self._FACTOR) >> self._shift).view(np.int64)

    def find(self, keys: Keys) -> NDArray[np.int32]:
        """The value of each key, -1 where there is none."""
        slots = self._slots(keys)
        met = self._keys[slots]
        values = self._values[slots]
        astray = np.flatnonzero((met != keys) & (met != self._EMPTY))
        while len(astray):
            slots[astray] = moved = (slots[astray] + 1) & self._last
            met = self._keys[moved]
            values[astray] = self._values[moved]
            astray = astray[(met != keys[astray]) & (met != self._EMPTY)]
        return values


class TermIndex:
    """Find the known terms of windows.

    Parameters
    ----------
    maker : TermMaker
        Makes the terms; its options say which.
    vocabulary : sequence of sequence of str
        The known terms of each block of :data:`kanyu.features.BLOCKS`; the id of a term is its place
        in all blocks, one after the other.

    Notes
    -----
    May be shared by threads, and pickles as what it was made of.
    """

    def __init__(self, maker: TermMaker, vocabulary: Sequence[Sequence[str]]) -> None:
        self._maker = maker
        self._vocabulary = vocabulary
        words, chars = vocabulary
        self._word_ids = dict(zip(words, range(len(words)), strict=True))
        self._lengths = np.array([self._word_ids.get(length_name(bits), -1) for bits in range(64)])
        self._numbers: dict[str, int] = {}  # words that are part of a known pair, from 1
        self._pair_ids = {key: term for name, term in self._word_ids.items() for key in self._pair_keys(name)}
        options = maker.options
        longest = max(options.char_max, max(map(len, chars), default=0))
        self._has_keys = not options.skip and longest <= _LONGEST_GRAM
        # What each code stands for: its word's number in pairs (0: in none), then ids of terms (-1: none).
        self._facts_of: list[tuple[int, ...]] = [(0,), (0,), (0,)]
        self._facts = np.full((1024, 2), -1)  # the same as an array
        self._facts[[_BLANK, _UNKNOWN, _END], 0] = 0
        self._codes: dict[tuple[int, ...], int] = {(0,): _UNKNOWN}
        self._growing = threading.Lock()
        self._coder = TokenCoder(maker.tokenizer, self._code)

    def __reduce__(self) -> tuple[type[TermIndex], tuple[TermMaker, Sequence[Sequence[str]]]]:
        return TermIndex, (self._maker, self._vocabulary)

    def find(self, windows: Sequence[str]) -> Known:
        """Find every occurrence of a known term.

        Parameters
        ----------
        windows : sequence of str
            Canonical texts; some hundreds make the best use of the arrays.

        Returns
        -------
        Known
        """
        if len(windows) <= _FEW or not self._has_keys:
            return self._find_few(windows)
        sizes = np.fromiter(map(len, windows), dtype=np.int64, count=len(windows))
        parts: list[tuple[Ints, NDArray[np.integer]]] = [*self._text_terms(windows, sizes)]
        codes = np.array(self._coder.codes(windows, _END), dtype=np.int64)
        codes = codes[codes != _BLANK]
        facts = self._facts[codes]
        token_rows = np.cumsum(codes == _END)
        for column in range(1, facts.shape[1]):
            parts.append((token_rows, facts[:, column]))
        numbers = facts[:, 0].view(np.uint64)
        keys = [numbers[:-1] << np.uint64(_WORD_BITS) | numbers[1:] | _IS_PAIR]
        rows = [token_rows[:-1]]
        for places, packed in self._gram_keys(windows, sizes):
            rows.append(places)
            keys.append(packed)
        parts.append((np.concatenate(rows), self._table.find(np.concatenate(keys))))
        all_rows = np.concatenate([part for part, _ in parts])
        all_ids = np.concatenate([part for _, part in parts])
        known = all_ids >= 0
        return Known(all_rows[known], all_ids[known])

    def occurrences(self, window: str) -> tuple[Ints, Ints, Ints]:
        """The known terms of one window by name, with the characters they stand on.

        Returns
        -------
        ids, starts, ends : ndarray of int64, shape (n_occurrences,)
            Half-open ranges of the window's characters.
        """
        found = [
            (known, start, end)
            for terms, ids in zip(self._maker.terms(window), (self._word_ids, self._char_ids), strict=True)
            for name, start, end in zip(*terms, strict=True)
            if (known := ids.get(name)) is not None
        ]
        table = np.array(found, dtype=np.int64).reshape(-1, 3)
        return table[:, 0], table[:, 1], table[:, 2]

    @cached_property
    def _char_ids(self) -> dict[str, int]:
        words, chars = self._vocabulary
        return dict(zip(chars, range(len(words), len(words) + len(chars)), strict=True))

    @cached_property
    def _table(self) -> KeyTable:
        """Known pairs and character n-grams by their keys."""
        words, chars = self._vocabulary
        pair_keys = np.fromiter(self._pair_ids, dtype=np.uint64, count=len(self._pair_ids)) | _IS_PAIR
        pair_ids = np.fromiter(self._pair_ids.values(), dtype=np.int64, count=len(self._pair_ids))
        char_ids = np.arange(len(words), len(words) + len(chars))
        return KeyTable(np.concatenate((pair_keys, _pack(chars))), np.concatenate((pair_ids, char_ids)))

    def _find_few(self, windows: Sequence[str]) -> Known:
        found = [self.find_one(window) for window in windows]
        rows = np.repeat(np.arange(len(found)), [len(ids) for ids in found])
        return Known(rows, np.array([*chain.from_iterable(found)], dtype=np.int64))

    def _find_by_name(self, window: str) -> list[int]:
        return [*self.occurrences(window)[0].tolist()]

    def find_one(self, window: str) -> list[int]:
        """The id of every occurrence of a known term in one window, without arrays and without names of words."""
        if self._maker.options.skip:
            return self._find_by_name(window)
        facts_of = self._facts_of
        facts = [facts_of[code] for code in self._coder.codes((window,), _END) if code != _BLANK]
        names = [name for name, _, _ in self._maker.text_terms(window)]
        if self._maker.options.length:
            names.append(length_name(len(window).bit_length()))
        known = [
            *map(self._word_ids.get, names),
            *map(self._char_ids.get, self._maker.char_names(window)),
            *[self._pair_ids.get(a[0] << _WORD_BITS | b[0]) for a, b in pairwise(facts) if a[0] and b[0]],
        ]
        found = [id_ for id_ in known if id_ is not None]
        for fact in facts:
            found += fact[1:]
        return found

    def _text_terms(self, windows: Sequence[str], sizes: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Length classes, and the terms that are found in the text rather than in its tokens."""
        if self._maker.options.length:
            yield np.arange(len(windows)), self._lengths[np.frexp(sizes)[1]]  # frexp's exponent is the bit length
        found = [
            (row, self._word_ids.get(name, -1))
            for row in self._maker.rows_with_text_terms(windows)
            for name, _, _ in self._maker.text_terms(windows[row])
        ]
        if found:
            table = np.array(found, dtype=np.int64)
            yield table[:, 0], table[:, 1]

    def _gram_keys(self, windows: Sequence[str], sizes: Ints) -> Iterator[tuple[Ints, Keys]]:
        """The row and the key of every character n-gram; a gap is in no known one."""
        joined = _GAP.join(windows).encode("utf-32-le", "surrogatepass")
        points = np.frombuffer(joined, dtype="<u4").astype(np.uint64)
        rows = np.repeat(np.arange(len(windows)), sizes + 1)
        packed = points
        for n in range(1, self._maker.options.char_max + 1):
            if n > 1:
                packed = packed[:-1] | points[n - 1 :] << np.uint64(_CODE_BITS * (n - 1))
            if n >= self._maker.options.char_min:
                yield rows[: len(packed)], packed

    def _pair_keys(self, name: str) -> Iterator[int]:
        """The keys of a pair's name: more than one where a word holds a slash itself."""
        numbers = self._numbers
        for first, second in split_pair(name):
            a = numbers.setdefault(first, len(numbers) + 1)
            yield a << _WORD_BITS | numbers.setdefault(second, len(numbers) + 1)

    def _code(self, token: Token) -> int:
        """A number for all tokens that bring the same known terms."""
        word = self._maker.word(token)
        if word is None:
            return _BLANK
        names = [word_name(word), *map(synonym_name, self._maker.synonyms(token))]
        fact = (self._numbers.get(word, 0), *(self._word_ids[name] for name in names if name in self._word_ids))
        with self._growing:
            code = self._codes.get(fact)
            if code is None:
                code = len(self._codes) + _END
                self._grow(code + 1, len(fact))
                self._facts[code, : len(fact)] = fact
                self._facts_of.append(fact)
                self._codes[fact] = code
        return code

    def _grow(self, n_codes: int, width: int) -> None:
        """Make room in a new array: another thread may be reading the old one."""
        height, breadth = self._facts.shape
        if n_codes > height or width > breadth:
            facts = np.full((max(height, 2 * n_codes if n_codes > height else 0), max(breadth, width)), -1)
            facts[:height, :breadth] = self._facts
            self._facts = facts


def _pack(grams: Sequence[str]) -> Keys:
    """Keys of character n-grams of at most three characters."""
    table = np.array(grams, dtype=np.str_)
    points = table.view(np.uint32).reshape(len(grams), table.itemsize // 4).astype(np.uint64)
    keys = np.zeros(len(grams), dtype=np.uint64)
    for place in range(points.shape[1]):
        keys |= points[:, place] << np.uint64(_CODE_BITS * place)
    return keys

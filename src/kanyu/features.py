"""Text to windows and terms: the one term maker of training and of scoring.

A *window* is the stretch of a text that is scored at once. A *term* is a name with the canonical
characters it stands on; TF-IDF counts the names, evidence points at the characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from itertools import accumulate, combinations
from operator import add
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kanyu.messages import Span
from kanyu.tokenizer import SudachiTokenizer, Token

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

__all__ = [
    "BLOCKS",
    "WINDOW",
    "FeatureOptions",
    "TermMaker",
    "Terms",
    "length_name",
    "pair_name",
    "split_pair",
    "synonym_name",
    "windows",
    "word_name",
]

WINDOW: Final = 400
"""Texts of up to this many canonical characters are one window."""

_TARGET: Final = 150  # characters of a window of a longer text: a pitch drowns in wider ones

BLOCKS: Final = ("word", "char")
"""The two blocks of terms; each is TF-IDF weighted and normalised to length 1 by itself."""

_SENTENCE: Final = re.compile(r"[^。!?\n]*(?:[。!?\n]+[」』))]?|$)")  # 一文。 -> 「一文。」
_DIGIT: Final = re.compile(r"\d")
_NUMBER: Final = re.compile(r"\d[\d,.]*")  # 380000
# 38万円, 月利8%, 2人, 30分
_AMOUNT: Final = re.compile(
    r"(\d[\d,]*(?:\.\d+)?)\s*(億|千万|百万|万|千)?\s*(円|¥|ドル|usdt|btc|%|パーセント|割|倍|人|名|分|時間|時|日|週間|[かヶケカ]月|年|歳|才|回|件|桁|k)?"
)
_FACTORS: Final = {"億": 1e8, "千万": 1e7, "百万": 1e6, "万": 1e4, "千": 1e3, "k": 1e3}
_UNITS: Final = {
    "¥": "円",
    "パーセント": "%",
    "名": "人",
    "才": "歳",
    "時": "時刻",
    "ヶ月": "か月",
    "ケ月": "か月",
    "カ月": "か月",
}
_TWO_LETTERS: Final = re.compile(
    r"[ぁ-ゖァ-ヺ一-鿿々㐀-䶿𠀀-𯿿][^ぁ-ゖァ-ヺ一-鿿々㐀-䶿𠀀-𯿿]*[ぁ-ゖァ-ヺ一-鿿々㐀-䶿𠀀-𯿿]"
)  # は、い
_CONTENT: Final = frozenset({"名詞", "動詞", "形容詞", "形状詞"})


class Terms(NamedTuple):
    """The terms of one window.

    Attributes
    ----------
    names : list of str
        One entry per occurrence.
    starts, ends : list of int
        Half-open canonical ranges, parallel to `names`.
    """

    names: list[str]
    starts: list[int]
    ends: list[int]


@dataclass(frozen=True, slots=True)
class FeatureOptions:
    """Which terms are made; stored in the model file.

    Attributes
    ----------
    mode : str
        Sudachi's split mode.
    synonyms : bool
        Whether Sudachi's synonym groups are terms.
    skip : int
        Largest distance, in content words, of a skip-gram pair; 0 for none.
    amounts : bool
        Whether amounts, percentages, counts and durations become classes.
    names : bool
        Whether names of people and places become one class each.
    char_min, char_max : int
        Shortest and longest character n-gram.
    length : bool
        Whether the window's length class is a term. Off: where nothing else is known it would decide alone.
    concepts : bool
        Whether concepts of ``resources/concepts.tsv`` and their pairs are terms.
    """

    mode: str = "C"
    synonyms: bool = True
    skip: int = 0
    amounts: bool = True
    names: bool = True
    char_min: int = 1
    char_max: int = 3
    length: bool = False
    concepts: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The options as plain values."""
        return asdict(self)


class TermMaker:
    """Make the terms of a window.

    Parameters
    ----------
    options : FeatureOptions
        Which terms are made.
    """

    def __init__(self, options: FeatureOptions | None = None) -> None:
        self.options = options or FeatureOptions()
        self.tokenizer = SudachiTokenizer(self.options.mode)

    def word_terms(self, text: str) -> Terms:
        """Word terms of canonical text: words, pairs, synonym groups, amounts, length.

        Parameters
        ----------
        text : str
            One window of canonical text.

        Returns
        -------
        Terms
            In no particular order; equal names may occur many times.
        """
        options = self.options
        found: list[tuple[str, int, int]] = []
        previous: tuple[str, int] | None = None
        content: list[tuple[str, int]] = []
        for token in self.tokenizer.tokenize(text):
            word = self.word(token)
            if word is None:
                continue
            found.append((word_name(word), token.start, token.end))
            if previous is not None:
                found.append((pair_name(previous[0], word), previous[1], token.end))
            previous = word, token.start
            found += [(synonym_name(group), token.start, token.end) for group in self.synonyms(token)]
            if options.skip and token.pos in _CONTENT:
                found += [(f"k/{other}/{word}", start, token.end) for other, start in content[-options.skip :]]
                content.append((word, token.start))
        found += self.text_terms(text)
        if options.length:
            found.append((length_name(len(text).bit_length()), 0, len(text)))
        return Terms([name for name, _, _ in found], [start for _, start, _ in found], [end for _, _, end in found])

    def text_terms(self, text: str) -> list[tuple[str, int, int]]:
        """Terms found in the text itself, whatever its tokens: amounts, concepts and their pairs.

        Returns
        -------
        list of (str, int, int)
            Name and half-open range of each.
        """
        found: list[tuple[str, int, int]] = []
        if self.options.amounts:
            found += _amounts(text)
        if self.options.concepts:
            found += _concept_terms(text)
        return found

    def terms(self, text: str) -> tuple[Terms, Terms]:
        """The terms of each block of :data:`BLOCKS`."""
        return self.word_terms(text), self.char_terms(text)

    def rows_with_text_terms(self, texts: Sequence[str]) -> list[int]:
        """Which of many texts :meth:`text_terms` has to look at; in the others it finds nothing.

        Returns
        -------
        list of int
            Positions in `texts`, ascending.
        """
        joined = "\n".join(texts)  # no concept holds a line break
        places = [found.start() for found in _DIGIT.finditer(joined)] if self.options.amounts else []
        if self.options.concepts:
            places += [start for _, start, _ in _concepts()[0].find_matches_as_indexes(joined, overlapping=True)]
        ends = [*accumulate(len(text) + 1 for text in texts)] if places else []
        return sorted({bisect_right(ends, place) for place in places})

    def char_terms(self, text: str) -> Terms:
        """Character n-grams of canonical text, `char_min` to `char_max` long."""
        starts: list[int] = []
        ends: list[int] = []
        for n in self._gram_lengths:
            starts += range(len(text) - n + 1)
            ends += range(n, len(text) + 1)
        return Terms(self.char_names(text), starts, ends)

    def char_names(self, text: str) -> list[str]:
        """The names alone of :meth:`char_terms`."""
        names: list[str] = []
        grams = list(text)
        for n in range(1, self.options.char_max + 1):
            if n > 1:
                grams = [*map(add, grams, text[n - 1 :])]
            if n >= self.options.char_min:
                names += grams
        return names

    @property
    def _gram_lengths(self) -> range:
        return range(self.options.char_min, self.options.char_max + 1)

    def word(self, token: Token) -> str | None:
        """The word that a token stands for in terms; None for white space."""
        if token.pos == "空白":
            return None
        if self.options.amounts and _NUMBER.fullmatch(token.norm):
            return "#"
        if self.options.names and token.pos in ("人名", "地名"):
            return f"<{token.pos}>"
        return token.norm.lower()

    def synonyms(self, token: Token) -> tuple[int, ...]:
        """The synonym groups of a token that become terms."""
        return token.synonyms if self.options.synonyms else ()


def word_name(word: str) -> str:
    """The name of a word."""
    return f"w/{word}"


def synonym_name(group: int) -> str:
    """The name of a synonym group of Sudachi's dictionary."""
    return f"s/{group}"


def length_name(bits: int) -> str:
    """The name of a length class: how many bits the number of characters has."""
    return f"l/{bits}"


def pair_name(first: str, second: str) -> str:
    """The name of two neighbouring words."""
    return f"b/{first}/{second}"


def split_pair(name: str) -> list[tuple[str, str]]:
    """All pairs of words that have this name; none for the name of another kind of term.

    Examples
    --------
    >>> split_pair("b/月利/8")
    [('月利', '8')]
    >>> split_pair("b/1/2/日")
    [('1', '2/日'), ('1/2', '日')]
    >>> split_pair("w/月利")
    []
    """
    if not name.startswith("b/"):
        return []
    words = name[2:]
    if words.count("/") == 1:  # nearly always
        first, _, second = words.partition("/")
        return [(first, second)]
    return [(words[:index], words[index + 1 :]) for index, char in enumerate(words) if char == "/"]


def _concept_terms(text: str) -> list[tuple[str, int, int]]:
    """Concepts found, and every pair of them: once at each of its two places."""
    finder, names, lengths = _concepts()
    found: list[tuple[str, int, int]] = []
    first: dict[str, tuple[int, int]] = {}
    for pattern, start, _ in finder.find_matches_as_indexes(text, overlapping=True):
        name, end = names[pattern], start + lengths[pattern]
        found.append((f"c/{name}", start, end))
        first.setdefault(name, (start, end))
    for a, b in combinations(sorted(first), 2):
        pair = f"p/{a}/{b}"
        found += [(pair, *first[a]), (pair, *first[b])]
    return found


@cache
def _concepts() -> tuple[AhoCorasick, list[str], list[int]]:
    """An automaton over all stems, and the concept and length of each."""
    from ahocorasick_rs import AhoCorasick

    stems: list[str] = []
    names: list[str] = []
    text = resources.files("kanyu").joinpath("resources/concepts.tsv").read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, words = line.split("\t")
            for word in dict.fromkeys(words.split()):
                stems.append(word.replace("_", " "))
                names.append(name)
    return AhoCorasick(stems), names, [len(stem) for stem in stems]


def windows(text: str) -> list[Span]:
    """Cut canonical text into windows of whole sentences.

    Parameters
    ----------
    text : str
        Canonical text.

    Returns
    -------
    list of Span
        One empty span for texts with fewer than two kana or kanji: there is nothing to judge.
        One span over everything for texts of at most :data:`WINDOW` characters; else neighbouring
        spans of whole sentences, of about 150 characters, that together cover the text. Only a
        sentence that is longer makes a longer window; one beyond :data:`WINDOW` is cut.
    """
    if _TWO_LETTERS.search(text) is None:
        return [Span(0, 0)]
    if len(text) <= WINDOW:
        return [Span(0, len(text))]
    spans: list[Span] = []
    start = end = 0
    for sentence in _sentences(text):
        if sentence.end - start > _TARGET and end > start:
            spans.append(Span(start, end))
            start = end
        end = sentence.end
    if end > start:
        spans.append(Span(start, end))
    return spans


def _sentences(text: str) -> Iterator[Span]:
    for found in _SENTENCE.finditer(text):
        start, end = found.span()
        for piece in range(start, end, WINDOW):
            yield Span(piece, min(end, piece + WINDOW))


def _amounts(text: str) -> Iterator[tuple[str, int, int]]:
    for found in _AMOUNT.finditer(text):
        number, factor, unit = found.groups()
        if not factor and not unit:
            continue
        if unit == "k":
            factor, unit = "k", "円"
        unit = _UNITS.get(unit, unit) or "円"
        try:
            value = float(number.replace(",", "")) * _FACTORS.get(factor or "", 1.0)
        except ValueError:
            continue
        size = len(str(int(value))) if value < 1e15 else 16
        start, end = found.span()
        yield f"n/{unit}", start, end
        yield f"n/{unit}/{size}", start, end

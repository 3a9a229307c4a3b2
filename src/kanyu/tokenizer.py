"""The only user of sudachipy: canonical text to tokens.

A Sudachi dictionary or tokenizer does not pickle and belongs to one thread, so it is built on
first use in each process and thread and is never part of anybody's state.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from kanyu.errors import UsageError

if TYPE_CHECKING:
    from sudachipy import Dictionary, Tokenizer

__all__ = ["SudachiTokenizer", "Token", "dictionary_version"]

_PIECE: Final = 1500  # code points; Sudachi refuses 49,149 bytes, or 65,535 after its own folding
_SENTENCE_END: Final = re.compile(r"[。.!?\n]")  # はい。|では


class Token(NamedTuple):
    """One morpheme.

    Attributes
    ----------
    start, end : int
        Half-open code-point range in the text that was tokenised.
    norm : str
        Sudachi's normalised form (猫 for ねこ, 附属 to 付属), of verbs the dictionary form.
    pos : str
        The first part-of-speech level, such as 名詞, 動詞, 助詞; 人名 or 地名 for proper names.
    synonyms : tuple of int
        Synonym groups of Sudachi's dictionary; empty for most morphemes.
    """

    start: int
    end: int
    norm: str
    pos: str
    synonyms: tuple[int, ...]


class SudachiTokenizer:
    """Tokenise with SudachiDict core.

    Parameters
    ----------
    mode : {"A", "B", "C"}
        Sudachi's split mode: A short units, C named-entity-like units.

    Notes
    -----
    The object pickles (only `mode` is kept) and may be shared by threads.
    """

    def __init__(self, mode: str = "C") -> None:
        if mode not in ("A", "B", "C"):
            raise UsageError(f"The 'mode' parameter of SudachiTokenizer must be 'A', 'B' or 'C'. Got {mode!r} instead.")
        self.mode = mode

    def tokenize(self, text: str) -> list[Token]:
        """Tokenise canonical text of any length.

        Parameters
        ----------
        text : str
            No lone surrogates (canonical text has none).

        Returns
        -------
        list of Token
            In order; their ranges cover the text without gaps.
        """
        if len(text) <= _PIECE:
            return self._tokenize_piece(text, 0)
        return [token for start, end in _pieces(text) for token in self._tokenize_piece(text[start:end], start)]

    def _tokenize_piece(self, text: str, offset: int) -> list[Token]:
        pos_names = _pos_names()
        return [
            Token(
                morpheme.begin() + offset,
                morpheme.end() + offset,
                morpheme.normalized_form(),
                pos_names(morpheme.part_of_speech_id()),
                tuple(morpheme.synonym_group_ids()),
            )
            for morpheme in _tokenizer(self.mode).tokenize(text)
        ]


def dictionary_version() -> str:
    """The version of the installed SudachiDict core, such as ``"20261015"``.

    Returns
    -------
    str
        Read from the package metadata; ``"unknown"`` where there is none.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("sudachidict_core")
    except PackageNotFoundError:
        return "unknown"


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while len(text) - start > _PIECE:
        cut = start + _PIECE
        ends = [found.end() for found in _SENTENCE_END.finditer(text, start, cut)]
        cut = ends[-1] if ends and ends[-1] > start else cut
        yield start, cut
        start = cut
    yield start, len(text)


@cache
def _dictionary() -> Dictionary:
    from sudachipy import Dictionary

    return Dictionary(dict="core")


_local = threading.local()


def _tokenizer(mode: str) -> Tokenizer:
    tokenizers: dict[str, Tokenizer] = _local.__dict__
    if mode not in tokenizers:
        from sudachipy import SplitMode

        tokenizers[mode] = _dictionary().tokenizer(mode=getattr(SplitMode, mode))
    return tokenizers[mode]


class _PosNames(dict[int, str]):
    def __missing__(self, pos_id: int) -> str:
        levels: tuple[str, ...] = _dictionary().pos_of(pos_id)
        name = levels[2] if levels[2] in ("人名", "地名") else levels[0]
        self[pos_id] = name
        return name


@cache
def _pos_table() -> _PosNames:
    return _PosNames()


def _pos_names() -> Callable[[int], str]:
    return _pos_table().__getitem__

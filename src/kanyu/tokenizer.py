"""The only user of sudachipy: canonical text to tokens.

A Sudachi dictionary or tokenizer does not pickle and belongs to one thread, so it is built on
first use in each process and thread and is never part of anybody's state.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kanyu.errors import UsageError

if TYPE_CHECKING:
    from sudachipy import Dictionary, Morpheme, MorphemeList, Tokenizer

__all__ = ["SudachiTokenizer", "Token", "TokenCoder", "dictionary_version"]

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
        return [_token(morpheme, offset) for morpheme in _tokenizer(self.mode).tokenize(text)]


class TokenCoder:
    """Tokens as numbers that somebody gives them, asked for once for each word of the dictionary.

    Parameters
    ----------
    tokenizer : SudachiTokenizer
        Whose tokens they are.
    code_of : callable
        The number of a token. It may look at `norm`, `pos` and `synonyms`, which follow from the
        word; of words that are not in the dictionary it is asked each time.

    Notes
    -----
    Tokens and their strings are not even made for words that are known already. May be shared by threads.
    """

    def __init__(self, tokenizer: SudachiTokenizer, code_of: Callable[[Token], int]) -> None:
        self._tokenizer = tokenizer
        self._code_of = code_of
        self._known: dict[int, int] = {}  # by Sudachi's word id

    def codes(self, texts: Sequence[str], end: int) -> list[int]:
        """The codes of all tokens, and `end` after those of each text.

        Parameters
        ----------
        texts : sequence of str
            Canonical texts.
        end : int
        """
        from sudachipy import Morpheme

        mode, known, word_id = self._tokenizer.mode, self._known, Morpheme.word_id
        tokenize, morphemes = _tokenizer(mode).tokenize, _scratch(mode)
        codes: list[Any] = []  # numbers, once the unknown ones among `found` are asked for
        for text in texts:
            for piece in [text] if len(text) <= _PIECE else [text[start:stop] for start, stop in _pieces(text)]:
                tokenize(piece, out=morphemes)
                found = [*map(known.get, map(word_id, morphemes))]
                if None in found:
                    found = [
                        self._code(morpheme) if code is None else code
                        for code, morpheme in zip(found, morphemes, strict=True)
                    ]
                codes += found
            codes.append(end)
        return codes

    def _code(self, morpheme: Morpheme) -> int:
        word_id = morpheme.word_id()
        code = self._known.get(word_id)
        if code is None:
            code = self._code_of(_token(morpheme, 0))
            if not morpheme.is_oov():  # all unknown words of one part of speech share an id
                self._known[word_id] = code
        return code


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
    return _tools(mode)[0]


def _scratch(mode: str) -> MorphemeList:
    """Where this thread may have Sudachi write its morphemes; the next text takes their place."""
    return _tools(mode)[1]


def _tools(mode: str) -> tuple[Tokenizer, MorphemeList]:
    tools: dict[str, tuple[Tokenizer, MorphemeList]] = _local.__dict__
    if mode not in tools:
        from sudachipy import SplitMode

        tokenizer = _dictionary().tokenizer(mode=getattr(SplitMode, mode))
        tools[mode] = tokenizer, tokenizer.tokenize("")
    return tools[mode]


def _token(morpheme: Morpheme, offset: int) -> Token:
    return Token(
        morpheme.begin() + offset,
        morpheme.end() + offset,
        morpheme.normalized_form(),
        _pos_table()[morpheme.part_of_speech_id()],
        tuple(morpheme.synonym_group_ids()),
    )


class _PosNames(dict[int, str]):
    def __missing__(self, pos_id: int) -> str:
        levels: tuple[str, ...] = _dictionary().pos_of(pos_id)
        name = levels[2] if levels[2] in ("人名", "地名") else levels[0]
        self[pos_id] = name
        return name


@cache
def _pos_table() -> _PosNames:
    return _PosNames()

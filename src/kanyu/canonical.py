"""Canonical text: what disguise hides, made visible, with a map back to the original offsets.

Senders slip past filters with half-width kana, zero-width marks, spaced letters (``副 業``),
masks (``副〇``), look-alike letters, kana spellings and emoji in place of words. Scoring reads the
canonical text; people are shown the original, so every canonical character knows which
original characters it stands for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from kanyu.messages import Span

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

__all__ = ["Canonical", "canonicalize", "lexicon_spellings", "lexicon_words"]

_CHANGES_LENGTH: Final = "\ue000"  # stands in a folded text for "look closer here"
_CHANGED: Final = re.compile(f"{_CHANGES_LENGTH}+")
_MASK: Final = "〇"
_MASKS: Final = frozenset("〇○◯●◎⚪⚫⭕*✱∗×✕✖■□▲△")
_LONGEST: Final = 12  # characters of the longest disguised word

_EMOJI: Final = {
    **dict.fromkeys("💰💴💵💶💷💸🤑🪙", "お金"),
    **dict.fromkeys("📈💹", "株"),
    **dict.fromkeys("📞☎📲", "電話"),
    **dict.fromkeys("📧📩✉📨", "メール"),
    "🎰": "カジノ",
    "🎁": "プレゼント",
    "🏦": "銀行",
    "🆓": "無料",
    "👑": "王",
}
# Letters of other scripts that look Latin, and signs that look like another sign.
_LOOK_ALIKES: Final = dict(
    zip(
        "АВЕЅКМНОРСТХІЈавеѕкмнорстхіјΑΒΕΖΗΙΚΜΝΟΡΤΧ",
        "abeskmhopctxijabeskmhopctxijabezhikmnoptx",
        strict=True,
    )
)
_KATAKANA_ALIKES: Final = dict(zip("二力口工夕卜八千三一へべぺ", "ニカロエタトハチミーヘベペ", strict=True))

_MASKED: Final = re.compile("[" + "".join(sorted(_MASKS)) + "]")
_PICTURE: Final = re.compile("[" + "".join(_EMOJI) + "]")
_REPEATED: Final = re.compile(r"([^\d\s])\1{2,}|[ー〜~]{2,}|[ \t]{4,}")  # すごーーい, !!!!!!, the padding of mails
_LETTER: Final = r"[ぁ-ゖァ-ヺー一-龥々a-z]"
# 副 業, 投・資, f.x, 副💰業: one or two signs between two letters
_SEPARATED: Final = re.compile(
    rf"(?<={_LETTER})([^\wぁ-ゖァ-ヺー一-龥々、。,!?「」『』()()\n…：:;〇○]{{1,2}})(?={_LETTER})"
)
_AFTER_KATAKANA: Final = re.compile(r"(?<=[ァ-ヺ])[‐‑‒–—―─━−](?![\d])")  # セミナ─ -> セミナー
_SUSPECT_ALIKE: Final = re.compile(  # 力ジノ, セミナ一
    "[" + "".join(_KATAKANA_ALIKES) + "](?=[ァ-ヺ])|(?<=[ァ-ヺー])[" + "".join(_KATAKANA_ALIKES) + "]"
)
# Cheap signs that an expensive search above would find nothing, which holds for most texts.
_SIGN: Final = re.compile(rf"[^{_LETTER[1:-1]}0-9、。,!?「」『』()\n:]")  # the others fold to themselves
_TWICE: Final = re.compile(r"(.)\1|[ー〜~]{2}")
_ALIKE: Final = re.compile("[" + "".join(_KATAKANA_ALIKES) + "]")


@dataclass(frozen=True, slots=True)
class Canonical:
    """A text as it is scored, and where each of its characters comes from.

    Attributes
    ----------
    text : str
        The canonical text.
    starts, ends : list of int, or None
        For each canonical character the half-open range of original code points that it stands
        for; None where canonical and original offsets are the same.
    """

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def to_original(self, start: int, end: int) -> Span:
        """Map a half-open range of canonical characters to the original text.

        Parameters
        ----------
        start, end : int
            ``0 <= start < end <= len(text)``.

        Returns
        -------
        Span
            The range of original code points from the first to the last character covered.
        """
        if self.starts is None or self.ends is None:
            return Span(start, end)
        return Span(self.starts[start], self.ends[end - 1])


class _Fold(dict[int, int | str]):
    """One character to one character, filled on first use; other changes to `_CHANGES_LENGTH`."""

    def __missing__(self, code: int) -> int | str:
        char = chr(code)
        folded: int | str = char
        if 0xD800 <= code <= 0xDFFF:
            folded = "\ufffd"
        elif char in _LOOK_ALIKES:
            folded = _LOOK_ALIKES[char]
        elif char in _EMOJI or char == "\r" or _is_dropped(char) or _is_mark(char):
            folded = _CHANGES_LENGTH
        else:
            folded = unicodedata.normalize("NFKC", char).lower()
            if len(folded) != 1 or 0xFF61 <= code <= 0xFF9F:
                folded = _CHANGES_LENGTH
        self[code] = folded
        return folded


def _is_dropped(char: str) -> bool:
    """Whether the character shows nothing: format and control characters, variation selectors."""
    if char in "\n\t":
        return False
    return (
        unicodedata.category(char) in ("Cf", "Cc", "Zl", "Zp")
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
        or char in "\u3164\u115f\u1160\u2800\u034f"
    )


def _is_mark(char: str) -> bool:
    """Whether the character joins the one before it, like a sound mark."""
    return char in "\uff9e\uff9f" or unicodedata.combining(char) != 0 or unicodedata.category(char) == "Mn"


_FOLD: Final = _Fold()


def canonicalize(text: str) -> Canonical:
    """Undo what disguise hides.

    Parameters
    ----------
    text : str
        Any text; lone surrogates read as U+FFFD.

    Returns
    -------
    Canonical
        Lower-case NFKC text without invisible characters, with disguised words of kanyu's
        lexicon restored. Applying it to its own text changes nothing that scoring would notice.
    """
    has_signs = _SIGN.search(text) is not None
    folded = text.translate(_FOLD) if has_signs else text
    if _CHANGES_LENGTH in folded:
        chars, starts, ends = _fold_clusters(text, folded)
    elif _needs_edits(folded):
        chars, starts, ends = list(folded), list(range(len(folded))), list(range(1, len(folded) + 1))
    else:
        return Canonical(folded)
    for find in (_repeats, _separators, _dashes, _masks, _kana_spellings, _emoji):
        joined = "".join(chars)
        edits = list(find(joined))
        if edits:
            chars, starts, ends = _apply(edits, chars, starts, ends)
    return Canonical("".join(chars), starts, ends)


def _needs_edits(folded: str) -> bool:
    """Whether any of the edits has something to look at."""
    if _SIGN.search(folded) and (_SEPARATED.search(folded) or _AFTER_KATAKANA.search(folded) or _MASKED.search(folded)):
        return True
    return bool(
        (_TWICE.search(folded) and _REPEATED.search(folded))
        or (_ALIKE.search(folded) and _SUSPECT_ALIKE.search(folded))
        or (_kana_finder().find_matches_as_indexes(folded) and _kana().search(folded))
    )


Folded = tuple[list[str], list[int], list[int]]  # characters, and the half-open original range of each


def _fold_clusters(text: str, folded: str) -> Folded:
    """Fold with the marks that follow a character; between such places the fold by character holds.

    A mark folds to `_CHANGES_LENGTH`, so a cluster begins at most one character before one.
    """
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for found in _CHANGED.finditer(folded):
        start = max(position, found.start() - 1)
        chars += _fold_again(folded[position:start])
        starts += range(position, start)
        ends += range(position + 1, start + 1)
        position = found.end()
        more_chars, more_starts, more_ends = _fold_slowly(text, start, position)
        chars += more_chars
        starts += more_starts
        ends += more_ends
    chars += _fold_again(folded[position:])
    starts += range(position, len(text))
    ends += range(position + 1, len(text) + 1)
    return chars, starts, ends


def _fold_again(folded: str) -> str:
    """What folding leaves may be a look-alike itself."""
    again = folded.translate(_FOLD)
    if _CHANGES_LENGTH not in again:
        return again
    return "".join(old if new == _CHANGES_LENGTH else new for old, new in zip(folded, again, strict=True))


def _fold_slowly(text: str, position: int, stop: int) -> Folded:
    """Fold a stretch cluster by cluster: a character with the marks that follow it."""
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    while position < stop:
        char = text[position]
        end = position + 1
        simple = char.translate(_FOLD)
        if end < len(text) and not _is_dropped(char) and _is_mark(text[end]) and not _is_dropped(text[end]):
            while end < len(text) and end - position < 8 and _is_mark(text[end]):
                end += 1
            folded = unicodedata.normalize("NFKC", text[position:end]).lower()
        elif simple != _CHANGES_LENGTH:
            folded = simple
        elif char in _EMOJI:
            folded = char  # becomes a word only after signs inside words are gone
        elif char == "\r":
            folded = "" if text[end : end + 1] == "\n" else "\n"
        elif _is_dropped(char):
            folded = ""
        else:
            folded = unicodedata.normalize("NFKC", char).lower()
        for piece in folded:
            single = piece.translate(_FOLD)
            chars.append(piece if single == _CHANGES_LENGTH else single)
            starts.append(position)
            ends.append(end)
        position = end
    return chars, starts, ends


def lexicon_words() -> frozenset[str]:
    """The words that are restored when they are disguised."""
    return _lexicon().words


def lexicon_spellings() -> dict[str, str]:
    """Kana spellings that are folded, and the word each stands for."""
    return dict(_lexicon().spellings)


Edit = tuple[int, int, str]  # half-open range of the text so far, and what takes its place


def _apply(
    edits: list[Edit], chars: list[str], starts: list[int], ends: list[int]
) -> tuple[list[str], list[int], list[int]]:
    """Replace ranges; a replacement of the same length keeps the offsets of each character."""
    new_chars: list[str] = []
    new_starts: list[int] = []
    new_ends: list[int] = []
    last = 0
    for start, end, word in edits:
        if start < last:
            continue
        new_chars += chars[last:start]
        new_starts += starts[last:start]
        new_ends += ends[last:start]
        new_chars += word
        if len(word) == end - start:
            new_starts += starts[start:end]
            new_ends += ends[start:end]
        else:
            new_starts += [starts[start]] * len(word)
            new_ends += [ends[end - 1]] * len(word)
        last = end
    return new_chars + chars[last:], new_starts + starts[last:], new_ends + ends[last:]


def _repeats(text: str) -> Iterator[Edit]:
    for found in _REPEATED.finditer(text):
        char = found.group()[0]
        keep = char if char in "ー〜~ \t" else char * 2
        yield found.end() - (found.end() - found.start() - len(keep)), found.end(), ""


def _separators(text: str) -> Iterator[Edit]:
    """Drop signs inside a word of the lexicon: ``ネ ッ ト ワ ー ク`` reads ``ネットワーク``."""
    gaps = [found.span(1) for found in _SEPARATED.finditer(text)]
    if not gaps:
        return
    bigrams, words = _lexicon().bigrams, _lexicon().words
    suspects = [gap for gap in gaps if text[gap[0] - 1] + text[gap[1]] in bigrams]
    if not suspects:
        return
    closed = dict(gaps)
    reached = 0
    for start, end in suspects:
        if start < reached:
            continue
        word_end = _word_over(text, start, end, closed, words)
        for gap_start in range(start, word_end):
            if gap_start in closed and gap_start >= reached:
                yield gap_start, closed[gap_start], ""
        reached = max(reached, word_end)


def _word_over(text: str, gap_start: int, gap_end: int, closed: dict[int, int], words: frozenset[str]) -> int:
    """The end of the longest lexicon word that runs over a gap, or 0."""
    before = ""
    best_length, best_end = 0, 0
    position = gap_start
    while position > 0 and len(before) < _LONGEST and re.match(_LETTER, text[position - 1]):
        position -= 1
        before = text[position] + before
    for cut in range(len(before)):
        word, index = before[cut:], gap_end
        while index < len(text) and len(word) < _LONGEST:
            if index in closed:
                index = closed[index]
                continue
            word += text[index]
            index += 1
            if word in words and len(word) > best_length:
                best_length, best_end = len(word), index
    return best_end


def _dashes(text: str) -> Iterator[Edit]:
    for found in _AFTER_KATAKANA.finditer(text):
        yield found.start(), found.end(), "ー"


def _masks(text: str) -> Iterator[Edit]:
    """Restore masked and look-alike letters in words of the lexicon: ``情報商〇``, ``力ジノ``."""
    suspects = [found.start() for found in _MASKED.finditer(text)]
    suspects += [found.start() for found in _SUSPECT_ALIKE.finditer(text)]
    if not suspects:
        return
    masked = _lexicon().masked
    plain = _MASKED.sub(_MASK, text)
    last = 0
    for index in sorted(suspects):
        if index < last:
            continue
        best: Edit | None = None
        for start in range(max(last, index - _LONGEST + 1), index + 1):
            for end in range(max(index + 1, start + 2), min(len(plain), start + _LONGEST) + 1):
                word = masked.get(plain[start:end])
                if word and (best is None or end - start > best[1] - best[0]):
                    best = (start, end, word)
        if best:
            yield best
            last = best[1]


def _kana_spellings(text: str) -> Iterator[Edit]:
    if not _kana_finder().find_matches_as_indexes(text):
        return
    spellings = _lexicon().spellings
    for found in _kana().finditer(text):
        yield found.start(), found.end(), spellings[found.group()]


def _emoji(text: str) -> Iterator[Edit]:
    for found in _PICTURE.finditer(text):
        yield found.start(), found.end(), _EMOJI[found.group()]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    words: frozenset[str]
    bigrams: frozenset[str]
    masked: dict[str, str]
    spellings: dict[str, str]


@cache
def _lexicon() -> _Lexicon:
    text = resources.files("kanyu").joinpath("resources/lexicon.tsv").read_text("utf-8")
    words: list[str] = []
    masked: dict[str, str] = {}
    spellings: dict[str, str] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, kana, masks = [*line.split("\t"), "", ""][:3]
            words.append(word)
            spellings |= dict.fromkeys(kana.split(), word)
            for mask in masks.split():
                masked.setdefault(mask, word)
            for pattern in (*_masked_forms(word), *_alike_forms(word)):
                masked.setdefault(pattern, word)
    bigrams = frozenset(a + b for word in words for a, b in zip(word, word[1:], strict=False))
    return _Lexicon(frozenset(words), bigrams, masked, spellings)


def _masked_forms(word: str) -> Iterator[str]:
    """One masked letter in words of three and more, two neighbours in words of five and more."""
    if len(word) >= 3:
        for index in range(len(word)):
            yield word[:index] + _MASK + word[index + 1 :]
    if len(word) >= 5:
        for index in range(len(word) - 1):
            yield word[:index] + _MASK * 2 + word[index + 2 :]


def _alike_forms(word: str) -> Iterator[str]:
    for alike, real in _KATAKANA_ALIKES.items():
        if real in word:
            yield word.replace(real, alike)


@cache
def _kana() -> re.Pattern[str]:
    spellings = sorted(_lexicon().spellings, key=len, reverse=True)
    katakana = [word for word in spellings if re.fullmatch(r"[ァ-ヺー]+", word)]
    hiragana = [word for word in spellings if word not in katakana]
    # a katakana spelling stands alone; ショウカイ, but not トウシューズ
    return re.compile("(?<![ァ-ヺー])(?:" + "|".join(katakana) + ")(?![ァ-ヺー])|" + "|".join(hiragana))


@cache
def _kana_finder() -> AhoCorasick:
    """Finds kana spellings wherever they stand, ten times as fast as the pattern that judges them."""
    from ahocorasick_rs import AhoCorasick

    return AhoCorasick([*_lexicon().spellings])

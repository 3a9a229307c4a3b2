"""How much recall a disguise costs: transforms that senders use, applied to pattern messages.

Most are undone by canonical text. Three are not (:data:`LASTING`), so that the report also says
what a sender gains who goes further.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from kanyu.canonical import lexicon_spellings, lexicon_words
from kanyu.detector import Detector
from kanyu.labels import PATTERNS
from kanyu.verdict import probability

__all__ = ["INVERTED", "LASTING", "robustness_report"]

Transform = Callable[[str, random.Random], str]

_HALF_WIDTH: Final = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)}
_EMOJI: Final = {
    "お金": "💰",
    "電話": "📞",
    "メール": "📩",
    "プレゼント": "🎁",
    "銀行": "🏦",
    "カジノ": "🎰",
    "株": "📈",
    "無料": "🆓",
}
_LATIN: Final = dict(zip("aceopxABCEHKMOPTX", "асеорхАВСЕНКМОРТХ", strict=True))
_KATAKANA: Final = dict(zip("ニカロエタトハチミ", "二力口工夕卜八千三", strict=True))


def full_width(text: str, _draws: random.Random) -> str:
    """ABC 100 -> ABC 100 in full-width forms."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def half_width_kana(text: str, _draws: random.Random) -> str:
    """セミナー -> ｾﾐﾅｰ."""
    return "".join(_half(char) for char in text)


def _half(char: str) -> str:
    if char == "ー":
        return "ｰ"
    parts = unicodedata.normalize("NFD", char)
    if parts[0] in _HALF_WIDTH:
        return _HALF_WIDTH[parts[0]] + parts[1:].replace("\u3099", "ﾞ").replace("\u309a", "ﾟ")
    return char


def zero_width(text: str, _draws: random.Random) -> str:
    """Zero-width spaces between all characters."""
    return "\u200b".join(text)


def bidi_marks(text: str, draws: random.Random) -> str:
    """Direction marks here and there."""
    return "".join(char + draws.choice(("", "", "\u200e", "\u2068")) for char in text)


def decomposed(text: str, _draws: random.Random) -> str:
    """が -> か + combining mark."""
    return unicodedata.normalize("NFD", text)


def mathematical(text: str, _draws: random.Random) -> str:
    """FX -> 𝐅𝐗."""
    return "".join(
        chr(0x1D400 + ord(char) - 65)
        if "A" <= char <= "Z"
        else chr(0x1D41A + ord(char) - 97)
        if "a" <= char <= "z"
        else char
        for char in text
    )


def spaced(text: str, _draws: random.Random) -> str:
    """副業 -> 副 業."""
    return _in_words(text, lambda word: " ".join(word))


def symbol_split(text: str, draws: random.Random) -> str:
    """投資 -> 投・資."""
    return _in_words(text, lambda word: draws.choice("・☆*/").join(word))


def masked(text: str, draws: random.Random) -> str:
    """情報商材 -> 情報商○."""

    def mask(word: str) -> str:
        if len(word) < 3:
            return {"副業": "副○", "投資": "投○", "fx": "F○"}.get(word.lower(), word)
        place = draws.randrange(1, len(word))
        return word[:place] + draws.choice("○●*") + word[place + 1 :]

    return _in_words(text, mask)


def look_alike(text: str, _draws: random.Random) -> str:
    """カジノ -> 力ジノ, FX with Cyrillic letters."""

    def replace(word: str) -> str:
        for real, alike in _KATAKANA.items():
            if real in word and len(word) > 2:
                return word.replace(real, alike)
        return word

    return "".join(_LATIN.get(char, char) for char in _in_words(text, replace))


def kana_spelling(text: str, _draws: random.Random) -> str:
    """副業 -> ふくぎょう."""
    spellings = {word: kana for kana, word in lexicon_spellings().items()}
    return _in_words(text, lambda word: spellings.get(word, word))


def repeated_marks(text: str, _draws: random.Random) -> str:
    """! -> !!!!!, ー -> ーーー."""
    return re.sub(r"([!?!?。…~〜])", r"\1\1\1\1", text).replace("ー", "ーーー")


def emoji_for_words(text: str, _draws: random.Random) -> str:
    """お金 -> 💰."""
    for word, sign in _EMOJI.items():
        text = text.replace(word, sign)
    return text


def typos(text: str, draws: random.Random) -> str:
    """Two neighbouring letters change places in a third of the words of the lexicon."""

    def swap(word: str) -> str:
        if draws.random() > 0.34 or len(word) < 2:
            return word
        place = draws.randrange(len(word) - 1)
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]

    return _in_words(text, swap)


def by_reading(text: str, _draws: random.Random) -> str:
    """Every word of the lexicon spelt by its reading in hiragana."""
    return _in_words(text, lambda word: _reading(word))


def over_two_lines(text: str, _draws: random.Random) -> str:
    """A line break inside every word of the lexicon."""
    return _in_words(
        text, lambda word: word[: len(word) // 2] + "\n" + word[len(word) // 2 :] if len(word) > 1 else word
    )


INVERTED: Final[dict[str, Transform]] = {
    transform.__name__: transform
    for transform in (
        full_width,
        half_width_kana,
        zero_width,
        bidi_marks,
        decomposed,
        mathematical,
        spaced,
        symbol_split,
        masked,
        look_alike,
        kana_spelling,
        repeated_marks,
        emoji_for_words,
    )
}
"""Transforms that canonical text undoes."""

LASTING: Final[dict[str, Transform]] = {
    transform.__name__: transform for transform in (typos, by_reading, over_two_lines)
}
"""Transforms that it does not undo."""


def robustness_report(detector: Detector, frame: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Recall of ``flagged`` on pattern messages, per transform.

    Parameters
    ----------
    detector : Detector
    frame : DataFrame
        Labelled messages; only those with a pattern are used.
    seed : int
        Of the transforms' draws.

    Returns
    -------
    DataFrame
        ``transform, kind, changed, recall, loss``: `changed` is the share of the messages that the transform changes,
        `loss` is in points against the plain text.
    """
    texts = frame.loc[frame[list(PATTERNS)].max(axis=1) == 1, "text"].tolist()
    plain = _recall(detector, texts)
    rows = [{"transform": "none", "kind": "plain", "changed": 0.0, "recall": plain, "loss": 0.0}]
    for kind, transforms in (("inverted", INVERTED), ("lasting", LASTING)):
        for name, transform in transforms.items():
            rows.append(
                _row(detector, name, kind, texts, [transform(text, random.Random(seed)) for text in texts], plain)
            )
    combined = texts
    for transform in (masked, spaced, half_width_kana, full_width, zero_width):
        combined = [transform(text, random.Random(seed)) for text in combined]
    rows.append(_row(detector, "combined", "inverted", texts, combined, plain))
    return pd.DataFrame(rows)


def _row(
    detector: Detector, name: str, kind: str, texts: list[str], changed: list[str], plain: float
) -> dict[str, object]:
    recall = _recall(detector, changed)
    share = float(np.mean([a != b for a, b in zip(texts, changed, strict=True)]))
    return {"transform": name, "kind": kind, "changed": share, "recall": recall, "loss": 100 * (plain - recall)}


def _recall(detector: Detector, texts: list[str]) -> float:
    scores, _ = detector.log_odds(texts, PATTERNS)
    limits = [detector.thresholds[name] for name in PATTERNS]
    return float(
        np.mean(
            [
                any(probability(float(value)) >= limit for value, limit in zip(row, limits, strict=True))
                for row in scores
            ]
        )
    )


def _in_words(text: str, change: Callable[[str], str]) -> str:
    return _words().sub(lambda found: change(found.group()), text)


@cache
def _words() -> re.Pattern[str]:
    words = sorted(lexicon_words(), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)), re.IGNORECASE)


@cache
def _reading(word: str) -> str:
    from sudachipy import Dictionary

    reading = "".join(morpheme.reading_form() for morpheme in Dictionary(dict="core").tokenizer().tokenize(word))
    return "".join(chr(ord(char) - 0x60) if "ァ" <= char <= "ヶ" else char for char in reading)

"""From the contributions of terms to phrases that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kanyu.messages import Span
from kanyu.model import Explanation
from kanyu.tokenizer import Token

__all__ = ["Phrase", "find_phrases"]

MAX_PHRASES: Final = 6
_LEAST_SHARE: Final = 0.06  # of all that speaks for the label, a phrase brings at least this share
_SHORTEST: Final = 2  # a single character tells a reader nothing
_LONGEST_GAP: Final = 2  # characters of a joined gap between two phrases
_LOOSE: Final = frozenset({"助詞", "助動詞", "補助記号", "接尾辞"})
_NOUNS: Final = frozenset({"名詞", "接頭辞", "接尾辞"})
_VERBS: Final = frozenset({"動詞", "形容詞", "助動詞"})
_ENDS: Final = frozenset("。!?\n…")
_BORDERS: Final = frozenset("。!?\n、,…・")


class Phrase(NamedTuple):
    """A stretch of canonical text and what it adds to a label's log-odds."""

    span: Span
    contribution: float


def find_phrases(explanation: Explanation, text: str, tokens: Sequence[Token]) -> list[Phrase]:
    """Find the phrases on which a label rests.

    Every occurrence of a term spreads its contribution evenly over its characters. Phrases are the
    maximal scoring runs of whole tokens (Ruzzo and Tompa 1999), where a character scores what it
    adds less what an average character of the evidence adds, so that they stay short.

    Parameters
    ----------
    explanation : Explanation
        Of one label.
    text : str
        The whole canonical text.
    tokens : sequence of Token
        Tokens of the window that counts, with offsets of the whole text.

    Returns
    -------
    list of Phrase
        At most :data:`MAX_PHRASES`, disjoint, in reading order, each with a positive contribution.
    """
    window = explanation.window
    heat = _heat(explanation)
    sums = np.concatenate([[0.0], np.cumsum(heat)])
    positive = heat[heat > 0]
    if not len(positive) or not tokens:
        return []
    penalty = float(positive.mean()) * 0.75
    runs = []
    for clause in _clauses(tokens, text):
        scores = [
            float(sums[token.end - window.start] - sums[token.start - window.start])
            - penalty * (token.end - token.start)
            for token in clause
        ]
        for first, last in _maximal_runs(scores):
            first, last = _readable(clause, first, last)
            runs.append((clause[first].start, clause[last - 1].end))
    phrases = [
        Phrase(Span(start, end), float(sums[end - window.start] - sums[start - window.start]))
        for start, end in _joined(runs, text)
        if end - start >= _SHORTEST
    ]
    total = sum(phrase.contribution for phrase in phrases if phrase.contribution > 0)
    strong = [phrase for phrase in phrases if phrase.contribution > _LEAST_SHARE * total > 0]
    strongest = sorted(strong, key=lambda phrase: -phrase.contribution)[:MAX_PHRASES]
    return sorted(strongest)


def _heat(explanation: Explanation) -> NDArray[np.float64]:
    """What each character of the window adds."""
    starts, ends, added = explanation.occurrences
    base, size = explanation.window.start, explanation.window.end - explanation.window.start
    share = added / np.maximum(ends - starts, 1)
    steps = np.zeros(size + 1)
    np.add.at(steps, starts - base, share)
    np.add.at(steps, ends - base, -share)
    return np.cumsum(steps)[:size]


def _clauses(tokens: Sequence[Token], text: str) -> list[list[Token]]:
    """Tokens between sentence ends and commas; the border itself is in no clause."""
    clauses: list[list[Token]] = [[]]
    for token in tokens:
        if not _BORDERS.isdisjoint(text[token.start : token.end]) or token.pos == "空白":
            clauses.append([])
        else:
            clauses[-1].append(token)
    return [clause for clause in clauses if clause]


def _maximal_runs(scores: Sequence[float]) -> list[tuple[int, int]]:
    """All maximal scoring runs as half-open index ranges (Ruzzo and Tompa 1999, linear time)."""
    runs: list[tuple[int, int, float, float]] = []  # first, end, sum before, sum after
    total = 0.0
    for index, score in enumerate(scores):
        before, total = total, total + score
        if score <= 0:
            continue
        run = (index, index + 1, before, total)
        while True:
            earlier = next((k for k in range(len(runs) - 1, -1, -1) if runs[k][2] < run[2]), None)
            if earlier is None or runs[earlier][3] >= run[3]:
                runs.append(run)
                break
            run = (runs[earlier][0], run[1], runs[earlier][2], run[3])
            del runs[earlier:]
    return [(first, end) for first, end, _, _ in runs]


def _readable(clause: Sequence[Token], first: int, last: int) -> tuple[int, int]:
    """Shape a run of tokens so that it reads as words: no particle at its edges, no compound or verb cut in two."""
    start, end = first, last
    while end - start > 1 and clause[start].pos in _LOOSE:
        start += 1
    while end - start > 1 and clause[end - 1].pos == "助詞":
        end -= 1
    while start > 0 and clause[start].pos in _NOUNS and clause[start - 1].pos in _NOUNS:
        start -= 1
    while end < len(clause) and (
        (clause[end - 1].pos in _NOUNS and clause[end].pos in _NOUNS)
        or (clause[end - 1].pos in _VERBS and clause[end].pos == "助動詞")
    ):
        end += 1
    return start, end


def _joined(runs: Sequence[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Join runs that stand almost side by side in one line."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(runs):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif joined and start - joined[-1][1] <= _LONGEST_GAP and _ENDS.isdisjoint(text[joined[-1][1] : start]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined

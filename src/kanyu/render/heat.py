"""The heat line of a conversation: how strongly each message speaks for a pattern, in the order sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from kanyu.labels import HEADLINES, PATTERNS
from kanyu.render.phrases import moment, percent, title_of
from kanyu.verdict import probability

if TYPE_CHECKING:
    from kanyu.conversations import ConversationReport

__all__ = ["Bar", "Chart", "Marker", "draw"]

MAX_BARS: Final = 240
HEIGHT: Final = 72
"""Height of a full bar, in pixels."""
TOP: Final = 52
"""Room for the markers above the bars, in pixels."""
_LEAST: Final = 3
_MOST_DAYS: Final = 40
_LANES: Final = 2
_CLOSE: Final = 6.5  # per cent of the width; closer markers get a lane of their own


@dataclass(frozen=True, slots=True)
class Bar:
    """A message, or several that lie side by side.

    Attributes
    ----------
    x, width : float
        Per cent of the chart's width.
    y, height : float
        Pixels.
    kind : str
        A pattern's label, ``low``, or ``other`` for what somebody else sent.
    index : int or None
        The message to open; None where there is nothing to see.
    title : str
    """

    x: float
    width: float
    y: float
    height: float
    kind: str
    index: int | None
    title: str


@dataclass(frozen=True, slots=True)
class Marker:
    """A numbered stage above the bars."""

    x: float
    y: float
    number: int
    index: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A heat line; positions across are per cent, positions down are pixels."""

    bars: tuple[Bar, ...]
    markers: tuple[Marker, ...]
    days: tuple[float, ...]
    height: int
    base: int
    start: str
    end: str


def draw(talk: ConversationReport, sender: str, numbers: dict[int, int], lang: str = "ja") -> Chart:
    """Lay out the heat line of one sender.

    Parameters
    ----------
    talk : ConversationReport
    sender : str
        Whose messages have bars; those of others are short ticks.
    numbers : dict of int to int
        Numbers of the stages by message index.
    lang : {"ja", "en"}

    Returns
    -------
    Chart
    """
    messages = talk.conversation.messages
    n = len(messages)
    own = np.array([message.sender == sender for message in messages], dtype=bool)
    columns = [HEADLINES.index(name) for name in PATTERNS]
    scores = np.where(own[:, None], talk.scores[:, columns], np.nan)
    heat = np.nan_to_num(scores, nan=-np.inf).max(axis=1)
    n_bars = min(n, MAX_BARS)
    edges = np.linspace(0, n, n_bars + 1).astype(int)
    step, base = 100 / max(n_bars, 1), TOP + HEIGHT
    bars = []
    for number in range(n_bars):
        inside = slice(edges[number], edges[number + 1])
        index = int(edges[number] + np.argmax(heat[inside]))
        x, wide = number * step + step * 0.12, step * 0.76
        if not own[inside].any():
            bars.append(Bar(x, wide, base - _LEAST, _LEAST, "other", None, ""))
            continue
        value = probability(float(heat[index])) if np.isfinite(heat[index]) else 0.0
        is_flagged = talk.verdicts[index] == "flagged"
        pattern = PATTERNS[int(np.argmax(np.nan_to_num(scores[index], nan=-np.inf)))]
        tall = _LEAST + value * (HEIGHT - _LEAST)
        title = moment(messages[index].at, lang)
        if is_flagged:
            title += f" {title_of(pattern, lang)} {percent(value)}"
        bars.append(
            Bar(x, wide, base - tall, tall, pattern if is_flagged else "low", index if is_flagged else None, title)
        )
    times = [message.at for message in messages if message.at]
    return Chart(
        bars=tuple(bars),
        markers=_markers(numbers, n),
        days=_days(talk),
        height=base + 2,
        base=base,
        start=moment(min(times), lang) if times else "",
        end=moment(max(times), lang) if times else "",
    )


def _markers(numbers: dict[int, int], n: int) -> tuple[Marker, ...]:
    """Markers side by side, in a second lane where they would overlap."""
    placed: list[Marker] = []
    lane, last = 0, -100.0
    for index, number in sorted(numbers.items()):
        x = (index + 0.5) * 100 / max(n, 1)
        lane = (lane + 1) % _LANES if x - last < _CLOSE else 0
        placed.append(Marker(min(max(x, 2.8), 97.2), 12 + 24 * lane, number, index))
        last = x
    return tuple(placed)


def _days(talk: ConversationReport) -> tuple[float, ...]:
    """Where a new day begins; nothing where there are too many to tell apart."""
    messages, found = talk.conversation.messages, []
    day = None
    for index, message in enumerate(messages):
        if message.at is not None and message.at.date() != day:
            if day is not None:
                found.append(index * 100 / len(messages))
            day = message.at.date()
    return tuple(found) if len(found) <= _MOST_DAYS else ()

"""Findings in plain sentences, Japanese first; shared by the terminal and the report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from kanyu.labels import ARTICLE_PATTERNS, DISCLOSURES, LABELS, PATTERNS
from kanyu.messages import Message

if TYPE_CHECKING:
    from kanyu.conversations import ConversationReport, SenderReport
    from kanyu.verdict import Evidence

__all__ = [
    "DISCLOSED",
    "SHORT_VERDICTS",
    "STAGES",
    "Piece",
    "Stage",
    "article_patterns",
    "cut",
    "disclosure_after",
    "excerpt",
    "likelihood",
    "moment",
    "pattern_sentence",
    "percent",
    "sender_sentence",
    "stages",
    "title_of",
]

SHORT_VERDICTS: Final[dict[str, tuple[str, str]]] = {
    "flagged": ("注意", "careful"),
    "ordinary_pitch": ("営業・案内", "ordinary pitch"),
    "undecided": ("判断できません", "undecided"),
    "clear": ("特徴なし", "clear"),
}
"""A word or two per verdict, for tables: (Japanese, English)."""

DISCLOSED: Final[dict[str, tuple[str, str]]] = {
    "who": ("だれが(売り手の名前や会社)", "who (the seller's name or company)"),
    "purpose": ("目的(勧誘や販売だということ)", "purpose (that it is about selling or signing up)"),
    "product": ("商品(何を売るのか)", "product (what is sold)"),
}
"""The three things to make clear before soliciting: (Japanese, English)."""

STAGES: Final[dict[str, tuple[str, str]]] = {
    "first": ("最初のメッセージ", "first message"),
    "setup": ("仕掛け(何の話かを伏せた誘い)", "set-up (drawn on, the matter held back)"),
    "warning": ("kanyuが最初に注意できたところ", "first warning by kanyu"),
    "reveal": ("明かし(商品や目的が初めて出たところ)", "reveal (product or purpose first named)"),
    "recruit": ("人を誘う話が出たところ", "recruiting others comes up"),
    "refused": ("断り", "refusal"),
    "pushed": ("断ったあとの押し", "pushing on after the refusal"),
}
"""The stages of a course: (Japanese, English)."""

_SEEN: Final[dict[str, tuple[str, str]]] = {
    "pitch": (
        "何かを売る・誘う・勧めるための連絡に多い特徴があります",
        "often found where something is sold, recruited for or promoted",
    ),
    "delayed_reveal": (
        "何の話か、だれの話かを伏せたまま、会う・話す方へ誘う特徴があります",
        "often found where the reader is drawn on while the matter is held back",
    ),
    "risky_product": (
        "お金を失うおそれが大きい話に多い特徴があります",
        "often found in offers on which buyers are likely to lose money",
    ),
    "network_hype": (
        "自由・仲間・成功などの言葉で気持ちを動かす、ネットワークビジネス風の特徴があります",
        "often found in the language of network business",
    ),
}
_SHORT_DISCLOSED: Final = {
    "who": ("売り手の名前", "who"),
    "purpose": ("目的", "purpose"),
    "product": ("商品", "product"),
}
_MOST_QUOTED: Final = 3
_LONGEST_QUOTE: Final = 30
_LEAST_SHARE: Final = 0.25  # of the strongest phrase; weaker ones are not quoted
_TRIM: Final = " \t\r\n\u3000\u3001\u3002,.!?\uff01\uff1f\uff0c\uff0e\u30fb\u2026~\u301c\uff5e"
# Where a clause ends: "。", "、", "!", a line end, a bracket, an emoji
_CLAUSE_END: Final = re.compile("[\\s、。,.!?\uff01\uff1f\uff0c\uff0e「」『』()\uff08\uff09【】…\U0001f000-\U0001faff]")
_NEAR: Final = 14
_WEEKDAYS: Final = "月火水木金土日"


def percent(value: float) -> str:
    """A probability for people; never a certainty.

    >>> percent(0.9991), percent(0.5), percent(0.0)
    ('99%+', '50%', '<1%')
    """
    if value >= 0.995:
        return "99%+"
    return "<1%" if value < 0.01 else f"{value:.0%}"


def likelihood(value: float, lang: str = "ja") -> str:
    """A probability in words.

    >>> likelihood(0.97)
    '可能性がとても高い'
    """
    steps = (
        (0.9, "可能性がとても高い", "very likely"),
        (0.7, "可能性が高い", "likely"),
        (0.4, "どちらとも言えない", "may or may not be"),
        (0.1, "可能性は低い", "unlikely"),
        (0.0, "可能性はとても低い", "very unlikely"),
    )
    return next(ja if lang == "ja" else en for least, ja, en in steps if value >= least)


def title_of(label: str, lang: str = "ja") -> str:
    """A label's short title."""
    return LABELS[label].ja if lang == "ja" else LABELS[label].en


def article_patterns(label: str, lang: str = "ja") -> str:
    """The article's patterns that a label stands for, by number and name; empty for none."""
    side = 0 if lang == "ja" else 1
    numbers = LABELS[label].article_patterns
    if lang == "ja":
        return "・".join(f"型{number}「{ARTICLE_PATTERNS[number][side]}」" for number in numbers)
    return ", ".join(f"pattern {number} “{ARTICLE_PATTERNS[number][side]}”" for number in numbers)


def cut(text: str, length: int = _LONGEST_QUOTE) -> str:
    """One line of a text, shortened.

    >>> cut("あいうえお", 3)
    'あいう…'
    """
    line = re.sub(r"\s+", " ", text[: length * 4]).strip()
    return line if len(line) <= length else line[:length].rstrip() + "…"


def _quote(item: Evidence, text: str | None) -> str:
    """A piece of evidence, grown to its clause where that is near, so that it reads as words."""
    if text is None or text[item.start : item.end] != item.text:
        return cut(item.text.strip(_TRIM))
    start, end = item.start, item.end
    left = _CLAUSE_END.search(text[max(0, start - _NEAR) : start][::-1])
    right = _CLAUSE_END.search(text[end : end + _NEAR])
    if left or start <= _NEAR:
        start -= left.start() if left else start
    if right or end + _NEAR >= len(text):
        end += right.start() if right else len(text) - end
    return cut(text[start:end].strip(_TRIM), _LONGEST_QUOTE + _NEAR)


def pattern_sentence(label: str, evidence: Iterable[Evidence], lang: str = "ja", text: str | None = None) -> str:
    """One sentence on what was seen for a label.

    Parameters
    ----------
    label : str
        A headline label or a signal.
    evidence : iterable of Evidence
        Of a message; only this label's is quoted, the strongest phrases in reading order.
    lang : {"ja", "en"}
    text : str, optional
        The message; quotes are grown to whole clauses then.
    """
    own = [item for item in evidence if item.label == label and len(item.text.strip(_TRIM)) > 1]
    strongest = sorted(own, key=lambda item: -item.contribution)[:_MOST_QUOTED]
    strongest = [item for item in strongest if item.contribution >= _LEAST_SHARE * strongest[0].contribution]
    quotes = [_quote(item, text) for item in sorted(strongest, key=lambda item: item.start)]
    quotes = [
        quote for quote in dict.fromkeys(quotes) if not any(quote != other and quote in other for other in quotes)
    ]
    if not quotes:
        return LABELS[label].meaning_ja if lang == "ja" else LABELS[label].meaning_en
    ja, en = _SEEN.get(label, ("", ""))
    if lang == "ja":
        words = "".join(f"「{quote}」" for quote in quotes)
        return f"{words}という言葉に、{ja}。" if ja else f"{words}という言葉から。{LABELS[label].meaning_ja}"
    words = ", ".join(f"“{quote}”" for quote in quotes)
    return f"{words}: {en}." if en else f"{words}. {LABELS[label].meaning_en}"


def moment(at: datetime | None, lang: str = "ja", *, short: bool = False) -> str:
    """A moment for people.

    >>> moment(datetime(2024, 6, 14, 20, 18)), moment(datetime(2024, 6, 14, 20, 18), short=True)
    ('2024年6月14日(金) 20:18', '6/14 20:18')
    """
    if at is None:
        return "日時は不明" if lang == "ja" else "date unknown"
    clock = f"{at.hour}:{at.minute:02}"
    if lang != "ja":
        return f"{at.year}-{at.month:02}-{at.day:02} {clock}"
    if short:
        return f"{at.month}/{at.day} {clock}"
    return f"{at.year}年{at.month}月{at.day}日({_WEEKDAYS[at.weekday()]}) {clock}"


class Stage(NamedTuple):
    """One stage of a sender's course: a key of :data:`STAGES` and the message's position."""

    name: str
    place: int


def stages(talk: ConversationReport, sender: SenderReport) -> list[Stage]:
    """The stages of a sender's course, in the order of the messages."""
    messages = talk.conversation.messages
    first = next((index for index, message in enumerate(messages) if message.sender == sender.name), None)
    found = {
        "first": first,
        "setup": sender.setup_index,
        "reveal": sender.reveal_index,
        "warning": sender.first_flagged_index,
        "recruit": sender.recruit_duty_index,
        "refused": sender.refused_index,
        "pushed": _first_push(talk, sender),
    }
    known = [Stage(name, index) for name, index in found.items() if index is not None]
    return sorted(known, key=lambda stage: stage.place)


def _first_push(talk: ConversationReport, sender: SenderReport) -> int | None:
    """The sender's first message after the refusal that reads most like pushing on."""
    if sender.refused_index is None or not sender.pushed_after_refusal:
        return None
    later = [
        index
        for index in range(sender.refused_index + 1, len(talk.conversation))
        if talk.conversation.messages[index].sender == sender.name and talk.verdicts[index] is not None
    ]
    pitching = [index for index in later if talk.verdicts[index] in ("flagged", "ordinary_pitch")]
    if pitching:
        return pitching[0]
    return max(later, key=lambda index: float(talk.scores[index, 0]), default=None)


def disclosure_after(messages: Sequence[Message], setup: int | None, told: int | None, lang: str = "ja") -> str:
    """When something was made clear, and how long after the first hook."""
    ja = lang == "ja"
    if told is None:
        return "まだ明かされていません" if ja else "not said yet"
    when = moment(messages[told].at, lang)
    if setup is None or told <= setup:
        return when
    former, later = messages[setup].at, messages[told].at
    days = (later.date() - former.date()).days if former and later else None
    if ja:
        waited = f"{told - setup}通" + (f"・{days}日" if days else "")
        return f"{when}(仕掛けから{waited}あと)"
    waited = f"{told - setup} messages" + (f", {days} days" if days else "")
    return f"{when} ({waited} after the set-up)"


def sender_sentence(talk: ConversationReport, sender: SenderReport, lang: str = "ja") -> str:
    """What one sender did, in a line or two."""
    ja, messages = lang == "ja", talk.conversation.messages
    patterns = [title_of(name, lang) for name in PATTERNS if sender.labels[name].flagged]
    if not patterns:
        return ""
    parts = [f"{'・'.join(patterns)}の特徴があります" if ja else f"Signs of {', '.join(patterns)}"]
    if sender.setup_index is not None:
        at = messages[sender.setup_index].at
        when = moment(at, lang)
        parts.append(
            (f"{when}に、" if at else "") + "何の話かを伏せた誘いが始まっています"
            if ja
            else "drawn on with the matter held back" + (f" from {when}" if at else "")
        )
    missing = [name for name in DISCLOSURES if sender.disclosed[name] is None]
    if missing:
        words = ("・" if ja else ", ").join(_SHORT_DISCLOSED[name][0 if ja else 1] for name in missing)
        parts.append(f"{words}は、まだ明かされていません" if ja else f"not said yet: {words}")
    if sender.pushed_after_refusal:
        parts.append("断られたあとも、誘いを続けているようです" if ja else "seems to push on after a refusal")
    return "。".join(parts) + "。" if ja else "; ".join(parts) + "."


class Piece(NamedTuple):
    """A stretch of a text and the labels for which it speaks, the strongest first."""

    text: str
    labels: tuple[str, ...]


def excerpt(text: str, evidence: Iterable[Evidence], limit: int | None = None, margin: int = 60) -> list[Piece]:
    """A text in pieces, with and without evidence.

    Parameters
    ----------
    text : str
        The original text.
    evidence : iterable of Evidence
    limit : int, optional
        A longer text is cut down to the surroundings of its evidence, with ``…`` for what is left out.
    margin : int
        How many characters around a piece of evidence are kept then.

    Returns
    -------
    list of Piece
        Line ends are line feeds; nothing else is changed.
    """
    found = sorted(evidence, key=lambda item: -item.contribution)
    kept = [(0, len(text))]
    if limit is not None and len(text) > limit:
        kept = _surroundings(found, len(text), margin, limit)
    pieces: list[Piece] = []
    for start, end in kept:
        if start > 0:
            pieces.append(Piece("…", ()))
        inside = [item for item in found if item.start < end and item.end > start]
        borders = {start, end}
        for item in inside:
            borders |= {max(start, item.start), min(end, item.end)}
        edges = sorted(borders)
        for left, right in pairwise(edges):
            labels = dict.fromkeys(item.label for item in inside if item.start <= left and right <= item.end)
            body = text[left:right].replace("\r\n", "\n").replace("\r", "\n")
            pieces.append(Piece(body, tuple(labels)))
    if kept[-1][1] < len(text):
        pieces.append(Piece("…", ()))
    return pieces


def _surroundings(found: Sequence[Evidence], length: int, margin: int, limit: int) -> list[tuple[int, int]]:
    if not found:
        return [(0, min(limit, length))]
    wanted = sorted((max(0, item.start - margin), min(length, item.end + margin, item.start + limit)) for item in found)
    joined = [wanted[0]]
    for start, end in wanted[1:]:
        if start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined

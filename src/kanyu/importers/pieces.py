"""A paste that is a piece of a chat, as a conversation. In doubt it is one message."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from typing import Final

from ..errors import KanyuError
from ..messages import Conversation, Message
from .base import Options, Source, without_surrogates
from .line import LineImporter

__all__ = ["split_chat"]

_MOST_CHARACTERS: Final = 1_000_000
_FEWEST_ROWS: Final = 2
_MOST_NAMES: Final = 8
# "[12:30] 佐藤: こんにちは", "[2024/05/01 12:30:11] 佐藤: …", "2024/05/01 12:30 - 佐藤: …"
_TIMED: Final = re.compile(
    r"(?:\[[\d/.\-年月日, ]*\d{1,2}:\d{2}(?::\d{2})?\]|\d{4}[/\-.][\d/\-., ]*\d{1,2}:\d{2} -)"
    r" ?([^:\uff1a\n]{1,40}?)[:\uff1a] ?(.*)"
)
# "佐藤: こんにちは", "佐藤「こんにちは」" is none
_NOT_IN_NAMES: Final = r":\uff1a\n。、!?\uff01\uff1f「」()\uff08\uff090-9/"
_NAMED: Final = re.compile(rf"([^\s{_NOT_IN_NAMES}][^{_NOT_IN_NAMES}]{{0,19}})[:\uff1a] ?(\S.*)")
# Fields of a notice or a mail look like names of speakers.
_FIELD_WORDS: Final = (
    "日時 場所 会場 会費 費用 料金 時間 集合 持ち物 定員 対象 内容 住所 電話 備考 件名 宛先 差出人 期限 締切"
    " 参加費 講師 主催 注意 追記 例 名前 氏名 担当 url tel mail from to cc subject date http https re ps"
)
_FIELDS: Final = frozenset(_FIELD_WORDS.split())


def split_chat(text: str) -> Conversation | None:
    """Read a paste as a piece of a chat.

    Parameters
    ----------
    text : str

    Returns
    -------
    Conversation or None
        None for whatever is not plainly at least two rows of a chat.
    """
    if "\n" not in text.strip() or len(text) > _MOST_CHARACTERS:
        return None
    messages = _read_line(text) or _read_rows(text, _TIMED) or _read_named(text)
    return Conversation("", "paste", "paste", messages) if messages else None


def _read_line(text: str) -> Sequence[Message]:
    """Rows of LINE, as its exports and its window give them."""
    data = without_surrogates(text).encode()
    source = Source("paste", lambda: io.BytesIO(data), len(data))
    importer = LineImporter()
    try:
        if not importer.sniff(source):
            return ()
        talks = list(importer.read([source], Options(UTC)))
    except (KanyuError, ValueError, LookupError):
        return ()
    if len(talks) != 1 or len(talks[0].skipped) > len(talks[0].messages):
        return ()
    return talks[0].messages if len(talks[0].messages) >= _FEWEST_ROWS else ()


def _read_rows(text: str, row: re.Pattern[str]) -> Sequence[Message]:
    """Rows, each with the lines that follow it; nothing when the first line is no row."""
    found: list[tuple[str, list[str]]] = []
    for line in text.strip().replace("\r\n", "\n").split("\n"):
        match = row.fullmatch(line.strip())
        if match:
            found.append((match[1].strip(), [match[2]]))
        elif found:
            found[-1][1].append(line)
        else:
            return ()
    if len(found) < _FEWEST_ROWS:
        return ()
    return [Message(name, "\n".join(lines).strip()) for name, lines in found]


def _read_named(text: str) -> Sequence[Message]:
    """Rows that only have a name: at least three, with a name that comes again and no field of a notice."""
    messages = _read_rows(text, _NAMED)
    names = Counter(message.sender for message in messages)
    if len(messages) <= _FEWEST_ROWS or len(names) > _MOST_NAMES or not 1 < len(names) < len(messages):
        return ()
    if any(name.lower() in _FIELDS for name in names):
        return ()
    return messages

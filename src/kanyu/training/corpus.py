"""Labelled data: loading, checking, and what training makes of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from kanyu.errors import DataError, InputError
from kanyu.labels import DISCLOSURES, EXTRA_LABELS, HEADLINES, MODEL_LABELS, SIGNALS

__all__ = ["data_sha256", "load_conversations", "load_labelled", "load_messages", "load_ordinary"]

_BINARY: Final = (*HEADLINES, *(f"discloses_{name}" for name in DISCLOSURES), *EXTRA_LABELS)
_TRUE: Final = {"1", "1.0", "true", "yes"}
_FALSE: Final = {"0", "0.0", "false", "no"}


def load_labelled(paths: Iterable[Path]) -> pd.DataFrame:
    """Load labelled messages from JSONL or CSV files, or folders of them.

    Parameters
    ----------
    paths : iterable of Path
        Files, or folders whose ``.jsonl`` and ``.csv`` files are read.

    Returns
    -------
    DataFrame
        One row per message: ``text``; one float column per label of
        :data:`kanyu.labels.MODEL_LABELS` with 1, 0 or NaN (not labelled); ``id``, ``group``,
        ``split``, ``ambiguous``; other columns as they came.

    Raises
    ------
    InputError
        When a file cannot be read.
    DataError
        When a row breaks the schema; the message says file, row and column.
    """
    rows = [row for path in _files(paths) for row in _read_rows(path)]
    if not rows:
        raise DataError("no labelled message found: expected JSONL or CSV files with a text column and labels")
    frame = pd.DataFrame(rows)
    for name in MODEL_LABELS:
        if name not in frame:
            frame[name] = np.nan
        frame[name] = frame[name].astype(float)
    return frame


def load_messages(data: Path) -> pd.DataFrame:
    """Load kanyu's own messages, ``data/messages``."""
    return load_labelled([data / "messages"])


def load_conversations(data: Path) -> list[dict[str, Any]]:
    """Load kanyu's own conversations, ``data/conversations``, as their rows."""
    return [
        json.loads(line)
        for path in sorted((data / "conversations").glob("*.jsonl"))
        for line in path.read_text("utf-8").split("\n")
        if line.strip()
    ]


def conversation_messages(conversations: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The text messages of conversations as labelled rows.

    Signals are not labelled in conversations: 0 in messages that are no pitch, else NaN.

    Returns
    -------
    DataFrame
        Columns as of :func:`load_labelled`, plus ``conversation``.
    """
    rows = []
    for talk in conversations:
        for index, message in enumerate(talk["messages"]):
            if is_placeholder(message["text"]):
                continue
            signal = 0.0 if not message["pitch"] else np.nan
            rows.append(
                {
                    "id": f"{talk['id']}-{index}",
                    "text": message["text"],
                    **{name: float(message[name]) for name in _BINARY},
                    **dict.fromkeys(SIGNALS, signal),
                    "group": talk["writer"],
                    "split": talk["split"],
                    "conversation": talk["id"],
                    "ambiguous": False,
                }
            )
    return pd.DataFrame(rows)


def is_placeholder(text: str) -> bool:
    """Whether a body of our own conversations stands for a sticker, photo or call."""
    return text.startswith("☎") or (text.startswith("[") and text.endswith("]") and len(text) < 15)


def load_ordinary(paths: Iterable[Path]) -> list[list[dict[str, Any]]]:
    """Load ordinary chats: JSONL with one conversation (``messages`` of ``sender``, ``text``) a line.

    Returns
    -------
    list of list of dict
        The messages of each conversation.
    """
    chats = []
    for path in _files(paths):
        for number, line in enumerate(_text(path).split("\n"), 1):
            if line.strip():
                try:
                    chats.append([m for m in json.loads(line)["messages"] if isinstance(m["text"], str)])
                except (ValueError, KeyError, TypeError):
                    raise DataError(
                        f"{path}, line {number}: expected a JSON object with 'messages' of 'sender' and 'text'"
                    ) from None
    return chats


def data_sha256(frame: pd.DataFrame) -> str:
    """Check sum over texts, labels and splits, independent of file layout."""
    columns = ["text", *MODEL_LABELS, "group", "split"]
    total = hashlib.sha256()
    for row in frame[columns].itertuples(index=False):
        total.update(json.dumps([None if value != value else value for value in row], ensure_ascii=False).encode())
    return total.hexdigest()


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(child for child in path.iterdir() if child.suffix in (".jsonl", ".csv"))
        else:
            yield path


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError(f"cannot read {path}: labelled data must be UTF-8; save it as UTF-8") from None


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    text = _text(path)
    raw: Iterable[tuple[int, Any]]
    if path.suffix == ".csv":
        raw = enumerate(csv.DictReader(io.StringIO(text, newline="")), 2)
    else:
        raw = _json_lines(path, text)
    for number, row in raw:
        yield _checked(row, f"{path}, row {number}", path.stem)


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                raise DataError(f"{path}, row {number}: no JSON object; write one message a line") from None


def _checked(row: Any, place: str, group: str) -> dict[str, Any]:
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not row["text"].strip():
        raise DataError(f"{place}: no text; every row needs a non-empty 'text'")
    checked = dict(row)
    for name in _BINARY:
        if name in row:
            checked[name] = _binary(row[name], name, place)
    if row.get("signals") is not None:
        signals = row["signals"]
        if isinstance(signals, str):
            signals = [name for name in signals.replace(",", ";").split(";") if name.strip()]
        unknown = [name for name in signals if name.strip() not in SIGNALS]
        if unknown:
            raise DataError(f"{place}: unknown signal {unknown[0]!r} in 'signals'; kanyu labels lists the names")
        named = {name.strip() for name in signals}
        checked |= {name: float(name in named) for name in SIGNALS}
    if not any(name in checked and checked[name] == checked[name] for name in HEADLINES):
        raise DataError(f"{place}: no headline label; give at least one of {', '.join(HEADLINES)} as 0 or 1")
    if any(checked.get(name) == 1 for name in HEADLINES[1:]) and checked.get("pitch", 1) == 0:
        raise DataError(f"{place}: a pattern is 1 but 'pitch' is 0; each pattern implies a pitch")
    checked.setdefault("group", row.get("writer") or group)
    checked.setdefault("split", "train")
    checked["ambiguous"] = str(row.get("ambiguous", "0")).lower() in _TRUE
    return checked


def _binary(value: Any, name: str, place: str) -> float:
    text = str(value).strip().lower()
    if value is None or text in ("", "nan"):
        return float("nan")
    if text in _TRUE:
        return 1.0
    if text in _FALSE:
        return 0.0
    raise DataError(f"{place}: {name!r} must be 0 or 1 (or empty). Got {str(value)[:20]!r} instead.")

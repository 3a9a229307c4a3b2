"""From a form or a request to a correction that can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kanyu.labels import PATTERNS
from kanyu.web.limits import MAX_TEXT_CHARACTERS
from kanyu.web.problems import Problem

__all__ = ["NewCorrection", "correction_from_json", "correction_of"]

_FLAGGED = "flagged"


@dataclass(frozen=True)
class NewCorrection:
    """What a user says of a verdict."""

    said: str
    is_right: bool
    is_pitch: bool | None
    patterns: tuple[str, ...]
    text: str | None


def correction_of(fields: Mapping[str, str]) -> NewCorrection:
    """Read the form of the page; without the consent its text is dropped here.

    ``truth`` is ``right``, ``ordinary`` (no pitch), ``pitch`` (an honest one) or ``pattern``.
    """
    said, truth = fields["said"], fields["truth"]
    patterns = tuple(name for name in PATTERNS if fields[name] == "1")
    text = fields["text"].replace("\r\n", "\n") if fields["consent"] == "1" else None
    if truth not in ("right", "ordinary", "pitch", "pattern"):
        raise _incomplete("正しい答えを選んでください。", "Choose what it really is.")
    if truth == "pattern" and not patterns:
        raise _incomplete("どの特徴があるかを、1つ以上選んでください。", "Choose at least one pattern.")
    if truth == "right":
        is_pitch: bool | None = {_FLAGGED: True, "ordinary_pitch": True, "clear": False}.get(said)
        # the hidden fields repeat which patterns were shown
        return NewCorrection(said, True, is_pitch, patterns if said == _FLAGGED else (), text)
    is_pitch = truth != "ordinary"
    return NewCorrection(said, False, is_pitch, patterns if truth == "pattern" else (), text)


def correction_from_json(body: Mapping[str, Any]) -> NewCorrection:
    """Read the API's body."""
    said, right, is_pitch = body.get("said"), body.get("right"), body.get("is_pitch")
    patterns, text = body.get("patterns", []), body.get("text")
    if not isinstance(said, str) or not isinstance(right, bool) or not (is_pitch is None or isinstance(is_pitch, bool)):
        raise _incomplete(
            '{"said": "flagged", "right": false, "is_pitch": false} のように送ってください。',
            'Send something like {"said": "flagged", "right": false, "is_pitch": false}.',
        )
    if not isinstance(patterns, list) or not all(name in PATTERNS for name in patterns):
        raise _incomplete(f"patterns は {', '.join(PATTERNS)} です。", f"patterns takes {', '.join(PATTERNS)}.")
    if text is not None and (not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT_CHARACTERS):
        raise _incomplete("text は空でない文です。", "text must be a text that is not empty.")
    return NewCorrection(said, right, is_pitch, tuple(patterns), text)


def _incomplete(ja: str, en: str) -> Problem:
    return Problem(422, "incomplete", ja, en)

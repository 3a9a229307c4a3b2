"""Verdicts and reports as text for a terminal."""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ["harmless", "to_json"]

# C0 (but not line feed and tab), DEL and C1 controls, bidi controls, line separators, lone surrogates
_UNSAFE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str) -> str:
    r"""Replace characters that could steer a terminal.

    >>> harmless("a\x1b[2Jb")
    'a\ufffd[2Jb'
    """
    return _UNSAFE.sub("\ufffd", text)


def to_json(value: Any) -> str:
    """JSON with Japanese as it is, and every control and bidi character escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"

"""Verdicts and reports as text for a terminal."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from kanyu.labels import LABELS
from kanyu.verdict import VERDICTS

if TYPE_CHECKING:
    from kanyu.detector import ScanReport
    from kanyu.verdict import Verdict

__all__ = ["harmless", "render_scan", "render_verdict", "to_json"]

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


def render_verdict(verdict: Verdict, *, lang: str = "ja") -> str:
    """A verdict for a person."""
    side = 0 if lang == "ja" else 1
    lines = [VERDICTS[verdict.verdict][side]]
    for name in verdict.flags:
        label = LABELS[name]
        words = " ".join(f"「{item.text}」" for item in verdict.evidence if item.label == name)
        lines.append(f"{label.ja if lang == 'ja' else label.en} {verdict.labels[name].probability:.0%} {words}")
    lines += [f"- {item.ja if lang == 'ja' else item.en} ({item.source})" for item in verdict.advice]
    return harmless("\n".join(lines))


def render_scan(report: ScanReport, *, lang: str = "ja") -> str:
    """A scan for a person."""
    side = 0 if lang == "ja" else 1
    lines = []
    for talk in report.conversations:
        lines.append(f"{talk.conversation.title or talk.conversation.source} ({len(talk.conversation)})")
        lines += [f"  {sender.name}: {VERDICTS[sender.verdict][side]}" for sender in talk.senders]
    return harmless("\n".join(lines))

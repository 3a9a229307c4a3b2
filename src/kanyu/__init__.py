"""勧誘チェッカー kanyu: finds sales pitches in Japanese messages, and shows the words.

>>> import kanyu
>>> detector = kanyu.load()
>>> detector.check("了解です。10時に改札前で").verdict
'clear'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kanyu._version import __version__

if TYPE_CHECKING:
    from kanyu.conversations import ConversationReport, SenderReport
    from kanyu.detector import Detector, ScanReport, load
    from kanyu.errors import (
        DataError,
        InputError,
        KanyuError,
        MissingExtraError,
        ModelError,
        OutputError,
        UnknownFormatError,
        UsageError,
    )
    from kanyu.importers import read_export, read_exports
    from kanyu.labels import HEADLINES, LABELS, SIGNALS
    from kanyu.messages import Conversation, Message, Span
    from kanyu.verdict import Evidence, LabelScore, Verdict

__all__ = [
    "HEADLINES",
    "LABELS",
    "SIGNALS",
    "Conversation",
    "ConversationReport",
    "DataError",
    "Detector",
    "Evidence",
    "InputError",
    "KanyuError",
    "LabelScore",
    "Message",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "ScanReport",
    "SenderReport",
    "Span",
    "UnknownFormatError",
    "UsageError",
    "Verdict",
    "__version__",
    "load",
    "read_export",
    "read_exports",
]

_HOMES = {
    "conversations": ("ConversationReport", "SenderReport"),
    "detector": ("Detector", "ScanReport", "load"),
    "errors": (
        "DataError",
        "InputError",
        "KanyuError",
        "MissingExtraError",
        "ModelError",
        "OutputError",
        "UnknownFormatError",
        "UsageError",
    ),
    "importers": ("read_export", "read_exports"),
    "labels": ("HEADLINES", "LABELS", "SIGNALS"),
    "messages": ("Conversation", "Message", "Span"),
    "verdict": ("Evidence", "LabelScore", "Verdict"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"kanyu.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kanyu' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

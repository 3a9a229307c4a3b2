"""Chat exports to conversations: one importer per platform, found by content."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Format
    from .reading import FORMATS, read_export, read_exports, sniff

__all__ = ["FORMATS", "Format", "read_export", "read_exports", "sniff"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".base" if name == "Format" else ".reading", __name__), name)

"""Tables and many files: read in chunks, scored in order by whatever scores texts, handed on to a writer."""

from __future__ import annotations

from typing import Final

__all__ = ["EXPORT_COLUMNS"]

EXPORT_COLUMNS: Final = ("source", "conversation", "index", "at", "sender", "text")
"""The columns of a chat export's rows, before the added ones."""

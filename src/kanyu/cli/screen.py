"""What the terminal at the other end can show."""

from __future__ import annotations

import os
import shutil
import sys

__all__ = ["has_colors", "width"]

_WIDEST = 100  # longer lines are hard to read


def has_colors() -> bool:
    """Whether standard output is a terminal with colours that the user wants."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout is not None and sys.stdout.isatty()


def width() -> int:
    """Cells per line."""
    return min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)

"""How much the page takes at once. What is more goes to the command line."""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_BODY_BYTES", "MAX_FILES", "MAX_TEXTS", "MAX_TEXT_CHARACTERS", "MAX_UPLOAD_BYTES"]

MAX_TEXT_CHARACTERS: Final = 100_000
"""Characters of all texts of one call together; a text of this length takes about a second."""
MAX_TEXTS: Final = 500
MAX_BODY_BYTES: Final = 4 << 20
"""Bytes of a body that is no upload."""
MAX_UPLOAD_BYTES: Final = 512 << 20
MAX_FILES: Final = 50

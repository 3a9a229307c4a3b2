"""Chat exports as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kanyu.batch import EXPORT_COLUMNS
from kanyu.batch.base import CHUNK_ROWS, Table, grouped
from kanyu.batch.chunks import Chunk, RowChunk
from kanyu.errors import InputError
from kanyu.importers import read_exports
from kanyu.messages import Conversation

__all__ = ["ExportTable"]


class ExportTable(Table):
    """A chat export: a row per message."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "text")
        self.columns = EXPORT_COLUMNS
        talks, errors = read_exports([path])
        self.errors = tuple(errors)
        if not talks:
            source, reason = errors[0]
            raise InputError(f"{source}: {reason}")
        self.n_rows = sum(map(len, talks))
        n_skipped = sum(len(talk.skipped) for talk in talks)
        if n_skipped:
            self.notes = (f"{path}: {n_skipped} lines were not understood; `kanyu scan --json` names them",)

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each column holds."""
        return {name: "int" if name == "index" else "str" for name in self.columns}

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the messages in order; the export is read anew, so that none is held before its turn."""
        talks, _ = read_exports([self.path])
        pairs = (pair for talk in talks for pair in _messages(talk))
        for texts, held in grouped(pairs, lambda pair: str(pair[0]), n_rows):
            yield RowChunk(texts, self.columns, [row for _, row in held])


def _messages(talk: Conversation) -> Iterator[tuple[str, list[Any]]]:
    """What is scored of each message, and its row; stickers and the like have no text to score."""
    for index, message in enumerate(talk.messages):
        at = message.at.isoformat() if message.at else None
        row = [talk.source, talk.title, index, at, message.sender, message.text]
        yield message.text if message.is_text else "", row

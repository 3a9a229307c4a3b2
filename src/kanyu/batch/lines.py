"""JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kanyu.batch.base import CHUNK_ROWS, Table, as_text, grouped, reading
from kanyu.batch.chunks import Chunk, LineChunk, kind_of, parse_line, unified
from kanyu.errors import InputError

__all__ = ["LinesTable"]


class LinesTable(Table):
    """JSON lines; a line may lack columns that others have."""

    ending = ".jsonl"

    def __init__(self, path: Path, column: str, encoding: str) -> None:
        super().__init__(path, column)
        self.encoding = encoding
        self._kinds: dict[str, set[str]] = {}

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each column holds."""
        return {name: unified(kinds) for name, kinds in self._kinds.items()}

    def survey(self) -> None:
        """Count the lines and gather every column."""
        self.n_rows = 0
        with reading(self.path):
            for _, record in self._records():
                self.n_rows += 1
                for name, value in record.items():
                    self._kinds.setdefault(name, set()).add(kind_of(value))
        self.columns = tuple(self._kinds)

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the lines in order."""
        with reading(self.path):
            for texts, held in grouped(self._records(), lambda pair: as_text(pair[1].get(self.column)), n_rows):
                yield LineChunk(texts, [line for line, _ in held])

    def _records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with self.path.open(encoding=self.encoding, newline="\n") as stream:
            for number, line in enumerate(stream, 1):
                text = line.strip(" \t\r\n")
                if not text:
                    continue
                try:
                    record = parse_line(text)
                except (ValueError, RecursionError):
                    record = None
                if not isinstance(record, dict):
                    raise InputError(f"{self.path}: line {number} is no JSON object; mend or delete it")
                yield text, record

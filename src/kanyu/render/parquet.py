"""Rows to Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from kanyu.batch.chunks import BatchChunk, Chunk
from kanyu.errors import MissingExtraError
from kanyu.render.cells import Layout, cell_text

__all__ = ["ParquetWriter"]


class ParquetWriter:
    """Batches are gathered into row groups of a size that readers like."""

    _GROUP_ROWS: Final = 1 << 16
    _GROUP_BYTES: Final = 1 << 24

    def __init__(self, path: Path, layout: Layout) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise MissingExtraError("Parquet", "parquet") from None
        self._pa = pa
        types = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "time": pa.timestamp("us")}
        self._layout = layout
        of_kind = {name: types.get(layout.kinds.get(name, "str"), pa.string()) for name in layout.names}
        fields = list(layout.schema) if layout.schema else [pa.field(name, of_kind[name]) for name in layout.columns]
        metadata = layout.schema.metadata if layout.schema else None
        self._added = [pa.field(name, of_kind[name]) for name in layout.added]
        self._schema = pa.schema([*fields, *self._added], metadata=metadata)
        self._stream = path.open("xb")
        self._file = pq.ParquetWriter(self._stream, self._schema)
        self._held: list[Any] = []

    def write(self, chunk: Chunk, added: Sequence[Sequence[Any]]) -> None:
        """Write rows and the values added to each."""
        more = self._arrays(self._added, added)
        if isinstance(chunk, BatchChunk) and self._layout.schema is not None:
            before = list(chunk.batch.columns)
        else:
            before = self._arrays(list(self._schema)[: len(self._layout.columns)], chunk.cells(self._layout.columns))
        self._held.append(self._pa.RecordBatch.from_arrays([*before, *more], schema=self._schema))
        n_rows, n_bytes = sum(batch.num_rows for batch in self._held), sum(batch.nbytes for batch in self._held)
        if n_rows >= self._GROUP_ROWS or n_bytes >= self._GROUP_BYTES:
            self._flush()

    def _arrays(self, fields: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[Any]:
        return [self._array(field.type, [row[place] for row in rows]) for place, field in enumerate(fields)]

    def _array(self, kind: Any, values: list[Any]) -> Any:
        types = self._pa.types
        if types.is_string(kind):
            values = [None if value is None else cell_text(value) for value in values]
        elif types.is_integer(kind):
            values = [None if value is None else int(value) for value in values]
        elif types.is_floating(kind):
            values = [None if value is None else float(value) for value in values]
        return self._pa.array(values, type=kind)

    def _flush(self) -> None:
        if self._held:
            self._file.write_table(self._pa.Table.from_batches(self._held, self._schema))
            self._held = []

    def close(self) -> None:
        """Write what is held back, and end the file."""
        self._flush()
        self._file.close()
        self._stream.close()

    def abandon(self) -> None:
        """Let go of a file that is to be thrown away."""
        for file in (self._file, self._stream):
            with suppress(Exception):  # the first fault is the one to tell
                file.close()

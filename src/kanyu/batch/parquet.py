"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kanyu.batch.base import CHUNK_ROWS, Table, as_text, reading
from kanyu.batch.chunks import BatchChunk, Chunk
from kanyu.errors import InputError, MissingExtraError

__all__ = ["ParquetTable"]


class ParquetTable(Table):
    """A Parquet file, read batch by batch; its schema is kept."""

    ending = ".parquet"

    def __init__(self, path: Path, column: str) -> None:
        super().__init__(path, column)
        with reading(path), self._file() as file:
            self.schema = file.schema_arrow
            self.columns = tuple(self.schema.names)
            self.n_rows = file.metadata.num_rows

    @contextmanager
    def _file(self) -> Iterator[Any]:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise MissingExtraError("Parquet", "parquet") from None
        try:
            with self.path.open("rb") as stream, pq.ParquetFile(stream) as file:
                yield file
        except pa.ArrowException as error:
            raise InputError(f"{self.path}: damaged Parquet ({type(error).__name__}); write it again") from None

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each column holds."""
        from pyarrow import types

        tests = {"int": types.is_signed_integer, "float": types.is_floating, "bool": types.is_boolean}
        return {
            field.name: next((kind for kind, test in tests.items() if test(field.type)), "str") for field in self.schema
        }

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the batches in order."""
        with reading(self.path), self._file() as file:
            for batch in file.iter_batches(batch_size=n_rows, use_threads=False):
                texts = [as_text(value) for value in batch.column(self.column).to_pylist()]
                yield BatchChunk(texts, batch)

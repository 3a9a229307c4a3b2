"""What every reader of a table shares."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from kanyu.batch.chunks import Chunk
from kanyu.errors import InputError, KanyuError

__all__ = ["CHUNK_ROWS", "Table", "as_text", "grouped", "reading"]

CHUNK_ROWS: Final = 1024
_CHUNK_CHARACTERS: Final = 1 << 21


class Table:
    """A table on disk whose columns are known and whose rows are read when asked for.

    Attributes
    ----------
    path : Path
    ending : str
        The ending that a table of the same format has.
    columns : tuple of str
    n_rows : int or None
        None where only reading it all would tell.
    errors : tuple of (str, str)
        Pieces that could not be read, with the reason; the rest is read.
    notes : tuple of str
        What a user should know.
    """

    ending = ".csv"
    n_rows: int | None = None
    errors: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, column: str) -> None:
        self.path = path
        self.column = column
        self.columns: tuple[str, ...] = ()

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each column holds, for formats whose columns have types (see `chunks.kind_of`)."""
        return dict.fromkeys(self.columns, "str")

    def chunks(self, n_rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Yield the rows in order."""
        raise NotImplementedError

    def check_columns(self) -> None:
        """Refuse a table without the text's column, or with two columns of one name."""
        if self.column not in self.columns:
            names = ", ".join(name[:24] for name in self.columns[:20]) or "none"
            raise InputError(f"{self.path}: no column {self.column!r}; its columns: {names}; choose one with --column")
        twice = next((name for name in self.columns if self.columns.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"{self.path}: two columns are named {twice[:24]!r}; rename one of them")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell what a damaged, missing or changing file raises as one line."""
    try:
        before = path.stat()
        yield
        after = path.stat()
    except KanyuError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or folder; check the path") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: bytes that are not {error.encoding}; save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be read'}; check the path and its rights") from None
    except (csv.Error, zipfile.BadZipFile, ValueError, KeyError, EOFError, RecursionError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}); save it again") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(f"{path}: changed while it was read; try again when nothing writes to it")


def grouped(rows: Iterable[Any], text_of: Callable[[Any], str], n_rows: int) -> Iterator[tuple[list[str], list[Any]]]:
    """Yield texts and rows, so many at a time; fewer where texts are long."""
    texts: list[str] = []
    held: list[Any] = []
    characters = 0
    for row in rows:
        text = text_of(row)
        texts.append(text)
        held.append(row)
        characters += len(text)
        if len(held) >= n_rows or characters >= _CHUNK_CHARACTERS:
            yield texts, held
            texts, held, characters = [], [], 0
    if held:
        yield texts, held


def as_text(value: Any) -> str:
    """A cell's text; a missing one is empty. Some programs write Parquet's texts as bytes."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None or value != value else str(value)

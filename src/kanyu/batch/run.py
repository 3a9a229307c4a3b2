"""Whole jobs: many tables into one file, or each into its own part of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kanyu.batch.chunks import unified
from kanyu.batch.scoring import Scored, Scoring
from kanyu.batch.tables import LinesTable, ParquetTable, Table, open_table, total_rows
from kanyu.errors import InputError, KanyuError
from kanyu.labels import HEADLINES

__all__ = ["ADDED", "Job", "Shape", "Summary"]

ADDED: Final = (*HEADLINES, "flags", "verdict")
"""The columns that scoring adds."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of an output.

    Attributes
    ----------
    columns, added : tuple of str
        Those that were there, and those that come after them.
    kinds : dict of str to str
        What each holds (see `chunks.kind_of`).
    schema : pyarrow.Schema or None
        That of the input, where all of it is Parquet.
    n_rows : int or None
        How many rows will come, where that is known.
    """

    columns: tuple[str, ...]
    added: tuple[str, ...]
    kinds: dict[str, str]
    schema: Any
    n_rows: int | None


Write = Callable[[Path, Shape, Iterable[Scored]], None]
"""Writes scored rows to a file, whole or not at all."""


@dataclass(slots=True)
class Summary:
    """What a job did.

    Attributes
    ----------
    n_rows, n_flagged : int
        Rows written, and those whose verdict is ``flagged``.
    n_kept : int
        Parts that an earlier run had finished.
    errors : list of (str, str)
        What could not be read, with the reason.
    notes : list of str
        What a user should know.
    """

    n_rows: int = 0
    n_flagged: int = 0
    n_kept: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fail(self, path: Path, error: KanyuError) -> None:
        """Note what could not be read."""
        self.errors.append((str(path), str(error).removeprefix(f"{path}: ")))


@dataclass(slots=True)
class Job:
    """What to do with every table.

    Attributes
    ----------
    scoring : Scoring
    write : callable
        Writes scored rows to a file.
    column : str or None
        The column with the messages; ``text`` by default.
    prefix : str
        What the added columns' names begin with.
    advance : callable
        Told the number of rows of each scored chunk.
    """

    scoring: Scoring
    write: Write
    column: str | None = None
    prefix: str = ""
    advance: Callable[[int], None] = lambda _: None
    summary: Summary = field(default_factory=Summary)

    @property
    def added(self) -> tuple[str, ...]:
        """The names of the added columns."""
        return tuple(f"{self.prefix}{name}" for name in ADDED)

    def open(self, paths: Iterable[Path]) -> list[Table]:
        """Open tables and look through them; what fails is noted and left out."""
        tables: list[Table] = []
        for path in paths:
            try:
                table = open_table(path, self.column)
                taken = next((name for name in self.added if name in table.columns), None)
                if taken is not None:
                    raise InputError(f"{path}: a column is already named {taken!r}; give --prefix kanyu_ or rename it")
            except KanyuError as error:
                self.summary.fail(path, error)
                continue
            self.summary.errors += table.errors
            self.summary.notes += table.notes
            tables.append(table)
        return tables

    def write_all(self, tables: Sequence[Table], out: Path) -> None:
        """Write the rows of all tables to one file, one table after the other.

        Raises
        ------
        InputError
            When their columns do not agree.
        OutputError
            When the output cannot be written.
        """
        shape = self._shape(tables, out)
        chunks = (chunk for table in tables for chunk in table.chunks())
        self.write(out, shape, self._counted(self.scoring.score(chunks)))

    def _counted(self, scored: Iterable[Scored]) -> Iterator[Scored]:
        for item in scored:
            yield item
            self.summary.n_rows += len(item.scores)
            self.summary.n_flagged += sum(score[-1] == "flagged" for score in item.scores)
            self.advance(len(item.scores))

    def _shape(self, tables: Sequence[Table], out: Path) -> Shape:
        first = tables[0]
        are_lines = out.suffix.lower() == ".jsonl" and all(isinstance(table, LinesTable) for table in tables)
        for table in tables[1:]:
            if set(table.columns) != set(first.columns) and not are_lines:
                other = next(iter(set(table.columns) ^ set(first.columns)))
                raise InputError(
                    f"{table.path}: its columns are not those of {first.path} ({other[:24]!r}); give a folder to --out"
                )
        is_typed = out.suffix.lower() == ".parquet"
        kinds = {
            name: unified({table.kinds.get(name, "none") for table in tables}) if is_typed else "str"
            for name in first.columns
        }
        kinds |= dict.fromkeys(self.added[: len(HEADLINES)], "float")
        schemas = [table.schema for table in tables if isinstance(table, ParquetTable)]
        is_parquet = is_typed and len(schemas) == len(tables)
        if is_parquet and any(not schema.equals(schemas[0]) for schema in schemas):
            raise InputError(f"{out}: the Parquet files differ in the types of their columns; give a folder to --out")
        return Shape(first.columns, self.added, kinds, schemas[0] if is_parquet else None, total_rows(tables))

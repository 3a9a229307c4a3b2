"""Whole jobs: many tables into one file, or each into its own part of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kanyu.batch.base import CHUNK_ROWS, Table
from kanyu.batch.chunks import unified
from kanyu.batch.lines import LinesTable
from kanyu.batch.manifest import Manifest, Part
from kanyu.batch.parquet import ParquetTable
from kanyu.batch.scoring import Scored, Scoring
from kanyu.batch.sources import Input
from kanyu.batch.tables import open_table, total_rows
from kanyu.errors import InputError, KanyuError, OutputError, UsageError
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
        Told the rows of each scored chunk, and how many bytes of the inputs are done with them.
    chunk_rows : int
        Rows that are read at a time; the results are the same whatever it is.
    """

    scoring: Scoring
    write: Write
    column: str | None = None
    prefix: str = ""
    advance: Callable[[int, float], None] = lambda _rows, _bytes: None
    chunk_rows: int = CHUNK_ROWS
    summary: Summary = field(default_factory=Summary)

    @property
    def added(self) -> tuple[str, ...]:
        """The names of the added columns."""
        return tuple(f"{self.prefix}{name}" for name in ADDED)

    def open(self, inputs: Iterable[Input]) -> list[Table]:
        """Open tables and look through them; what fails is noted and left out."""
        tables: list[Table] = []
        for path in (item.path for item in inputs):
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
        chunks = (chunk for table in tables for chunk in table.chunks(self.chunk_rows))
        n_bytes = sum(Input(table.path, "").fingerprint()[0] for table in tables)
        self.write(out, shape, self._counted(self.scoring.score(chunks), n_bytes, shape.n_rows))

    def write_parts(self, inputs: Sequence[Input], manifest: Manifest) -> None:
        """Write a part for each input; parts that the manifest knows to be finished are kept.

        Raises
        ------
        UsageError
            When a part would take the place of its own input.
        OutputError
            When an output cannot be written. The parts before it are finished then.
        """
        for item in inputs:
            try:
                fingerprint = item.fingerprint()
                kept = manifest.finished(item, fingerprint)
                if kept is None:
                    self._write_part(item, fingerprint, manifest)
                else:
                    self.summary.n_kept += 1
                    self.summary.n_rows += kept.n_rows
                    self.summary.n_flagged += kept.n_flagged
                    self.advance(0, kept.size)
            except InputError as error:
                self.summary.fail(item.path, error)
        manifest.settle(inputs)

    def _write_part(self, item: Input, fingerprint: tuple[int, int], manifest: Manifest) -> None:
        tables = self.open([item])
        if not tables:
            return
        name = item.output_name(tables[0].ending)
        out = manifest.folder / name
        if out.exists() and out.samefile(item.path):
            raise UsageError(f"{item.path} would be its own output; give another folder to --out.")
        rows, flagged, n_errors = self.summary.n_rows, self.summary.n_flagged, len(tables[0].errors)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            self.write_all(tables, out)
            n_bytes = out.stat().st_size
        except KanyuError:
            self.summary.n_rows, self.summary.n_flagged = rows, flagged
            raise
        except OSError as error:
            raise OutputError(f"cannot write {out}: {error.strerror}; choose another folder with --out") from error
        if not n_errors:  # a part that lacks something is tried again
            n_rows, n_flagged = self.summary.n_rows - rows, self.summary.n_flagged - flagged
            manifest.add(Part(str(item.path), *fingerprint, name, n_bytes, n_rows, n_flagged))

    def _counted(self, scored: Iterable[Scored], n_bytes: int, n_rows: int | None) -> Iterator[Scored]:
        """Count what goes by; progress is told as each row's share of the bytes, which are always known."""
        done = 0.0
        for item in scored:
            yield item
            self.summary.n_rows += len(item.scores)
            self.summary.n_flagged += sum(score[-1] == "flagged" for score in item.scores)
            share = n_bytes * len(item.scores) / n_rows if n_rows else 0.0
            done += share
            self.advance(len(item.scores), share)
        self.advance(0, n_bytes - done)

    def _shape(self, tables: Sequence[Table], out: Path) -> Shape:
        first = tables[0]
        are_lines = out.suffix.lower() == ".jsonl" and all(isinstance(table, LinesTable) for table in tables)
        for table in tables[1:]:
            if set(table.columns) != set(first.columns) and not are_lines:
                other = min(set(table.columns) ^ set(first.columns))
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

"""``kanyu score``: tables and chat exports to the same rows with probabilities and verdicts."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from kanyu._version import __version__
from kanyu.cli.options import LANG, THRESHOLDS, changed_thresholds
from kanyu.errors import UsageError
from kanyu.labels import HEADLINES

if TYPE_CHECKING:
    from kanyu.batch.run import Shape, Summary
    from kanyu.batch.scoring import Scored, Scoring
    from kanyu.detector import Detector

__all__ = ["LoadDetector", "score"]

_WORTH_JOBS: Final = 2 << 20
"""Bytes of input below which starting worker processes costs more than they save."""
_SHOWN: Final = 20


@dataclass(frozen=True)
class LoadDetector:
    """Loads the detector, here or in a worker process; holds a path and thresholds, never a model."""

    path: str | None
    thresholds: tuple[tuple[str, float], ...]

    def __call__(self) -> Detector:
        """Load it."""
        from kanyu.detector import load

        return load(self.path, thresholds=dict(self.thresholds))


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="TABLE_OR_EXPORT...")
@click.option(
    "--out",
    required=True,
    metavar="OUT",
    help="書き出す先: .csv .tsv .jsonl .xlsx .parquet のファイル、またはフォルダ(入力1つに1ファイル)"
    "/ a file of one of these endings, or a folder",
)
@click.option("--column", metavar="NAME", help="本文の列の名前(初めは text)/ the column with the messages")
@click.option("--prefix", default="", metavar="P", help="加える列の名前の頭につける / prefix of the added columns")
@THRESHOLDS
@click.option("--model", "model_path", metavar="MODEL", help="使うモデル / another model file")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="同時に動かす数(初めは自動)/ worker processes")
@click.option(
    "--backend", type=click.Choice(["local", "dask"]), default="local", help="どこで計算するか / where texts are scored"
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Daskのスケジューラー(--backend dask)/ its address, as tcp://10.0.0.5:8786"
)
@click.option("--resume", is_flag=True, help="途中で止まったフォルダの続きから / go on where a killed run stopped")
@click.option(
    "--plain-csv",
    is_flag=True,
    help="プログラムで読むCSV(先頭のBOMも、数式よけの「'」も付けない)/ CSV for programs: no BOM, no formula guard",
)
@LANG
@click.option("--exit-code", is_flag=True, help="気をつけたい型があれば10で終わる / exit 10 when flagged")
def score(
    sources: tuple[str, ...],
    out: str,
    column: str | None,
    prefix: str,
    thresholds: dict[str, float],
    model_path: str | None,
    jobs: int | None,
    backend: str,
    scheduler: str | None,
    resume: bool,
    plain_csv: bool,
    lang: str,
    exit_code: bool,
) -> int:
    """表やトーク履歴の1行ごとに、勧誘の確率と判定を加えます。ほかの列はそのまま残ります。

    Score tables (CSV, TSV, JSONL, XLSX, Parquet) and chat exports, row by row.
    """
    from kanyu.batch.manifest import Manifest
    from kanyu.batch.run import Job, Summary
    from kanyu.batch.scoring import Scoring
    from kanyu.batch.sources import find_inputs, total_bytes

    started = time.monotonic()
    folder = _folder(out, sources)
    if resume and folder is None:
        raise UsageError("--resume needs a folder: give --out FOLDER/, which gets one file per input.")
    if (backend == "dask") != (scheduler is not None):
        raise UsageError("--backend dask and --scheduler tcp://HOST:PORT belong together; give both or neither.")
    load = LoadDetector(
        None if model_path is None else str(Path(model_path).absolute()), tuple(sorted(thresholds.items()))
    )
    inputs, errors, notes = find_inputs(sources, folder)
    size = total_bytes(inputs)
    jobs = jobs or (0 if scheduler else _jobs(size))
    loads, facts = _judge(load, jobs)
    summary = Summary(errors=errors, notes=notes)
    place = Scoring(loads, jobs) if scheduler is None else _on_cluster(scheduler, load, jobs, lang)
    with place as scoring, _progress(size, lang) as advance:
        job = Job(scoring, _writer(plain_csv), column, prefix, advance, summary=summary)
        if folder is None:
            tables = job.open(inputs)
            if tables:
                job.write_all(tables, Path(out))
        elif inputs:
            facts |= {"column": column, "prefix": prefix, "plain_csv": plain_csv}
            job.write_parts(inputs, Manifest(folder, facts, is_resumed=resume))
    _tell(summary, out, thresholds, time.monotonic() - started, lang)
    return 1 if summary.errors else 10 if exit_code and summary.n_flagged else 0


@contextmanager
def _on_cluster(address: str, load: LoadDetector, jobs: int, lang: str) -> Iterator[Scoring]:
    """Score on the workers of a cluster, and say so first: it is the one thing that leaves this machine."""
    from kanyu.batch.scoring import Scoring
    from kanyu.distributed import connect
    from kanyu.model import shipped_model_path
    from kanyu.render.terminal import harmless

    line = (
        f"kanyu: connecting to {address}; the texts are sent there to be scored"
        if lang == "en"
        else f"kanyu: {address} に接続し、本文をそこへ送って調べます"
    )
    click.echo(harmless(line), err=True)
    path = shipped_model_path() if load.path is None else Path(load.path)
    with (
        connect(address, path, dict(load.thresholds)) as cluster,
        Scoring(cluster.load, jobs or cluster.n_workers, cluster) as scoring,
    ):
        yield scoring


def _judge(load: LoadDetector, jobs: int) -> tuple[Callable[[], Detector], dict[str, Any]]:
    """What loads the detector, and the facts that decide its results.

    It is loaded here in any case, so that a model or a threshold that cannot be used shows before
    anything is read; with workers it is let go again.
    """
    detector = load()
    thresholds = {name: detector.thresholds[name] for name in HEADLINES}
    facts = {"kanyu": __version__, "model": detector.reference.sha256, "thresholds": thresholds}
    return (load if jobs > 1 else lambda: detector), facts


def _folder(out: str, sources: Sequence[str]) -> Path | None:
    """The folder of the outputs; None where OUT is one file."""
    from kanyu.render.tables import ENDINGS

    path = Path(out)
    if path.is_dir() or out.endswith(("/", os.sep)):
        return path
    if path.suffix.lower() in ENDINGS:
        return None
    if not path.suffix and (len(sources) > 1 or any(Path(source).is_dir() for source in sources)):
        return path
    raise UsageError(
        f"--out must end in one of {', '.join(ENDINGS)}, or be a folder (end it in /). Got {out!r} instead."
    )


def _jobs(n_bytes: int) -> int:
    """As many workers as there are cores, where the input is large enough to pay for their start."""
    if n_bytes < _WORTH_JOBS:
        return 1
    from joblib import cpu_count

    return int(cpu_count())


def _writer(plain: bool) -> Callable[[Path, Shape, Iterable[Scored]], None]:
    from kanyu.render.tables import Layout, open_writer

    def write(path: Path, shape: Shape, scored: Iterable[Scored]) -> None:
        layout = Layout(shape.columns, shape.added, shape.kinds, shape.schema, shape.n_rows)
        with open_writer(path, layout, plain=plain) as writer:
            for chunk, scores in scored:
                writer.write(chunk, scores)

    return write


@contextmanager
def _progress(n_bytes: int, lang: str) -> Iterator[Callable[[int, float], None]]:
    """A bar with rows, rate and time left on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _rows, _bytes: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    words = "{task.fields[rows]:,} rows {task.fields[rate]:,.0f}/s"
    rows = TextColumn(words if lang == "en" else "{task.fields[rows]:,}行 毎秒{task.fields[rate]:,.0f}行")
    columns = (BarColumn(), TaskProgressColumn(), rows, TimeRemainingColumn())
    started, n_rows = time.monotonic(), 0
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=max(n_bytes, 1), rows=0, rate=0.0)

        def advance(more_rows: int, more_bytes: float) -> None:
            nonlocal n_rows
            n_rows += more_rows
            rate = n_rows / max(time.monotonic() - started, 1e-3)
            progress.update(task, advance=more_bytes, rows=n_rows, rate=rate)

        yield advance


def _tell(summary: Summary, out: str, thresholds: Mapping[str, float], seconds: float, lang: str) -> None:
    """Remarks, faults, and a last line on standard error."""
    from kanyu.render.terminal import harmless

    def say(line: str) -> None:
        click.echo(" ".join(harmless(line).split()), err=True)

    for note in summary.notes[:_SHOWN]:
        say(f"kanyu: {note}")
    for source, reason in summary.errors:
        say(f"kanyu: {source}: {reason}")
    facts: dict[str, Any] = {"rows": summary.n_rows, "flagged": summary.n_flagged, "kept": summary.n_kept}
    if summary.errors and not (summary.n_rows or summary.n_kept):
        return  # no row was written: no word about OUT, which may be absent or an older file
    changed = changed_thresholds(thresholds, lang)
    if lang == "en":
        line = "{rows:,} rows, {flagged:,} of them flagged".format(**facts)
        line += f", {summary.n_kept:,} finished parts kept" if summary.n_kept else ""
        line += f", {changed}" if changed else ""
        say(f"{line} ({seconds:.1f} s): {out}")
    else:
        line = "{rows:,}行のうち{flagged:,}行に、気をつけたい勧誘の可能性があります".format(**facts)
        line += f"。終わっていた{summary.n_kept:,}件はそのまま" if summary.n_kept else ""
        line += f"。{changed}" if changed else ""
        say(f"{line}({seconds:.1f}秒): {out}")

"""``kanyu score``: tables and chat exports to the same rows with probabilities and verdicts."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanyu.cli.options import LANG, THRESHOLDS
from kanyu.errors import UsageError

if TYPE_CHECKING:
    from kanyu.batch.run import Shape
    from kanyu.batch.scoring import Scored
    from kanyu.detector import Detector

__all__ = ["LoadDetector", "score"]


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
@click.option("--out", required=True, metavar="OUT", help="書き出す先(.csv .tsv .jsonl .xlsx .parquet、またはフォルダ)")
@click.option("--column", metavar="NAME", help="本文の列の名前(初めは text)/ the column with the messages")
@click.option("--prefix", default="", metavar="P", help="加える列の名前の頭 / prefix of the added columns")
@THRESHOLDS
@click.option("--model", "model_path", metavar="MODEL", help="使うモデル / another model file")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="並べて動かす数 / worker processes")
@click.option("--plain-csv", is_flag=True, help="プログラムで読むCSV(BOMと数式よけなし)/ no BOM, no formula guard")
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
    plain_csv: bool,
    lang: str,
    exit_code: bool,
) -> int:
    """表やトーク履歴の1行ごとに、勧誘の確率と判定を加えます。

    Score tables (CSV, TSV, JSONL, XLSX, Parquet) and chat exports, row by row.
    """
    from kanyu.batch.run import Job
    from kanyu.batch.scoring import Scoring
    from kanyu.render.tables import ENDINGS, Layout, open_writer
    from kanyu.render.terminal import harmless

    started = time.monotonic()

    def write(path: Path, shape: Shape, scored: Iterable[Scored]) -> None:
        layout = Layout(shape.columns, shape.added, shape.kinds, shape.schema, shape.n_rows)
        with open_writer(path, layout, plain=plain_csv) as writer:
            for chunk, scores in scored:
                writer.write(chunk, scores)

    if Path(out).suffix.lower() not in ENDINGS:
        raise UsageError(f"--out must end in one of {', '.join(ENDINGS)}. Got {out!r} instead.")
    load = LoadDetector(
        None if model_path is None else str(Path(model_path).absolute()), tuple(sorted(thresholds.items()))
    )
    load()
    with Scoring(load, jobs or 1) as scoring:
        job = Job(scoring, write, column, prefix)
        tables = job.open(map(Path, sources))
        if tables:
            job.write_all(tables, Path(out))
    summary = job.summary
    for note in summary.notes:
        click.echo(f"kanyu: {harmless(note)}", err=True)
    for source, reason in summary.errors:
        click.echo(f"kanyu: {harmless(source)}: {harmless(reason)}", err=True)
    seconds = time.monotonic() - started
    if lang == "en":
        click.echo(
            f"{summary.n_rows:,} rows, {summary.n_flagged:,} flagged, {seconds:.1f} s: {harmless(out)}", err=True
        )
    else:
        line = (
            f"{summary.n_rows:,}行のうち{summary.n_flagged:,}行に、気をつけたい勧誘の可能性があります({seconds:.1f}秒)"
        )
        click.echo(f"{line}: {harmless(out)}", err=True)
    return 1 if summary.errors else 10 if exit_code and summary.n_flagged else 0

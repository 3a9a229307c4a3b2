"""``kanyu evaluate``: measure a model on labelled messages and ordinary chats."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kanyu.cli.options import THRESHOLDS

__all__ = ["evaluate"]


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--ordinary", multiple=True, type=click.Path(path_type=Path), help="chats in which nobody pitches (JSONL)"
)
@click.option("--split", help="only rows of this split, such as test")
@click.option("--json", "as_json", is_flag=True, help="JSONで出す / print JSON")
@THRESHOLDS
def evaluate(
    model: Path,
    data: tuple[Path, ...],
    ordinary: tuple[Path, ...],
    split: str | None,
    as_json: bool,
    thresholds: dict[str, float],
) -> None:
    """モデルを測る / measure MODEL on labelled DATA; MODEL may be `kanyu-ja`, the shipped one."""
    from kanyu.detector import load
    from kanyu.errors import DataError
    from kanyu.training.corpus import load_labelled, load_ordinary
    from kanyu.training.evaluation import evaluate as measure

    detector = load(None if str(model) == "kanyu-ja" else model, thresholds=thresholds)
    frame = load_labelled(data)
    if split is not None:
        frame = frame[frame["split"] == split].reset_index(drop=True)
        if frame.empty:
            raise DataError(f"no row has the split {split!r}; leave --split out to measure all rows")
    result = measure(detector, frame, load_ordinary(ordinary) if ordinary else None)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    click.echo(
        f"{'label':22} {'n':>6} {'pos':>5} {'prec':>6} {'recall':>6} {'F1':>6} {'95 % of F1':>13} {'AP':>6} {'ECE':>6}"
    )
    for name, row in result["labels"].items():
        low, high = row["interval"]["f1"]
        click.echo(
            f"{name:22} {row['n']:6} {row['positives']:5} {row['precision']:6.3f} {row['recall']:6.3f} {row['f1']:6.3f}"
            f"  {low:.3f}-{high:.3f} {row['average_precision']:6.3f} {row['ece']:6.3f}"
        )
    if "ordinary" in result:
        part = result["ordinary"]
        click.echo(f"\nfalse alarms per 1,000 of {part['messages']} ordinary messages (upper 95 % bound)")
        for name, rate in part["per_1000"].items():
            click.echo(f"{name:22} {rate:6.2f} ({part['upper_95'][name]:.2f})")

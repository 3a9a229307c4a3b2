"""``kanyu train``: train a model on labelled messages."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["train"]


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="モデルの書き出し先 / model file")
@click.option("--conversations", type=click.Path(path_type=Path), help="folder that holds conversations/*.jsonl")
@click.option("--ordinary", multiple=True, type=click.Path(path_type=Path), help="ordinary chats to choose thresholds on")
@click.option("--record", type=click.Path(path_type=Path), help="file that keeps what the ordinary chats asked for")
@click.option("--keep-pipeline", type=click.Path(path_type=Path), help="also keep the scikit-learn pipeline (.joblib)")
@click.option("--name", default="kanyu-ja", show_default=True)
@click.option("--model-version", default="0", show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), help="folder for cached tokens")
@click.option("--jobs", default=2, show_default=True)
def train(
    data: tuple[Path, ...],
    out: Path,
    conversations: Path | None,
    ordinary: tuple[Path, ...],
    record: Path | None,
    keep_pipeline: Path | None,
    name: str,
    model_version: str,
    cache: Path | None,
    jobs: int,
) -> None:
    """ラベル付きのメッセージからモデルを作る / train a model on labelled messages.

    DATA: JSONL or CSV files (or folders) with `text` and headline labels 0/1; see data/README.md.
    """
    from joblib import Memory
    from rich.console import Console
    from rich.progress import Progress

    from kanyu.training.corpus import load_conversations, load_labelled, load_ordinary
    from kanyu.training.export import save_pipeline
    from kanyu.training.pipeline import TrainingOptions
    from kanyu.training.train import OrdinaryRecord
    from kanyu.training.train import train as train_model

    messages = load_labelled(data)
    talks = load_conversations(conversations) if conversations else []
    kept = OrdinaryRecord.load(record) if record and record.exists() and not ordinary else None
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("…", total=None)

        def tell(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        trained = train_model(
            messages,
            talks,
            options=TrainingOptions(n_jobs=jobs),
            ordinary=load_ordinary(ordinary) if ordinary else None,
            record=kept,
            name=name,
            version=model_version,
            memory=Memory(cache, verbose=0) if cache else None,
            progress=tell,
        )
    digest = trained.model.save(out)
    if record and ordinary and trained.record:
        trained.record.save(record)
    if kept is not None and trained.record is None:
        click.echo(f"{record} was made for other data and was not used; give --ordinary to renew it", err=True)
    if keep_pipeline:
        save_pipeline(trained.model, keep_pipeline)
    click.echo(f"{out}  SHA-256 {digest}  {len(trained.frame)} messages, {sum(map(len, trained.model.vocabulary))} terms")

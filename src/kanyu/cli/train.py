"""``kanyu train``: train a model on labelled messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kanyu.cli.options import LANG

if TYPE_CHECKING:
    import pandas as pd

    from kanyu.detector import Detector
    from kanyu.training.feedback import Changes
    from kanyu.training.train import OrdinaryRecord

__all__ = ["train"]


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="モデルの書き出し先 / model file"
)
@click.option("--conversations", type=click.Path(path_type=Path), help="folder that holds conversations/*.jsonl")
@click.option(
    "--ordinary", multiple=True, type=click.Path(path_type=Path), help="ordinary chats to choose thresholds on"
)
@click.option("--record", type=click.Path(path_type=Path), help="file that keeps what the ordinary chats asked for")
@click.option("--keep-pipeline", type=click.Path(path_type=Path), help="also keep the scikit-learn pipeline (.joblib)")
@click.option("--name", default="kanyu-ja", show_default=True)
@click.option("--model-version", default="0", show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), help="folder for cached tokens")
@click.option("--jobs", default=2, show_default=True)
@click.option("--feedback", is_flag=True, help="ページで保存した訂正も使う / use the corrections kept by the page too")
@click.option("--feedback-store", type=click.Path(path_type=Path), help="another file of corrections")
@LANG
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
    feedback: bool,
    feedback_store: Path | None,
    lang: str,
) -> None:
    """ラベル付きのメッセージからモデルを作る / train a model on labelled messages.

    DATA: JSONL or CSV files (or folders) with `text` and headline labels 0/1; see data/README.md.
    """
    from joblib import Memory
    from rich.console import Console
    from rich.progress import Progress

    from kanyu.training.corpus import load_conversations, load_labelled, load_ordinary
    from kanyu.training.export import save_pipeline
    from kanyu.training.feedback import with_feedback
    from kanyu.training.pipeline import TrainingOptions
    from kanyu.training.train import OrdinaryRecord
    from kanyu.training.train import train as train_model

    messages = load_labelled(data)
    talks = load_conversations(conversations) if conversations else []
    rows = _corrections(feedback_store, lang) if feedback or feedback_store else []
    old = _old_model(out) if rows else None
    corpus, messages = messages, with_feedback(messages, rows) if rows else messages
    kept = OrdinaryRecord.load(record) if record and record.exists() and not ordinary else None
    if kept is not None and rows:
        kept = _renewed(kept, corpus, messages, talks)
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
    click.echo(
        f"{out}  SHA-256 {digest}  {len(trained.frame)} messages, {sum(map(len, trained.model.vocabulary))} terms"
    )
    if old is not None:
        from kanyu.detector import Detector
        from kanyu.training.feedback import compare

        _show(compare(old, Detector(trained.model), corpus, rows), lang)


def _corrections(store: Path | None, lang: str) -> list[dict[str, Any]]:
    """The corrections that can be used, and a word on those that cannot."""
    from kanyu.errors import InputError
    from kanyu.feedback import FeedbackStore

    kept = FeedbackStore(store)
    if store is not None and not store.exists():
        raise InputError(f"{store}: no such file of corrections; `kanyu feedback list` shows what is kept")
    rows, total = kept.training_rows(), len(kept.corrections())
    if lang == "ja":
        click.echo(f"訂正 {len(rows)}件を使います(保存は{total}件。文や答えのないものは使えません)", err=True)
    else:
        click.echo(f"{len(rows)} of {total} corrections are used (a message and an answer are needed)", err=True)
    return rows


def _old_model(out: Path) -> Detector:
    """The model that is replaced, else the shipped one."""
    from kanyu.detector import load
    from kanyu.errors import ModelError

    try:
        return load(out) if out.exists() else load()
    except ModelError:
        return load()


def _renewed(
    record: OrdinaryRecord, corpus: pd.DataFrame, messages: pd.DataFrame, talks: Sequence[Mapping[str, Any]]
) -> OrdinaryRecord:
    """The record for the corpus, taken over for the corpus with corrections: ordinary chat asks for the same."""
    from dataclasses import replace

    import pandas as pd

    from kanyu.training.corpus import conversation_messages, data_sha256

    training = [dict(talk) for talk in talks if talk["split"] != "test"]
    more = [conversation_messages(training)] if training else []

    def digest(part: pd.DataFrame) -> str:
        return data_sha256(pd.concat([part[part["split"] != "test"], *more], ignore_index=True))

    return replace(record, data_sha256=digest(messages)) if record.data_sha256 == digest(corpus) else record


def _show(changes: Changes, lang: str) -> None:
    """Old against new, without any text."""
    from kanyu.render.phrases import SHORT_VERDICTS

    side = 0 if lang == "ja" else 1
    n = len(changes.corrections)
    before = sum(item.old == item.wanted for item in changes.corrections)
    after = sum(item.new == item.wanted for item in changes.corrections)
    data = (changes.n_messages, changes.n_changed, changes.n_newly_flagged, changes.n_no_longer_flagged)
    if lang == "ja":
        click.echo(f"訂正と合う答え: 前のモデル {before}/{n} → 新しいモデル {after}/{n}")
    else:
        click.echo(f"answers that agree with the corrections: old model {before}/{n}, new model {after}/{n}")
    for item in changes.corrections:
        old, new, wanted = (SHORT_VERDICTS[name][side] for name in (item.old, item.new, item.wanted))
        asked = f"訂正は「{wanted}」" if lang == "ja" else f"corrected to {wanted}"
        click.echo(f"  {item.id}: {old} → {new} ({asked})")
    if lang == "ja":
        click.echo(
            "学習データ {:,}通のうち{:,}通の答えが変わりました(注意に {:,}、注意でなくなった {:,})".format(*data)
        )
    else:
        click.echo("of {:,} messages of the data {:,} changed ({:,} newly flagged, {:,} no longer)".format(*data))

"""``kanyu feedback``: the corrections that the page keeps on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from kanyu.cli.options import LANG

__all__ = ["feedback"]

_STORE = click.option(
    "--store", type=click.Path(path_type=Path), metavar="F", help="別の保存ファイル / another file of corrections"
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def feedback() -> None:
    """ページで保存した訂正を見る、書き出す、消す。

    List, export or delete the corrections that the page keeps on this machine.
    """


@feedback.command("list")
@_STORE
@click.option("--json", "as_json", is_flag=True, help="JSONで出す / print JSON")
@LANG
def list_corrections(store: Path | None, as_json: bool, lang: str) -> None:
    """保存した訂正を並べる / list what is kept."""
    from kanyu.feedback import FeedbackStore
    from kanyu.labels import HEADLINES, LABELS
    from kanyu.render.phrases import SHORT_VERDICTS, cut
    from kanyu.render.terminal import harmless, to_json

    kept = FeedbackStore(store)
    corrections = kept.corrections()
    if as_json:
        click.echo(to_json({"store": str(kept.path), "corrections": [item.to_dict() for item in corrections]}))
        return
    ja = lang == "ja"
    for item in corrections:
        said = SHORT_VERDICTS[item.said][0 if ja else 1]
        on = [LABELS[name].ja if ja else LABELS[name].en for name in HEADLINES if item.labels[name] == 1]
        unsaid, ordinary = ("答えなし", "ふつうの連絡") if ja else ("no answer", "no pitch")
        truth = unsaid if item.labels["pitch"] is None else "・".join(on) or ordinary
        text = harmless(cut(item.text, 40)) if item.text is not None else "(文なし)" if ja else "(no text)"
        mark = ("合" if item.is_right else "違") if ja else ("right" if item.is_right else "wrong")
        click.echo(f"{item.id}\t{item.at[:10]}\t{said}\t{mark}\t{truth}\t{text}")
    count = f"{len(corrections)}件: {kept.path}" if ja else f"{len(corrections)} in {kept.path}"
    click.echo(harmless(count), err=True)


@feedback.command("export")
@_STORE
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="書き出す先 / where to write")
@LANG
def export_corrections(store: Path | None, out: Path | None, lang: str) -> None:
    """訂正をJSONLで書き出す(`kanyu train` がそのまま読めます)/ export as labelled data."""
    from kanyu.batch.files import atomically
    from kanyu.feedback import FeedbackStore

    kept = FeedbackStore(store)
    body = kept.export()
    if out is None:
        click.echo(body, nl=False)
        return
    with atomically(out) as temporary:
        temporary.write_text(body, "utf-8")
    count = body.count("\n")
    click.echo(f"{count}件を書き出しました: {out}" if lang == "ja" else f"{count} written: {out}", err=True)


@feedback.command("delete")
@_STORE
@click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER]...")
@click.option("--all", "everything", is_flag=True, help="すべて消す / delete all")
@LANG
def delete_corrections(store: Path | None, numbers: tuple[int, ...], everything: bool, lang: str) -> None:
    """番号の訂正、または全部を消す / delete some or all."""
    from kanyu.errors import InputError, UsageError
    from kanyu.feedback import FeedbackStore

    kept = FeedbackStore(store)
    if everything == bool(numbers):
        raise UsageError("give the numbers of corrections, or --all")
    deleted = kept.delete_all() if everything else 0
    missing = [number for number in numbers if not kept.delete(number)]
    deleted += len(numbers) - len(missing)
    click.echo(f"{deleted}件を消しました" if lang == "ja" else f"{deleted} deleted", err=True)
    if missing:
        raise InputError(f"no correction {missing[0]} in {kept.path}; `kanyu feedback list` shows the numbers")

"""``kanyu scan``: chat exports to conversations and per-sender findings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from kanyu.cli.options import LANG, THRESHOLDS

__all__ = ["scan"]


@click.command()
@click.argument("exports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="EXPORT...")
@click.option("--me", metavar="NAME", help="あなたの名前(トーク履歴の中での表示名)/ your own name in the log")
@click.option("--out", type=click.Path(path_type=Path), metavar="REPORT", help="書き出す先 / where to write")
@click.option("--json", "as_json", is_flag=True, help="JSONで出す / print JSON")
@LANG
@THRESHOLDS
@click.option("--exit-code", is_flag=True, help="気をつけたい型があれば10で終わる / exit 10 when flagged")
def scan(
    exports: tuple[Path, ...],
    me: str | None,
    out: Path | None,
    as_json: bool,
    lang: str,
    thresholds: dict[str, float],
    exit_code: bool,
) -> int:
    """トーク履歴を調べる。だれが、いつ、どう誘ったかを示します。

    Scan exported chats: who set up what, when, and in which words.
    """
    from kanyu.cli.screen import has_colors, width
    from kanyu.detector import load
    from kanyu.importers import read_exports
    from kanyu.render.html import render_report
    from kanyu.render.terminal import harmless, render_scan, to_json

    detector = load(thresholds=thresholds)
    conversations, errors = read_exports(exports, me=me)
    report = replace(detector.scan(conversations), errors=tuple(errors))
    if out is not None:
        out.write_text(render_report(report, lang=lang), encoding="utf-8")
    click.echo(
        to_json(report.to_dict()) if as_json else render_scan(report, lang=lang, width=width(), colors=has_colors())
    )
    for source, reason in errors:
        click.echo(f"kanyu: {harmless(source)}: {harmless(reason)}", err=True)
    return 1 if errors else 10 if exit_code and report.has_flagged else 0

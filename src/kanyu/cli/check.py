"""``kanyu check``: one message to a verdict."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kanyu.cli.options import LANG, THRESHOLDS

__all__ = ["check"]


# Unknown options are taken as words, so that a message may begin with a hyphen.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[TEXT]")
@click.option("--file", "path", type=click.Path(path_type=Path), metavar="F", help="ファイルから読む / read a file")
@click.option("--json", "as_json", is_flag=True, help="JSONで出す / print JSON")
@LANG
@THRESHOLDS
@click.option("--exit-code", is_flag=True, help="気をつけたい型があれば10で終わる / exit 10 when flagged")
@click.option("--model", "model_path", type=click.Path(path_type=Path), help="別のモデル / another model")
def check(
    words: tuple[str, ...],
    path: Path | None,
    as_json: bool,
    lang: str,
    thresholds: dict[str, float],
    exit_code: bool,
    model_path: Path | None,
) -> int:
    """1通のメッセージを調べる。TEXTがなければ、貼り付けか標準入力から読みます。

    Check one message. Without TEXT it is pasted, or read from standard input.
    """
    from kanyu.cli.reading import read_file, read_paste, read_standard_input
    from kanyu.cli.screen import has_colors, width
    from kanyu.detector import load
    from kanyu.errors import InputError, UsageError
    from kanyu.render.terminal import render_verdict, to_json

    if words and path is not None:
        raise UsageError("give either TEXT or --file, not both")
    if words:
        text = " ".join(words)
    elif path is not None:
        text = read_file(path)
    elif sys.stdin is not None and sys.stdin.isatty():
        text = read_paste(lang)
    else:
        text = read_standard_input()
    if not text.strip():
        raise InputError(f"{path or 'the message'}: empty; give a message to check")
    detector = load(model_path, thresholds=thresholds)
    verdict = detector.check(text)
    click.echo(
        to_json(verdict.to_dict(lang))
        if as_json
        else render_verdict(verdict, lang=lang, width=width(), colors=has_colors())
    )
    return 10 if exit_code and verdict.verdict == "flagged" else 0

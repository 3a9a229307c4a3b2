"""``kanyu check``: one message to a verdict."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kanyu.cli.options import LANG, THRESHOLDS, changed_thresholds

if TYPE_CHECKING:
    from kanyu.detector import Detector
    from kanyu.messages import Conversation

__all__ = ["check"]

# "--jsno", "--exit-cod=1": what looks like a mistyped option rather than like a message
_OPTION: Final = re.compile(r"--[a-z][a-z-]*(=.*)?")


class _MessageCommand(click.Command):
    """A command whose argument may begin with a hyphen: only an option that there is, is an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {name: option for option in self.get_params(ctx) for name in (*option.opts, *option.secondary_opts)}
        options: list[str] = []
        words: list[str] = []
        rest = iter(args)
        for arg in rest:
            if arg == "--":
                words += rest
                break
            name, equals, _ = arg.partition("=")
            option = known.get(arg) or (known.get(name) if equals and arg.startswith("--") else None)
            if not isinstance(option, click.Option):
                words.append(arg)
                continue
            options.append(arg)
            if not (option.is_flag or option.count) and arg in known:
                options += [value for value in [next(rest, None)] if value is not None]
        mistyped = next((word for word in words if _OPTION.fullmatch(word)), None)
        if mistyped and len(words) > 1:
            raise click.NoSuchOption(mistyped, possibilities=sorted(known), ctx=ctx)
        return super().parse_args(ctx, [*options, "--", *words])


@click.command(cls=_MessageCommand)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[TEXT]")
@click.option("--file", "path", type=click.Path(path_type=Path), metavar="F", help="ファイルから読む / read a file")
@click.option("--json", "as_json", is_flag=True, help="JSONで出す / print JSON")
@LANG
@THRESHOLDS
@click.option("--exit-code", is_flag=True, help="気をつけたい特徴があれば10で終わる / exit 10 when flagged")
@click.option("--model", "model_path", type=click.Path(path_type=Path), metavar="M", help="別のモデル / another model")
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
    from kanyu.cli.screen import has_colors, width
    from kanyu.detector import load
    from kanyu.errors import InputError
    from kanyu.importers.pieces import split_chat
    from kanyu.render.terminal import render_verdict, to_json

    text = _read(words, path, lang)
    if not text.strip():
        raise InputError(
            f"{path or 'the message'}: 空です。調べたい文を入れてください / empty; give a message to check"
        )
    detector = load(model_path, thresholds=thresholds)
    piece = None if as_json else split_chat(text)
    if piece is not None:
        is_flagged = _check_piece(detector, piece, lang)
    else:
        verdict = detector.check(text)
        is_flagged = verdict.verdict == "flagged"
        if as_json:
            click.echo(to_json(verdict.to_dict(lang)))
        else:
            click.echo(render_verdict(verdict, lang=lang, width=width(), colors=has_colors()))
    if thresholds and not as_json:
        click.echo(changed_thresholds(thresholds, lang))
    return 10 if exit_code and is_flagged else 0


def _read(words: tuple[str, ...], path: Path | None, lang: str) -> str:
    from kanyu.cli.reading import read_file, read_paste, read_standard_input
    from kanyu.errors import UsageError

    if words and path is not None:
        raise UsageError("give either TEXT or --file, not both")
    if words:
        return " ".join(words)
    if path is not None:
        return read_file(path)
    if sys.stdin is not None and sys.stdin.isatty():
        return read_paste(lang)
    return read_standard_input()


def _check_piece(detector: Detector, piece: Conversation, lang: str) -> bool:
    """Check a piece of a chat message by message; whether one is flagged."""
    from kanyu.cli.screen import has_colors, width
    from kanyu.render.terminal import render_messages

    talk = detector.scan(piece).conversations[0]
    verdicts = [detector.check(message.text) for message in talk.flagged]
    click.echo(render_messages(talk, verdicts, lang=lang, width=width(), colors=has_colors()))
    hint = (
        "トークの一部のようなので、1通ずつ調べました。やりとり全体の流れは、アプリからトーク履歴を保存して"
        " `kanyu scan ファイル` で調べられます。"
        if lang == "ja"
        else "This looks like a piece of a chat. For the whole course export the chat and use `kanyu scan FILE`."
    )
    click.echo(hint, err=True)
    return bool(talk.flagged)

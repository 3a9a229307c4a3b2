"""The ``kanyu`` command: parse, make one public call, render. The only place that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from kanyu._version import __version__
from kanyu.errors import KanyuError, UsageError

__all__ = ["main"]

COMMANDS: Final = {
    "check": ("check", "1通のメッセージを調べる / check one message"),
    "scan": ("scan", "トーク履歴を調べる / scan exported chats"),
    "score": ("score", "表やトーク履歴に点数をつける / score a table or an export"),
    "serve": ("serve", "自分のパソコンの中でページを開く / open the local page"),
    "feedback": ("feedback", "保存した訂正を見る・書き出す・消す / corrections kept by the page"),
    "train": ("train", "モデルを学習する / train a model"),
    "evaluate": ("evaluate", "モデルを測る / measure a model"),
    "model": ("info", "モデルの説明と検証 / what the model is, verified or not"),
    "labels": ("info", "見つける特徴の一覧 / the patterns and their meaning"),
    "formats": ("info", "読めるトーク履歴の一覧 / the exports that can be read"),
}
"""Each command: the module that holds it, and its line of help."""


class _ClosedPipe(Exception):
    """Nobody reads our output any more. click would make status 1 of a BrokenPipeError."""


class _LazyGroup(click.Group):
    """A group that imports a command's module only when it is called."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ClosedPipe from None

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"kanyu.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kanyu")
def _kanyu() -> None:
    """勧誘チェッカー kanyu: 受け取ったメッセージが勧誘かどうか、どの言葉からそう言えるかを調べます。

    Reads Japanese messages and chat logs on this machine only; nothing is sent anywhere.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the contract's status.

    Parameters
    ----------
    arguments : sequence of str, optional
        ``sys.argv[1:]`` by default.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, or a program without a console: what is said goes nowhere
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until exit
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Run the command line and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        status = _kanyu.main(args=arguments, prog_name="kanyu", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as request:
        return request.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _complain("中断しました / interrupted", 130)
    except (BrokenPipeError, _ClosedPipe):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UsageError as error:
        return _complain(str(error), 2)
    except KanyuError as error:
        return _complain(str(error), 1)
    except click.ClickException as error:
        error.show(sys.stderr)
        return error.exit_code
    except MemoryError:
        return _complain("the input is too large for this machine's memory; split it and try again", 1)
    except OSError as error:
        place = f" ({error.filename})" if isinstance(error.filename, str) else ""
        return _complain(f"{error.strerror or type(error).__name__}{place}; check the place and the free space", 1)


def _complain(message: str, status: int) -> int:
    from kanyu.render.terminal import harmless

    line = " ".join(harmless(message).split())
    try:
        sys.stderr.write(f"kanyu: {line}\n")
        sys.stderr.flush()
    except OSError:
        pass
    return status

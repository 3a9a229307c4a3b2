"""``kanyu scan``: chat exports to conversations and per-sender findings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from kanyu.cli.options import LANG, THRESHOLDS, changed_thresholds

if TYPE_CHECKING:
    from rich.progress import Progress

    from kanyu.detector import ScanReport
    from kanyu.messages import Conversation

__all__ = ["scan"]

_T = TypeVar("_T")
_PAGES: Final = (".html", ".htm")


def _parse_since(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """A day as ``2024-05-01``, ``2024/5/1`` or ``20240501``; its first moment."""
    if value is None:
        return None
    pieces = value.replace("/", "-").replace(".", "-").split("-")
    try:
        if len(pieces) == 3:
            return datetime(int(pieces[0]), int(pieces[1]), int(pieces[2]))
        return datetime.combine(datetime.fromisoformat(value).date(), time())
    except ValueError:
        raise click.BadParameter(f"{value!r}: expected a day, such as 2024-05-01") from None


def _parse_columns(_ctx: click.Context, _param: click.Parameter, value: str | None) -> dict[str, str] | None:
    if value is None:
        return None
    pairs = [part.partition("=") for part in value.split(",")]
    if not all(equals and role.strip() in ("sender", "text", "at") and name for role, equals, name in pairs):
        raise click.BadParameter(f"{value!r}: expected sender=NAME,text=NAME,at=NAME")
    return {role.strip(): name for role, _, name in pairs}


@click.command()
@click.argument("exports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="EXPORT...")
@click.option("--me", metavar="NAME", help="あなたの名前(トーク履歴の中での表示名)/ your own name in the log")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="REPORT",
    help="書き出す先: .html(報告書), .csv, .tsv, .jsonl, .parquet, .xlsx / where to write",
)
@click.option("--json", "as_json", is_flag=True, help="JSONで出す / print JSON")
@click.option("--since", callback=_parse_since, metavar="DATE", help="この日からあとだけ / only from this day on")
@click.option(
    "--columns",
    callback=_parse_columns,
    metavar="sender=…,text=…,at=…",
    help="表の列の名前 / names of a table's columns",
)
@click.option(
    "--timezone", default="Asia/Tokyo", show_default=True, metavar="ZONE", help="時刻の地域 / zone of the times"
)
@click.option("--without-names", is_flag=True, help="報告書に名前を入れない / leave names out of the report")
@click.option("--without-texts", is_flag=True, help="報告書に本文を入れない / leave texts out of the report")
@click.option("--verbose", is_flag=True, help="読めなかった行も示す / list the lines that were not understood")
@LANG
@THRESHOLDS
@click.option("--exit-code", is_flag=True, help="気をつけたい特徴があれば10で終わる / exit 10 when flagged")
@click.option("--model", "model_path", type=click.Path(path_type=Path), metavar="M", help="別のモデル / another model")
def scan(
    exports: tuple[Path, ...],
    me: str | None,
    out: Path | None,
    as_json: bool,
    since: datetime | None,
    columns: dict[str, str] | None,
    timezone: str,
    without_names: bool,
    without_texts: bool,
    verbose: bool,
    lang: str,
    thresholds: dict[str, float],
    exit_code: bool,
    model_path: Path | None,
) -> int:
    """トーク履歴を調べる。だれが、いつ、どう誘ったかを示します。

    Scan exported chats: who set up what, when, and in which words.
    """
    from kanyu.cli.screen import has_colors, width
    from kanyu.detector import load
    from kanyu.importers import read_exports
    from kanyu.render.html import render_report
    from kanyu.render.terminal import harmless, render_scan, to_json

    _check_out(out, without_names or without_texts)
    detector = load(model_path, thresholds=thresholds)
    with _progress() as progress:
        paths = _told(progress, exports, "読み込み" if lang == "ja" else "reading")
        conversations, errors = read_exports(paths, me=me, columns=columns, timezone=timezone)
        if since is not None:
            conversations = _from(conversations, since, lang)
        named = "判定" if lang == "ja" else "judging"
        judged = [detector.scan(talk) for talk in _told(progress, conversations, named)]
    report = replace(
        detector.scan([]),
        conversations=tuple(talk for part in judged for talk in part.conversations),
        errors=tuple(errors),
    )
    if out is not None and report.conversations:
        page = partial(
            render_report,
            lang=lang,
            with_names=not without_names,
            with_texts=not without_texts,
            made_at=datetime.now(),
            model=detector.reference,
        )
        _write(out, report, page)
    if as_json:
        click.echo(to_json(report.to_dict()))
    elif report.conversations:
        click.echo(render_scan(report, lang=lang, width=width(), colors=has_colors(), verbose=verbose))
        if thresholds:
            click.echo(changed_thresholds(thresholds, lang))
    if report.has_flagged and out is None and not as_json:
        hint = (
            "くわしく読める報告書は --out report.html で作れます"
            if lang == "ja"
            else "--out report.html writes a report to read"
        )
        click.echo(hint, err=True)
    if out is not None and report.conversations:
        click.echo(harmless(f"書き出しました: {out}" if lang == "ja" else f"written: {out}"), err=True)
    for source, reason in errors:
        click.echo(f"kanyu: {' '.join(harmless(f'{source}: {reason}').split())}", err=True)
    return 1 if errors else 10 if exit_code and report.has_flagged else 0


def _check_out(out: Path | None, is_reduced: bool) -> None:
    """Refuse at once what would fail after the work."""
    from kanyu.errors import OutputError, UsageError
    from kanyu.render.tables import ENDINGS

    is_page = out is not None and out.suffix.lower() in _PAGES
    if is_reduced and not is_page:
        raise UsageError("--without-names and --without-texts go with --out REPORT.html")
    if out is None:
        return
    if not is_page and out.suffix.lower() not in ENDINGS:
        raise UsageError(f"--out must end in one of .html, {', '.join(ENDINGS)}. Got {out.name!r} instead.")
    if out.is_dir() or not out.parent.is_dir():
        what = "is a folder" if out.is_dir() else "its folder does not exist"
        raise OutputError(f"cannot write {out}: {what}; choose another place with --out")


def _from(conversations: Sequence[Conversation], since: datetime, lang: str) -> list[Conversation]:
    """The conversations from a day on; messages without a date are kept."""
    kept, n_left_out = [], 0
    for talk in conversations:
        messages = [m for m in talk.messages if m.at is None or m.at >= since.replace(tzinfo=m.at.tzinfo)]
        n_left_out += len(talk.messages) - len(messages)
        if messages:
            kept.append(replace(talk, messages=messages))
    if n_left_out:
        day = since.date().isoformat()
        click.echo(
            f"{day}より前の{n_left_out}通を除きました"
            if lang == "ja"
            else f"left out {n_left_out} messages before {day}",
            err=True,
        )
    return kept


def _write(out: Path, report: ScanReport, render: Callable[[ScanReport], str]) -> None:
    from kanyu.batch import EXPORT_COLUMNS
    from kanyu.batch.files import atomically
    from kanyu.detector import SCORE_COLUMNS
    from kanyu.labels import HEADLINES
    from kanyu.render.tables import write_table

    if out.suffix.lower() in _PAGES:
        page = render(report).encode("utf-8")
        with atomically(out) as temporary:
            temporary.write_bytes(page)
        return
    senders = list(_sender_rows(report))
    write_table(
        out,
        (*EXPORT_COLUMNS, *SCORE_COLUMNS),
        report.rows(),
        kinds={"index": "int", **dict.fromkeys(HEADLINES, "float")},
        more_sheets={"senders": (_SENDER_COLUMNS, senders)},
    )


_SENDER_COLUMNS: Final = (
    "source",
    "conversation",
    "sender",
    "messages",
    "verdict",
    "pitch",
    "delayed_reveal",
    "risky_product",
    "network_hype",
    "flags",
    "setup_index",
    "reveal_index",
    "first_flagged_index",
    "disclosed_who",
    "disclosed_purpose",
    "disclosed_product",
    "refused_index",
    "pushed_after_refusal",
    "recruit_duty_index",
    "night_messages",
    "mass_greetings",
)


def _sender_rows(report: ScanReport) -> Iterator[tuple[Any, ...]]:
    """A row per sender, for the second sheet."""
    for talk in report.conversations:
        for sender in talk.senders:
            yield (
                talk.conversation.source,
                talk.conversation.title,
                sender.name,
                sender.messages,
                sender.verdict,
                *(score.probability for score in sender.labels.values()),
                ";".join(name for name, score in sender.labels.items() if score.flagged),
                sender.setup_index,
                sender.reveal_index,
                sender.first_flagged_index,
                *sender.disclosed.values(),
                sender.refused_index,
                sender.pushed_after_refusal,
                sender.recruit_duty_index,
                sender.night_messages,
                sender.mass_greetings,
            )


@contextmanager
def _progress() -> Iterator[Progress]:
    """A progress bar on standard error, if that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    is_shown = sys.stderr is not None and sys.stderr.isatty()
    with Progress(
        console=Console(stderr=True, highlight=False, markup=False), transient=True, disable=not is_shown
    ) as bar:
        yield bar


def _told(progress: Progress, things: Sequence[_T], what: str) -> Iterator[_T]:
    """The things one by one, the progress told."""
    from kanyu.render.terminal import harmless

    task = progress.add_task(what, total=len(things))
    for thing in things:
        name = thing.name if isinstance(thing, Path) else getattr(thing, "title", "")
        progress.update(task, description=harmless(f"{what} {name[:40]}").replace("[", "("))
        yield thing
        progress.advance(task)

"""Verdicts and reports as text for a terminal."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from kanyu.labels import DISCLOSURES, HEADLINES, PATTERNS, SIGNALS
from kanyu.render.phrases import (
    DISCLOSED,
    SHORT_VERDICTS,
    STAGES,
    Piece,
    article_patterns,
    cut,
    disclosure_after,
    excerpt,
    likelihood,
    moment,
    pattern_sentence,
    percent,
    sender_sentence,
    stages,
    title_of,
)
from kanyu.verdict import VERDICTS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from kanyu.conversations import ConversationReport, SenderReport
    from kanyu.detector import ScanReport
    from kanyu.verdict import Verdict

__all__ = ["harmless", "render_messages", "render_scan", "render_verdict", "to_json"]

# C0 (but not line feed and tab), DEL and C1 controls, bidi controls, line separators, lone surrogates
_UNSAFE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

# What stays together in a line: "sales ", "「会い", "す。", "38万"
_OPENING: Final = "「『【〈《“([\uff08\uff3b"
_CLOSING: Final = "、。,.!?\uff01\uff1f\uff0c\uff0e」』】〉》”)\uff09\\]\uff3d・ーゃゅょっャュョッ々…"
_UNBROKEN: Final = re.compile(
    rf"[{re.escape(_OPENING)}]*(?:[!-Z^-~]+ *|[^{re.escape(_OPENING)}])[{_CLOSING}]*|[{re.escape(_OPENING)}]+"
)

_STYLES: Final = {
    "flagged": "bold red",
    "ordinary_pitch": "bold yellow",
    "undecided": "bold cyan",
    "clear": "bold green",
}
_SIGNS: Final = {"flagged": "!", "ordinary_pitch": "i", "undecided": "?", "clear": "o"}
_MARKS: Final = {
    "delayed_reveal": "bold black on yellow",
    "risky_product": "bold white on red",
    "network_hype": "bold white on magenta",
    "pitch": "underline",
}
_LONG_TEXT: Final = 1200
_QUIET_TEXT: Final = 300
_NARROW: Final = 84  # a table of senders with all its columns needs at least this many cells
_MANY: Final = 8
_FEW_TALKS: Final = 5  # chats without a finding; more of them are only counted


def harmless(text: str) -> str:
    r"""Replace characters that could steer a terminal.

    >>> harmless("a\x1b[2Jb")
    'a\ufffd[2Jb'
    """
    return _UNSAFE.sub("\ufffd", text)


def to_json(value: Any) -> str:
    """JSON with Japanese as it is, and every control and bidi character escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"


def fold(text: str, width: int) -> str:
    r"""Break a text into lines of at most `width` cells; a word stays whole, a line begins with no full stop.

    >>> fold("会います。詳しくは", 8)
    '会いま\nす。詳し\nくは'
    """
    return "\n".join(text[start:end].rstrip() for start, end in _line_spans(text, width))


def _line_spans(text: str, width: int) -> list[tuple[int, int]]:
    """Where the lines of a text begin and end when it is folded."""
    from rich.cells import cell_len

    spans: list[tuple[int, int]] = []
    offset = 0
    for paragraph in text.split("\n"):
        start, used = offset, 0
        for found in _UNBROKEN.finditer(paragraph):
            at, size = offset + found.start(), cell_len(found.group())
            if used and used + cell_len(found.group().rstrip()) > width:
                spans.append((start, at))
                start, used = at, 0
            if size > width:  # a word longer than a line is cut between characters
                for place in range(at, offset + found.end()):
                    cells = cell_len(text[place])
                    if used and used + cells > width:
                        spans.append((start, place))
                        start, used = place, 0
                    used += cells
            else:
                used += size
        spans.append((start, offset + len(paragraph)))
        offset += len(paragraph) + 1
    return spans


class _Page:
    """Lines for a terminal of a width, with or without colours."""

    def __init__(self, lang: str, width: int, colors: bool) -> None:
        from rich.console import Console

        self.is_ja = lang == "ja"
        self.lang = lang
        self.colors = colors
        self._file = io.StringIO()
        self.console: Console = Console(
            file=self._file,
            width=max(width, 30),
            force_terminal=colors,
            color_system="standard" if colors else None,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def say(self, ja: str, en: str) -> str:
        return ja if self.is_ja else en

    def line(self, text: str | Text = "", style: str = "", indent: int = 0) -> None:
        from rich.padding import Padding
        from rich.text import Text

        if isinstance(text, str):
            text = fold(harmless(text), self.console.width - indent)
        body = Text(text, style=style, overflow="fold") if isinstance(text, str) else text
        self.console.print(Padding(body, (0, 0, 0, indent)) if indent else body)

    def heading(self, ja: str, en: str) -> None:
        self.line()
        self.line(self.say(f"■ {ja}", f"# {en}"), "bold")

    def item(self, mark: str, text: str, style: str = "", indent: int = 2) -> None:
        """A text that hangs behind its mark."""
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        room = self.console.width - indent - cell_len(mark) - 2
        folded = fold(harmless(text), max(room, 10))
        grid.add_row(Text(f"{' ' * indent}{mark}"), Text(folded, style=style, overflow="fold"))
        self.console.print(grid)

    def quote(self, pieces: Sequence[Piece]) -> None:
        """A message behind a bar, its evidence in colour or, without colours, in brackets."""
        from rich.table import Table
        from rich.text import Text

        body = Text(overflow="fold")
        for piece in pieces:
            text = harmless(piece.text)
            if not piece.labels:
                body.append(text)
            elif self.colors:
                style = next((_MARKS[label] for label in piece.labels if label in _MARKS), "underline")
                body.append(text, style=style)
            else:
                body.append(f"【{text}】")
        body.rstrip()
        grid = Table.grid(padding=(0, 1, 0, 0))
        for start, end in _line_spans(body.plain, max(self.console.width - 6, 20)):
            line = body[start:end]
            line.rstrip()
            grid.add_row(Text("  │", style="dim"), line)
        self.console.print(grid)

    def __str__(self) -> str:
        lines = (line.rstrip() for line in self._file.getvalue().split("\n"))
        return "\n".join(lines).strip("\n")


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces that carry evidence side by side, as one, so that brackets do not crowd."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and bool(joined[-1].labels) == bool(piece.labels):
            labels = dict.fromkeys((*joined[-1].labels, *piece.labels))
            joined[-1] = Piece(joined[-1].text + piece.text, tuple(labels))
        else:
            joined.append(piece)
    return joined


def render_verdict(verdict: Verdict, *, lang: str = "ja", width: int = 80, colors: bool = False) -> str:
    """A verdict for a person.

    Parameters
    ----------
    verdict : Verdict
    lang : {"ja", "en"}
    width : int
        Cells of the terminal; a kanji takes two.
    colors : bool
        Whether to use colours. Without them evidence stands in 【 】.

    Returns
    -------
    str
        Safe to print: what could steer a terminal is replaced.
    """
    page = _Page(lang, width, colors)
    _head(page, verdict)
    page.line()
    _message(page, verdict)
    _patterns(page, verdict)
    _signals(page, verdict)
    if verdict.verdict in ("flagged", "ordinary_pitch"):
        _disclosures(page, verdict)
    _advice(page, verdict)
    _closing(page)
    return str(page)


def _head(page: _Page, verdict: Verdict) -> None:
    side = 0 if page.is_ja else 1
    page.line(f"[{_SIGNS[verdict.verdict]}] {VERDICTS[verdict.verdict][side]}", _STYLES[verdict.verdict])
    facts = []
    for name in HEADLINES:
        value = verdict.labels[name].probability
        facts.append(f"{title_of(name, page.lang)} {percent(value)}")
    page.line(" / ".join(facts), "dim", 4)


def _message(page: _Page, verdict: Verdict) -> None:
    is_quiet = verdict.verdict in ("clear", "undecided")
    evidence = [item for item in verdict.evidence if not is_quiet and item.label in (verdict.flags or HEADLINES)]
    patterns = [item for item in evidence if item.label != "pitch"]
    pieces = excerpt(verdict.text, patterns or evidence, _QUIET_TEXT if is_quiet else _LONG_TEXT)
    page.quote(pieces if page.colors else _joined(pieces))


def _patterns(page: _Page, verdict: Verdict) -> None:
    if not verdict.flags:
        return
    page.heading("見つかった特徴", "What was found")
    for name in sorted(verdict.flags, key=lambda name: (name == "pitch", HEADLINES.index(name))):
        value = verdict.labels[name].probability
        style = _STYLES["flagged" if name in PATTERNS else "ordinary_pitch"]
        words = f"{title_of(name, page.lang)}  {likelihood(value, page.lang)} ({percent(value)})"
        page.item("*", words, style)
        known_as = article_patterns(name, page.lang)
        if known_as:
            page.line(page.say("記事の", "the article's ") + known_as, "dim", 4)
        page.line(pattern_sentence(name, verdict.evidence, page.lang, verdict.text), indent=4)


def _signals(page: _Page, verdict: Verdict) -> None:
    flagged = [name for name in SIGNALS if verdict.signals[name].flagged]
    if not flagged or verdict.verdict in ("clear", "undecided"):
        return
    page.heading("そのほかの手がかり", "Other signs")
    for name in sorted(flagged, key=lambda name: -verdict.signals[name].probability):
        note = page.say("(試験的)", " (experimental)") if name in verdict.experimental else ""
        page.item("-", f"{title_of(name, page.lang)}{note}  {percent(verdict.signals[name].probability)}")
        page.line(pattern_sentence(name, verdict.evidence, page.lang, verdict.text), "dim", 4)


def _disclosures(page: _Page, verdict: Verdict) -> None:
    page.heading("この文面で明かされていること", "What this text makes clear")
    for name in DISCLOSURES:
        value = verdict.disclosures[name]
        if value >= 0.5:
            told = page.say("書かれているようです", "seems to be said")
        elif value >= 0.25:
            told = page.say("はっきりしません", "not plain")
        else:
            told = page.say("書かれていないようです", "seems not to be said")
        page.item("-", f"{DISCLOSED[name][0 if page.is_ja else 1]}: {told}")


def _advice(page: _Page, verdict: Verdict) -> None:
    if not verdict.advice:
        return
    page.heading("できること", "What you can do")
    for number, advice in enumerate(verdict.advice, 1):
        page.item(f"{number}.", advice.ja if page.is_ja else advice.en)
        if advice.source != "kanyu":
            page.line(page.say("出典: ", "source: ") + advice.source, "dim", 5)


def _closing(page: _Page) -> None:
    page.line()
    page.line(
        page.say(
            "kanyuもまちがえます。決めるのはあなたです。この内容はこのパソコンの外へ送っていません。",
            "kanyu can err; the decision is yours. Nothing has left this machine.",
        ),
        "dim",
    )


def render_messages(
    talk: ConversationReport, verdicts: Sequence[Verdict], *, lang: str = "ja", width: int = 80, colors: bool = False
) -> str:
    """A pasted piece of a chat, message by message.

    Parameters
    ----------
    talk : ConversationReport
        Of the piece.
    verdicts : sequence of Verdict
        Of its flagged messages, in order; they are shown in full.
    lang, width, colors
        As in :func:`render_verdict`.
    """
    page = _Page(lang, width, colors)
    side, n_flagged = 0 if page.is_ja else 1, len(talk.flagged)
    n = len(talk.conversation)
    page.line(
        page.say(f"{n}通に分けて調べました。注意 {n_flagged}通", f"{n} messages, {n_flagged} to be careful with"),
        _STYLES["flagged" if n_flagged else "clear"],
    )
    for message, verdict in zip(talk.conversation.messages, talk.verdicts, strict=True):
        name = SHORT_VERDICTS[verdict][side] if verdict else "-"
        line = f"{message.sender}: {cut(message.text, 40)}  [{name}]"
        page.item(_SIGNS[verdict] if verdict else "-", line, _STYLES[verdict] if verdict == "flagged" else "")
    for flagged, judged in zip(talk.flagged, verdicts, strict=False):
        page.line()
        page.line(f"{flagged.sender}:", "bold")
        _message(page, judged)
        _patterns(page, judged)
    if verdicts:
        _advice(page, max(verdicts, key=lambda verdict: len(verdict.advice)))
    _closing(page)
    return str(page)


def render_scan(
    report: ScanReport, *, lang: str = "ja", width: int = 80, colors: bool = False, verbose: bool = False
) -> str:
    """A scan for a person: a table of senders per conversation, then whom to look at first.

    Parameters
    ----------
    report : ScanReport
    lang, width, colors
        As in :func:`render_verdict`.
    verbose : bool
        Whether to list every line that was not understood, and every chat.
    """
    page = _Page(lang, width, colors)
    plain = [talk for talk in report.conversations if not _is_notable(talk)]
    if len(plain) <= _FEW_TALKS or verbose:
        plain = []
    counted = set(map(id, plain))
    for talk in report.conversations:
        if id(talk) not in counted:
            _talk(page, talk, verbose)
            page.line()
    if plain:
        n = sum(len(talk.conversation.skipped) for talk in plain)
        page.line(
            page.say(
                f"気になるところのないトーク: {len(plain)}件(--verbose で一覧。読めなかった行: {n})",
                f"chats in which nothing stands out: {len(plain)} (--verbose lists them; lines not understood: {n})",
            ),
            "dim",
        )
        page.line()
    _first_to_look_at(page, report)
    _closing(page)
    return str(page)


def _is_notable(talk: ConversationReport) -> bool:
    return bool(talk.flagged) or any(sender.verdict in ("flagged", "ordinary_pitch") for sender in talk.senders)


def _talk(page: _Page, talk: ConversationReport, verbose: bool) -> None:
    chat = talk.conversation
    times = [message.at for message in chat.messages if message.at]
    span = f"{moment(min(times), page.lang)} - {moment(max(times), page.lang)}" if times else moment(None, page.lang)
    page.line(chat.title or chat.source, "bold")
    owner = talk.me or page.say("わかりません(--me で指定できます)", "unknown (say with --me)")
    facts = (
        chat.platform,
        page.say(f"{len(chat)}通", f"{len(chat)} messages"),
        span,
        page.say(f"あなた: {owner}", f"you: {owner}"),
    )
    page.line("  ".join(facts), "dim")
    shown = [sender for sender in talk.senders if sender.verdict != "clear"] or list(talk.senders[:1])
    shown = shown[: 3 * _MANY]
    if shown:
        _senders(page, talk, shown)
    rest = len(talk.senders) - len(shown)
    if rest:
        page.line(page.say(f"ほか {rest}人", f"{rest} more senders"), "dim", 2)
    for sender in shown:
        if sender.verdict in ("flagged", "ordinary_pitch"):
            _course(page, talk, sender)
    if chat.skipped:
        page.line(
            page.say(
                f"読めなかった行: {len(chat.skipped)}" + ("" if verbose else "(--verbose で一覧)"),
                f"lines not understood: {len(chat.skipped)}" + ("" if verbose else " (--verbose lists them)"),
            ),
            "dim",
            2,
        )
        for item in chat.skipped if verbose else ():
            page.item(f"{item.line}:", item.reason, "dim", 4)


def _patterns_of(sender: SenderReport, lang: str) -> str:
    names = [name for name in PATTERNS if sender.labels[name].flagged]
    if not names and sender.labels["pitch"].flagged:
        names = ["pitch"]
    return ("・" if lang == "ja" else ", ").join(title_of(name, lang) for name in names) or "-"


def _senders(page: _Page, talk: ConversationReport, senders: Sequence[SenderReport]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    is_wide = page.console.width >= _NARROW
    side, messages = 0 if page.is_ja else 1, talk.conversation.messages
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    headers: list[tuple[str, str]] = [
        ("相手", "sender"),
        ("通数", "messages"),
        ("判定", "verdict"),
        ("特徴", "patterns"),
    ]
    if is_wide:
        headers += [("仕掛け", "set-up"), ("明かし", "reveal"), ("最初の注意", "first warning")]
    for number, header in enumerate(headers):
        table.add_column(
            header[side], overflow="fold", justify="right" if number == 1 else "left", no_wrap=number in (1, 2)
        )
    for sender in senders:
        row = [
            cut(sender.name, 24),
            str(sender.messages),
            SHORT_VERDICTS[sender.verdict][side],
            _patterns_of(sender, page.lang),
        ]
        if is_wide:
            for index in (sender.setup_index, sender.reveal_index, sender.first_flagged_index):
                row.append("-" if index is None else moment(messages[index].at, page.lang, short=True))
        style = _STYLES[sender.verdict] if sender.verdict == "flagged" else ""
        table.add_row(
            *(Text(harmless(cell), style=style if k in (0, 2) else "", overflow="fold") for k, cell in enumerate(row))
        )
    page.console.print(table)


def _course(page: _Page, talk: ConversationReport, sender: SenderReport) -> None:
    side, messages = 0 if page.is_ja else 1, talk.conversation.messages
    page.line(cut(sender.name, 40), "bold", 2)
    quoted = None
    for name, index in stages(talk, sender):
        if name != "first":
            page.item("-", f"{moment(messages[index].at, page.lang)}  {STAGES[name][side]}", indent=4)
            if messages[index].is_text and index != quoted:
                page.line(page.say("「{}」", "“{}”").format(cut(messages[index].text, 60)), "dim", 6)
            quoted = index
    for what in DISCLOSURES:
        told = disclosure_after(messages, sender.setup_index, sender.disclosed[what], page.lang)
        page.item("・", f"{DISCLOSED[what][side]}: {told}", indent=4)
    if sender.night_messages:
        n = sender.night_messages
        page.item(
            "・", page.say(f"夜中(23時から6時)のメッセージ: {n}通", f"messages at night (23 to 6 h): {n}"), indent=4
        )
    if sender.mass_greetings:
        n = sender.mass_greetings
        page.item(
            "・", page.say(f"別の日にも送られた同じ文面: {n}通", f"texts sent again on another day: {n}"), indent=4
        )
    page.line()


def _first_to_look_at(page: _Page, report: ScanReport) -> None:
    flagged = [
        (talk, sender) for talk in report.conversations for sender in talk.senders if sender.verdict == "flagged"
    ]
    flagged.sort(
        key=lambda pair: -max(pair[1].labels[name].probability - pair[1].labels[name].threshold for name in PATTERNS)
    )
    if not report.conversations:
        return
    if not flagged:
        page.line(
            page.say(
                "気をつけたい勧誘の特徴がある人は、見つかりませんでした。",
                "Nobody with signs of a creepy pitch was found.",
            ),
            _STYLES["clear"],
        )
        n = sum(len(talk.flagged) for talk in report.conversations)
        if n:
            page.line(
                page.say(
                    f"1通だけで見ると気になるメッセージは{n}通ありますが、流れ全体では特徴に届いていません。",
                    f"Taken alone, {n} messages stand out, but no course as a whole does.",
                )
            )
        return
    page.line(page.say("■ まず見てほしい人", "# Whom to look at first"), "bold")
    for number, (talk, sender) in enumerate(flagged[:_MANY], 1):
        where = talk.conversation.title or talk.conversation.source
        place = "" if where == sender.name else f" ({cut(where, 40)})"
        page.item(f"{number}.", cut(sender.name, 40) + place, _STYLES["flagged"])
        page.line(sender_sentence(talk, sender, page.lang), indent=5)
    if len(flagged) > _MANY:
        page.line(page.say(f"ほか {len(flagged) - _MANY}人", f"{len(flagged) - _MANY} more"), "dim", 5)
    page.line(
        page.say("迷ったら、消費者ホットライン188(いやや)へ。", "When in doubt call 188, the consumer hotline."),
        indent=2,
    )

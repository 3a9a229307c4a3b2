"""A scan as one HTML file that a person can read, print and keep: no outside resource, strict CSP."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kanyu.advice import ADVICE, Advice, advice_for
from kanyu.cooling_off import DEALS
from kanyu.labels import DISCLOSURES, HEADLINES, LABELS, PATTERNS
from kanyu.render.heat import draw
from kanyu.render.phrases import (
    DISCLOSED,
    SHORT_VERDICTS,
    STAGES,
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
from kanyu.render.terminal import harmless

if TYPE_CHECKING:
    from kanyu.conversations import ConversationReport, FlaggedMessage, SenderReport
    from kanyu.detector import ScanReport
    from kanyu.verdict import Evidence, ModelReference

__all__ = ["MAX_EMBEDDED", "render_report"]

MAX_EMBEDDED: Final = 3000
"""Above this number of messages only those of interest are embedded, with a little context."""
_MAX_FLAGGED: Final = 300
_CONTEXT: Final = 2
_LONGEST_BODY: Final = 2000
_MOST_CARDS: Final = 12
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Bit(NamedTuple):
    """A stretch of a message's body as the template shows it."""

    text: str
    label: str
    title: str
    alias: str


@dataclass(frozen=True)
class _Names:
    """Who is called what when names are left out; one alias per name over the whole report."""

    aliases: dict[str, str]
    by_first: dict[str, list[str]]

    @classmethod
    def of(cls, talks: Iterable[ConversationReport], lang: str) -> _Names:
        ja = lang == "ja"
        everybody = list(talks)
        aliases = {talk.me: "あなた" if ja else "you" for talk in everybody if talk.me is not None}
        n_owners = len(aliases)
        for talk in everybody:
            for sender in talk.senders:
                n = len(aliases) - n_owners
                letter = _LETTERS[n] if n < len(_LETTERS) else str(n + 1)
                aliases.setdefault(sender.name, f"{letter}さん" if ja else f"Person {letter}")
        parts = {part: alias for name, alias in aliases.items() for part in name.split() if len(part) > 1}
        known = {**parts, **{name: alias for name, alias in aliases.items() if len(name) > 1}}
        by_first: dict[str, list[str]] = {}
        for name in sorted(known, key=len, reverse=True):
            by_first.setdefault(name[0], []).append(name)
        return cls({**known, **aliases}, by_first)

    def split(self, text: str) -> list[tuple[str, str]]:
        """The text in pieces, each with its alias; an empty one for what is no name."""
        pieces: list[tuple[str, str]] = []
        last = place = 0
        while place < len(text):
            name = next((name for name in self.by_first.get(text[place], ()) if text.startswith(name, place)), None)
            if name is None:
                place += 1
                continue
            pieces += [(text[last:place], ""), (name, self.aliases[name])]
            place = last = place + len(name)
        pieces.append((text[last:], ""))
        return [piece for piece in pieces if piece[0]]


@dataclass
class _Context:
    """What all parts of one report share."""

    lang: str
    with_names: bool
    with_texts: bool
    names: _Names
    embedded_all: bool
    n_left_out: int = 0
    chosen: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    def say(self, ja: str, en: str) -> str:
        return ja if self.lang == "ja" else en


def render_report(
    report: ScanReport,
    *,
    lang: str = "ja",
    with_names: bool = True,
    with_texts: bool = True,
    made_at: datetime | None = None,
    model: ModelReference | None = None,
) -> str:
    """Render a scan as one HTML page.

    Parameters
    ----------
    report : ScanReport
    lang : {"ja", "en"}
    with_names, with_texts : bool
        Whether names and message texts are in the file at all.
    made_at : datetime, optional
        When the report was made; left out where unknown.
    model : ModelReference, optional
        Which model judged.

    Returns
    -------
    str
        The page; names and texts are escaped, and what could steer a reader's screen is replaced.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("kanyu", "render/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (_asset(environment, name) for name in ("report.css", "report.js"))
    n_messages = sum(len(talk.conversation) for talk in report.conversations)
    context = _Context(lang, with_names, with_texts, _Names.of(report.conversations, lang), n_messages <= MAX_EMBEDDED)
    context.chosen = _chosen(report)
    talks = [_talk(context, number, talk) for number, talk in enumerate(report.conversations)]
    talks.sort(key=lambda talk: -max((float(person["margin"]) for person in talk["people"]), default=-1.0))
    people = sorted(
        (person for talk in talks for person in talk["people"] if person["verdict"] == "flagged"),
        key=lambda person: -float(person["margin"]),
    )

    def t(ja: str, en: str) -> str:
        return ja if lang == "ja" else en

    return environment.get_template("report.html.j2").render(
        t=t,
        lang=lang,
        style=Markup(style),
        script=Markup(script),
        csp=(
            f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        talks=talks,
        people=people,
        patterns=[
            {"name": name, "title": title_of(name, lang), "article": article_patterns(name, lang)} for name in PATTERNS
        ],
        embedded_all=context.embedded_all,
        n_messages=n_messages,
        n_left_out=context.n_left_out,
        n_flagged=sum(len(talk.flagged) for talk in report.conversations),
        advice=_advice(report, lang),
        deals=DEALS,
        errors=[(_source(context, source), harmless(reason)) for source, reason in report.errors],
        thresholds=[
            (title_of(name, lang), percent(report.thresholds[name])) for name in HEADLINES if name in report.thresholds
        ],
        made_at=moment(made_at, lang) if made_at else "",
        model=model,
        with_names=with_names,
        with_texts=with_texts,
    )


def _asset(environment: Any, name: str) -> str:
    """A style or script exactly as the page will hold it, so that its digest fits."""
    source: str = environment.loader.get_source(environment, name)[0]
    return source.replace("\r\n", "\n")


def _digest(body: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()


def _source(context: _Context, source: str) -> str:
    if context.with_names:
        return harmless(source)
    return context.say("(ファイル名は入れていません)", "(file name left out)")


def _chosen(report: ScanReport) -> frozenset[tuple[int, int]]:
    """The flagged messages that are shown, the strongest first where there are very many."""
    flagged = [
        (max(message.labels[name].probability for name in PATTERNS), number, message.index)
        for number, talk in enumerate(report.conversations)
        for message in talk.flagged
    ]
    return frozenset((number, index) for _, number, index in sorted(flagged, reverse=True)[:_MAX_FLAGGED])


def _talk(context: _Context, number: int, talk: ConversationReport) -> dict[str, Any]:
    """A conversation as the template needs it."""
    lang, chat = context.lang, talk.conversation
    times = [message.at for message in chat.messages if message.at]
    flagged = {message.index: message for message in talk.flagged}
    notable = [sender for sender in talk.senders if sender.verdict in ("flagged", "ordinary_pitch")][:_MOST_CARDS]
    people = [_person(context, number, talk, sender, flagged) for sender in notable]
    badges: dict[int, list[str]] = {}
    for person in people:
        for stage in person["course"]:
            badges.setdefault(stage["index"], []).extend(stage["names"])
    known = {sender.name for sender in notable}
    return {
        "id": f"c{number}",
        "title": harmless(chat.title) if chat.title else "",
        "alias": context.say(f"トーク{number + 1}", f"Chat {number + 1}"),
        "platform": _platforms(lang).get(chat.platform, chat.platform),
        "is_notable": bool(people or flagged),
        "source": _source(context, chat.source),
        "n": len(chat),
        "span": (moment(min(times), lang), moment(max(times), lang)) if times else None,
        "me": _name(context, talk.me) if talk.me is not None else None,
        "people": people,
        "others": [
            {
                "name": _name(context, sender.name),
                "n": sender.messages,
                "verdict": sender.verdict,
                "said": SHORT_VERDICTS[sender.verdict][0 if lang == "ja" else 1],
            }
            for sender in talk.senders[: 200 + len(known)]
            if sender.name not in known
        ],
        "groups": _groups(context, number, talk, flagged, badges) if people or flagged else [],
        "n_flagged": len(flagged),
        "skipped": [(item.line, harmless(item.reason)) for item in chat.skipped[:200]],
        "n_skipped": len(chat.skipped),
    }


def _platforms(lang: str) -> dict[str, str]:
    from kanyu.importers import FORMATS

    titles = {item.name: item.title_ja if lang == "ja" else item.title_en for item in FORMATS}
    return {name: re.split("[(\uff08]", title)[0].strip() for name, title in titles.items()}


def _name(context: _Context, name: str) -> dict[str, str]:
    alias = context.names.aliases.get(name, "?")
    return {"real": harmless(name) or "?" if context.with_names else alias, "alias": alias}


def _person(
    context: _Context, number: int, talk: ConversationReport, sender: SenderReport, flagged: dict[int, FlaggedMessage]
) -> dict[str, Any]:
    lang, side, messages = context.lang, 0 if context.lang == "ja" else 1, talk.conversation.messages
    course: list[dict[str, Any]] = []
    for name, index in stages(talk, sender):
        if course and course[-1]["index"] == index:
            if course[-1]["names"] == ["first"]:
                course[-1]["names"], course[-1]["titles"] = [], []
            course[-1]["names"].append(name)
            course[-1]["titles"].append(STAGES[name][side])
            continue
        message = messages[index]
        course.append(
            {
                "index": index,
                "names": [name],
                "titles": [STAGES[name][side]],
                "when": moment(message.at, lang),
                "quote": _bits(context, cut(message.text, 60), ()) if context.with_texts else [],
                "href": f"#c{number}m{index}",
                "number": len(course) + 1,
            }
        )
    own = [message for message in flagged.values() if message.sender == sender.name]
    evidence: dict[str, tuple[float, FlaggedMessage]] = {}
    for hit in own:
        for label in PATTERNS:
            value = hit.labels[label].probability
            if hit.labels[label].flagged and value > evidence.get(label, (0.0, hit))[0]:
                evidence[label] = (value, hit)
    shown = [name for name in PATTERNS if sender.labels[name].flagged] or ["pitch"]
    return {
        "id": f"c{number}s{talk.senders.index(sender)}",
        "talk": f"c{number}",
        "name": _name(context, sender.name),
        "verdict": sender.verdict,
        "margin": max(sender.labels[name].probability - sender.labels[name].threshold for name in PATTERNS),
        "sentence": sender_sentence(talk, sender, lang)
        or context.say(
            "営業や案内のようです。気になる特徴は見つかりませんでした。",
            "An ordinary sales message; no creepy pattern was found.",
        ),
        "n": sender.messages,
        "labels": [
            {
                "name": name,
                "title": title_of(name, lang),
                "article": article_patterns(name, lang),
                "value": f"{sender.labels[name].probability * 100:.1f}%",
                "threshold": f"{sender.labels[name].threshold * 100:.1f}%",
                "percent": percent(sender.labels[name].probability),
                "words": likelihood(sender.labels[name].probability, lang),
                "meaning": LABELS[name].meaning_ja if lang == "ja" else LABELS[name].meaning_en,
                "sentence": _bits(
                    context, pattern_sentence(name, evidence[name][1].evidence, lang, evidence[name][1].text), ()
                )
                if name in evidence and context.with_texts
                else _bits(context, pattern_sentence(name, (), lang), ()),
            }
            for name in shown
        ],
        "chart": draw(talk, sender.name, {stage["index"]: stage["number"] for stage in course}, lang),
        "prefix": f"#c{number}m",
        "course": course,
        "disclosed": [
            {
                "title": DISCLOSED[what][side],
                "told": disclosure_after(messages, sender.setup_index, sender.disclosed[what], lang),
                "href": None if sender.disclosed[what] is None else f"#c{number}m{sender.disclosed[what]}",
            }
            for what in DISCLOSURES
        ],
        "refused": sender.refused_index is not None,
        "pushed": sender.pushed_after_refusal,
        "night": sender.night_messages,
        "greetings": sender.mass_greetings,
    }


def _bits(context: _Context, text: str, evidence: Sequence[Evidence]) -> list[_Bit]:
    """A body in stretches: evidence of flagged patterns, and names that can be hidden."""
    bits: list[_Bit] = []
    for piece in excerpt(text, evidence, _LONGEST_BODY, 400):
        label = piece.labels[0] if piece.labels else ""
        title = " / ".join(title_of(name, context.lang) for name in piece.labels)
        for part, alias in context.names.split(piece.text):
            shown = harmless(part) if context.with_names or not alias else alias
            bits.append(_Bit(shown, label, title, alias))
    return bits


def _groups(
    context: _Context,
    number: int,
    talk: ConversationReport,
    flagged: dict[int, FlaggedMessage],
    badges: dict[int, list[str]],
) -> list[dict[str, Any]]:
    """The messages in runs: those of interest with their context, and what lies between."""
    n = len(talk.conversation)
    important = {index for index in flagged if (number, index) in context.chosen} | set(badges)
    near = {k for index in important for k in range(max(0, index - _CONTEXT), min(n, index + _CONTEXT + 1))}
    groups: list[dict[str, Any]] = []
    start = 0
    while start < n:
        is_near, end = start in near, start + 1
        if is_near:
            while end < n and end in near:
                end += 1
        else:
            end = (
                min((index for index in near if index > start), default=n)
                if context.embedded_all
                else _next(near, start, n)
            )
        is_embedded = is_near or context.embedded_all
        if not is_embedded:
            context.n_left_out += end - start
        groups.append(
            {
                "near": is_near,
                "n": end - start,
                "messages": [
                    _message(context, number, talk, index, flagged.get(index), badges.get(index, []))
                    for index in range(start, end)
                ]
                if is_embedded
                else [],
            }
        )
        start = end
    return groups


def _next(near: set[int], start: int, n: int) -> int:
    """The next position that is shown."""
    return next((index for index in range(start, n) if index in near), n)


def _message(
    context: _Context,
    number: int,
    talk: ConversationReport,
    index: int,
    flagged: FlaggedMessage | None,
    badges: list[str],
) -> dict[str, Any]:
    lang, message = context.lang, talk.conversation.messages[index]
    labels = [name for name in PATTERNS if flagged is not None and flagged.labels[name].flagged]
    evidence = [item for item in flagged.evidence if item.label in labels] if flagged else []
    return {
        "id": f"c{number}m{index}",
        "name": _name(context, message.sender),
        "mine": message.sender == talk.me,
        "when": moment(message.at, lang),
        "is_text": message.is_text,
        "bits": _bits(context, message.text, evidence) if context.with_texts else [],
        "labels": [
            (name, title_of(name, lang), percent(flagged.labels[name].probability)) for name in labels if flagged
        ],
        "badges": [(name, STAGES[name][0 if lang == "ja" else 1].partition("(")[0].strip()) for name in badges],
    }


def _advice(report: ScanReport, lang: str) -> list[dict[str, str]]:
    """What fits the worst of all senders; something to keep in mind where nothing was found."""
    found: dict[str, Advice] = {}
    for talk in report.conversations:
        for sender in talk.senders:
            if sender.verdict in ("flagged", "ordinary_pitch"):
                flags = [name for name in HEADLINES if sender.labels[name].flagged]
                has_duty = sender.recruit_duty_index is not None
                found |= {item.id: item for item in advice_for(sender.verdict, flags, has_duty)}
    if not found:
        found = {name: ADVICE[name] for name in ("ask_purpose_first", "call_188")}
    order = list(ADVICE)
    return [item.to_dict(lang) for item in sorted(found.values(), key=lambda item: order.index(item.id))]

"""Verdicts and scans as the templates show them: plain values, already in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kanyu.detector import Detector, ScanReport
from kanyu.importers.pieces import split_chat
from kanyu.labels import DISCLOSURES, HEADLINES, LABELS, PATTERNS
from kanyu.messages import Conversation
from kanyu.render.phrases import (
    DISCLOSED,
    SHORT_VERDICTS,
    article_patterns,
    excerpt,
    likelihood,
    pattern_sentence,
    percent,
    sender_sentence,
    title_of,
)
from kanyu.render.terminal import harmless
from kanyu.verdict import VERDICTS, Verdict
from kanyu.web.uploads import reason_for

__all__ = ["Paste", "read_paste", "result_view", "scan_view", "verdict_view"]

_LEADS: Final = {
    "flagged": (
        "あわてて返事をしなくて大丈夫です。色のついた言葉から、その可能性があると考えました。",
        "There is no need to answer in a hurry. The coloured words are why kanyu thinks so.",
    ),
    "ordinary_pitch": (
        "何かをすすめる連絡のようです。必要がなければ、断って大丈夫です。",
        "Something seems to be offered here. If you do not need it, it is fine to say no.",
    ),
    "undecided": (
        "短い文や話の一部だけでは、分からないことがあります。前後の文も一緒に貼り付けてみてください。",
        "A short text, or a part of one, may not be enough. Try pasting what came before and after.",
    ),
    "clear": (
        "この文の言葉からは見つかりませんでした。それでも気がかりなときは、身近な人や188に話してみてください。",
        "Nothing was found in these words. If it still worries you, talk to somebody you trust.",
    ),
}
_LONG_TEXT: Final = 6000
_TOLD_FROM: Final = 0.5
_MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class Paste:
    """What was pasted: one message, several, or a piece of a chat."""

    texts: list[str]
    senders: list[str]
    chat: Conversation | None


def read_paste(text: str, apart: bool) -> Paste:
    """Divide a paste.

    Parameters
    ----------
    text : str
    apart : bool
        Whether empty lines divide messages.
    """
    body = text.replace("\r\n", "\n")
    chat = split_chat(body)
    if chat is not None:
        messages = [message for message in chat.messages if message.is_text and message.text.strip()]
        if messages:
            return Paste([message.text for message in messages], [message.sender for message in messages], chat)
    texts = (
        [part.strip("\n") for part in re.split(r"\n[ \t　]*\n", body) if part.strip()] if apart else [body.strip("\n")]
    )
    return Paste(texts, [""] * len(texts), None)


def verdict_view(verdict: Verdict, lang: str, sender: str = "") -> dict[str, Any]:
    """A verdict for the templates."""
    side = 0 if lang == "ja" else 1
    shown = [name for name in HEADLINES if verdict.labels[name].flagged]
    bits = _bits(verdict, lang)
    told = []
    if shown or verdict.verdict == "undecided":
        told = [
            {"title": DISCLOSED[name][side], "is_told": verdict.disclosures[name] >= _TOLD_FROM} for name in DISCLOSURES
        ]
    return {
        "kind": verdict.verdict,
        "sender": harmless(sender),
        "title": VERDICTS[verdict.verdict][side],
        "short": SHORT_VERDICTS[verdict.verdict][side],
        "lead": _LEADS[verdict.verdict][side],
        "bits": bits,
        "has_evidence": any(bit["label"] for bit in bits),
        "labels": sorted(
            (_label(verdict, name, lang) for name in (*PATTERNS, "pitch")), key=lambda label: not label["flagged"]
        ),
        "signals": [
            {
                "title": title_of(name, lang),
                "meaning": harmless(pattern_sentence(name, verdict.evidence, lang)),
                "article": article_patterns(name, lang),
                "is_experimental": name in verdict.experimental,
            }
            for name, score in verdict.signals.items()
            if score.flagged
        ],
        "told": told,
        "advice": [item.to_dict(lang) for item in verdict.advice],
        "text": verdict.text,
    }


def _label(verdict: Verdict, name: str, lang: str) -> dict[str, Any]:
    score = verdict.labels[name]
    evidence = verdict.evidence if score.flagged else ()
    return {
        "name": name,
        "title": title_of(name, lang),
        "words": likelihood(score.probability, lang),
        "percent": percent(score.probability),
        "width": f"{score.probability * 100:.1f}",
        "limit": f"{score.threshold * 100:.1f}",
        "flagged": score.flagged,
        "sentence": harmless(pattern_sentence(name, evidence, lang)),
        "article": article_patterns(name, lang),
    }


def _bits(verdict: Verdict, lang: str) -> list[dict[str, str]]:
    """The text in stretches, each with what a touch on it tells."""
    # The patterns that are flagged; else the pitch; else whatever made it doubtful. More colours would only confuse.
    flagged = [name for name in (*PATTERNS, "pitch") if verdict.labels[name].flagged]
    shown = [name for name in flagged if name != "pitch"] or flagged
    evidence = [item for item in verdict.evidence if item.label in shown or not shown]
    bits: list[dict[str, str]] = []
    for piece in excerpt(verdict.text, evidence, _LONG_TEXT, 300):
        label = next((name for name in piece.labels if name in PATTERNS), piece.labels[0] if piece.labels else "")
        tip = ""
        if label:
            meaning = LABELS[label].meaning_ja if lang == "ja" else LABELS[label].meaning_en
            article = article_patterns(label, lang)
            tip = (
                f"{title_of(label, lang)}: {meaning}{article}"
                if lang == "ja"
                else f"{title_of(label, lang)}: {meaning}"
            )
            if article and lang != "ja":
                tip += f" ({article})"
        text = harmless(piece.text)
        if bits and bits[-1]["label"] == label:
            bits[-1]["text"] += text
        else:
            bits.append({"text": text, "label": label, "tip": tip})
    return bits


def result_view(detector: Detector, paste: Paste, verdicts: Sequence[Verdict], lang: str) -> dict[str, Any]:
    """What a paste led to, for the templates."""
    views = [verdict_view(verdict, lang, sender) for verdict, sender in zip(verdicts, paste.senders, strict=True)]
    counts = Counter(view["kind"] for view in views)
    people = []
    if paste.chat is not None:
        talk = detector.scan(paste.chat).conversations[0]
        people = [
            {"name": harmless(sender.name), "sentence": harmless(sender_sentence(talk, sender, lang))}
            for sender in talk.senders
            if sender.verdict == "flagged"
        ]
    shown = [view for view in views if view["kind"] != "clear"][:_MOST_SHOWN]
    return {
        "views": views if len(views) <= 12 else shown,
        "n": len(views),
        "n_flagged": counts["flagged"],
        "n_pitch": counts["ordinary_pitch"],
        "n_undecided": counts["undecided"],
        "n_clear": counts["clear"],
        "is_chat": paste.chat is not None,
        "people": people,
    }


def scan_view(report: ScanReport, lang: str) -> dict[str, Any]:
    """What a scan found, in a few lines; the report tells the rest."""
    people = [
        {
            "name": harmless(sender.name),
            "title": harmless(talk.conversation.title),
            "sentence": harmless(sender_sentence(talk, sender, lang)),
        }
        for talk in report.conversations
        for sender in talk.senders
        if sender.verdict == "flagged"
    ]
    return {
        "n_talks": len(report.conversations),
        "n_messages": sum(len(talk.conversation) for talk in report.conversations),
        "n_flagged": sum(len(talk.flagged) for talk in report.conversations),
        "n_skipped": sum(len(talk.conversation.skipped) for talk in report.conversations),
        "people": people[:20],
        "n_people": len(people),
        "errors": [(harmless(source), harmless(reason_for(reason, lang))) for source, reason in report.errors],
        "has_owner": all(talk.me is not None for talk in report.conversations),
    }

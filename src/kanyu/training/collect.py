"""From a writer's draft to the files in ``data/``: check the quotas, expand the short keys.

The draft format and the quotas stand in ``data/briefs/README.md``::

    python -m kanyu.training.collect check FOLDER data/briefs/b01.md
    python -m kanyu.training.collect build DRAFTS data
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kanyu.labels import DISCLOSURES, HEADLINES, PATTERNS, SIGNALS

__all__ = ["Brief", "expand_conversation", "expand_message", "main", "read_brief"]

CHANNELS: Final = (
    "line", "group", "openchat", "dm", "sms", "email", "event", "web", "post", "work",
)  # fmt: skip
HEADLINE_LETTERS: Final = dict(zip("pdrn", HEADLINES, strict=True))
DISCLOSURE_LETTERS: Final = dict(zip("wuo", DISCLOSURES, strict=True))
FLAGS: Final = ("refusal", "duty", "hard", "warn", "quote", "disguise", "amb")

QUOTAS: Final[dict[str, dict[str, int]]] = {
    "standard": {
        "messages": 162, "pitch": 80, "honest": 26, "delayed_reveal": 28, "risky_product": 31,
        "network_hype": 28, "non-pitch": 82, "hard": 48, "warn or quote": 9, "refusal": 9, "duty": 4,
        "who": 15, "purpose": 15, "product": 15, "disguise": 11, "non-pitch with a stock word": 20,
        "pairs": 14, "under 40": 48, "40-150": 48, "over 150": 58, "each named signal": 9,
        "conversations with a pitcher": 4, "conversations without": 4,
    },
    "quiet": {
        "messages": 165, "pitch": 46, "honest": 28, "delayed_reveal": 8, "risky_product": 8,
        "network_hype": 8, "non-pitch": 115, "hard": 65, "warn or quote": 12, "refusal": 9, "duty": 2,
        "who": 15, "purpose": 15, "product": 15, "disguise": 5, "non-pitch with a stock word": 24,
        "pairs": 14, "under 40": 50, "40-150": 50, "over 150": 58, "each named signal": 9,
        "conversations with a pitcher": 3, "conversations without": 5,
    },
    "copy": {
        "messages": 230, "pitch": 130, "honest": 45, "delayed_reveal": 40, "risky_product": 45, "network_hype": 40,
        "non-pitch": 100, "hard": 60, "warn or quote": 15, "who": 15, "purpose": 15, "product": 30, "disguise": 6,
        "non-pitch with a stock word": 35, "pairs": 12, "under 40": 50, "40-150": 90, "over 150": 45,
        "each named signal": 0,
    },
    "longer": {
        "messages": 160, "pitch": 80, "honest": 26, "delayed_reveal": 28, "risky_product": 28, "network_hype": 26,
        "non-pitch": 75, "hard": 40, "over 150": 150, "who": 15, "purpose": 15, "product": 15, "pairs": 4,
        "each named signal": 0,
    },
    "courses": {"conversations with a pitcher": 24, "conversations without": 4, "each named signal": 0},
    "signals": {
        "messages": 170, "pitch": 120, "honest": 40, "delayed_reveal": 35, "risky_product": 12, "network_hype": 25,
        "non-pitch": 50, "hard": 35, "refusal": 12, "disguise": 8, "pairs": 12, "under 40": 25, "40-150": 60,
        "over 150": 75,
        "each named signal": 45,
    },
    "talk": {"conversations without": 20, "each named signal": 0},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Brief:
    """The head of a brief file: who writes into which split, and the quotas that apply."""

    name: str
    split: str
    quota: str
    long: int
    signals: tuple[str, ...]


def read_brief(path: Path) -> Brief:
    """Read the head (between two ``---`` lines) of a brief file."""
    head = dict(line.split(": ", 1) for line in path.read_text("utf-8").split("---")[1].strip().splitlines())
    signals = tuple(name.strip() for name in head["signals"].strip("[]").split(",") if name.strip())
    return Brief(head["brief"], head["split"], head["quota"], int(head["long"]), signals)


def expand_message(draft: dict[str, Any], brief: Brief, number: int) -> dict[str, Any]:
    """Expand one draft line into a row of ``data/messages``.

    Raises
    ------
    ValueError
        When a key, letter, signal, flag or channel is unknown, or labels contradict each other.
    """
    unknown = set(draft) - {"t", "c", "l", "s", "d", "x", "pair", "sc"}
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    text = draft.get("t")
    if not isinstance(text, str) or len(text.strip()) < 2 or len(text) > 5000:
        raise ValueError("t must be a text of 2 to 5,000 characters")
    letters = _letters(draft.get("l", ""), HEADLINE_LETTERS)
    signals = draft.get("s") or []
    flags = draft.get("x") or []
    for name in signals:
        if name not in SIGNALS:
            raise ValueError(f"unknown signal {name!r}")
    for name in flags:
        if name not in FLAGS:
            raise ValueError(f"unknown flag {name!r}")
    channel = draft.get("c", "line")
    if channel not in CHANNELS:
        raise ValueError(f"unknown channel {channel!r}")
    if letters and "pitch" not in letters:
        raise ValueError("d, r and n need p")
    if not letters and (signals or draft.get("d")):
        raise ValueError("signals and disclosures belong to pitches")
    if letters and {"hard", "warn", "quote", "refusal"} & set(flags):
        raise ValueError("hard, warn, quote and refusal belong to non-pitches")
    disclosures = _letters(draft.get("d", ""), DISCLOSURE_LETTERS)
    pair = draft.get("pair")
    return {
        "id": f"{brief.name}-{number:04}",
        "text": text,
        "channel": channel,
        **{name: int(name in letters) for name in HEADLINES},
        "signals": [name for name in SIGNALS if name in signals],
        **{f"discloses_{name}": int(name in disclosures) for name in DISCLOSURES},
        "refusal": int("refusal" in flags),
        "recruit_duty": int("duty" in flags),
        "ambiguous": "amb" in flags,
        "hard": bool({"hard", "warn", "quote"} & set(flags)),
        "reported": bool({"warn", "quote"} & set(flags)),
        "disguise": "disguise" in flags,
        "pair": f"{brief.name}-p{pair}" if pair is not None else None,
        "writer": brief.name,
        "scenario": f"{brief.name}-{draft.get('sc') or f'm{number:04}'}",
        "group": brief.name,
        "split": brief.split,
    }


def expand_conversation(draft: dict[str, Any], brief: Brief, number: int) -> dict[str, Any]:
    """Expand one draft conversation into a row of ``data/conversations``.

    Raises
    ------
    ValueError
        When a name or mark is unknown or the marks contradict the conversation's labels.
    """
    letters = _letters(draft.get("l", ""), HEADLINE_LETTERS) - {"pitch"}
    pitcher, allies = draft.get("pitcher"), list(draft.get("allies") or [])
    year = int(draft.get("year", 2022))
    messages: list[dict[str, Any]] = []
    found: dict[str, int | None] = {"setup": None, "reveal": None}
    refused = duty = None
    last_pitch = -1
    for index, item in enumerate(draft["m"]):
        if len(item) not in (4, 5):
            raise ValueError(f"message {index}: expected 4 or 5 fields")
        day, clock, sender, text = item[:4]
        if not re.fullmatch(r"\d{1,2}:\d\d", clock) or int(clock.split(":")[0]) > 23:
            raise ValueError(f"message {index}: time {clock!r}")
        row: dict[str, Any] = {"day": int(day), "time": clock, "sender": sender, "text": text}
        labels: set[str] = set()
        disclosures: set[str] = set()
        marks = item[4].split() if len(item) == 5 else []
        for mark in marks:
            if mark in ("setup", "reveal"):
                if sender != pitcher:
                    raise ValueError(f"message {index}: {mark} is not by the pitcher")
                found[mark] = index if found[mark] is None else found[mark]
            elif mark == "refusal":
                if sender != pitcher and sender not in allies and refused is None:
                    refused = index
            elif mark == "duty":
                duty = index if duty is None else duty
            elif mark.startswith("w:"):
                disclosures = _letters(mark[2:], DISCLOSURE_LETTERS)
            else:
                labels = _letters(mark, HEADLINE_LETTERS)
        if labels:
            if sender != pitcher and sender not in allies:
                raise ValueError(f"message {index}: a pitch by {sender!r}, who is no pitcher or ally")
            if "pitch" not in labels:
                raise ValueError(f"message {index}: d, r and n need p")
            if sender == pitcher:
                last_pitch = index
        messages.append(
            row
            | {name: int(name in labels) for name in HEADLINES}
            | {f"discloses_{name}": int(name in disclosures) for name in DISCLOSURES}
            | {"refusal": int("refusal" in marks), "recruit_duty": int("duty" in marks)}
        )
    senders = list(dict.fromkeys(row["sender"] for row in messages))
    for name in (draft["me"], *([pitcher] if pitcher else []), *allies):
        if name not in senders:
            raise ValueError(f"{name!r} sends nothing")
    if pitcher == draft["me"]:
        raise ValueError("the owner is never the pitcher")
    if not 8 <= len(messages) <= 45:
        raise ValueError(f"{len(messages)} messages, expected 10 to 40")
    if any(a["day"] > b["day"] for a, b in zip(messages, messages[1:], strict=False)):
        raise ValueError("days run backwards")
    setup, reveal = found["setup"], found["reveal"]
    if pitcher is None and (letters or last_pitch >= 0):
        raise ValueError("pattern labels without a pitcher")
    if pitcher is not None:
        delayed = setup is not None and (reveal is None or setup < reveal)
        if delayed != ("delayed_reveal" in letters):
            raise ValueError("l holds d exactly when there is a set-up before the reveal, or one with none")
        if setup is None and reveal is None:
            raise ValueError("a pitcher needs setup or reveal")
        if last_pitch < 0:
            raise ValueError("no message of the pitcher is marked as a pitch")
    return {
        "id": f"{brief.name}-c{number}",
        "title": draft.get("title", ""),
        "kind": "group" if len(senders) > 2 else "direct",
        "me": draft["me"],
        "year": year,
        **{name: int(name in letters) for name in PATTERNS},
        "pitcher": pitcher,
        "allies": allies,
        "setup_index": setup,
        "reveal_index": reveal,
        "refused_index": refused,
        "pushed_after_refusal": refused is not None and last_pitch > refused,
        "recruit_duty_index": duty,
        "writer": brief.name,
        "split": brief.split,
        "messages": messages,
    }


def _letters(text: str, names: dict[str, str]) -> set[str]:
    for letter in text:
        if letter not in names:
            raise ValueError(f"unknown letter or mark {text!r}, expected letters of {''.join(names)!r}")
    return {names[letter] for letter in text}


def _read_drafts(folder: Path, pattern: str) -> Iterator[tuple[str, dict[str, Any] | str]]:
    for path in sorted(folder.glob(pattern)):
        for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
            if line.strip():
                try:
                    yield f"{path.name}:{number}", json.loads(line)
                except ValueError as error:
                    yield f"{path.name}:{number}", f"no JSON: {error}"


def read_folder(folder: Path, brief: Brief) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """Expand every draft line of one writer; faults come back as lines of text."""
    faults: list[str] = []
    rows: dict[str, list[dict[str, Any]]] = {"messages": [], "conversations": []}
    for kind, expand in (("messages", expand_message), ("conversations", expand_conversation)):
        for number, (place, draft) in enumerate(_read_drafts(folder, f"{kind}*.jsonl"), 1):
            try:
                if isinstance(draft, str):
                    raise ValueError(draft)
                rows[kind].append(expand(draft, brief, number))
            except (ValueError, KeyError, TypeError) as error:
                faults.append(f"{place}: {error}")
    pairs: dict[str, list[dict[str, Any]]] = {}
    for row in rows["messages"]:
        if row["pair"]:
            pairs.setdefault(row["pair"], []).append(row)
    for pair, members in pairs.items():
        if len(members) != 2 or all(members[0][name] == members[-1][name] for name in HEADLINES):
            faults.append(f"pair {pair}: expected two messages that differ in a headline label")
    texts = Counter(row["text"] for row in rows["messages"])
    faults += [f"written twice: {text[:30]!r}" for text, n in texts.items() if n > 1]
    return rows["messages"], rows["conversations"], faults


def count(rows: Iterable[dict[str, Any]], talks: Iterable[dict[str, Any]], stock: list[str]) -> dict[str, int]:
    """Count what the quotas ask for."""
    rows, talks = list(rows), list(talks)
    quiet = [row for row in rows if not row["pitch"]]
    n = Counter({"messages": len(rows), "non-pitch": len(quiet)})
    for row in rows:
        patterns = [name for name in PATTERNS if row[name]]
        n.update(
            [*patterns, *(["pitch"] if row["pitch"] else []), *(["honest"] if row["pitch"] and not patterns else [])]
        )
        n.update(name for name in DISCLOSURES if row[f"discloses_{name}"])
        n.update(f"signal {name}" for name in row["signals"])
        for key, name in (
            ("refusal", "refusal"),
            ("recruit_duty", "duty"),
            ("disguise", "disguise"),
            ("hard", "hard"),
            ("reported", "warn or quote"),
        ):
            n[name] += int(row[key])
        has_stock = any(word in row["text"] for word in stock)
        n["non-pitch with a stock word"] += int(has_stock and not row["pitch"])
        if patterns:
            n["pattern messages"] += 1
            n["pattern messages without a stock word"] += int(not has_stock)
        length = len(row["text"])
        n["under 40" if length < 40 else "40-150" if length <= 150 else "over 150"] += 1
        n["600 and more"] += int(length >= 600)
    n["pairs"] = len({row["pair"] for row in rows if row["pair"]})
    n["conversations with a pitcher"] = sum(talk["pitcher"] is not None for talk in talks)
    n["conversations without"] = sum(talk["pitcher"] is None for talk in talks)
    return dict(n)


def check(folder: Path, brief_path: Path) -> int:
    """Print counts against quotas, and the faults; 0 when all is there."""
    brief = read_brief(brief_path)
    rows, talks, faults = read_folder(folder, brief)
    stock = (brief_path.parent.parent / "stock_words.txt").read_text("utf-8").split()
    n = count(rows, talks, stock)
    quotas = dict(QUOTAS[brief.quota]) | {"600 and more": brief.long}
    each = quotas.pop("each named signal")
    quotas |= {f"signal {name}": each for name in brief.signals}
    short = False
    for name, quota in quotas.items():
        missing = n.get(name, 0) < quota
        short |= missing
        print(f"{n.get(name, 0):5} of {quota:4}  {name}{'   <-- MISSING' if missing else ''}")
    free, patterns = n.get("pattern messages without a stock word", 0), n.get("pattern messages", 0)
    half = 2 * free >= patterns
    print(f"{free:5} of {patterns:4} pattern messages hold no stock word{'' if half else '   <-- fewer than half'}")
    print("\n".join(faults) or "no faulty line")
    return int(short or bool(faults) or (not half and brief.quota != "copy"))


def build(drafts: Path, data: Path) -> int:
    """Write ``data/messages/bNN.jsonl`` and ``data/conversations/bNN.jsonl`` from the drafts of writers who are done.

    A brief that stands in ``data`` already is left alone, since its labels may have been settled since.
    """
    for brief_path in sorted((data / "briefs").glob("b*.md")):
        brief = read_brief(brief_path)
        if not (drafts / brief.name / "DONE").exists() or (data / "conversations" / f"{brief.name}.jsonl").exists():
            continue
        rows, talks, faults = read_folder(drafts / brief.name, brief)
        print(f"{brief.name}: {len(rows)} messages, {len(talks)} conversations, {len(faults)} faults")
        for kind, items in (("messages", rows), ("conversations", talks)):
            target = data / kind / f"{brief.name}.jsonl"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), "utf-8")
    return 0


def main(arguments: list[str]) -> int:
    """Run ``check FOLDER BRIEF`` or ``build DRAFTS DATA``."""
    actions = {"check": check, "build": build}
    if len(arguments) != 3 or arguments[0] not in actions:
        print(__doc__, file=sys.stderr)
        return 2
    return actions[arguments[0]](Path(arguments[1]), Path(arguments[2]))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""``make data-report``: every count, agreement, duplicate and split check of ``data/``; fails where one is missed."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score

from kanyu.labels import DISCLOSURES, HEADLINES, PATTERNS, SIGNALS
from kanyu.training.corpus import load_conversations, load_messages

__all__ = ["agreement", "counts", "main", "near_duplicates", "report", "split_faults"]

_SHINGLE: Final = 5
_SIMILAR: Final = 0.6

MINIMA: Final[dict[str, float]] = {
    "briefs": 30,
    "messages": 6000,
    "pitch": 2800,
    "honest pitch": 900,
    "delayed_reveal": 900,
    "risky_product": 1000,
    "network_hype": 900,
    "non-pitch": 3200,
    "hard non-pitch": 1800,
    "warnings, quotations and refusals": 300,
    "refusal": 300,
    "recruit_duty": 120,
    **{f"discloses_{name}": 500 for name in DISCLOSURES},
    **{f"signal {name}": 100 for name in SIGNALS},
    "share under 40 characters": 0.30,
    "share 40 to 150": 0.30,
    "share over 150": 0.40,
    "600 characters and more": 300,
    "600 characters and more in test": 100,
    "share of pattern messages without stock words": 0.5,
    "non-pitch with stock words": 700,
    "natural disguise": 350,
    "contrast pairs": 500,
    "conversations": 300,
    "conversations with a pitcher": 150,
    "… delayed": 110,
    "… delayed, ended before any reveal": 30,
    "… pushed on after a clear refusal": 40,
    "… recruiting duty revealed late": 30,
    "… groups with a planted ally": 15,
    "conversations without a pitcher": 150,
    "groups of three and more": 45,
    "second labels": 1500,
    "rationales in test": 300,
}
"""What the corpus must hold at least."""

MAXIMA: Final[dict[str, float]] = {"share of near duplicates outside pairs": 0.005, "split faults": 0}
"""What it may hold at most."""


def counts(frame: pd.DataFrame, talks: Sequence[dict[str, Any]], stock_words: Sequence[str]) -> dict[str, float]:
    """Count what :data:`MINIMA` asks for, as far as messages and conversations tell."""
    lengths = frame["text"].str.len()
    is_pitch = frame["pitch"] == 1
    has_pattern = frame[list(PATTERNS)].max(axis=1) == 1
    has_stock = frame["text"].map(lambda text: any(word in text for word in stock_words))
    pitchers = [talk for talk in talks if talk["pitcher"] is not None]
    delayed = [talk for talk in pitchers if talk["delayed_reveal"]]
    return {
        "briefs": frame["writer"].nunique(),
        "messages": len(frame),
        "pitch": int(is_pitch.sum()),
        "honest pitch": int((is_pitch & ~has_pattern).sum()),
        **{name: int(frame[name].sum()) for name in PATTERNS},
        "non-pitch": int((~is_pitch).sum()),
        "hard non-pitch": int((~is_pitch & (frame["hard"] | (frame["refusal"] == 1))).sum()),
        "warnings, quotations and refusals": int((~is_pitch & (frame["reported"] | (frame["refusal"] == 1))).sum()),
        "refusal": int(frame["refusal"].sum()),
        "recruit_duty": int(frame["recruit_duty"].sum()),
        **{f"discloses_{name}": int(frame[f"discloses_{name}"].sum()) for name in DISCLOSURES},
        **{f"signal {name}": int(frame[name].sum()) for name in SIGNALS},
        "share under 40 characters": float((lengths < 40).mean()),
        "share 40 to 150": float(((lengths >= 40) & (lengths <= 150)).mean()),
        "share over 150": float((lengths > 150).mean()),
        "600 characters and more": int((lengths >= 600).sum()),
        "600 characters and more in test": int(((lengths >= 600) & (frame["split"] == "test")).sum()),
        "share of pattern messages without stock words": float((~has_stock[has_pattern]).mean()),
        "non-pitch with stock words": int((~is_pitch & has_stock).sum()),
        "natural disguise": int(frame["disguise"].sum()),
        "contrast pairs": frame["pair"].nunique(),
        "conversations": len(talks),
        "conversations with a pitcher": len(pitchers),
        "… delayed": len(delayed),
        "… delayed, ended before any reveal": sum(talk["reveal_index"] is None for talk in delayed),
        "… pushed on after a clear refusal": sum(bool(talk["pushed_after_refusal"]) for talk in pitchers),
        "… recruiting duty revealed late": sum(_late_duty(talk) for talk in pitchers),
        "… groups with a planted ally": sum(talk["kind"] == "group" and bool(talk["allies"]) for talk in pitchers),
        "conversations without a pitcher": len(talks) - len(pitchers),
        "groups of three and more": sum(talk["kind"] == "group" for talk in talks),
    }


def _late_duty(talk: dict[str, Any]) -> bool:
    duty = talk["recruit_duty_index"]
    first = talk["setup_index"] if talk["setup_index"] is not None else talk["reveal_index"]
    return duty is not None and first is not None and duty > first


def near_duplicates(frame: pd.DataFrame) -> list[tuple[str, str, float]]:
    """Pairs of messages whose character 5-grams have a Jaccard similarity of at least 0.6.

    Returns
    -------
    list of (id, id, similarity)
        Contrast pairs are left out.
    """
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=_SIMILAR - 0.1, num_perm=128)
    shingles: dict[str, set[str]] = {}
    pair_of = dict(zip(frame["id"], frame["pair"], strict=True))
    found = []
    for identity, text in zip(frame["id"], frame["text"], strict=True):
        mine = {text[i : i + _SHINGLE] for i in range(max(1, len(text) - _SHINGLE + 1))}
        sketch = MinHash(num_perm=128, seed=1)
        sketch.update_batch([piece.encode() for piece in mine])
        for other in index.query(sketch):
            similarity = len(mine & shingles[other]) / len(mine | shingles[other])
            is_pair = pair_of[identity] is not None and pair_of[identity] == pair_of[other]
            if similarity >= _SIMILAR and not is_pair:
                found.append((other, identity, similarity))
        shingles[identity] = mine
        index.insert(identity, sketch)
    return found


def repeated_openings(frame: pd.DataFrame, length: int = 8) -> list[tuple[str, int]]:
    """The openings (first characters) that most messages outside pairs share."""
    openings = Counter(text[:length] for text in frame.loc[frame["pair"].isna(), "text"] if len(text) > length)
    return [(opening, n) for opening, n in openings.most_common(10) if n > 2]


def split_faults(
    frame: pd.DataFrame, talks: Sequence[dict[str, Any]], duplicates: Sequence[tuple[str, str, float]]
) -> list[str]:
    """Writers, pairs, scenarios and near duplicates that stand in more than one split."""
    faults = []
    for column in ("writer", "pair", "scenario"):
        n_splits = frame[frame[column].notna()].groupby(column)["split"].nunique()
        faults += [f"{column} {value} is in several splits" for value in n_splits[n_splits > 1].index]
    split_of_writer = defaultdict(set)
    for writer, split in [
        *zip(frame["writer"], frame["split"], strict=True),
        *((t["writer"], t["split"]) for t in talks),
    ]:
        split_of_writer[writer].add(split)
    faults += [f"writer {writer} is in several splits" for writer, splits in split_of_writer.items() if len(splits) > 1]
    split_of = dict(zip(frame["id"], frame["split"], strict=True))
    faults += [f"near duplicates {a} and {b} are in two splits" for a, b, _ in duplicates if split_of[a] != split_of[b]]
    return faults


def agreement(data: Path) -> pd.DataFrame:
    """Cohen's kappa of the first and the second reader, per headline label.

    Returns
    -------
    DataFrame
        ``label, n, kappa, agreement``; empty where no second labels are there.
    """
    rows = [json.loads(line) for line in _lines(data / "annotations" / "second.jsonl")]
    table = []
    for name in HEADLINES:
        first = np.array([row["first"][name] for row in rows])
        second = np.array([row["second"][name] for row in rows])
        if len(rows):
            table.append(
                {
                    "label": name,
                    "n": len(rows),
                    "kappa": cohen_kappa_score(first, second),
                    "agreement": float((first == second).mean()),
                }
            )
    return pd.DataFrame(table)


def _lines(path: Path) -> Iterator[str]:
    if path.exists():
        yield from (line for line in path.read_text("utf-8").split("\n") if line.strip())


def main(arguments: Sequence[str]) -> int:
    """Print the report of a data folder and put it into its README; 1 where a figure is missed."""
    data = Path(arguments[0] if arguments else "data")
    lines, missed = report(data)
    print("\n".join(lines))
    readme = data / "README.md"
    if readme.exists() and _BEGIN in readme.read_text("utf-8"):
        text = readme.read_text("utf-8")
        head, rest = text.split(_BEGIN)
        block = "\n".join([_BEGIN, "```", *lines, "```", _END])
        readme.write_text(head + block + rest.split(_END)[1], "utf-8")
    return int(missed > 0)


def report(data: Path) -> tuple[list[str], int]:
    """The lines of the report, and how many figures are missed."""
    frame, talks = load_messages(data), load_conversations(data)
    figures = counts(frame, talks, (data / "stock_words.txt").read_text("utf-8").split())
    duplicates = near_duplicates(frame)
    faults = split_faults(frame, talks, duplicates)
    figures["second labels"] = sum(1 for _ in _lines(data / "annotations" / "second.jsonl"))
    figures["rationales in test"] = sum(1 for _ in _lines(data / "annotations" / "rationales.jsonl"))
    figures["share of near duplicates outside pairs"] = len({b for _, b, _ in duplicates}) / len(frame)
    figures["split faults"] = len(faults)
    lines = []
    missed = 0
    for name, value in figures.items():
        limit = MINIMA.get(name, MAXIMA.get(name))
        bad = limit is not None and (value < limit if name in MINIMA else value > limit)
        missed += bad
        sign = "" if limit is None else f"  ({'at least' if name in MINIMA else 'at most'} {limit:g})"
        shown = f"{value:9.3f}" if isinstance(value, float) else f"{value:9}"
        lines.append(f"{shown}  {name}{sign}{'   <-- MISSED' if bad else ''}")
    lines += ["", "splits (messages, conversations)"]
    for split in ("train", "dev", "test"):
        n = int((frame["split"] == split).sum())
        lines.append(f"  {split:6} {n:6} {n / len(frame):6.1%} {sum(talk['split'] == split for talk in talks):6}")
    lines += [
        "",
        "agreement of two readings (machine readers of one guide: reproducibility, not agreement among people)",
    ]
    lines += [
        f"  {row.label:16} kappa {row.kappa:.3f}  raw {row.agreement:.3f}  n {row.n}"
        for row in agreement(data).itertuples()
    ]
    openings = ", ".join(f"{opening!r} {n}" for opening, n in repeated_openings(frame))
    lines += ["", f"openings shared by more than two messages: {openings}"]
    lines += [f"near duplicates: {a} {b} {similarity:.2f}" for a, b, similarity in duplicates[:20]]
    return lines + faults[:20], missed


_BEGIN: Final = "<!-- begin: make data-report -->"
_END: Final = "<!-- end: make data-report -->"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""``make card``: measure the shipped model and write ``models/figures.json`` and ``models/README.md`` from it.

No figure of the card is typed by hand; ``python -m kanyu.training.card`` prints every one again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from kanyu.detector import Detector, load
from kanyu.labels import HEADLINES, LABELS, PATTERNS
from kanyu.training.conversation_evaluation import conversation_figures, judge_held_out
from kanyu.training.corpus import load_conversations, load_messages, load_ordinary
from kanyu.training.evaluation import (
    evaluate,
    evidence_token_f1,
    false_alarms,
    load_real,
    pair_accuracy,
    pattern_recall,
    reliability,
    slices,
)
from kanyu.training.rivals import learning_curve, rivals, stock_word_scores
from kanyu.training.robustness import robustness_report
from kanyu.training.train import OrdinaryRecord, train, training_frame

__all__ = ["figures", "main", "render"]

TARGETS: Final = {
    "F1 pitch": 0.93,
    "F1 delayed_reveal": 0.85,
    "F1 risky_product": 0.90,
    "F1 network_hype": 0.87,
    "real text: AP pitch": 0.92,
    "real text: mean AP of the patterns": 0.75,
    "real text: lead over the stock-word list": 0.10,
    "recall on pattern messages without stock words": 0.80,
    "pairs with every headline label right": 0.70,
    "recall on a pitch inside a long text": 0.80,
    "evidence: lead over marking everything": 0.15,
}
"""What is aimed at: at least."""

CEILINGS: Final = {
    "false alarms per 1,000, worst pattern": 0.5,
    "false alarms per 1,000, pitch": 5.0,
    "loss under the worst inverted disguise (points)": 3.0,
    "loss under the worst lasting or natural disguise (points)": 12.0,
    "worst expected calibration error": 0.05,
}
"""What is aimed at: at most."""


def figures(data: Path, shared: Path, models: Path) -> dict[str, Any]:
    """Measure everything that the card tells.

    Parameters
    ----------
    data : Path
        The corpus.
    shared : Path
        Holds ``benign`` and ``real``; where absent, those figures are left out.
    models : Path
        Holds ``ordinary-chat.json``.
    """
    detector = load()
    frame, talks = load_messages(data), load_conversations(data)
    stock = (data / "stock_words.txt").read_text("utf-8").split()
    test = frame[frame["split"] == "test"].reset_index(drop=True)
    known = frame[frame["split"] != "test"].reset_index(drop=True)
    result: dict[str, Any] = {"model": {"version": detector.model.version, "sha256": detector.model.sha256}}
    result["corpus"] = {split: int((frame["split"] == split).sum()) for split in ("train", "dev", "test")}
    result["test"] = evaluate(detector, test)["labels"]
    result["reliability"] = reliability(detector, test)
    table = slices(detector, test, stock)
    result["slices"] = json.loads(table.to_json(orient="records"))
    result["pattern recall"] = {
        "all": pattern_recall(detector, test),
        "without stock words": pattern_recall(detector, test[~_has_stock(test, stock)]),
        "inside a long text": pattern_recall(detector, test[test["text"].str.len() >= 600]),
        "natural disguise": pattern_recall(detector, test[test["disguise"].astype(bool)]),
    }
    pairs, n_pairs = pair_accuracy(detector, test)
    result["pairs"] = {"accuracy": pairs, "n": n_pairs}
    result["disguise"] = json.loads(robustness_report(detector, test).to_json(orient="records"))
    rationales = data / "annotations" / "rationales.jsonl"
    if rationales.exists():
        rows = [json.loads(line) for line in rationales.read_text("utf-8").split("\n") if line.strip()]
        result["evidence"] = evidence_token_f1(detector, rows)
    result["rivals"] = json.loads(rivals(known, test, stock).to_json(orient="records"))
    training, is_message = training_frame(frame, talks)
    result["learning curve"] = json.loads(learning_curve(training, is_message).to_json(orient="records"))
    if (models / "ablation.json").exists():
        result["ablation"] = json.loads((models / "ablation.json").read_text("utf-8"))
    if (shared / "benign").is_dir():
        result["ordinary"] = {
            name: false_alarms(detector, load_ordinary([shared / "benign" / f"{name}.jsonl"]))
            for name in ("measure", "business")
        }
        result["ordinary chats"] = _flagged_chats(detector, load_ordinary([shared / "benign" / "measure.jsonl"]))
    if (shared / "real").is_dir():
        result["real"] = _real(detector, load_real(shared / "real" / "dev_excerpts.jsonl"), stock)
    result["conversations"] = _conversations(frame, talks, models / "ordinary-chat.json")
    result["summary"] = _summary(result)
    return result


def _has_stock(frame: pd.DataFrame, stock: Sequence[str]) -> pd.Series:
    return frame["text"].map(lambda text: any(word in text for word in stock))


def _real(detector: Detector, frame: pd.DataFrame, stock: Sequence[str]) -> dict[str, Any]:
    scores, _ = detector.log_odds(frame["text"].tolist())
    words = stock_word_scores(frame["text"].tolist(), stock)
    ours = {name: float(average_precision_score(frame[name], scores[:, k])) for k, name in enumerate(HEADLINES)}
    lists = {name: float(average_precision_score(frame[name], words)) for name in HEADLINES}
    return {"n": len(frame), "average_precision": ours, "stock_words": lists}


def _flagged_chats(detector: Detector, chats: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, float]:
    from kanyu.messages import Conversation, Message

    reports = detector.scan(
        Conversation("", "jsonl", "", [Message(m["sender"], m["text"]) for m in chat]) for chat in chats
    )
    verdicts = [[sender.verdict for sender in report.senders] for report in reports.conversations]
    return {
        "chats": len(verdicts),
        "flagged_per_100": 100 * float(np.mean(["flagged" in row for row in verdicts])),
        "ordinary_pitch_per_100": 100 * float(np.mean(["ordinary_pitch" in row for row in verdicts])),
    }


def _conversations(frame: pd.DataFrame, talks: list[dict[str, Any]], record_path: Path) -> dict[str, list[float]]:
    """The course, by 5-fold cross-validation with whole writers left out over all conversations."""
    everything = frame.assign(split="train")
    opened = [talk | {"split": "train"} for talk in talks]
    trained = train(everything, opened)
    limits = {name: value for name, value in trained.model.course.thresholds.items() if name not in HEADLINES}
    record = OrdinaryRecord.load(record_path) if record_path.exists() else None
    return conversation_figures(judge_held_out(trained.conversations, trained.message_scores, limits, record))


def _summary(result: Mapping[str, Any]) -> dict[str, float]:
    """The figures that have a target, by name."""
    summary = {f"F1 {name}": result["test"][name]["f1"] for name in HEADLINES}
    if "real" in result:
        real = result["real"]
        mean = float(np.mean([real["average_precision"][name] for name in PATTERNS]))
        summary["real text: AP pitch"] = real["average_precision"]["pitch"]
        summary["real text: mean AP of the patterns"] = mean
        summary["real text: lead over the stock-word list"] = mean - float(
            np.mean([real["stock_words"][n] for n in PATTERNS])
        )
    recall = result["pattern recall"]
    summary["recall on pattern messages without stock words"] = recall["without stock words"]
    summary["pairs with every headline label right"] = result["pairs"]["accuracy"]
    summary["recall on a pitch inside a long text"] = recall["inside a long text"]
    if "evidence" in result:
        summary["evidence: lead over marking everything"] = result["evidence"]["lead"]
    if "ordinary" in result:
        rates = [result["ordinary"][part]["per_1000"][name] for part in ("measure", "business") for name in PATTERNS]
        summary["false alarms per 1,000, worst pattern"] = max(rates)
        summary["false alarms per 1,000, pitch"] = result["ordinary"]["measure"]["per_1000"]["pitch"]
    losses = {
        kind: [row["loss"] for row in result["disguise"] if row["kind"] == kind] for kind in ("inverted", "lasting")
    }
    summary["loss under the worst inverted disguise (points)"] = max(losses["inverted"])
    natural = 100 * (recall["all"] - recall["natural disguise"])
    summary["loss under the worst lasting or natural disguise (points)"] = max(*losses["lasting"], natural)
    summary["worst expected calibration error"] = max(result["test"][name]["ece"] for name in HEADLINES)
    return summary


def render(result: Mapping[str, Any], info: Mapping[str, Any], mistakes: str) -> str:
    """The card as Markdown."""
    parts = [_HEAD.format(**info), _summary_table(result["summary"]), _test_table(result["test"])]
    parts.append(_table("Rivals on the same split (thresholds by F1 on training groups)", result["rivals"]))
    parts.append(
        _table(
            "Learning curve (writers left out; mean average precision of the three patterns)", result["learning curve"]
        )
    )
    if "ablation" in result:
        parts.append(_table("What each kind of term brings (average precision, writers left out)", result["ablation"]))
    if "ordinary" in result:
        parts.append(_ordinary_table(result))
    parts.append(_table("Disguise suite: recall of `flagged` on the test split's pattern messages", result["disguise"]))
    chosen = [row for row in result["slices"] if not row["slice"].startswith("brief")]
    parts.append(_table("Slices of the test split", chosen))
    if "evidence" in result:
        parts.append(_table("Evidence against the reader's spans", [result["evidence"]]))
    talks = [{"figure": name, "value": v[0], "low": v[1], "high": v[2]} for name, v in result["conversations"].items()]
    parts.append(_table("The course of conversations (5-fold, whole writers left out, 95 % range over writers)", talks))
    parts.append(mistakes)
    return "\n".join(parts)


_HEAD: Final = """---
language: ja
license: apache-2.0
library_name: kanyu
tags: [text-classification, sales-pitch, sudachi, tf-idf, logistic-regression]
model_name: kanyu-ja
version: {version}
---
<!-- written by `make card`; every figure comes from models/figures.json -->
# kanyu-ja {version}

Judges one Japanese message (or a window of a long text): is it a sales pitch, and does it show a delayed reveal, a risky product,
network-business hype? TF-IDF over Sudachi words, pairs, synonym groups, amounts, concepts and character n-grams; one logistic
regression per label; one calibration line per label; a linear model over the course of a conversation. {n_terms} terms,
{n_labels} labels, digest `{sha256}`.

**Intended use**: help a person, a counsellor or a moderator look at a message with the words that matter marked. **Not for**:
deciding about people automatically, legal judgements, other languages, spoken text.

**Data**: {train} training, {dev} development and {test} test messages, composed by machine from briefs (data/README.md). Nothing in
it was received by anybody; labels come from machine readers of one guide. Briefs (writers) are never shared between splits.

**Probabilities** are calibrated for that mix, about half pitches. In an ordinary chat log pitches are far rarer, so a probability
there reads too high; the thresholds, not the probabilities, are chosen for ordinary chat: few false alarms first, on 300 real chats
that are used for nothing else, then F1.

**Retrain on your own data**: `kanyu train mine.jsonl data/messages --conversations data --out mine.safetensors`, then
`kanyu evaluate mine.safetensors mine-test.jsonl`.
"""


def _number(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(rows[0])
    lines = [f"\n## {title}", "| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(_number(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _summary_table(summary: Mapping[str, float]) -> str:
    rows = []
    for name, value in summary.items():
        if name in TARGETS:
            rows.append(
                {
                    "figure": name,
                    "measured": value,
                    "aim": f">= {TARGETS[name]}",
                    "reached": "yes" if value >= TARGETS[name] else "no",
                }
            )
        else:
            rows.append(
                {
                    "figure": name,
                    "measured": value,
                    "aim": f"<= {CEILINGS[name]}",
                    "reached": "yes" if value <= CEILINGS[name] else "no",
                }
            )
    return _table("Figures and what was aimed at", rows)


def _test_table(labels: Mapping[str, Any]) -> str:
    rows = [
        {
            "label": f"{name} {LABELS[name].ja}",
            "n": row["n"],
            "positives": row["positives"],
            "precision": row["precision"],
            "recall": row["recall"],
            "F1": row["f1"],
            "F1 95 %": "–".join(f"{value:.3f}" for value in row["interval"]["f1"]),
            "average precision": row["average_precision"],
            "AP 95 %": "–".join(f"{value:.3f}" for value in row["interval"]["average_precision"]),
            "Brier": row["brier"],
            "ECE": row["ece"],
            "ECE 95 %": "–".join(f"{value:.3f}" for value in row["ece_interval"]),
        }
        for name, row in labels.items()
    ]
    return _table("Test split (briefs never seen; ranges by bootstrap over briefs)", rows)


def _ordinary_table(result: Mapping[str, Any]) -> str:
    rows = [
        {
            "chats": part,
            "messages": table["messages"],
            "label": name,
            "per 1,000": rate,
            "upper 95 %": table["upper_95"][name],
        }
        for part, table in result["ordinary"].items()
        for name, rate in table["per_1000"].items()
    ]
    chats = result["ordinary chats"]
    text = _table("False alarms on real ordinary chat", rows)
    return (
        f"{text}\n\nOf {chats['chats']} whole ordinary chats, {chats['flagged_per_100']:.2f} per 100 have a flagged sender and "
        f"{chats['ordinary_pitch_per_100']:.2f} per 100 one that reads like an ordinary pitch.\n"
    )


def worst_mistakes(detector: Detector, frame: pd.DataFrame, n: int = 4) -> str:
    """The surest mistakes on the test split, as they are."""
    scores, _ = detector.log_odds(frame["text"].tolist())
    lines = ["\n## Known failures: the surest mistakes on the test split"]
    for k, name in enumerate(HEADLINES):
        limit = np.log(detector.thresholds[name] / (1 - detector.thresholds[name]))
        truth = frame[name].to_numpy() == 1
        missed = np.argsort(np.where(truth, scores[:, k], np.inf))[:n]
        alarms = np.argsort(np.where(~truth, -scores[:, k], np.inf))[:n]
        lines.append(f"\n**{name}**")
        for title, rows in (("missed", missed), ("false alarm", alarms)):
            for row in rows:
                if (scores[row, k] >= limit) == (title == "false alarm"):
                    text = frame["text"].iloc[row].replace("\n", " ").replace("|", "|")
                    lines.append(f"- {title}: 「{text[:90]}{'…' if len(text) > 90 else ''}」")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Measure, write ``models/figures.json`` and ``models/README.md``, print the summary."""
    data, shared, models = map(Path, arguments or ("data", "../shared", "models"))
    result = figures(data, shared, models)
    detector = load()
    frame = load_messages(data)
    info = {
        "version": detector.model.version,
        "sha256": detector.model.sha256,
        "n_terms": sum(map(len, detector.model.vocabulary)),
        "n_labels": len(detector.model.labels),
        **result["corpus"],
    }
    mistakes = worst_mistakes(detector, frame[frame["split"] == "test"].reset_index(drop=True))
    (models / "figures.json").write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    (models / "README.md").write_text(render(result, info, mistakes), "utf-8")
    for name, value in result["summary"].items():
        aim = f">= {TARGETS[name]}" if name in TARGETS else f"<= {CEILINGS[name]}"
        print(f"{value:8.3f}  {name}  ({aim})")
    for name, (value, low, high) in result["conversations"].items():
        print(f"{value:8.3f}  {name}  ({low:.3f} to {high:.3f})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

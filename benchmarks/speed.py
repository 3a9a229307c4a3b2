"""kanyu against its rivals, as ratios of one run on the same texts; exit 1 where a bound is missed.

Rivals: bare Sudachi (the same mode, ``tokenize(text, out=...)``, one thread), which is the limit of
the design, and the same model as a pipeline of scikit-learn. Works of one process are measured in
processor time, whole processes by the clock; of each the best of several rounds counts.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

from sudachipy import Dictionary, SplitMode
from tools.measuring import Ratio, best_of, command, keep, run
from tools.texts import different_messages, endless_messages, long_text, source

from kanyu.canonical import canonicalize
from kanyu.detector import Detector, load
from kanyu.features import windows
from kanyu.labels import HEADLINES
from kanyu.training.export import save_pipeline, to_pipeline

N_MESSAGES = 12_000
N_FEW = 2_000  # for works that take long for each message
N_ROWS = 100_000
ROUNDS = 5
TEXT = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
RIVAL = Path(__file__).parent / "rivals" / "joblib_check.py"


def rates(detector: Detector, texts: list[str]) -> list[Ratio]:
    """Bulk and one at a time against bare Sudachi and scikit-learn."""
    canonical = [canonicalize(text).text for text in texts]
    tokenizer = Dictionary(dict="core").tokenizer(mode=getattr(SplitMode, detector.model.options.mode))
    morphemes = tokenizer.tokenize("")
    pipeline = to_pipeline(detector.model)
    columns = [detector.model.labels.index(label) for label in HEADLINES]
    regressions = [pipeline[-1].estimators_[column] for column in columns]

    def tokenize() -> None:
        for text in canonical:
            tokenizer.tokenize(text, out=morphemes)

    def predict() -> None:
        texts = [canonicalize(text).text for text in few]
        terms = pipeline[:-1].transform([text[start:end] for text in texts for start, end in windows(text)])
        for regression in regressions:
            regression.decision_function(terms)

    def check() -> None:
        for text in few:
            detector.check(text)

    few = texts[:: len(texts) // N_FEW][:N_FEW]
    share = sum(map(len, texts)) / sum(map(len, few))
    spent = best_of(
        ROUNDS,
        {
            "sudachi": tokenize,
            "bulk": lambda: detector.log_odds(texts),
            "rows": lambda: detector.score_texts(texts),
            "sklearn": predict,
            "check": check,
        },
    )
    return [
        Ratio("bulk scoring / bare Sudachi, messages a second", spent["sudachi"] / spent["bulk"], at_least=0.45),
        Ratio("rows with flags and verdict / bare Sudachi", spent["sudachi"] / spent["rows"], at_least=0.4),
        Ratio("bulk scoring / scikit-learn pipeline", spent["sklearn"] * share / spent["bulk"], at_least=2.0),
        Ratio("one check at a time / bulk scoring", spent["bulk"] / (spent["check"] * share), at_least=0.4),
    ]


def repeats(detector: Detector, texts: list[str]) -> list[Ratio]:
    """What it brings that identical texts are scored once, where each text comes twice."""
    spent = best_of(3, {"once": lambda: detector.log_odds(texts), "twice": lambda: detector.log_odds(texts + texts)})
    return [Ratio("every text twice / once, time", spent["twice"] / spent["once"], at_most=1.2)]


def growth(detector: Detector) -> list[Ratio]:
    """Time per character of a long text against that of short ones of the same characters."""
    long = [long_text(20_000, seed) for seed in range(5)]
    short = [text[start : start + 200] for text in long for start in range(0, len(text), 200)]
    spent = best_of(ROUNDS, {"long": lambda: detector.log_odds(long), "short": lambda: detector.log_odds(short)})
    return [Ratio("time per character, 20,000 / 200 characters", spent["long"] / spent["short"], at_most=1.2)]


def jobs(folder: Path) -> list[Ratio]:
    """Two worker processes against one."""
    table = folder / "table.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([text] for text in endless_messages(N_ROWS))
    best = {1: float("inf"), 2: float("inf")}
    for _ in range(2):
        for n in best:
            done = run(command("score", str(table), "--out", str(folder / f"out{n}.csv"), "--jobs", str(n)))
            best[n] = min(best[n], done.seconds)
    return [Ratio("two worker processes / one, rows a second", best[1] / best[2], at_least=1.7)]


def start(detector: Detector, folder: Path) -> list[Ratio]:
    """``kanyu check TEXT`` against the same check with joblib and scikit-learn."""
    pipeline = folder / "pipeline.joblib"
    save_pipeline(detector.model, pipeline)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(run(command("check", TEXT)))
        theirs.append(run([sys.executable, str(RIVAL), str(pipeline), TEXT]))
    seconds = min(done.seconds for done in ours) / min(done.seconds for done in theirs)
    megabytes = min(done.megabytes for done in ours) / min(done.megabytes for done in theirs)
    return [
        Ratio("start to answer of a check / with joblib and scikit-learn", seconds, at_most=0.25),
        Ratio("peak of memory of a check / with joblib and scikit-learn", megabytes, at_most=0.5),
    ]


def main() -> int:
    detector = load()
    texts = different_messages(N_MESSAGES)
    detector.log_odds(texts)  # tables fill on first use
    with tempfile.TemporaryDirectory() as name:
        ratios = [
            *rates(detector, texts),
            *repeats(detector, texts),
            *growth(detector),
            *start(detector, Path(name)),
            *jobs(Path(name)),
        ]
    keep("speed", ratios, {"messages": len(texts), "texts": source(), "rows": N_ROWS})
    return 0 if all(ratio.is_kept for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Memory and time of very many messages; exit 1 where a bound is missed. Takes long.

Usage: flat.py [ROWS [MESSAGES]]; 5,000,000 rows of a table and 1,000,000 messages of a chat by default.
The peak is that of the process that reads and writes; with one job it scores too.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tools.measuring import Ratio, best_of, command, keep, run
from tools.texts import endless_messages, source

import kanyu
from kanyu.detector import load

MEGABYTES = 500
N_SCANNED = 200_000
PER_DAY = 500


def write_csv(path: Path, texts: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(texts))


def write_jsonl(path: Path, texts: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            file.write(json.dumps({"id": number, "text": text}, ensure_ascii=False) + "\n")


def write_parquet(path: Path, texts: Iterable[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rest = iter(texts)
    with pq.ParquetWriter(path, pa.schema([("text", pa.string())])) as writer:
        while rows := [*islice(rest, 50_000)]:
            writer.write_table(pa.table({"text": rows}))


def write_line(path: Path, texts: Iterable[str]) -> None:
    """A chat as LINE on a phone exports it."""
    with path.open("w", encoding="utf-8") as file:
        file.write("[LINE] 花屋の会とのトーク履歴\n保存日時：2024/05/20 21:00\n")
        for number, text in enumerate(texts):
            if number % PER_DAY == 0:
                day = date(2000, 1, 1) + timedelta(days=number // PER_DAY)
                file.write(f"\n{day:%Y/%m/%d}({'月火水木金土日'[day.weekday()]})\n")
            file.write(f"{number % PER_DAY // 60:02}:{number % 60:02}\t{('みずき', '小島 由佳')[number % 2]}\t{text}\n")


def score_tables(folder: Path, n_rows: int) -> list[Ratio]:
    writers: dict[str, Callable[[Path, Iterable[str]], None]] = {
        "csv": write_csv,
        "jsonl": write_jsonl,
        "parquet": write_parquet,
    }
    ratios = []
    for ending, write in writers.items():
        table, out = folder / f"table.{ending}", folder / f"out.{ending}"
        write(table, endless_messages(n_rows))
        done = run(command("score", str(table), "--out", str(out), "--jobs", "1"))
        name = f"peak of `kanyu score`, {n_rows:,} rows of {ending} / {MEGABYTES} MB"
        ratios.append(Ratio(name, done.megabytes / MEGABYTES, at_most=1.0))
        table.unlink()
        out.unlink()
    return ratios


def scan_chats(folder: Path, n_messages: int) -> list[Ratio]:
    chat = folder / "[LINE] 花屋の会とのトーク.txt"
    write_line(chat, endless_messages(n_messages))
    done = run(command("scan", str(chat), "--out", str(folder / "scan.csv")))
    n_scanned = min(n_messages, N_SCANNED)
    texts = [*endless_messages(n_scanned)]
    write_line(chat, texts)
    detector = load()
    detector.log_odds(texts[:20_000])  # tables fill on first use
    spent = best_of(
        2,
        {"scan": lambda: detector.scan(kanyu.read_export(chat)), "score": lambda: detector.log_odds(texts)},
    )
    name = f"reading and scanning a chat of {n_scanned:,} messages / scoring their texts, messages a second"
    return [
        Ratio(
            f"peak of `kanyu scan`, {n_messages:,} messages / {MEGABYTES} MB", done.megabytes / MEGABYTES, at_most=1.0
        ),
        Ratio(name, spent["score"] / spent["scan"], at_least=0.7),
    ]


def growth(n_messages: int) -> list[Ratio]:
    """Time per message of all against the best of ten thousands among them."""
    detector = load()
    texts = [*endless_messages(n_messages)]
    detector.log_odds(texts[:20_000])
    best = float("inf")
    for first in range(0, n_messages, n_messages // 10):
        start = time.process_time()
        detector.log_odds(texts[first : first + 1_000])
        best = min(best, time.process_time() - start)
    start = time.process_time()
    for first in range(0, n_messages, 1024):  # as `kanyu score` hands them over
        detector.log_odds(texts[first : first + 1024])
    ratio = (time.process_time() - start) / n_messages / (best / 1_000)
    return [Ratio(f"time per message, {n_messages:,} / 1,000 messages", ratio, at_most=1.1)]


def main() -> int:
    n_rows, n_messages = (*map(int, sys.argv[1:3]), *(5_000_000, 1_000_000)[len(sys.argv[1:3]) :])
    with tempfile.TemporaryDirectory() as name:
        ratios = [*score_tables(Path(name), n_rows), *scan_chats(Path(name), n_messages), *growth(n_messages)]
    keep("large", ratios, {"rows": n_rows, "messages": n_messages, "texts": source()})
    return 0 if all(ratio.is_kept for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())

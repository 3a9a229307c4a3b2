"""``kanyu score --backend dask`` on clusters of this machine: ratios of one run, and the table of docs/cluster.md.

Writes benchmarks/cluster.json and puts its figures between the marks in docs/cluster.md; exit 1 where a result differs.
The text is made here: messages that are all different, of the length that chats have.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kanyu.cli import run

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- benchmarks/cluster.py begins -->", "<!-- benchmarks/cluster.py ends -->"
PARTS = 4
ROWS = 15_000  # of each part
PIECES = (
    "了解です",
    "明日10時に改札前で",
    "会わせたい人がいる",
    "月利8%で元本保証",
    "詳しくは会ってから",
    "今日は雨らしいよ",
    "入会金38万円",
    "昨日の映画よかった",
    "2人紹介すれば元が取れる",
    "またごはん行こう",
)


def make(folder: Path) -> int:
    """Write the parts; return the number of characters."""
    import pandas as pd

    chance = random.Random(1)
    total = 0
    for part in range(PARTS):
        texts = [f"{'。'.join(chance.choices(PIECES, k=3))} {part}-{number}" for number in range(ROWS)]
        total += sum(map(len, texts))
        pd.DataFrame({"id": range(ROWS), "text": texts}).to_parquet(folder / f"day-{part}.parquet")
    return total


def score(logs: Path, out: Path, *options: str) -> float:
    start = time.perf_counter()
    status = run(["score", str(logs / "*.parquet"), "--out", f"{out}/", "--lang", "en", *options])
    assert status == 0
    return time.perf_counter() - start


def main() -> int:
    import distributed

    make_cluster: Any = distributed.LocalCluster
    facts: dict[str, object] = {"cores": os.cpu_count(), "rows": PARTS * ROWS, "parts": PARTS}
    same = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logs = folder / "logs"
        logs.mkdir()
        facts["characters"] = make(logs)
        score(logs, folder / "warm", "--jobs", "1")
        one = score(logs, folder / "one", "--jobs", "1")
        rates = [{"where": "one process, no cluster", "ratio": 1.0, "rate": PARTS * ROWS / one}]
        for n_workers in (1, 2):
            with make_cluster(
                n_workers=n_workers, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
            ) as cluster:
                out = folder / f"cluster-{n_workers}"
                spent = score(logs, out, "--backend", "dask", "--scheduler", cluster.scheduler_address)
            where = f"cluster of {n_workers} worker{'s' if n_workers > 1 else ''}"
            rates.append({"where": where, "ratio": one / spent, "rate": PARTS * ROWS / spent})
            for part in range(PARTS):
                file = f"day-{part}.parquet"
                same = same and (folder / "one" / file).read_bytes() == (out / file).read_bytes()
    facts |= {"rates": rates, "same": same}
    (ROOT / "benchmarks" / "cluster.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    write_table(facts)
    return 0 if same else 1


def write_table(facts: dict[str, object]) -> None:
    """Put the figures into the page."""
    rates: list[dict[str, float]] = facts["rates"]  # type: ignore[assignment]
    lines = [
        f"Measured on one machine with {facts['cores']} cores shared by everything, the client and the scheduler too: "
        f"{facts['rows']:,} messages of {facts['characters'] / facts['rows']:.0f} characters on average "  # type: ignore[operator]
        f"in {facts['parts']} Parquet parts. Results: {'identical' if facts['same'] else 'DIFFERENT'}.",
        "",
        "| where | against one process | messages a second | 100,000,000 messages at this rate |",
        "|---|---:|---:|---:|",
    ]
    for row in rates:
        hours = 1e8 / row["rate"] / 3600
        lines.append(f"| {row['where']} | {row['ratio']:.2f} | {row['rate']:,.0f} | {hours:.1f} hours |")
    page = ROOT / "docs" / "cluster.md"
    text = page.read_text("utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

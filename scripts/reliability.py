"""The table of docs/reliability.md from the counts that the tests wrote (see tests/ledger.py).

Usage: ``python scripts/reliability.py benchmarks/reliability.json docs/reliability.md``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BEGIN, END = "<!-- scripts/reliability.py begins -->", "<!-- scripts/reliability.py ends -->"


def table(counts: dict[str, dict[str, int]]) -> list[str]:
    """The rows, by name; what was lost is what was tried and did not hold."""
    lines = ["| what was tried | how often | lost |", "|---|---:|---:|"]
    for what, count in sorted(counts.items()):
        lines.append(f"| {what} | {count['tried']:,} | {count['tried'] - count['held']:,} |")
    tried = sum(count["tried"] for count in counts.values())
    lost = tried - sum(count["held"] for count in counts.values())
    return [*lines, f"| **all** | **{tried:,}** | **{lost:,}** |"]


def main() -> int:
    """Write the table between its marks; 1 where something was lost."""
    source, page = map(Path, sys.argv[1:])
    counts = json.loads(source.read_text("utf-8"))
    before, rest = page.read_text("utf-8").split(BEGIN)
    _, after = rest.split(END)
    page.write_text("\n".join([f"{before}{BEGIN}", *table(counts), f"{END}{after}"]), encoding="utf-8")
    return int(any(count["tried"] != count["held"] for count in counts.values()))


if __name__ == "__main__":
    sys.exit(main())

"""Put the figures of benchmarks/results.json into docs/performance.md.

Usage: ``python benchmarks/tools/table.py``. Only what stands between the two marks is written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def render(results: dict[str, Any]) -> str:
    """The tables of all benchmarks, with what they were measured on."""
    parts = []
    for section, found in sorted(results.items(), reverse=True):
        facts = ", ".join(
            f"{name} {value:,}" if isinstance(value, int) else f"{name}: {value}"
            for name, value in found["facts"].items()
        )
        machine = ", ".join(f"{name} {value}" for name, value in found["machine"].items())
        lines = [
            f"### `benchmarks/{section}`",
            "",
            f"{facts}. {machine}.",
            "",
            "| compared | ratio | bound | kept |",
            "|---|---|---|---|",
        ]
        for ratio in found["ratios"]:
            least, most = ratio["at_least"], ratio["at_most"]
            bound = f"at least {least:g}" if least is not None else f"at most {most:g}"
            lines.append(
                f"| {ratio['name']} | {ratio['ratio']:.2f} | {bound} | {'yes' if ratio['kept'] else '**no**'} |"
            )
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def page(text: str, results: dict[str, Any]) -> str:
    """The page with the figures put in."""
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n\n{render(results)}\n\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8"), json.loads(RESULTS.read_text("utf-8"))), "utf-8")

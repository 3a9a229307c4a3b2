"""The page on speed shows the figures that the benchmarks wrote."""

from __future__ import annotations

import json
import runpy
from pathlib import Path


def test_the_figures_of_the_page_are_those_of_the_benchmarks(root: Path) -> None:
    tool = runpy.run_path(str(root / "benchmarks" / "tools" / "table.py"))
    results = json.loads((root / "benchmarks" / "results.json").read_text("utf-8"))
    text = (root / "docs" / "performance.md").read_text("utf-8")
    assert tool["page"](text, results) == text
    assert all(ratio["name"] in text for found in results.values() for ratio in found["ratios"])

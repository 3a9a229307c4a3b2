"""Times and peaks of memory, and where they are kept."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parents[1] / "results.json"


class Run(NamedTuple):
    """A finished process: seconds on the clock, and the peak of its own memory in MB, without children."""

    seconds: float
    megabytes: float


class Ratio(NamedTuple):
    """One line of the table: what is compared, the ratio, and the bound that it must keep."""

    name: str
    ratio: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_kept(self) -> bool:
        return (self.at_least is None or self.ratio >= self.at_least) and (
            self.at_most is None or self.ratio <= self.at_most
        )

    def to_dict(self) -> dict[str, Any]:
        return {**self._asdict(), "kept": self.is_kept}


def command(*arguments: str) -> list[str]:
    """The command line of kanyu in this environment."""
    return [sys.executable, "-c", "from kanyu.cli import main; main()", *arguments]


def run(arguments: Sequence[str]) -> Run:
    """Run a process to its end; its output goes nowhere.

    The peak is read from /proc while it runs: what `getrusage` tells of a child begins with the
    memory of the process that started it.
    """
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=said)
        peak = 0.0
        while child.poll() is None:
            peak = max(peak, _peak(child.pid))
            time.sleep(0.002)
        seconds = time.perf_counter() - start
        said.seek(0)
        if child.returncode:
            raise SystemExit(f"{arguments[3:]} ended with {child.returncode}: {said.read().decode()[-400:]}")
    return Run(seconds, peak)


def _peak(pid: int) -> float:
    try:
        facts = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return 0.0
    return max((int(line.split()[1]) / 1024 for line in facts.splitlines() if line.startswith("VmHWM")), default=0.0)


def best_of(rounds: int, works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The least processor time of each work, all of them in every round so that they share its luck."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            start = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - start)
    return best


def keep(section: str, ratios: Sequence[Ratio], facts: Mapping[str, Any]) -> None:
    """Print the ratios and put them into results.json beside those of the other benchmarks."""
    for ratio in ratios:
        sign, bound = (">=", ratio.at_least) if ratio.at_least is not None else ("<=", ratio.at_most)
        print(f"{'ok    ' if ratio.is_kept else 'MISSED'} {ratio.ratio:8.3f}  {sign} {bound:<8g} {ratio.name}")
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        **{name: version(name) for name in ("numpy", "sudachipy", "sudachidict_core", "scikit-learn")},
    }
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    results[section] = {"ratios": [r.to_dict() for r in ratios], "facts": dict(facts), "machine": machine}
    temporary = RESULTS.with_suffix(".part")
    temporary.write_text(json.dumps(results, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    temporary.replace(RESULTS)

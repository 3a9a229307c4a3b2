"""Counts of what the hard tests tried and what held, for ``docs/reliability.md``.

``KANYU_LEDGER`` names the file that takes them; without it nothing is written. ``KANYU_FUZZ`` is the number of
generated cases that a nightly run shares out among the tests; without it each test gets a few.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, settings

__all__ = ["CASES", "LEDGER", "Ledger", "share"]

CASES: Final = int(os.environ.get("KANYU_FUZZ", "0"))

# Whole tests that are counted too, by their path and name.
TESTS: Final = {
    "privacy: commands under the audit hook": r"test_privacy\.py",
    "a cluster: workers killed, schedulers gone, other versions": r"test_distributed\.py",
    "wheel and source archive in a clean environment": r"test_install\.py",
    "faults: writers and workers killed": r"killed",
    "faults: full disk, places that cannot be written, failed outputs": (
        r"full_disk|unwritable|cannot_be_written|failed_output|leaves_the_old"
    ),
    "faults: a file that changes while it is read": r"changes_while",
}


class Ledger:
    """How often each thing was tried, and how often it held."""

    def __init__(self) -> None:
        self.tried: dict[str, int] = {}
        self.held: dict[str, int] = {}

    @contextmanager
    def case(self, what: str) -> Iterator[None]:
        """One try; it held if nothing is raised."""
        self.tried[what] = self.tried.get(what, 0) + 1
        yield
        self.held[what] = self.held.get(what, 0) + 1

    def count_test(self, name: str, passed: bool) -> None:
        """One whole test, if it is among those that are counted."""
        for what, pattern in TESTS.items():
            if re.search(pattern, name):
                self.tried[what] = self.tried.get(what, 0) + 1
                self.held[what] = self.held.get(what, 0) + passed

    def write(self) -> None:
        """Write all counts, where that is wanted; those of tests that did not run now stay."""
        if "KANYU_LEDGER" not in os.environ:
            return
        path = Path(os.environ["KANYU_LEDGER"])
        path.parent.mkdir(parents=True, exist_ok=True)
        counts = json.loads(path.read_text("utf-8")) if path.exists() else {}
        counts |= {what: {"tried": n, "held": self.held.get(what, 0)} for what, n in self.tried.items()}
        path.write_text(json.dumps(counts, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


LEDGER: Final = Ledger()
"""That of this process."""


def share(part: float, few: int = 60) -> settings:
    """The hypothesis settings of a test that gets this part of a nightly run's cases.

    Parameters
    ----------
    part : float
        Of `CASES`; the parts of all tests add up to a little more than 1.
    few : int
        How many cases it gets otherwise.
    """
    n_cases = round(CASES * part) if CASES else few
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    return settings(max_examples=n_cases, deadline=None, suppress_health_check=slow, print_blob=True)

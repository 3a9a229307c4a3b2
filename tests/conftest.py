"""What several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanyu.detector import Detector, load
from tests.ledger import LEDGER, Ledger

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def detector() -> Detector:
    """The shipped model."""
    return load()


@pytest.fixture(scope="session")
def benign() -> Path:
    """Real ordinary chats, which are not part of the repository."""
    folder = SHARED / "benign"
    if not folder.is_dir():
        pytest.skip("the real ordinary chats (../shared/benign) are not here")
    return folder


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """Counts what the hard tests tried."""
    return LEDGER


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count whole tests too."""
    if report.when == "call" and report.outcome != "skipped":
        LEDGER.count_test(report.nodeid, report.passed)


def pytest_sessionfinish() -> None:
    """Write the counts, where they are wanted."""
    LEDGER.write()

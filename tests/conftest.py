"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kanyu.detector import Detector, load
from tests.ledger import Ledger

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
def ledger() -> Iterator[Ledger]:
    """Counts what the hard tests tried."""
    found = Ledger()
    yield found
    found.write()

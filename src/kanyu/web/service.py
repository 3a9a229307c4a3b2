"""The work behind the page: a few threads that check, one that scans, and reports in memory only."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kanyu.detector import Detector, ScanReport
from kanyu.feedback import FeedbackStore
from kanyu.verdict import Verdict
from kanyu.web.problems import Problem
from kanyu.web.uploads import Upload, scan_folder

__all__ = ["Scan", "Service"]

_MOST_SCANS = 8  # kept in memory; the oldest finished one goes first
_MOST_THREADS = 4  # each keeps a tokenizer of its own


@dataclass
class Scan:
    """One dropped export on its way to a report."""

    id: str
    state: Literal["running", "done", "failed"] = "running"
    what: str = "read"
    done: int = 0
    total: int = 0
    report: ScanReport | None = field(default=None, repr=False)
    pages: dict[str, str] = field(default_factory=dict, repr=False)
    problem: Problem | None = None

    def tell(self, what: str, done: int, total: int) -> None:
        """Take note of the progress."""
        self.what, self.done, self.total = what, done, total


class Service:
    """What the routes share.

    Parameters
    ----------
    detector : Detector
    feedback : FeedbackStore
    """

    def __init__(self, detector: Detector, feedback: FeedbackStore) -> None:
        self.detector = detector
        self.feedback = feedback
        self.scans: OrderedDict[str, Scan] = OrderedDict()
        n_threads = max(1, min(_MOST_THREADS, os.cpu_count() or 1))
        self._checkers = ThreadPoolExecutor(n_threads, "kanyu-check")
        self._scanner = ThreadPoolExecutor(1, "kanyu-scan")
        self._tasks: set[asyncio.Task[None]] = set()

    async def check(self, texts: Sequence[str]) -> list[Verdict]:
        """Judge messages, off the loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._checkers, lambda: [self.detector.check(text) for text in texts])

    async def scan(
        self,
        save: Callable[[Sequence[Upload]], Path],
        uploads: Sequence[Upload],
        me: str | None,
        scan: Scan | None = None,
    ) -> ScanReport:
        """Judge uploads, off the loop; whatever was written is removed."""
        loop = asyncio.get_running_loop()
        folder = await loop.run_in_executor(None, save, uploads)
        tell = scan.tell if scan else None
        return await loop.run_in_executor(self._scanner, scan_folder, self.detector, folder, me, tell)

    def close(self) -> None:
        """Stop the threads."""
        self._checkers.shutdown(wait=False, cancel_futures=True)
        self._scanner.shutdown(wait=False, cancel_futures=True)
        self.scans.clear()

    def new_id(self) -> str:
        """A name that nobody can guess."""
        return secrets.token_urlsafe(18)

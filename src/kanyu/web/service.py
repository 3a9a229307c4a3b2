"""The work behind the page: a few threads that check, one that scans, and reports in memory only."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from kanyu.detector import Detector, ScanReport
from kanyu.feedback import FeedbackStore
from kanyu.render.html import render_report
from kanyu.verdict import Verdict
from kanyu.web.corrections import NewCorrection
from kanyu.web.problems import Problem, unexpected
from kanyu.web.uploads import Upload, save_uploads, scan_folder
from kanyu.web.view import scan_view

__all__ = ["Scan", "Service"]

_log = logging.getLogger("kanyu.web")

_MOST_SCANS = 4  # kept in memory; the oldest finished one goes first
_MOST_WAITING = 4
_MOST_THREADS = 4  # each keeps a tokenizer of its own


class Unwanted(Exception):
    """The user has given up a scan, or the server ends."""


@dataclass
class Scan:
    """One dropped export on its way to a report."""

    id: str
    state: Literal["running", "done", "failed"] = "running"
    what: str = "read"
    done: int = 0
    total: int = 0
    found: dict[str, Any] = field(default_factory=dict, repr=False)
    report: ScanReport | None = field(default=None, repr=False)
    page: str = field(default="", repr=False)
    problem: str = ""
    is_wanted: bool = True

    def tell(self, what: str, done: int, total: int) -> None:
        """Take note of the progress; `Unwanted` where nobody waits for it any more."""
        if not self.is_wanted:
            raise Unwanted
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
        self._asked: list[Scan] = []
        self._tasks: set[asyncio.Future[None]] = set()

    async def check(self, texts: Sequence[str]) -> list[Verdict]:
        """Judge messages, off the loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._checkers, lambda: [self.detector.check(text) for text in texts])

    async def scan(
        self,
        uploads: Sequence[Upload],
        me: str | None,
    ) -> ScanReport:
        """Judge uploads, off the loop; whatever was written is removed."""
        loop = asyncio.get_running_loop()
        folder = await loop.run_in_executor(None, save_uploads, uploads)
        asked = Scan("")
        self._asked.append(asked)
        try:
            return await loop.run_in_executor(self._scanner, scan_folder, self.detector, folder, me, asked.tell)
        finally:
            self._asked.remove(asked)

    async def start_scan(self, uploads: Sequence[Upload], me: str | None, lang: str) -> Scan:
        """Begin to judge uploads; what was uploaded is written down before this returns."""
        if sum(scan.state == "running" for scan in self.scans.values()) >= _MOST_WAITING:
            raise Problem(
                503,
                "busy",
                "ほかのファイルを調べています。少し待ってから、もう一度選んでください。",
                "Other files are being read; wait a little and choose it again.",
            )
        scan = Scan(secrets.token_urlsafe(18))
        self.scans[scan.id] = scan
        finished = [name for name, other in self.scans.items() if other.state != "running"]
        for name in finished[: max(0, len(self.scans) - _MOST_SCANS)]:
            del self.scans[name]
        loop = asyncio.get_running_loop()
        try:
            folder = await loop.run_in_executor(None, save_uploads, uploads)
        except BaseException:
            self.scans.pop(scan.id, None)
            raise
        task = asyncio.ensure_future(loop.run_in_executor(self._scanner, self._run, scan, folder, me, lang))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return scan

    def _run(self, scan: Scan, folder: Path, me: str | None, lang: str) -> None:
        """Judge and render, in the thread for scans."""
        try:
            report = scan_folder(self.detector, folder, me, scan.tell)
            scan.found = scan_view(report, lang)
            scan.report = report
            scan.page = self.render(scan, lang)
            scan.state = "done"
        except Unwanted:
            scan.state = "failed"
        except Problem as problem:
            scan.problem = problem.detail(lang)
            scan.state = "failed"
        except Exception as error:
            _log.error("%s while judging an export", type(error).__name__)
            scan.problem = unexpected().detail(lang)
            scan.state = "failed"

    def render(self, scan: Scan, lang: str, *, with_names: bool = True) -> str:
        """The report as a page."""
        assert scan.report is not None
        model = self.detector.reference
        return render_report(scan.report, lang=lang, with_names=with_names, made_at=datetime.now(), model=model)

    def forget(self, name: str) -> None:
        """Forget a scan and its report; one that runs stops at its next step."""
        scan = self.scans.pop(name, None)
        if scan is not None:
            scan.is_wanted = False

    def keep(self, correction: NewCorrection) -> int:
        """Keep a correction, because its user asked for it."""
        return self.feedback.add(
            correction.said,
            correction.is_right,
            is_pitch=correction.is_pitch,
            patterns=correction.patterns,
            text=correction.text,
            model=self.detector.reference.sha256,
        )

    def close(self) -> None:
        """Stop the threads, and scans at their next step."""
        for scan in (*self.scans.values(), *self._asked):
            scan.is_wanted = False
        self._checkers.shutdown(wait=False, cancel_futures=True)
        self._scanner.shutdown(wait=False, cancel_futures=True)
        self.scans.clear()

"""Chunks to scores, in order: in this process, or in workers that each load the model once."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from kanyu.batch.chunks import Chunk
from kanyu.errors import InputError

__all__ = ["Load", "Scored", "Scorer", "Scores", "Scoring"]

Scores = tuple[float | None, float | None, float | None, float | None, str, str]
"""The added columns of one row: four probabilities, flags, verdict."""


class Scorer(Protocol):
    """Whatever scores texts, such as :class:`kanyu.detector.Detector`."""

    def score_texts(self, texts: Sequence[str]) -> Sequence[Any]:
        """The `Scores` of each text."""


Load = Callable[[], Scorer]
"""Makes a scorer. For workers it must be picklable and hashable, and hold a path rather than a model."""


class Scored(NamedTuple):
    """Some rows and what was found of each."""

    chunk: Chunk
    scores: Sequence[Scores]


_loaded: dict[Load, Scorer] = {}


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone: one that was killed cannot tell its workers so."""
    if os.name == "nt":
        return  # a process there keeps its parent's number, and a launcher may stand between the two

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _score_in_worker(load: Load, texts: list[str]) -> Sequence[Scores]:
    if load not in _loaded:
        _loaded.clear()
        _loaded[load] = load()
    return _loaded[load].score_texts(texts)


@dataclass(slots=True)
class _Task:
    chunk: Chunk
    future: Future[Sequence[Scores]] | None = None


class Scoring:
    """Scores chunks; a context manager that ends its workers.

    Parameters
    ----------
    load : callable
        Makes the scorer, here or in each worker.
    jobs : int
        Number of worker processes; 1 scores in this process.
    executor : concurrent.futures.Executor, optional
        Where to score instead, such as that of a Dask client. It is not shut down.
    """

    _AHEAD: Final = 3  # chunks under way for each worker: enough to keep it busy, few enough to stay small
    _MAX_BREAKS: Final = 3

    def __init__(self, load: Load, jobs: int = 1, executor: Executor | None = None) -> None:
        self.load = load
        self.jobs = jobs
        self.executor = executor
        self._pool: Any = None
        self._scorer: Scorer | None = None
        self._breaks = 0

    def __enter__(self) -> Scoring:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_workers()

    def score(self, chunks: Iterable[Chunk]) -> Iterator[Scored]:
        """Yield every chunk with its scores, in the order given, whatever the number of jobs.

        Raises
        ------
        InputError
            When worker processes ended again and again, as they do that find no memory.
        """
        if self.jobs == 1 and self.executor is None:
            self._scorer = self._scorer or self.load()
            for chunk in chunks:
                yield Scored(chunk, self._scorer.score_texts(chunk.texts))
            return
        under_way: deque[_Task] = deque()
        try:
            for chunk in chunks:
                under_way.append(_Task(chunk))
                self._submit(under_way)
                if len(under_way) >= self.jobs * self._AHEAD:
                    yield self._first(under_way)
            while under_way:
                yield self._first(under_way)
        finally:
            for task in under_way:
                if task.future is not None:
                    task.future.cancel()

    def _submit(self, under_way: Iterable[_Task]) -> None:
        """Send off what has not been sent; chunks of a pool that broke are sent again."""
        try:
            for task in under_way:
                if task.future is None:
                    executor = self.executor or self._workers()
                    task.future = executor.submit(_score_in_worker, self.load, task.chunk.texts)
        except BrokenProcessPool:
            self._start_again(under_way)

    def _first(self, under_way: deque[_Task]) -> Scored:
        while True:
            task = under_way[0]
            try:
                if task.future is not None:
                    scored = Scored(task.chunk, task.future.result())
                    under_way.popleft()
                    return scored
                self._submit(under_way)
            except BrokenProcessPool:
                self._start_again(under_way)

    def _start_again(self, under_way: Iterable[_Task]) -> None:
        self._breaks += 1
        if self._breaks > self._MAX_BREAKS:
            raise InputError("worker processes end, perhaps for want of memory; try again with --jobs 1") from None
        self._end_workers()
        for task in under_way:
            task.future = None
        self._submit(under_way)

    def _end_workers(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None

    def _workers(self) -> Executor:
        if self._pool is None:
            from joblib.externals.loky import get_reusable_executor

            self._pool = get_reusable_executor(
                max_workers=self.jobs, timeout=None, initializer=_end_with, initargs=(os.getpid(),)
            )
        executor: Executor = self._pool
        return executor

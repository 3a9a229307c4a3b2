"""A Dask cluster as the place where texts are scored (``kanyu[dask]``).

The model file's bytes travel once to each worker, also to one that joins later, and leave with the run.
Reading and writing stay here; the results are those of one process, since `kanyu.batch.scoring` keeps the order.
"""

from __future__ import annotations

import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kanyu._version import __version__
from kanyu.batch.scoring import Scores
from kanyu.detector import Detector, load
from kanyu.errors import KanyuError, MissingExtraError, ModelError, UsageError
from kanyu.tokenizer import dictionary_version

__all__ = ["Cluster", "connect"]

_ADDRESS: Final = re.compile(r"(?:tcp|tls)://[^\s/?#@]+:\d{1,5}")  # tcp://10.0.0.5:8786
_PATIENCE: Final = 20  # seconds for the scheduler to answer, and for a first worker to be there

_sent: dict[str, bytes] = {}
"""On a worker: the model files of the runs that are under way, by the run's token."""
_one_at_a_time = threading.Lock()


class _Hidden:
    """A value without a repr: workers of some versions log the arguments of what fails."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


@dataclass(frozen=True)
class SentModel:
    """Loads, in a worker, the model that this run sent there.

    Attributes
    ----------
    token : str
        The run.
    thresholds : tuple of (str, float)
        Those that override the model's.
    """

    token: str
    thresholds: tuple[tuple[str, float], ...]

    def __call__(self) -> Detector:
        """Load it."""
        if self.token not in _sent:
            raise ModelError("a worker has not got the model; start it again and repeat the run")
        with tempfile.TemporaryDirectory(prefix="kanyu-") as folder:
            path = Path(folder, "model.safetensors")
            path.write_bytes(_sent[self.token])
            return load(path, thresholds=dict(self.thresholds))


def _keep(token: str, payload: bytes, version: str, dictionary: str) -> None:
    """On a worker: keep a model file, if this worker would judge as the machine that sent it."""
    here = (__version__, dictionary_version())
    if here != (version, dictionary):
        raise KanyuError(
            f"a worker has kanyu {here[0]} with dictionary {here[1]}, this machine {version} with {dictionary}; "
            "install the same versions on all"
        )
    _sent[token] = payload


def _drop(token: str) -> None:
    """On a worker: let go of a model file."""
    _sent.pop(token, None)


def _score(function: Callable[..., Sequence[Scores]], *arguments: _Hidden) -> Sequence[Scores]:
    """On a worker: one call at a time, whatever its number of threads, so that the model is loaded once.

    What fails loses its message, which may quote a text (``UnicodeEncodeError`` does): workers log it.
    """
    try:
        with _one_at_a_time:
            return function(*(item.value for item in arguments))
    except KanyuError:
        raise
    except Exception as error:
        raise KanyuError(f"a worker failed ({type(error).__name__}); please report it") from None


class Cluster(Executor):
    """The workers of a Dask cluster, as `kanyu.batch.scoring.Scoring` wants them.

    Parameters
    ----------
    client : distributed.Client
    n_workers : int
        How many there were at the start.
    load : SentModel
        What loads the model there.
    """

    def __init__(self, client: Any, n_workers: int, load: SentModel) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._open: set[Future[Any]] = set()
        self._ended = threading.Event()
        self.n_workers = n_workers
        self.load = load
        threading.Thread(target=self._watch, daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function on some worker."""
        future: Future[Any] = Future()
        self._open.add(future)
        try:
            there = self._executor.submit(_score, fn, *map(_Hidden, args), **kwargs)
        except Exception:
            if self._client.status == "running":
                raise
            raise CancelledError from None
        there.add_done_callback(lambda done: self._hand_on(done, future))
        future.add_done_callback(lambda done: there.cancel() if done.cancelled() else None)
        return future

    def end(self) -> None:
        """Stop watching the connection."""
        self._ended.set()

    def _hand_on(self, done: Future[Any], future: Future[Any]) -> None:
        self._open.discard(future)
        with suppress(InvalidStateError):  # where the connection was given up, or the chunk no longer wanted
            if done.cancelled():
                future.set_exception(CancelledError())
            elif error := done.exception():
                future.set_exception(error)
            else:
                future.set_result(done.result())

    def _watch(self) -> None:
        """Fail what waits when the connection is lost: Dask forgets tasks that are sent while it reconnects."""
        while not self._ended.wait(0.5):
            if self._client.status != "running":
                for future in list(self._open):
                    with suppress(InvalidStateError):
                        future.set_exception(CancelledError())


@contextmanager
def connect(address: str, model_path: Path, thresholds: dict[str, float]) -> Iterator[Cluster]:
    """Connect to a scheduler and send its workers a model; when it ends they let go of it.

    Parameters
    ----------
    address : str
        The scheduler's, such as ``tcp://10.0.0.5:8786``. Nothing else is connected to.
    model_path : Path
        The model file.
    thresholds : dict of str to float
        Those that override the model's.

    Yields
    ------
    Cluster

    Raises
    ------
    MissingExtraError
        When Dask is not installed.
    UsageError
        When the address is none.
    KanyuError
        When nothing answers there, no worker comes, a worker has other versions, or the cluster is lost.
    """
    try:
        import dask
        from distributed import Client, KilledWorker, WorkerPlugin
        from distributed.comm.core import CommClosedError
    except ImportError:
        raise MissingExtraError("--backend dask", "dask") from None
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"--scheduler expects an address such as tcp://10.0.0.5:8786. Got {address!r} instead.")

    class ModelPlugin(WorkerPlugin):
        """Takes the model to every worker; defined here, since Dask must not be needed to import this file."""

        def __init__(self, token: str, payload: bytes) -> None:
            self.name = f"kanyu-{token}"
            self.facts = (token, payload, __version__, dictionary_version())

        def setup(self, worker: Any) -> None:  # noqa: ARG002
            _keep(*self.facts)

        def teardown(self, worker: Any) -> None:  # noqa: ARG002
            _drop(self.facts[0])

    token = secrets.token_hex(8)
    try:
        payload = model_path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the model {model_path}: {error.strerror}") from error
    # A chunk of long texts is larger than what Dask warns of.
    settings = {"distributed.admin.large-graph-warning-threshold": "1 GiB"}
    lost = f"{address}: the cluster was lost; with a folder as --out the same command and --resume go on"
    with dask.config.set(settings):
        try:
            client: Any = Client(  # type: ignore[no-untyped-call]
                address, timeout=_PATIENCE, set_as_default=False, direct_to_workers=False, name="kanyu"
            )
        except (OSError, ValueError) as error:
            raise KanyuError(f"{address}: no Dask scheduler answers there; check the address") from error
        try:
            try:
                client.wait_for_workers(1, timeout=_PATIENCE)
            except TimeoutError:
                raise KanyuError(f"{address}: the scheduler has no worker; start some with dask worker") from None
            try:
                client.register_plugin(ModelPlugin(token, payload))
            except ModuleNotFoundError as error:
                raise KanyuError(
                    f"{address}: a worker lacks {error.name}; install 'kanyu[dask]' on all workers"
                ) from None
            found = Cluster(client, len(client.nthreads()), SentModel(token, tuple(sorted(thresholds.items()))))
            try:
                yield found
            finally:
                found.end()
        except KilledWorker:
            raise KanyuError(
                f"{address}: workers end again and again, perhaps for want of memory; give each more, or fewer of them"
            ) from None
        except (CommClosedError, CancelledError) as error:
            raise KanyuError(lost) from error
        finally:
            with suppress(Exception):
                if client.status == "running":
                    client.unregister_worker_plugin(f"kanyu-{token}")
            client.close(timeout=5)

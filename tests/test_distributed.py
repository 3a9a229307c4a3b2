"""A real Dask cluster of two worker processes on this machine."""

from __future__ import annotations

import csv
import os
import pickle
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import kanyu.distributed
from kanyu.batch.chunks import RowChunk
from kanyu.batch.scoring import Scoring
from kanyu.cli import run
from kanyu.detector import Detector
from kanyu.distributed import SentModel, connect
from kanyu.errors import KanyuError, MissingExtraError, UsageError
from kanyu.model import shipped_model_path
from tests.clusters import client_of, local_cluster

pytest.importorskip("distributed")

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
ORDINARY = "了解です。10時に改札前で"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with local_cluster(2, 2) as found:
        yield found


def texts_of(n_texts: int) -> list[str]:
    return [f"{RISKY if number % 3 else ORDINARY} その{number}" for number in range(n_texts)]


def chunks_of(texts: Sequence[str], n_rows: int = 50) -> list[RowChunk]:
    pieces = [list(texts[start : start + n_rows]) for start in range(0, len(texts), n_rows)]
    return [RowChunk(piece, ("text",), [[text] for text in piece]) for piece in pieces]


def write(path: Path, texts: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["id", "text"], *([f"{n:04d}", text] for n, text in enumerate(texts))])


def sent() -> list[int]:
    return [len(payload) for payload in kanyu.distributed._sent.values()]


def test_a_cluster_gives_what_one_process_gives_part_by_part(
    tmp_path: Path, cluster: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    import pandas as pd

    (tmp_path / "logs").mkdir()
    for number in range(3):
        frame = pd.DataFrame({"id": range(1500), "text": [f"{text}{number}" for text in texts_of(1500)]})
        frame.to_parquet(tmp_path / "logs" / f"day-{number}.parquet")
    pattern = str(tmp_path / "logs" / "*.parquet")
    assert run(["score", pattern, "--out", f"{tmp_path / 'one'}/"]) == 0
    capfd.readouterr()
    remote = ["--backend", "dask", "--scheduler", cluster.scheduler_address]
    assert run(["score", pattern, "--out", f"{tmp_path / 'many'}/", *remote]) == 0
    said = capfd.readouterr().err
    assert said.startswith(f"kanyu: {cluster.scheduler_address} に接続")
    assert RISKY not in said
    for number in range(3):
        name = f"day-{number}.parquet"
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "many").glob("*.parquet")) == [
        f"day-{number}.parquet" for number in range(3)
    ]


def test_a_threshold_goes_along(tmp_path: Path, cluster: Any) -> None:
    write(tmp_path / "in.csv", [ORDINARY])
    remote = ["--backend", "dask", "--scheduler", cluster.scheduler_address]
    arguments = ["score", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv"), *remote]
    assert run([*arguments, "--threshold", "network_hype=0.0000001"]) == 0
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [row["flags"] for row in csv.DictReader(stream)] == ["network_hype"]


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(cluster: Any, detector: Detector) -> None:
    texts = texts_of(6000)
    expected = detector.score_texts(texts)
    with (
        client_of(cluster.scheduler_address) as other,
        connect(cluster.scheduler_address, shipped_model_path(), {}) as there,
        Scoring(there.load, 2, there) as scoring,
    ):
        processes = other.run(os.getpid)
        assert len(set(processes.values())) == 2
        found: list[Any] = []
        for number, scored in enumerate(scoring.score(chunks_of(texts))):
            found += scored.scores
            if number == 5:
                os.kill(min(processes.values()), signal.SIGKILL)
        for _ in range(100):  # the nanny starts a worker in its place, which gets the model too
            if len(other.nthreads()) == 2 and all(map(len, other.run(sent).values())):
                break
            time.sleep(0.2)
        assert [min(sizes) for sizes in other.run(sent).values()] == [shipped_model_path().stat().st_size] * 2
    assert found == expected


def test_the_model_is_sent_once_to_each_worker_and_gone_afterwards(cluster: Any) -> None:
    size = shipped_model_path().stat().st_size
    with client_of(cluster.scheduler_address) as other:
        with connect(cluster.scheduler_address, shipped_model_path(), {}) as there:
            assert there.n_workers == 2
            assert list(other.run(sent).values()) == [[size], [size]]
            assert len(pickle.dumps(there.load)) < 1000
        assert list(other.run(sent).values()) == [[], []]


def test_a_worker_logs_no_text_of_what_fails(cluster: Any) -> None:
    def logs() -> str:
        return str(other.get_worker_logs())

    with (
        client_of(cluster.scheduler_address) as other,
        connect(cluster.scheduler_address, shipped_model_path(), {}) as there,
    ):
        future = there.submit(int, RISKY)
        with pytest.raises(KanyuError, match="ValueError"):
            future.result(timeout=30)
        assert "ValueError" in logs()
        assert RISKY not in logs()
        plain = other.submit(int, "目印")
        assert plain.exception(timeout=30) is not None
        assert "目印" in logs()  # so that the line above would find a text that was logged


def test_a_chunk_that_kills_every_worker_is_told_in_one_line(cluster: Any) -> None:
    with (
        pytest.raises(KanyuError, match="workers end again and again"),
        connect(cluster.scheduler_address, shipped_model_path(), {}) as there,
    ):
        there.submit(os._exit, 1).result(timeout=120)


def test_a_scheduler_that_goes_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kanyu.distributed, "_PATIENCE", 5)

    cluster = local_cluster(1)

    def score() -> None:
        with (
            connect(cluster.scheduler_address, shipped_model_path(), {}) as there,
            Scoring(there.load, 1, there) as scoring,
        ):
            for number, _ in enumerate(scoring.score(chunks_of(texts_of(20000)))):
                if number == 3:
                    cluster.close()

    try:
        with pytest.raises(KanyuError, match="the cluster was lost"):
            score()
    finally:
        cluster.close()


def test_what_is_sent_to_a_scheduler_that_is_gone_does_not_wait_for_ever() -> None:
    """Dask forgets tasks that are sent while it reconnects: a run once waited for them without end."""
    cluster = local_cluster(1)

    def send() -> None:
        with connect(cluster.scheduler_address, shipped_model_path(), {}) as there:
            cluster.close()
            there.submit(len, []).result(timeout=15)

    try:
        with pytest.raises(KanyuError, match="the cluster was lost"):
            send()
    finally:
        cluster.close()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--backend", "dask"], 2, "belong together"),
        (["--scheduler", "tcp://127.0.0.1:9"], 2, "belong together"),
        (["--backend", "dask", "--scheduler", "127.0.0.1:9"], 2, "expects an address such as tcp://"),
        (["--backend", "dask", "--scheduler", "inproc://x:1"], 2, "expects an address such as tcp://"),
        (["--backend", "dask", "--scheduler", "tcp://127.0.0.1:9"], 1, "no Dask scheduler answers there"),
    ],
)
def test_what_cannot_be_reached_is_one_line(
    tmp_path: Path,
    arguments: list[str],
    status: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kanyu.distributed, "_PATIENCE", 1)
    write(tmp_path / "in.csv", [ORDINARY])
    assert run(["score", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv"), *arguments]) == status
    said = [line for line in capsys.readouterr().err.splitlines() if "に接続し" not in line]
    assert len(said) == 1
    assert says in said[0]
    assert not (tmp_path / "out.csv").exists()


def test_a_cluster_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kanyu.distributed, "_PATIENCE", 1)
    with (
        local_cluster(0) as empty,
        pytest.raises(KanyuError, match="has no worker"),
        connect(empty.scheduler_address, shipped_model_path(), {}),
    ):
        pass


def test_a_worker_of_another_version_is_refused(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kanyu.distributed, "__version__", "0.0.0-other")
    with (
        pytest.raises(KanyuError, match="install the same versions on all"),
        connect(cluster.scheduler_address, shipped_model_path(), {}),
    ):
        pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(MissingExtraError, match=r"pip install 'kanyu\[dask\]'"),
        connect("tcp://127.0.0.1:9", shipped_model_path(), {}),
    ):
        pass


def test_an_address_is_checked_before_anything_is_sent() -> None:
    for address in ("tcp://", "http://127.0.0.1:80", "tcp://u:p@h:1", "tcp://h:1/x", "tcp://h", "tcp://h:1\n"):
        with pytest.raises(UsageError), connect(address, shipped_model_path(), {}):
            pass


def test_a_model_that_was_not_sent_is_told() -> None:
    with pytest.raises(KanyuError, match="has not got the model"):
        SentModel("nothing", ())()

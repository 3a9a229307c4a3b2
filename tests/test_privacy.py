"""What kanyu promises not to do, held against what Python's audit events say that it did.

Each command runs as a process of its own under ``audit/sitecustomize.py``, with a home and a temporary
folder of its own, which must be empty when it is done. Files written by native code raise no event: those two
folders and the working folder are compared before and after.
"""

from __future__ import annotations

import ast
import csv
import http.client
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clusters import local_cluster

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
SAMPLES = Path(__file__).parent / "samples"
TALK = SAMPLES / "line" / "demo-pitch.txt"
STARTS = ("subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "os.startfile", "pty.")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.rename", "os.link", "os.symlink", "os.mkdir", "os.truncate", "shutil.", "sqlite3.connect")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# What the parent of a worker pickles: our own, joblib's, and what Python's and numpy's values are made of.
OURS = ("kanyu.", "joblib.", "loky.", "multiprocessing.process.")
PLAIN = ("builtins", "_codecs", "collections", "concurrent.futures", "copyreg", "functools", "numpy", "_operator")


@dataclass
class Run:
    """What one command did."""

    home: Path
    events: list[tuple[int, str, list[Any]]] = field(default_factory=list)
    status: int = 0
    out: str = ""
    err: str = ""

    def named(self, *starts: str) -> list[tuple[str, list[Any]]]:
        """The events of these kinds."""
        return [(event, facts) for _, event, facts in self.events if event.startswith(starts)]

    def written(self) -> set[Path]:
        """Paths that were opened for writing, made, or renamed to."""
        found = set()
        for event, facts in self.named("open", *CHANGES):
            if event == "open" and not (int(facts[2] or 0) & WRITES or set(str(facts[1])) & set("wax+")):
                continue
            if event == "open" and isinstance(facts[0], int):
                continue  # a descriptor that is open already
            found.add(Path(os.path.realpath(Path(self.home, "work", str(facts[1 if event == "os.rename" else 0])))))
        return found - {Path("/dev/null")}

    def reached(self) -> set[str]:
        """Hosts that were connected to, looked up or sent to."""
        found = set()
        for event, facts in self.named("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"):
            address = ast.literal_eval(facts[1]) if event == "socket.connect" else facts[0]
            if event in ("socket.sendto", "socket.sendmsg"):
                address = facts[-1]
            if "AF_UNIX" not in str(facts[0]):
                found.add(str(address[0] if isinstance(address, tuple) else address))
        return found | {str(facts[0]) for _, facts in self.named("socket.gethostby")}


def commands_of(run: Run) -> Sequence[str]:
    """The programs that were started."""
    return [str(facts[0]) for _, facts in run.named(*STARTS)]


def environment(home: Path) -> dict[str, str]:
    for name in ("home", "tmp", "work"):
        (home / name).mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(__file__).parent / "audit"), *filter(None, [os.environ.get("PYTHONPATH")])])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "KANYU_", "DASK_"))}
    folders = {name: str(home / "tmp") for name in ("TMPDIR", "TEMP", "TMP")}
    # Python's own compiled modules are not what this is about.
    switches = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path, "KANYU_AUDIT": str(home / "audit.jsonl")}
    return kept | folders | switches | {"HOME": str(home / "home"), "USERPROFILE": str(home / "home")}


def start(home: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=home / "work",
        env=environment(home),
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(home: Path, process: subprocess.Popen[str]) -> Run:
    out, err = process.communicate(timeout=120)
    lines = (home / "audit.jsonl").read_text("ascii").splitlines()
    return Run(home, [tuple(json.loads(line)) for line in lines], process.returncode, out, err)


def kanyu(home: Path, *arguments: str) -> Run:
    environment(home)
    return finish(home, start(home, "-m", "kanyu", *arguments))


def assert_private(run: Run, *outputs: str) -> None:
    """No host but this one, nothing unpickled, no process, and no file but the outputs and passing ones."""
    work, passing = run.home / "work", Path(os.path.realpath(run.home / "tmp"))
    assert run.reached() <= set(LOOPBACK)
    assert run.named("pickle.find_class") == []
    assert run.named(*STARTS, "webbrowser.") == []
    named = {Path(os.path.realpath(work / output)) for output in outputs}
    for path in run.written() - named:
        # Beside an output a file of a passing name, or of the folder that is given as output
        is_beside = path.name.startswith(".kanyu-") and path.parent in {item.parent for item in named} | named
        is_inside = any(item in path.parents for item in named if item.is_dir())
        assert path.is_relative_to(passing) or is_beside or is_inside, path
    assert list((run.home / "tmp").iterdir()) == []
    assert list((run.home / "home").iterdir()) == []
    assert {path.name for path in work.iterdir()} == {Path(output).parts[0] for output in outputs} | given(work)


def given(work: Path) -> set[str]:
    """The inputs that a test put into the working folder."""
    return {path.name for path in work.iterdir() if path.name.startswith("in.")}


def make_table(home: Path, ending: str = ".csv", n_rows: int = 50) -> str:
    environment(home)
    rows = [[f"{number:04d}", RISKY if number % 2 else "了解です。10時に改札前で"] for number in range(n_rows)]
    path = home / "work" / f"in{ending}"
    if ending == ".csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([["id", "text"], *rows])
    else:
        import pandas as pd

        frame = pd.DataFrame(rows, columns=["id", "text"])
        frame.to_parquet(path) if ending == ".parquet" else frame.to_excel(path, index=False)
    return path.name


def test_the_hook_sees_what_is_forbidden(tmp_path: Path) -> None:
    """Otherwise the tests below could not fail."""
    environment(tmp_path)
    code = """
import pathlib, pickle, socket, subprocess, sys
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probe.connect(("192.0.2.1", 9))  # a datagram socket: nothing is sent
pickle.loads(pickle.dumps(pathlib.PurePosixPath("x")))
subprocess.run([sys.executable, "-c", "open('worker.txt', 'w')"])
pathlib.Path("written.txt").write_text("x")
pathlib.Path("written.txt").rename("renamed.txt")
"""
    run = finish(tmp_path, start(tmp_path, "-c", code))
    assert run.status == 0
    assert run.reached() == {"192.0.2.1"}
    assert run.named("pickle.find_class")[0][1][0].startswith("pathlib")
    assert len(run.named("subprocess.Popen")) == 1
    assert {path.name for path in run.written()} == {"worker.txt", "written.txt", "renamed.txt"}
    assert len({pid for pid, _, _ in run.events}) == 2
    with pytest.raises(AssertionError):
        assert_private(run)


@pytest.mark.parametrize("arguments", [[RISKY], [RISKY, "--json"], ["--file", str(TALK)]], ids=["text", "json", "file"])
def test_check(tmp_path: Path, arguments: list[str]) -> None:
    run = kanyu(tmp_path, "check", *arguments)
    assert run.status == 0, run.err
    assert run.out
    assert_private(run)


@pytest.mark.parametrize("ending", ["html", "csv", "jsonl", "xlsx", "parquet"])
def test_scan(tmp_path: Path, ending: str) -> None:
    run = kanyu(tmp_path, "scan", str(TALK), "--out", f"report.{ending}")
    assert run.status == 0, run.err
    assert (tmp_path / "work" / f"report.{ending}").stat().st_size > 100
    assert_private(run, f"report.{ending}")


def test_scan_of_archives_folders_and_workbooks_as_json(tmp_path: Path) -> None:
    archive = shutil.make_archive(
        str(tmp_path / "instagram"), "zip", SAMPLES / "instagram" / "html-2-senders-4-messages"
    )
    sources = [archive, str(SAMPLES / "table"), str(SAMPLES / "sms"), str(SAMPLES / "mail")]
    run = kanyu(tmp_path, "scan", *sources, "--json")
    assert run.status == 0, run.err
    assert len(json.loads(run.out)["conversations"]) > 5
    assert_private(run)


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_score_with_one_job(tmp_path: Path, ending: str) -> None:
    name = make_table(tmp_path, ending)
    run = kanyu(tmp_path, "score", name, "--out", f"out{ending}", "--jobs", "1")
    assert run.status == 0, run.err
    assert_private(run, f"out{ending}")


def test_score_of_exports_into_a_folder(tmp_path: Path) -> None:
    run = kanyu(tmp_path, "score", str(SAMPLES / "line"), "--out", "parts/", "--jobs", "1")
    assert run.status == 0, run.err
    assert len(list((tmp_path / "work" / "parts").glob("*.csv"))) > 5
    assert_private(run, "parts")


def test_worker_processes_load_only_what_this_run_pickled(tmp_path: Path) -> None:
    name = make_table(tmp_path, n_rows=4000)
    run = kanyu(tmp_path, "score", name, "--out", "out.csv", "--jobs", "2")
    assert run.status == 0, run.err
    parent = run.events[0][0]
    workers = {pid for pid, _, _ in run.events} - {parent}
    assert len(workers) >= 2
    assert run.reached() <= set(LOOPBACK)
    loaded = {(pid, f"{facts[0]}.{facts[1]}") for pid, event, facts in run.events if event == "pickle.find_class"}
    assert {pid for pid, _ in loaded} & workers
    strange = {name for _, name in loaded if not name.startswith((*OURS, *PLAIN))}
    assert not strange
    started = {str(facts[0]) for pid, event, facts in run.events if event.startswith(STARTS) and pid != parent}
    assert not started  # only this run's parent starts processes
    passing = Path(os.path.realpath(tmp_path / "tmp"))
    work = Path(os.path.realpath(tmp_path / "work"))
    for path in run.written():
        is_shared_memory = path.parts[:3] == ("/", "dev", "shm")
        assert (
            path == work / "out.csv"
            or path.name.startswith(".kanyu-")
            or path.is_relative_to(passing)
            or (is_shared_memory)
        ), path
    assert list((tmp_path / "home").iterdir()) == []


def post(port: int, path: str, body: bytes, kind: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", path, body, {"Content-Type": kind})
    reply = connection.getresponse()
    answer = reply.read()
    connection.close()
    assert reply.status == 200, answer
    return json.loads(answer)


def test_serve_without_a_browser(tmp_path: Path) -> None:
    environment(tmp_path)
    process = start(tmp_path, "-m", "kanyu", "serve", "--no-browser", "--port", "0")
    try:
        assert process.stdout is not None
        port = urlsplit(process.stdout.readline().strip()).port
        assert port
        body = json.dumps({"text": RISKY}).encode()
        assert post(port, "/api/check", body, "application/json")["verdict"] == "flagged"
        parts = b'--x\r\nContent-Disposition: form-data; name="file"; filename="talk.txt"\r\n\r\n'
        parts += TALK.read_bytes() + b"\r\n--x--\r\n"
        assert post(port, "/api/scan", parts, "multipart/form-data; boundary=x")["conversations"]
    finally:
        process.send_signal(signal.SIGINT)
    run = finish(tmp_path, process)
    assert RISKY not in run.out + run.err
    assert {str(facts[1]) for _, facts in run.named("socket.bind")} == {"('127.0.0.1', 0)"}
    assert_private(run)


@pytest.fixture
def scheduler() -> Iterator[str]:
    pytest.importorskip("distributed")
    with local_cluster(1) as found:
        yield found.scheduler_address


def test_the_dask_back_end_connects_to_the_address_given_and_nowhere_else(tmp_path: Path, scheduler: str) -> None:
    name = make_table(tmp_path)
    run = kanyu(tmp_path, "score", name, "--out", "out.csv", "--backend", "dask", "--scheduler", scheduler)
    assert run.status == 0, run.err
    connected = {facts[1] for _, facts in run.named("socket.connect")}
    host, port = re.fullmatch(r"tcp://(.+):(\d+)", scheduler).groups()  # type: ignore[union-attr]
    assert connected == {repr((host, int(port)))}
    assert run.reached() == {host}
    assert set(commands_of(run)) <= {"uname"}  # Dask asks for the processor's name


def test_a_model_file_that_is_a_pickle_is_refused_unopened(tmp_path: Path) -> None:
    environment(tmp_path)
    trap = tmp_path / "work" / "in.model"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, ("sprung",)

    trap.write_bytes(pickle.dumps(Trap()))
    run = kanyu(tmp_path, "model", str(trap))
    assert run.status == 1
    assert run.named("pickle.find_class") == []
    assert commands_of(run) == []
    assert not (tmp_path / "work" / "sprung").exists()

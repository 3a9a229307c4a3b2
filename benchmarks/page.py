"""The page against the parts it is made of, as ratios of one run; exit 1 where one is missed.

- the median answer to a paste against ``Detector.check`` in the same process: at most 10 times
- the start of the page against the start of ``kanyu check``: at most 4 times
- memory after 30 s of 50 parallel clients against before: at most 1.2 times, and no error
"""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

TEXT = (
    "久しぶり!最近すごい人と出会って人生変わったんだよね。どうしても会わせたくて。"
    "詳しくは会ってから話すから、来週カフェで1時間だけもらえない?"
)
FORM = {"Content-Type": "application/x-www-form-urlencoded", "X-Fragment": "1"}
JSON = {"Content-Type": "application/json"}
CLIENTS = 50
SECONDS = 30


def kanyu(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from kanyu.cli import main; main()", *arguments]


def post(connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> int:
    connection.request("POST", path, body, headers)
    reply = connection.getresponse()
    reply.read()
    return reply.status


def median_time(work: Callable[[], object], times: int) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def paste_ratios() -> tuple[float, float]:
    """A paste (HTML) and a call of the API against `Detector.check`, all in this process."""
    import uvicorn

    from kanyu.cli.serve import listen
    from kanyu.detector import load
    from kanyu.feedback import FeedbackStore
    from kanyu.web import create_app

    detector = load()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(detector, FeedbackStore(Path(folder) / "feedback.sqlite3"))
        listener = listen("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1])
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        form, body = urlencode({"text": TEXT}).encode(), json.dumps({"text": TEXT}).encode()
        works: tuple[Callable[[], object], ...] = (
            lambda: detector.check(TEXT),
            lambda: post(connection, "/check", form, FORM),
            lambda: post(connection, "/api/check", body, JSON),
        )
        for work in works:
            median_time(work, 20)
        # in turns, so that a busy machine is the same for all
        rounds = [[median_time(work, 20) for work in works] for _ in range(10)]
        check, page, api = (statistics.median(column) for column in zip(*rounds, strict=True))
        connection.close()
        server.should_exit = True
        thread.join()
        listener.close()
    return page / check, api / check


def start_page() -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        kanyu("serve", "--no-browser"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    return process, int(address.rsplit(":", 1)[1].strip("/"))


def get(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply.status


def start_ratio() -> float:
    """From nothing to the first page, against `kanyu check` of one message."""

    def page() -> None:
        process, port = start_page()
        status = get(port)
        spent.append(time.perf_counter() - start)
        process.kill()
        process.communicate()
        assert status == 200

    checks, spent = [], []
    for number in range(6):
        start = time.perf_counter()
        subprocess.run(kanyu("check", TEXT), check=True, stdout=subprocess.DEVNULL)
        checks.append(time.perf_counter() - start)
        start = time.perf_counter()
        page()
        if number == 0:  # files come from the disk at first
            checks.clear()
            spent.clear()
    return statistics.median(spent) / statistics.median(checks)


def memory(process: int) -> int:
    """Resident kilobytes."""
    status = Path(f"/proc/{process}/status")
    if status.exists():
        return int(status.read_text().split("VmRSS:")[1].split()[0])
    return int(subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, check=True).stdout)


def load_ratio() -> tuple[float, int, int]:
    """Memory after against before, how many answers, how many errors."""
    process, port = start_page()
    form = urlencode({"text": TEXT}).encode()
    warm = http.client.HTTPConnection("127.0.0.1", port)
    get(port)
    for _ in range(20):
        post(warm, "/check", form, FORM)
    before = memory(process.pid)
    end = time.monotonic() + SECONDS
    answers, errors = [0] * CLIENTS, [0] * CLIENTS

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        turn = 0
        while time.monotonic() < end:
            turn += 1
            body = urlencode({"text": f"{TEXT}{number}-{turn}"}).encode()
            try:
                errors[number] += post(connection, "/check", body, FORM) != 200
                answers[number] += 1
            except (OSError, http.client.HTTPException):
                errors[number] += 1
                connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = memory(process.pid)
    process.kill()
    process.communicate()
    return after / before, sum(answers), sum(errors)


def main() -> int:
    missed = 0

    def tell(what: str, ratio: float, most: float) -> None:
        nonlocal missed
        missed += ratio > most
        print(f"{what}: {ratio:.2f} (at most {most:g}){'  MISSED' if ratio > most else ''}", flush=True)

    page, api = paste_ratios()
    tell("answer to a paste / Detector.check", page, 10)
    tell("answer of the API / Detector.check", api, 10)
    tell("start of the page / start of kanyu check", start_ratio(), 4)
    ratio, answers, errors = load_ratio()
    tell(f"memory after {SECONDS} s of {CLIENTS} clients / before", ratio, 1.2)
    tell("errors among those answers", errors, 0)
    print(f"({answers} answers)")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())

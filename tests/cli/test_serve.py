"""`kanyu serve` as a process of its own: start, ports, browser, end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kanyu.cli.serve import listen

SECRET = "秘密の話は会ってからするね"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from kanyu.cli import main; main()", *arguments]


@contextmanager
def served(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        command("serve", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **(environment or {})},
        # a job that runs in the background of a shell is started with SIGINT ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_it_starts_answers_and_ends_cleanly_on_ctrl_c() -> None:
    port = free_port()
    with served("--port", str(port), "--no-browser") as (process, address):
        assert address == f"http://127.0.0.1:{port}/"
        body = json.dumps({"text": SECRET}).encode()
        request = urllib.request.Request(f"{address}api/check", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as reply:
            assert json.load(reply)["text"] == SECRET
        status, out, err = stop(process)
    assert status == 130
    assert "Traceback" not in err
    assert "Ctrl-C" in err
    assert SECRET not in out + err
    assert "POST" not in out + err


def test_without_a_port_the_next_free_one_is_taken() -> None:
    with served("--no-browser") as (_, first), served("--no-browser") as (_, second):
        one, two = (int(address.rsplit(":", 1)[1].strip("/")) for address in (first, second))
        assert 8765 <= one < two < 8965


def test_a_taken_port_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(command("serve", "--port", port, "--no-browser"), capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert f"port {port}" in ended.stderr
    assert "--port" in ended.stderr


def test_an_unknown_host_and_a_missing_model_are_told(tmp_path: Path) -> None:
    ended = subprocess.run(command("serve", "--host", "no.such.host.invalid"), capture_output=True, text=True)
    assert ended.returncode == 2
    assert "no.such.host.invalid" in ended.stderr
    ended = subprocess.run(command("serve", "--model", str(tmp_path / "none")), capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1


def test_listening_for_others_warns_loudly() -> None:
    with served("--host", "0.0.0.0", "--port", str(free_port()), "--no-browser") as (process, address):
        assert address.startswith("http://127.0.0.1:")
        _, _, err = stop(process)
    assert "注意: ほかの機器からも" in err
    assert "!" * 40 in err


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the browser")
def test_the_browser_is_opened_once_the_page_answers(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}.part" && mv "{opened}.part" "{opened}"\n')
    browser.chmod(0o755)
    with served("--port", str(free_port()), environment={"BROWSER": f"{browser} %s"}) as (process, address):
        for _ in range(200):
            if opened.exists():
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.05)
        assert opened.read_text() == address


@pytest.mark.parametrize("absent", ["fastapi", "fastapi_swagger", "python_multipart", "uvicorn"])
def test_without_the_extra_the_exact_line_is_told(absent: str) -> None:
    code = f"import sys; sys.modules['{absent}'] = None; from kanyu.cli import main; main(['serve'])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == "kanyu: kanyu serve needs an optional part: pip install 'kanyu[web]'\n"


def test_answers_are_not_held_back_for_more() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP  # what asyncio asks before it sets TCP_NODELAY

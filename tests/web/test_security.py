"""What the page refuses, and what it never tells."""

from __future__ import annotations

import http.client
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from kanyu.detector import Detector
from kanyu.feedback import FeedbackStore
from kanyu.model import load_model
from kanyu.web import create_app
from kanyu.web.security import is_loopback

from .conftest import Site, serving

SECRET = "秘密の文なので、どこにも書かないでください"


def ask(
    site: Site, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    reply = connection.getresponse()
    answer = reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LOCALHOST", 200),
        ("[::1]:{port}", 200),
        ("evil.example:{port}", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example:{port}", 403),
        ("192.168.0.7:{port}", 403),
        ("evil@127.0.0.1", 403),
        ("", 403),
    ],
)
def test_only_names_of_this_machine_are_served(site: Site, host: str, status: int) -> None:
    for path in ("/", "/api/health"):
        assert ask(site, "GET", path, {"Host": host.format(port=site.port)})[0] == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_posts_of_other_pages_are_refused(site: Site, headers: dict[str, str], status: int) -> None:
    mine = {name: value.format(port=site.port) for name, value in headers.items()}
    body = json.dumps({"text": "会ってから話すね"}).encode()
    assert ask(site, "POST", "/api/check", {"Host": f"127.0.0.1:{site.port}", **mine}, body)[0] == status


def test_other_pages_can_link_here_but_not_read(site: Site) -> None:
    host = {"Host": f"127.0.0.1:{site.port}", "Sec-Fetch-Site": "cross-site"}
    assert ask(site, "GET", "/", {**host, "Sec-Fetch-Mode": "navigate"})[0] == 200
    assert ask(site, "GET", "/api/feedback", {**host, "Sec-Fetch-Mode": "no-cors"})[0] == 403
    status, headers, _ = ask(site, "OPTIONS", "/api/check", {**host, "Origin": "https://evil.example"})
    assert status == 403
    assert "access-control-allow-origin" not in headers


def test_headers_allow_nothing_inline_and_nothing_from_outside(site: Site) -> None:
    host = {"Host": f"127.0.0.1:{site.port}"}
    for path in ("/", "/feedback", "/api/docs", "/api/health", "/static/page.css", "/none"):
        status, headers, body = ask(site, "GET", path, host)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "set-cookie" not in headers
        assert status in (200, 404)
        if headers["content-type"].startswith("text/html"):
            assert b"style=" not in body
            assert b"onclick" not in body
            assert b"http://" not in body
            assert b"https://" not in body


def test_a_page_for_others_is_served_to_addresses_not_to_foreign_names(detector: Detector, tmp_path: Path) -> None:
    with serving(create_app(detector, FeedbackStore(tmp_path / "f"), hosts=None)) as port:
        site = Site(f"http://127.0.0.1:{port}", port, FeedbackStore(tmp_path / "f"), tmp_path)
        for host, status in (("192.168.0.7", 200), ("localhost", 200), ("[fe80::1]:80", 200), ("evil.example", 403)):
            assert ask(site, "GET", "/api/health", {"Host": host})[0] == status


class BrokenDetector(Detector):
    """Fails with the text in its words, as a bug might."""

    def check(self, text: str) -> Any:
        raise ValueError(text)


def test_no_text_in_logs_even_when_something_breaks(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    broken = BrokenDetector(load_model(None))
    with (
        serving(create_app(broken, FeedbackStore(tmp_path / "f"))) as port,
        httpx.Client(trust_env=False, timeout=30) as client,
    ):
        reply = client.post(f"http://127.0.0.1:{port}/api/check", json={"text": SECRET})
        assert reply.status_code == 500
        assert reply.json()["code"] == "unexpected"
        assert SECRET not in reply.text
        client.post(f"{site.address}/api/check", json={"text": SECRET})
        client.post(f"{site.address}/check", data={"text": SECRET})
        client.post(f"{site.address}/api/scan", files={"file": (f"{SECRET}.txt", SECRET.encode())})
        client.post(f"{site.address}/api/check", content=SECRET.encode())
    captured = capfd.readouterr()
    everything = caplog.text + captured.out + captured.err
    assert SECRET not in everything
    assert "ValueError" in caplog.text  # the fault itself is told


def test_nothing_is_stored_by_a_check(site: Site, api: httpx.Client) -> None:
    api.post("/api/check", json={"text": SECRET})
    api.post("/check", data={"text": SECRET})
    assert list(site.temporary.iterdir()) == []
    assert not site.store.path.exists()


def test_a_text_without_consent_is_not_stored(site: Site, api: httpx.Client) -> None:
    form = {"said": "flagged", "truth": "ordinary", "text": SECRET}
    assert api.post("/feedback", data=form).status_code == 200
    assert [item.text for item in site.store.corrections()] == [None]
    assert SECRET.encode() not in site.store.path.read_bytes()
    api.post("/feedback", data={**form, "consent": "1"})
    assert [item.text for item in site.store.corrections()] == [None, SECRET]
    assert site.store.path.stat().st_mode & 0o077 == 0
    api.post("/feedback/delete", data={"number": "2"})
    assert SECRET.encode() not in site.store.path.read_bytes()  # overwritten, not only forgotten
    api.post("/feedback/delete", data={"all": "1"})
    assert not site.store.path.exists()


def test_the_page_works_without_a_script(api: httpx.Client) -> None:
    page = api.post("/check", data={"text": "すごい人に会わせたい。\r\n詳しくは会ってから話すね"}).text
    assert "<mark" in page
    assert "できること" in page
    assert (
        "What you can do" in api.post("/check?lang=en", data={"text": "すごい人に会わせたい。詳しくは会ってから"}).text
    )
    assert "文が空です" in api.post("/check", data={"text": " "}).text


def test_hostile_words_stay_words(api: httpx.Client) -> None:
    text = (
        "</textarea><script>alert(1)</script><img src=x onerror=alert(1)>すごい人に会わせたい。詳しくは会ってから\u202e"
    )
    page = api.post("/check", data={"text": text}).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page.split('class="bubble"')[1].split("</div>")[0]


def test_loopback_addresses_are_known() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "192.168.0.2", "example", "")] == [False] * 4

"""A page that is really served, and a real browser to look at it."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from kanyu.cli.serve import listen
from kanyu.detector import Detector
from kanyu.feedback import FeedbackStore
from kanyu.web import create_app
from tests.chromium import FLAGS


@dataclass
class Site:
    """A served page."""

    address: str
    port: int
    store: FeedbackStore
    temporary: Path


@contextmanager
def serving(app: FastAPI) -> Iterator[int]:
    """Serve an application as `kanyu serve` does; the port."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, access_log=False, log_level="warning", lifespan="on", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    for _ in range(400):
        if server.started:
            break
        time.sleep(0.02)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="session")
def site(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("page")
    temporary = folder / "temporary"
    temporary.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    store = FeedbackStore(folder / "kept" / "feedback.sqlite3")
    with serving(create_app(detector, store)) as port:
        yield Site(f"http://127.0.0.1:{port}", port, store, temporary)
    tempfile.tempdir = before


@pytest.fixture
def api(site: Site) -> Iterator[httpx.Client]:
    """A program that talks to the page's API."""
    with httpx.Client(base_url=site.address, trust_env=False, timeout=60) as client:
        yield client
    site.store.delete_all()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real browser: KANYU_BROWSER, the system's, or Playwright's own."""
    path = os.environ.get("KANYU_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        if not path and not Path(playwright.chromium.executable_path).exists():
            pytest.fail(
                "no browser for the browser tests: run `playwright install chromium`, or install the system's "
                "package `chromium` (and fonts-noto-cjk), or set KANYU_BROWSER to one"
            )
        browser = playwright.chromium.launch(executable_path=path or None, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Watched:
    """A tab whose requests and complaints are counted; what leads outside is stopped."""

    page: Page
    context: BrowserContext
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def watch(browser: Browser, site: Site, **options: Any) -> Watched:
    context = browser.new_context(**{"locale": "ja-JP", "reduced_motion": "reduce", **options})
    watched = Watched(context.new_page(), context)

    def route(request_route: Route) -> None:
        if request_route.request.url.startswith(site.address + "/"):
            request_route.continue_()
        else:
            watched.outside.append(request_route.request.url)
            request_route.abort()

    context.route("**/*", route)
    context.on("console", lambda m: watched.complaints.append(m.text) if m.type in ("error", "warning") else None)
    context.on("weberror", lambda e: watched.complaints.append(str(e.error)))
    return watched


@pytest.fixture
def tab(chromium: Browser, site: Site) -> Iterator[Watched]:
    """A tab on a desktop; at the end nothing went outside and nothing was complained of."""
    watched = watch(chromium, site, viewport={"width": 1280, "height": 900})
    yield watched
    watched.context.close()
    assert watched.outside == []
    assert watched.complaints == []

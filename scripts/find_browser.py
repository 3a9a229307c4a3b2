"""Print the path of a Chromium for the browser tests; install one where none is found.

Order: KANYU_BROWSER, a Chromium or Chrome on this machine, the browser of Playwright, the system's package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def find() -> str | None:
    """A browser that is already here."""
    given = os.environ.get("KANYU_BROWSER")
    if given and Path(given).exists():
        return given
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    return playwright_browser()


def playwright_browser() -> str | None:
    """The browser that Playwright has installed, if any."""
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            path = playwright.chromium.executable_path
    except Exception:
        return None
    return path if Path(path).exists() else None


def quietly(*command: str) -> bool:
    """Run a command; its output goes to standard error."""
    try:
        return subprocess.run(command, stdout=sys.stderr, stderr=sys.stderr, timeout=900, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install() -> str | None:
    """Install a browser: Playwright's, else the system's package."""
    if quietly(sys.executable, "-m", "playwright", "install", "chromium") and (found := playwright_browser()):
        return found
    if shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        quietly(*sudo, "apt-get", "update", "-qq")
        quietly(*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-noto-cjk")
    return find()


if __name__ == "__main__":
    path = find() or install()
    if path:
        print(path)
    else:
        print("no browser found: install Chromium (package 'chromium') or set KANYU_BROWSER to one", file=sys.stderr)

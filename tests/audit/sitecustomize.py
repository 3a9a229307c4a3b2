"""Every Python process that finds this first on its path writes down what it does: see test_privacy.

Processes started by that one inherit the path, so worker processes install the hook themselves.
"""

from __future__ import annotations

import json
import os
import sys

WATCHED = (
    "open",
    "os.",
    "pickle.find_class",
    "shutil.",
    "socket.",
    "sqlite3.connect",
    "subprocess.Popen",
    "tempfile.",
    "webbrowser.open",
    "ftplib.",
    "smtplib.",
    "urllib.Request",
    "http.client.",
)
QUIET = ("os.listdir", "os.scandir", "os.walk", "os.putenv", "os.unsetenv", "os.fwalk", "socket.__new__")


def _install(log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid, dumps, write = os.getpid(), json.dumps, os.write

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(WATCHED) and event not in QUIET:
            facts = [value if isinstance(value, int | float | None) else str(value) for value in arguments]
            if event == "socket.connect":
                facts = [str(getattr(arguments[0], "family", "")), repr(arguments[1])]
            write(descriptor, (dumps([pid, event, facts]) + "\n").encode("ascii"))

    sys.addaudithook(hook)


if "KANYU_AUDIT" in os.environ:
    _install(os.environ["KANYU_AUDIT"])

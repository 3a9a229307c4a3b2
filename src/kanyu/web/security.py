"""What stands between the page and everybody else: hosts, origins, sizes, headers, silent logs."""

from __future__ import annotations

import ipaddress
import logging
import traceback
from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kanyu.web.limits import MAX_BODY_BYTES, MAX_UPLOAD_BYTES
from kanyu.web.problems import Problem, language, problem_response, unexpected

__all__ = ["LOOPBACK_NAMES", "SANDBOX", "Guard", "is_loopback"]

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SANDBOX: Final = "allow-scripts allow-modals"
"""What the report may do in its frame: its own script, and printing. It has no origin there."""
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # not no-referrer: a form would then post with "Origin: null"
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_UPLOADS: Final = frozenset({"/api/scan", "/scans"})
_log = logging.getLogger("kanyu.web")


def is_loopback(host: str) -> bool:
    """Whether an address reaches this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware that lets in only what comes from the page itself or from a program of the user's.

    Parameters
    ----------
    app : ASGI application
    hosts : collection of str or None
        Names that the ``Host`` header may carry; None (listening for others) allows every address and ``localhost``,
        but no other name, since a name can be rebound to this machine by whoever owns it.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None = LOOPBACK_NAMES) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # no web sockets here
        headers = Headers(scope=scope)
        wanted = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [None])[0]
        lang = language(wanted, headers.get("accept-language"))
        scope.setdefault("state", {})["lang"] = lang
        limit = MAX_UPLOAD_BYTES if scope["path"] in _UPLOADS else MAX_BODY_BYTES
        is_started = False

        async def send_guarded(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
            await send(message)

        taken = 0

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise _too_large(limit)
            return message

        try:
            self._refuse_strangers(scope, headers)
            if int(headers.get("content-length") or 0) > limit:
                raise _too_large(limit)
            await self.app(scope, receive_limited, send_guarded)
        except Problem as problem:
            if is_started:
                raise
            await problem_response(problem, lang)(scope, receive, send_guarded)
        except Exception as error:
            # The kind and the place only: the words of an error may hold a message's text.
            last = traceback.extract_tb(error.__traceback__)[-1]
            _log.error(
                "%s at %s:%s while answering %r", type(error).__name__, last.filename, last.lineno, scope["path"]
            )
            if not is_started:
                await problem_response(unexpected(), lang)(scope, receive, send_guarded)

    def _refuse_strangers(self, scope: Scope, headers: Headers) -> None:
        """Refuse foreign names (DNS rebinding) and foreign pages (cross-site requests)."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise Problem(
                403,
                "foreign_host",
                "この名前では開けません。アドレス欄に、起動したときに表示されたアドレスを入れてください。",
                "This name does not lead here; use the address that was shown at the start.",
            )
        origin = headers.get("origin")
        is_safe = scope["method"] in _SAFE_METHODS
        site = headers.get("sec-fetch-site", "none")
        is_navigation = is_safe and headers.get("sec-fetch-mode") == "navigate"
        is_foreign = origin is not None and origin.lower() != f"{scope['scheme']}://{host}".lower()
        if (is_foreign and not is_safe) or (site not in ("same-origin", "none") and not is_navigation):
            raise Problem(
                403,
                "foreign_origin",
                "ほかのページからの操作は受け付けません。勧誘チェッカーのページから操作してください。",
                "Requests from other pages are not accepted; use the page of kanyu itself.",
            )

    def _is_ours(self, host: str) -> bool:
        name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
        name = name.removeprefix("[").removesuffix("]").lower()
        if self.hosts is not None:
            return name in self.hosts
        if name == "localhost":
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _too_large(limit: int) -> Problem:
    return Problem(
        413,
        "too_large",
        f"一度に送れるのは{limit >> 20} MBまでです。分けるか、`kanyu scan` や `kanyu score` を使ってください。",
        f"At most {limit >> 20} MB at once; send it in parts, or use `kanyu scan` or `kanyu score`.",
    )

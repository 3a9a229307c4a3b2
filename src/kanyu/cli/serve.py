"""``kanyu serve``: the local page and its API."""

from __future__ import annotations

import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from kanyu.cli.options import LANG, THRESHOLDS
from kanyu.errors import KanyuError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["listen", "serve"]

FIRST_PORT: Final = 8765
_LAST_PORT: Final = FIRST_PORT + 200


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="このパソコンのアドレス / address to listen on")
@click.option("--port", type=click.IntRange(0, 65535), help=f"番号(なければ{FIRST_PORT}から空きを探します)/ port")
@click.option("--no-browser", is_flag=True, help="ブラウザーを開かない / do not open the browser")
@LANG
@THRESHOLDS
@click.option("--model", "model_path", type=click.Path(path_type=Path), metavar="M", help="別のモデル / another model")
def serve(
    host: str,
    port: int | None,
    no_browser: bool,
    lang: str,
    thresholds: dict[str, float],
    model_path: Path | None,
) -> int:
    """自分のパソコンの中で、勧誘チェッカーのページを開く。文は外に送りません。

    Open the local page and its API. Nothing is sent anywhere.
    """
    try:
        import fastapi_swagger  # type: ignore[import-untyped]  # noqa: F401  (brings fastapi)
        import python_multipart  # noqa: F401
        import uvicorn
    except ImportError:
        raise MissingExtraError("kanyu serve", "web") from None
    from kanyu.detector import load
    from kanyu.web.app import create_app
    from kanyu.web.security import LOOPBACK_NAMES, is_loopback

    is_local = is_loopback(host)
    listener = listen(host, port)
    detector = load(model_path, thresholds=thresholds)
    app: FastAPI = create_app(detector, hosts=LOOPBACK_NAMES | {host.lower()} if is_local else None)
    number = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::', '') else shown}:{number}/"
    if not is_local:
        _warn(lang)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if not self.should_exit:
                _announce(address, lang, no_browser)

    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=3,
        lifespan="on",
        ws="none",
    )
    Server(config).run(sockets=[listener])
    return 0


def listen(host: str, port: int | None) -> socket.socket:
    """A listening socket; without a port the first free one."""
    try:
        family = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    except (OSError, UnicodeError):  # the latter for what can be no host's name
        raise UsageError(f"--host {host}: no address of this machine; leave it out for 127.0.0.1") from None
    for number in range(FIRST_PORT, _LAST_PORT) if port is None else (port,):
        # asyncio switches Nagle's algorithm off only where the protocol is named: 40 ms less per answer
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform != "win32":  # there it would share the port with another program
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
            listener.listen(128)
        except OSError as error:
            listener.close()
            failure = error
            continue
        return listener
    place = f"port {port}" if port is not None else f"ports {FIRST_PORT} to {_LAST_PORT - 1}"
    raise KanyuError(f"{host}, {place}: {failure.strerror}; choose another with --port, or leave --port out")


def _announce(address: str, lang: str, no_browser: bool) -> None:
    click.echo(address)
    click.echo(
        "勧誘チェッカーのページです。終わるときは、この画面で Ctrl-C を押してください。"
        if lang == "ja"
        else "This is kanyu's page. Press Ctrl-C here to end it.",
        err=True,
    )
    sys.stdout.flush()
    if not no_browser:
        threading.Thread(target=_open_browser, args=(address,), daemon=True).start()


def _open_browser(address: str) -> Any:
    return webbrowser.open(address)


def _warn(lang: str) -> None:
    line = "!" * 72
    ja = (
        "注意: ほかの機器からもこのページを開けます。パスワードはありません。",
        "同じネットワークのだれもが使え、通信は暗号化されず、保存した訂正も見られます。",
        "わからないときは Ctrl-C で終わり、--host を付けずに始めてください。",
    )
    en = (
        "WARNING: other machines can open this page, and there is no password.",
        "Anybody on the network can use it, unencrypted, and see the corrections kept here.",
        "If in doubt press Ctrl-C and start again without --host.",
    )
    click.echo("\n".join((line, *(ja if lang == "ja" else en), line)), err=True)

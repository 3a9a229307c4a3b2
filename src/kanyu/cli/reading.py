"""What ``kanyu check`` is given: bytes of a file, of standard input or of a paste, as text."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Final

import click

from kanyu.errors import InputError
from kanyu.importers.base import Source

__all__ = ["decode", "read_file", "read_paste", "read_standard_input"]

MAX_BYTES: Final = 256 << 20
# Lines of a terminal in its usual mode are cut here by the system (Linux 4096, macOS 1024 with a bell).
_LINE_LIMIT: Final = 4095
# "\x00\x01\x02": control characters that a text has no use for
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOSTLY: Final = 0.3
_NOISE: Final = 0.15  # of what a guessed code page made of it: random bytes give 0.2 and more, damaged texts little
_FEW: Final = 8
_BINARY: Final = (
    "文の入ったファイルではありません。文だけを貼り付けてください"
    " / binary, not a text; give a text file or paste the message"
)
_PAUSE: Final = 0.1  # seconds; a paste comes without pauses, a person makes some


def decode(data: bytes, name: str) -> str:
    """Bytes to text: by byte-order mark, UTF-8, UTF-16, CP932, whichever it is.

    Parameters
    ----------
    data : bytes
    name : str
        How to name the input in an error.

    Returns
    -------
    str
        Without a byte-order mark, with its line ends as they are. A lone surrogate stays one.

    Raises
    ------
    InputError
        When it is no text.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES >> 20} MiB; for many messages use `kanyu score`")
    try:
        text = data.decode("utf-8-sig", "surrogatepass")
        is_sure = "\0" not in text
    except UnicodeDecodeError:
        text, is_sure = "", False
    if not is_sure:
        source = Source(name, lambda: io.BytesIO(data), len(data))
        is_utf8 = bool(text) and source.encoding.startswith("utf-8")
        if source.is_binary and not is_utf8:
            raise InputError(f"{name}: {_BINARY}")
        text = text if is_utf8 else source.text()
    n_controls = len(_CONTROLS.findall(text))
    n_noise = 0 if is_sure else n_controls + text.count("\ufffd")
    if n_controls > max(_FEW, _MOSTLY * len(text)) or n_noise > max(_FEW, _NOISE * len(text)):
        raise InputError(f"{name}: {_BINARY}")
    return text


def read_file(path: Path) -> str:
    """The text of a file; `InputError` names what is wrong with it."""
    if path.is_dir():
        raise InputError(
            f"{path}: フォルダです。ファイルを1つ選んでください。トーク履歴なら `kanyu scan` へ"
            " / a folder; give one text file, or use `kanyu scan` for chat exports"
        )
    try:
        with path.open("rb") as stream:
            return decode(stream.read(MAX_BYTES + 1), str(path))
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise InputError(f"{path}: 開けません。場所と名前を確かめてください / {reason}; check the path") from None


def read_standard_input() -> str:
    """All of standard input as text."""
    if sys.stdin is None:
        raise InputError("standard input is closed; give the message as TEXT or with --file")
    return decode(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")


def read_paste(lang: str) -> str:
    """Ask for a message on the terminal; two empty lines or the end of input finish it."""
    click.echo(
        "調べたいメッセージを貼り付けてください。終わったら Enter を3回(または Ctrl-D)を押します。"
        if lang == "ja"
        else "Paste the message, then press Enter three times (or Ctrl-D).",
        err=True,
    )
    lines: list[bytes] = []
    for line in iter(sys.stdin.buffer.readline, b""):
        if len(line) >= _LINE_LIMIT:
            raise InputError(
                "貼り付けた1行が長すぎます。ファイルに保存して --file で渡してください"
                " / a pasted line is longer than a terminal passes on; save it to a file and use --file"
            )
        lines.append(line)
        is_end = len(lines) > 2 and not lines[-1].strip() and not lines[-2].strip() and any(map(bytes.strip, lines))
        if is_end and not _is_more_waiting():
            break
    return decode(b"".join(lines), "paste").strip("\r\n")


def _is_more_waiting() -> bool:
    """Whether the terminal has more of the paste, which else would end up in the shell."""
    import select

    try:
        return bool(select.select([sys.stdin], [], [], _PAUSE)[0])
    except (OSError, ValueError):  # a console that cannot be asked
        return False

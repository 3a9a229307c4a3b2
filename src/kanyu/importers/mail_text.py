"""A mail's bytes to text: Japanese character sets, header words, quotes and signatures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message as Mail

__all__ = ["decode_bytes", "decode_header_text", "own_words"]

CODECS = {
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "euc-jp": "euc_jis_2004",
    "us-ascii": "utf-8",
    "gb2312": "gb18030",
}
# ESC ( B, ESC ( J: ASCII; ESC ( I: half-width kana; ESC $ B, ESC $ @: two bytes a character
ESCAPE = re.compile(rb"\x1b(\([BJI]|\$\(?[@BDOPQ])")
# "2024年5月1日(水) 19:32 山田 <…>:", "On Wed, May 1, 2024 at 7:32 PM Mari wrote:"
QUOTED_FROM = re.compile(r"(?:On .{5,200} wrote|\d{4}[年/-].{5,200}|.{1,200}さん(?:は|が)書きました)[:：]")
# "-----Original Message-----", "---------- Forwarded message ----------"
ORIGINAL = re.compile(r"-{3,} ?(?:Original Message|元のメッセージ|Original message) ?-{3,}")


def decode_bytes(data: bytes, charset: str | None) -> str:
    """Text in its declared character set, or in the one of Japanese mail that fits."""
    name = (charset or "").lower().strip("\"' ")
    is_jis = name.startswith("iso-2022-jp") or name in ("", "us-ascii")
    if is_jis and ESCAPE.search(data):
        return _decode_iso_2022_jp(data)
    declared = CODECS.get(name, name)
    for codec in (declared, "utf-8", "cp932", "euc_jis_2004") if declared else ("utf-8", "cp932"):
        try:
            return data.decode(codec)
        except (LookupError, ValueError):
            continue
    return data.decode("utf-8", "replace")


def _decode_iso_2022_jp(data: bytes) -> str:
    """ISO-2022-JP with what Microsoft added (①, half-width kana): by way of CP932."""
    pieces = ESCAPE.split(data)
    text = [pieces[0].decode("utf-8", "replace")]
    for mode, run in zip(pieces[1::2], pieces[2::2], strict=True):
        if mode in (b"$B", b"$@"):
            text.append(_shift(run))
        elif mode == b"(I":
            text.append(bytes(byte | 0x80 for byte in run).decode("cp932", "replace"))
        elif mode in (b"(B", b"(J"):
            text.append(run.decode("ascii", "replace"))
        else:
            text.append((b"\x1b" + mode + run + b"\x1b(B").decode("iso2022_jp_2004", "replace"))
    return "".join(text)


def _shift(run: bytes) -> str:
    """Two-byte JIS to text; line ends, which should not be here, stay."""
    shifted = bytearray()
    index = 0
    while index < len(run):
        row = run[index]
        cell = run[index + 1] if index + 1 < len(run) else 0
        if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
            shifted.append(row)
            index += 1
            continue
        shifted.append((row + 1) // 2 + (0x70 if row < 0x5F else 0xB0))
        shifted.append((cell + 0x1F + (cell >= 0x60)) if row % 2 else cell + 0x7E)
        index += 2
    return shifted.decode("cp932", "replace")


def decode_header_text(mail: Mail, field: str) -> str:
    """A field's text: encoded words that are cut in mid-character, or raw eight-bit bytes."""
    from email.errors import HeaderParseError
    from email.header import decode_header

    raw = next((value for name, value in mail.raw_items() if name.lower() == field.lower()), "")
    data = str(raw).encode("utf-8", "surrogateescape")
    if b"=?" not in data:
        return " ".join(decode_bytes(data, None).split())
    try:
        words = decode_header(data.decode("ascii", "replace"))
    except (HeaderParseError, ValueError):
        return decode_bytes(data, None)
    pieces = (word if isinstance(word, str) else decode_bytes(word, charset) for word, charset in words)
    return " ".join("".join(pieces).split())


def own_words(text: str) -> str:
    """The text without quoted mails and the signature."""
    lines = [line.rstrip(" \t\r") if line != "-- " else line for line in text.split("\n")]
    kept: list[str] = []
    for index, line in enumerate(lines):
        if line == "-- " or ORIGINAL.fullmatch(line.strip()):
            break
        if line.startswith(">"):
            continue
        following = next((after for after in lines[index + 1 : index + 4] if after.strip()), "")
        if not (following.startswith(">") and QUOTED_FROM.fullmatch(line.strip())):
            kept.append(line)
    own = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return own or text.strip()

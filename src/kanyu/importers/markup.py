"""HTML to text, for exports that are web pages. lxml is imported only when one is read."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["class_text", "html_text", "parse_html", "visible_text"]

BLOCK = re.compile(r"address|article|blockquote|d[dlt]|div|h[1-6]|li|ol|p|pre|section|table|t[dhr]|ul")
HIDDEN = frozenset(("script", "style", "head", "title", "template"))
EDGE = "\x1e"  # the border of a block
EMPTY_LINES = re.compile(r"\n{3,}")  # more than one empty line


def parse_html(text: str) -> Any:
    """Parse a page, whatever its faults, to a depth of 254; nothing is loaded from outside."""
    from lxml import etree, html

    parser = html.HTMLParser(no_network=True, encoding="utf-8")
    try:
        page = text.replace("\0", "\ufffd").encode("utf-8", "replace")
        return html.document_fromstring(page, parser=parser)
    except etree.ParserError:  # nothing but blanks and comments
        return html.document_fromstring("<p></p>")


def class_text(node: Any, name: str) -> str:
    """The text of the first element of this class; empty if there is none."""
    found = node.find_class(name)
    return visible_text(found[0]) if found else ""


def visible_text(node: Any, skip: str = "") -> str:
    """What a reader sees: blocks on lines of their own, emoji by their `alt`.

    Parameters
    ----------
    node : lxml element
        Where to begin.
    skip : str
        A class whose elements are left out.
    """
    pieces: list[str] = []
    stack: list[Any] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
            continue
        tag = item.tag
        is_hidden = not isinstance(tag, str) or tag in HIDDEN
        is_hidden = is_hidden or (skip != "" and skip in (item.get("class") or "").split())
        if item is not node and item.tail:
            stack.append(re.sub(r"\s+", " ", item.tail))
        if is_hidden:
            continue
        if tag == "br":
            pieces.append("\n")
        elif BLOCK.fullmatch(tag):
            pieces.append(EDGE)
            stack.append(EDGE)
        if tag in ("img", "emoji") and item.get("alt"):
            pieces.append(item.get("alt"))
        stack.extend(reversed(list(item)))
        if item.text:
            keeps = any(parent.tag == "pre" for parent in (item, *item.iterancestors("pre")))
            stack.append(item.text if keeps else re.sub(r"\s+", " ", item.text))
    blocks = filter(None, map(str.strip, "".join(pieces).replace("\xa0", " ").split(EDGE)))
    lines = (line.strip(" \t") for line in "\n".join(blocks).split("\n"))
    return EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()


def html_text(text: str) -> str:
    """The visible text of a piece of HTML."""
    return visible_text(parse_html(f"<div>{text}</div>")) if text.strip() else ""

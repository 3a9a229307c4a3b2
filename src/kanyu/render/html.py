"""A scan as one HTML file."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from kanyu.render.terminal import render_scan

if TYPE_CHECKING:
    from kanyu.detector import ScanReport

__all__ = ["render_report"]


def render_report(report: ScanReport, *, lang: str = "ja", with_names: bool = True, with_texts: bool = True) -> str:
    """The report as one page of HTML."""
    return f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>kanyu</title><pre>{escape(render_scan(report, lang=lang))}</pre></html>\n'

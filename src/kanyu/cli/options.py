"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

import click

__all__ = ["LANG", "THRESHOLDS", "changed_thresholds"]

LANG: Final = click.option(
    "--lang",
    type=click.Choice(["ja", "en"]),
    default=lambda: "en" if os.environ.get("KANYU_LANG") == "en" else "ja",
    help="表示の言葉 / language (KANYU_LANG)",
)


def _parse_thresholds(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    parsed: dict[str, float] = {}
    for value in values:
        label, _, number = value.partition("=")
        try:
            parsed[label] = float(number)
        except ValueError:
            raise click.BadParameter(f"{value!r}: expected LABEL=P, such as delayed_reveal=0.8") from None
    return parsed


THRESHOLDS: Final = click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="LABEL=P",
    callback=_parse_thresholds,
    help="しきい値を変える(0から1)/ override a threshold",
)


def changed_thresholds(thresholds: Mapping[str, float], lang: str) -> str:
    """The thresholds that were overridden, as words that go with a result; empty where none was."""
    changed = ", ".join(f"{label}={value}" for label, value in thresholds.items())
    return changed and (f"thresholds {changed}" if lang == "en" else f"しきい値 {changed}")

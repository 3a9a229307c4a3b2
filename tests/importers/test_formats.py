"""What `kanyu formats` and the docs say of every format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kanyu.importers
from kanyu.errors import UsageError
from kanyu.importers import FORMATS, Format, read_export

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_every_format_is_documented(known: Format) -> None:
    assert all((known.title_ja, known.title_en, known.files, known.how_ja, known.how_en))
    assert f"`{known.name}`" in (ROOT / "docs/formats.md").read_text("utf-8")


def test_names_are_unique() -> None:
    names = [known.name for known in FORMATS]
    assert len(names) == len(set(names))


def test_nothing_slow_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, kanyu.importers.reading;"
        "print(sorted({'lxml', 'openpyxl', 'bs4', 'pandas', 'email'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names() -> None:
    assert sorted(kanyu.importers.__all__) == kanyu.importers.__all__
    assert all(hasattr(kanyu.importers, name) for name in kanyu.importers.__all__)


def test_what_the_caller_can_ask() -> None:
    sample = ROOT / "tests/samples/line/demo-pitch.txt"
    (conversation,) = read_export(sample, me="桐谷　蓮", platform="line", timezone="Europe/Paris")
    assert conversation.me == "桐谷 蓮"
    assert str(conversation.messages[0].at) == "2024-06-03 21:14:00+02:00"
    for wrong in (
        {"me": "誰か"},
        {"platform": "fax"},
        {"timezone": "Tokyo"},
        {"columns": {"x": "y"}},
    ):
        with pytest.raises(UsageError):
            read_export(sample, **wrong)  # type: ignore[arg-type]

"""The guide tells what there is, and nothing else."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import click
import pytest

from kanyu.cli import COMMANDS
from kanyu.cli.feedback import feedback
from kanyu.cli.serve import serve
from kanyu.detector import Detector
from kanyu.feedback import FeedbackStore
from kanyu.labels import HEADLINES, LABELS
from kanyu.verdict import VERDICTS
from kanyu.web import create_app


@pytest.fixture(params=["page.ja.md", "page.md"])
def guide(request: pytest.FixtureRequest, root: Path) -> tuple[Path, str]:
    path = root / "docs" / request.param
    return path, path.read_text("utf-8")


def test_every_picture_is_there_and_is_one(guide: tuple[Path, str]) -> None:
    path, text = guide
    pictures = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", text)
    assert pictures
    for _, name in pictures:
        data = (path.parent / name).read_bytes()
        width, height = struct.unpack(">II", data[16:24])
        assert data.startswith(b"\x89PNG")
        assert width >= 300
        assert height >= 200


def test_every_picture_of_the_page_is_shown(root: Path) -> None:
    text = (root / "docs" / "page.ja.md").read_text("utf-8")
    taken = re.findall(r'shots / "([^"]+)"', (root / "tests" / "web" / "test_browser.py").read_text("utf-8"))
    assert {name for name in taken if f"images/{name}" not in text} == set()


def test_every_option_of_serve_is_told_and_exists(root: Path) -> None:
    text = (root / "docs" / "page.ja.md").read_text("utf-8")
    options = {option for parameter in serve.params for option in parameter.opts}
    assert {option for option in options if option not in text} == set()
    for line in re.findall(r"^kanyu serve(.*)$", text, re.MULTILINE):
        assert set(re.findall(r"--[a-z-]+", line)) <= options


def test_every_command_exists(guide: tuple[Path, str]) -> None:
    for name in re.findall(r"^kanyu (\w+)", guide[1], re.MULTILINE):
        assert name in COMMANDS
    assert isinstance(feedback, click.Group)
    for name in re.findall(r"^kanyu feedback (\w+)", guide[1], re.MULTILINE):
        assert name in feedback.commands


def test_the_guide_names_labels_and_verdicts_as_the_page_does(root: Path) -> None:
    text = (root / "docs" / "page.ja.md").read_text("utf-8")
    assert all(LABELS[name].ja in text for name in HEADLINES)
    assert all(title.split("(")[0] in text for title, _ in VERDICTS.values())


def test_every_route_of_the_api_is_told(root: Path, detector: Detector, tmp_path: Path) -> None:
    text = (root / "docs" / "page.md").read_text("utf-8")
    paths = create_app(detector, FeedbackStore(tmp_path / "f")).openapi()["paths"]
    assert {path for path in paths if path not in text} == set()

"""Every sample of every platform against the records written beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kanyu.importers import FORMATS, read_export, sniff
from kanyu.messages import Conversation

SAMPLES = Path(__file__).parent.parent / "samples"
EXPECTED = sorted(SAMPLES.glob("*/*.expected.json"))


def as_record(conversation: Conversation) -> dict[str, Any]:
    """A conversation as the expected files hold it."""
    return {
        "title": conversation.title,
        "platform": conversation.platform,
        "me": conversation.me,
        "is_group": conversation.is_group,
        "skipped": [line.line for line in conversation.skipped],
        "messages": [[m.at and m.at.isoformat(), m.sender, m.text, m.is_text] for m in conversation],
    }


def sample_of(expected: Path) -> Path:
    """The file or folder that an expected file belongs to."""
    return expected.with_name(expected.name.removesuffix(".expected.json"))


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_sample_gives_the_records_beside_it(expected: Path) -> None:
    sample = sample_of(expected)
    records = [as_record(conversation) for conversation in read_export(sample)]
    assert records == json.loads(expected.read_text(encoding="utf-8"))
    assert sniff(sample) == records[0]["platform"]


def test_every_format_has_a_sample() -> None:
    platforms = {json.loads(path.read_text("utf-8"))[0]["platform"] for path in EXPECTED}
    assert platforms == {known.name for known in FORMATS}

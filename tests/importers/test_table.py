"""Tables: headers, columns named by the caller, times as people write them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kanyu.errors import UnknownFormatError, UsageError
from kanyu.importers import read_export, sniff
from kanyu.importers.dates import parse_moment

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    "text",
    [
        "text,label\nはい,1\n",
        "id,sender\n1,A\n",
        '{"text": "はい"}\n',
        "本文\nはい\n",
        "[1, 2]",
        "{}",
    ],
)
def test_a_table_without_senders_is_no_export(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    assert sniff(path) is None
    with pytest.raises(UnknownFormatError):
        read_export(path)


def test_columns_that_the_caller_names(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("誰,いつ,何を\nA,2024/5/1 9:00,はい\n", encoding="utf-8")
    columns = {"sender": "誰", "text": "何を", "at": "いつ"}
    (conversation,) = read_export(path, columns=columns, me="Ａ")
    (message,) = conversation
    assert (message.sender, message.text, conversation.me) == ("A", "はい", "A")
    assert message.at == datetime(2024, 5, 1, 9, tzinfo=TOKYO)
    with pytest.raises(UnknownFormatError):
        read_export(path, columns={"sender": "誰", "text": "ない"})
    with pytest.raises(UsageError):
        read_export(path, columns={"sender": "誰"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-03-04T11:20:34Z", "2024-03-04T20:20:34+09:00"),
        ("2024-03-04T11:20:34.1234567+01:00", "2024-03-04T19:20:34.123456+09:00"),
        ("2024-03-05 09:15:00", "2024-03-05T09:15:00+09:00"),
        ("2024-03-06 10:00", "2024-03-06T10:00:00+09:00"),
        ("2024/5/1(水) 午後7:32", "2024-05-01T19:32:00+09:00"),
        ("令和6年5月1日 19時32分", "2024-05-01T19:32:00+09:00"),
        ("平成元年1月8日 0:05", "1989-01-08T00:05:00+09:00"),
        ("10/6/2023 12:37 AM", "2023-10-06T00:37:00+09:00"),
        ("27/04/2024 10:00", "2024-04-27T10:00:00+09:00"),
        ("1714559520", "2024-05-01T19:32:00+09:00"),
        (1714559520000, "2024-05-01T19:32:00+09:00"),
        (45413.813888888886, "2024-05-01T19:32:00+09:00"),
        (datetime(2024, 5, 1, 19, 32), "2024-05-01T19:32:00+09:00"),
    ],
)
def test_moments(value: object, expected: str) -> None:
    moment = parse_moment(value, TOKYO)
    assert moment is not None
    assert moment.isoformat() == expected


@pytest.mark.parametrize("value", ["", "2024-05-01", "明日", "2024-13-01 10:00", "9" * 30, None, True, 3, "1/1/1 1:1"])
def test_what_is_no_moment(value: object) -> None:
    assert parse_moment(value, TOKYO) is None

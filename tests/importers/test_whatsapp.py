"""WhatsApp's rows: order of the date, forms of the time, what the app says by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanyu.importers import read_export


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("[2024/05/01 19:32:00] ", "2024-05-01T19:32:00"),
        ("[2024/05/01, 19:32:00] ", "2024-05-01T19:32:00"),
        ("\u200e[2024/05/01 午後7:32:05] ", "2024-05-01T19:32:05"),
        ("[2024-05-01, 19:32:00] ", "2024-05-01T19:32:00"),
        ("01.05.24, 19:32 - ", "2024-05-01T19:32:00"),
        ("01/05/2024, 7:32 p. m. - ", "2024-05-01T19:32:00"),
        ("13/05/24, 7:32\u202fpm - ", "2024-05-13T19:32:00"),
        ("5/13/24, 7:32 PM - ", "2024-05-13T19:32:00"),
        ("5/1/24, 7:32\u00a0PM - ", "2024-05-01T19:32:00"),
        ("24-05-01 19.32 - ", "2024-05-01T19:32:00"),
        ("2024/05/01 19:32 - ", "2024-05-01T19:32:00"),
    ],
)
def test_stamps(tmp_path: Path, stamp: str, expected: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(f"{stamp}佐藤: はい\n", encoding="utf-8")
    (conversation,) = read_export(path)
    assert [m.at and m.at.isoformat() for m in conversation] == [f"{expected}+09:00"]


def test_the_whole_file_decides_between_day_and_month(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    rows = [f"{month:02}/{day:02}/24, 10:00 - A: はい" for month, day in ((3, 1), (3, 5), (3, 20))]
    path.write_text("\n".join(rows), encoding="utf-8")
    (conversation,) = read_export(path)
    assert [m.at and m.at.month for m in conversation] == [3, 3, 3]


def test_a_blank_at_the_border_of_the_head_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    for width in range(10, 40):
        body = f"{'a' * width} b"
        path.write_text(f"\u200e[2024/05/01 19:32:00] A: {body}\n", encoding="utf-8")
        assert read_export(path)[0].messages[0].text == body


def test_talking_of_encryption_is_no_notice(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    text = "[2024/05/01 19:32:00] A: これはエンドツーエンド暗号化だよ\n"
    path.write_text(text, encoding="utf-8")
    assert len(read_export(path)[0]) == 1


@pytest.mark.parametrize(
    "rest",
    [
        "Messages and calls are end-to-end encrypted. Tap: learn more.",
        "読書会: メッセージと通話はエンドツーエンドで暗号化されています。",
        "光がグループ「a: b」を作成しました",
        "Kai created group “a: b”",
        "Kai left",
    ],
)
def test_notices(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(f"[2024/05/01 19:32:00] A: はい\n[2024/05/01 19:33:00] {rest}\n", encoding="utf-8")
    (conversation,) = read_export(path)
    assert len(conversation) == 1
    assert not conversation.skipped


def test_the_owner_is_the_one_whom_the_file_does_not_name(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat with 佐藤.txt"
    path.write_text("5/1/24, 7:32 PM - 佐藤: はい\n5/1/24, 7:33 PM - 私: どうも\n", encoding="utf-8")
    (conversation,) = read_export(path)
    assert (conversation.title, conversation.me, conversation.is_group) == ("佐藤", "私", False)

"""Faults that an independent tester's exports brought to light, one test each."""

from __future__ import annotations

import datetime
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kanyu.importers import read_export
from kanyu.messages import Conversation


def read(path: Path, content: str | bytes) -> Conversation:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (conversation,) = read_export(path)
    return conversation


def shown(conversation: Conversation) -> list[tuple[str, str, bool]]:
    return [(message.sender, message.text, message.is_text) for message in conversation]


@pytest.mark.parametrize(
    "notice",
    ["グループ通話が終了しました。", "浜口がビジネス版LINE 「LINE WORKS」からトークに参加しました。"],
)
def test_desktop_notices_are_neither_counted_nor_skipped(tmp_path: Path, notice: str) -> None:
    text = f"2024.03.31 日曜日\n10:00 森 はい\n10:01 {notice}\n10:02 森 ええ\n10:03 森 では\n"
    conversation = read(tmp_path / "[LINE]勉強会.txt", text)
    assert [message.text for message in conversation] == ["はい", "ええ", "では"]
    assert not conversation.skipped


def test_a_call_on_instagram_is_not_the_sender_s_text(tmp_path: Path) -> None:
    people = [{"name": "Mari"}, {"name": "Ken"}]
    records = [
        {
            "sender_name": "Mari",
            "timestamp_ms": 1714559400000,
            "content": "Mari started a video chat",
            "call_duration": 0,
        },
        {"sender_name": "Ken", "timestamp_ms": 1714559300000, "content": "call me"},
    ]
    data = {"participants": people, "messages": records, "title": "Mari", "thread_path": "inbox/mari_1"}
    conversation = read(tmp_path / "message_1.json", json.dumps(data))
    assert shown(conversation) == [("Ken", "call me", True), ("Mari", "[通話]", False)]


def test_discord_pages_count_calls_and_no_other_event(tmp_path: Path) -> None:
    def event(number: int, what: str) -> str:
        return (
            f'<div class="chatlog__message-group"><div class="chatlog__message-container" data-message-id="{number}">'
            '<span class="chatlog__system-notification-author">なぎ</span> '
            f'<span class="chatlog__system-notification-content"><span>{what}</span></span>'
            '<span class="chatlog__system-notification-timestamp"><a href="#1">05/01/2024 7:34 PM</a></span>'
            "</div></div>"
        )

    row = (
        '<div class="chatlog__message-group"><div class="chatlog__message-container" data-message-id="9">'
        '<span class="chatlog__author">ゆう</span><span class="chatlog__timestamp" title="5/1/2024 7:35 PM"></span>'
        '<div class="chatlog__content">はい</div></div></div>'
    )
    page = f'<html><body><div class="chatlog">{event(1, "pinned a message to this channel.")}{row}'
    page += event(2, "started a call that lasted 3 minutes") + event(3, "added someone to the group.")
    page += "</div></body></html>"
    conversation = read(tmp_path / "dm.html", page)
    assert shown(conversation) == [("ゆう", "はい", True), ("なぎ", "[通話]", False)]
    assert str(conversation.messages[1].at) == "2024-05-01 19:34:00+09:00"
    assert not conversation.skipped


@pytest.mark.parametrize(("title", "other"), [("なぎ", "なぎ"), ("nagi01", "nagi01")])
def test_the_owner_of_a_discord_dm_by_either_name(tmp_path: Path, title: str, other: str) -> None:
    def record(number: int, name: str, nickname: str) -> dict[str, Any]:
        author = {"id": str(number), "name": name, "nickname": nickname}
        return {
            "id": str(number),
            "type": "Default",
            "timestamp": "2024-05-01T19:32:00+09:00",
            "content": "はい",
            "author": author,
        }

    messages = [record(1, "nagi01", "なぎ"), record(2, "yu02", "ゆう")]
    channel = {"id": "5", "type": "DirectTextChat", "name": title}
    data = {"guild": {"id": "0", "name": "Direct Messages"}, "channel": channel, "messages": messages}
    conversation = read(tmp_path / "dm.json", json.dumps(data))
    assert other in conversation.senders
    assert conversation.me in ("ゆう", "yu02")


def test_slack_texts_that_stand_in_blocks_alone(tmp_path: Path) -> None:
    section = {
        "type": "rich_text_section",
        "elements": [{"type": "text", "text": "受付は"}, {"type": "text", "text": "3階"}],
    }
    blocks = [
        {"type": "rich_text", "elements": [section]},
        {"type": "section", "text": {"type": "mrkdwn", "text": "以上 &amp; 了"}},
    ]
    record = {"type": "message", "user": "U1", "text": "", "blocks": blocks, "ts": "1714559400.000002"}
    path = tmp_path / "slack.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("users.json", json.dumps([{"id": "U1", "name": "nagi"}]))
        archive.writestr("channels.json", json.dumps([{"id": "C1", "name": "general"}]))
        archive.writestr("general/2024-05-01.json", json.dumps([record]))
    (conversation,) = read_export(path)
    assert shown(conversation) == [("nagi", "受付は3階\n以上 & 了", True)]


def test_telegram_records_without_a_sender_are_notices(tmp_path: Path) -> None:
    records = [
        {"id": 1, "type": "message", "date_unixtime": "1714559460", "from": "なぎ", "from_id": "user5", "text": "はい"},
        {"id": 2, "type": "unsupported"},
        {"id": 3, "type": "message", "date_unixtime": "1714559470", "from": "ゆう", "from_id": "user6", "text": "ええ"},
    ]
    data = {"name": "なぎ", "type": "personal_chat", "id": 5, "messages": records}
    conversation = read(tmp_path / "result.json", json.dumps(data))
    assert (len(conversation), conversation.me, conversation.skipped) == (2, "ゆう", ())


def test_a_mail_that_is_not_in_the_iso_2022_jp_it_declares(tmp_path: Path) -> None:
    head = (
        b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nDate: Wed, 1 May 2024 11:32:00 +0000\r\n"
        b"Content-Type: text/plain; charset=iso-2022-jp\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    for codec in ("cp932", "utf-8"):
        conversation = read(tmp_path / f"{codec}.eml", head + "①日程の件です\r\n".encode(codec))
        assert conversation.messages[0].text == "①日程の件です"
        (tmp_path / f"{codec}.eml").unlink()


@pytest.mark.parametrize(
    "table",
    [
        "name,message,date,time\nA,はい,2024-05-01,19:32\n",
        "name,message,time,date\nA,はい,19:32,2024/5/1\n",
        "name,message,timestamp,time\nA,はい,2024-05-01T19:32:00+09:00,19:32\n",
    ],
)
def test_a_date_and_a_time_in_two_columns(tmp_path: Path, table: str) -> None:
    (message,) = read(tmp_path / "x.csv", table)
    assert str(message.at) == "2024-05-01 19:32:00+09:00"


def test_a_date_cell_and_a_time_cell_of_a_spreadsheet(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["日付", "時刻", "名前", "本文"])
    sheet.append([datetime.date(2024, 5, 1), datetime.time(19, 32), "A", "はい"])
    book.save(tmp_path / "x.xlsx")
    ((message,),) = read_export(tmp_path / "x.xlsx")
    assert str(message.at) == "2024-05-01 19:32:00+09:00"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("&#xD83D;&#xDE00;です", "😀です"),
        ("&#55357;&#56832;です", "😀です"),
        ("A\x0bB\x00です", "A\ufffdB\ufffdです"),
        ("&#xB;&#x3042;です", "\ufffdあです"),
    ],
)
def test_short_messages_with_characters_that_xml_forbids(tmp_path: Path, body: str, expected: str) -> None:
    row = f'<sms address="BANK" date="1714559400000" type="1" body="{body}" contact_name="null"/>'
    for n_before in (0, 65_440, 65_450, 65_460, 65_470):  # the borders of the blocks that are read
        text = f'<?xml version="1.0" encoding="UTF-8"?><smses count="1">{" " * n_before}{row}</smses>'
        (message,) = read(tmp_path / "sms.xml", text)
        assert message.text == expected
    text = f'<?xml version="1.0" encoding="UTF-16"?><smses count="1">{row}</smses>'
    if "\x00" not in body:
        (message,) = read(tmp_path / "wide.xml", text.replace("\x0b", "").replace(body, "、です").encode("utf-16"))
        assert message.text == "、です"


def test_two_line_talks_in_one_file_have_no_owner(tmp_path: Path) -> None:
    def talk(name: str) -> str:
        return f"[LINE] {name}とのトーク履歴\n保存日時：2024/05/20 21:00\n\n2024/05/01(水)\n9:00\t{name}\tはい\n\n"

    assert read(tmp_path / "x.txt", talk("なぎ") + talk("ゆう")).me is None
    again = read(tmp_path / "x.txt", talk("なぎ") + talk("なぎ") + "9:01\t私\tはい\n")
    assert (again.me, len(again)) == ("私", 3)


def test_unquoted_commas_in_the_last_column_are_not_lost(tmp_path: Path) -> None:
    table = "sender,text\nA,はい\nA,ええと, では, また,,\nA,終,,\n"
    assert [message.text for message in read(tmp_path / "x.csv", table)] == ["はい", "ええと, では, また", "終"]
    table = "text,sender,\nはい,A,よけいな列\n"
    assert [message.text for message in read(tmp_path / "x.csv", table)] == ["はい"]


def test_an_official_account_that_only_answered_by_itself_goes_by_its_own_name(tmp_path: Path) -> None:
    text = "アカウント名,店\nタイムゾーン,'+09:00\nダウンロード日時,2026/09/15 14:34\n"
    text += "送信者タイプ,送信者名,送信日,送信時刻,内容\n"
    text += "User,客,2025/09/18,14:22:59,はい\nAccount,応答メッセージ,2025/09/18,14:23:00,ようこそ\n"
    conversation = read(tmp_path / "x.csv", text)
    assert (conversation.me, conversation.senders) == ("店", ("客", "店"))

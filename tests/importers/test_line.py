"""LINE's rows, one trap at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanyu.importers import read_export, sniff
from kanyu.messages import Conversation

HEAD = "[LINE] 佐伯とのトーク履歴\n保存日時：2024/05/20 21:00\n\n2024/05/01(水)\n"


def read(tmp_path: Path, text: str, name: str = "talk.txt") -> Conversation:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    (conversation,) = read_export(path)
    return conversation


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("22:14", "22:14"),
        ("9:20", "09:20"),
        ("午前12:05", "00:05"),
        ("午後12:10", "12:10"),
        ("午後05:38", "17:38"),
        ("午後3:04", "15:04"),
        ("午前0:05", "00:05"),
        ("上午12:15", "00:15"),
        ("下午09:06", "21:06"),
        ("오후 2:37", "14:37"),
        ("12:05AM", "00:05"),
        ("12:00 AM", "00:00"),
        ("04:35PM", "16:35"),
        ("03:05pm", "15:05"),
        ("04:35\u202fPM", "16:35"),
        ("\u200e9:20", "09:20"),
        ("24:53", "00:53"),
    ],
)
def test_every_time_of_day(tmp_path: Path, clock: str, expected: str) -> None:
    conversation = read(tmp_path, f"{HEAD}{clock}\t佐伯\tはい\n")
    (message,) = conversation
    assert message.at is not None
    assert message.at.isoformat() == f"2024-05-01T{expected}:00+09:00"


@pytest.mark.parametrize("clock", ["25:10", "12:60", "午後", "1234", "正午12:00", "12:00 XM"])
def test_what_is_no_time_is_no_row(tmp_path: Path, clock: str) -> None:
    conversation = read(tmp_path, f"{HEAD}{clock}\t佐伯\tはい\n10:00\t佐伯\tはい\n")
    assert len(conversation) == 1
    assert [line.line for line in conversation.skipped] == [5]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2023/07/13(木)", "2023-07-13"),
        ("2024/1/23(火)", "2024-01-23"),
        ("2018/04/16(Mon)", "2018-04-16"),
        ("2015/12/25 Fri", "2015-12-25"),
        ("2024.01.02 Tuesday", "2024-01-02"),
        ("Sun, 26/04/2026", "2026-04-26"),
        ("Sun, 11/02/2025", "2025-11-02"),
        ("2022/03/31（四）", "2022-03-31"),
        ("2022/12/24（週六）", "2022-12-24"),
        ("2024/1/2週二", "2024-01-02"),
        ("ศ. 28/11/2568", "2025-11-28"),
        ("2024/01/15 จันทร์", "2024-01-15"),
        ("2024.03.31 日曜日", "2024-03-31"),
        ("2025.08.04 星期一", "2025-08-04"),
        ("\ufeff2023/07/13(木)", "2023-07-13"),
    ],
)
def test_every_date_line(tmp_path: Path, line: str, expected: str) -> None:
    (message,) = read(tmp_path, f"{line}\n10:00\t佐伯\tはい\n")
    assert message.at is not None
    assert message.at.date().isoformat() == expected


@pytest.mark.parametrize(
    ("rows", "bodies"),
    [
        ('9:00\tA\t"一\n二"\n', ["一\n二"]),
        ('9:00\tA\t"一\n\n二"\n', ["一\n\n二"]),
        ('9:00\tA\t"店は""ひまわり""\n二"\n', ['店は"ひまわり"\n二']),
        ('9:00\tA\t"一\n""二"""\n', ['一\n"二"']),
        ('9:00\tA\t"一\n\n\n"\n', ["一\n\n\n"]),
        ('9:00\tA\t"一"\n', ['"一"']),
        ('9:00\tA\t"閉じない\n9:01\tB\t言った"\n', ['"閉じない', '言った"']),
        ('9:00\tA\t"閉じない\n続き\n9:01\tB\tはい\n', ['"閉じない\n続き', "はい"]),
        ("9:00\tA\t一\n\n二\t三\n", ["一\n\n二\t三"]),
        ("9:00\tA\t一\t二\t三\n", ["一\t二\t三"]),
        ("9:00\tA\t次\n2026/07/13\n12/12/19: Dep\n", ["次\n2026/07/13\n12/12/19: Dep"]),
        ("9:00\tA\t次\n2024/05/19(日)\n駅\n9:01\tB\tは\n", ["次\n2024/05/19(日)\n駅", "は"]),
        ('9:00\tA\t"次\n\n2024/05/19(日)\n\n駅"\n', ["次\n\n2024/05/19(日)\n\n駅"]),
        ('9:00\tA\t"一"と言った\n次は"二"\n', ['"一"と言った\n次は"二"']),
        ("9:00\tA\tはい\n9:00\tA\tはい\n", ["はい", "はい"]),
        ("9:01\tA\tはい\n9:00\tB\tいいえ\n", ["はい", "いいえ"]),
        ("9:00\tA\t改\u2028行\x0bなし\x85\x0c\n", ["改\u2028行\x0bなし\x85\x0c"]),
        ("9:00\tA\tNUL\x00も\n", ["NUL\x00も"]),
    ],
)
def test_bodies(tmp_path: Path, rows: str, bodies: list[str]) -> None:
    conversation = read(tmp_path, HEAD + rows)
    assert [message.text for message in conversation] == bodies
    assert not conversation.skipped
    dates = {message.at.date().isoformat() for message in conversation if message.at}
    assert dates == {"2024-05-01"}


@pytest.mark.parametrize(
    "body",
    [
        "[スタンプ]",
        "[写真]",
        "(emoji)(emoji)",
        "[ファイル] (null)",
        "☎ 不在着信",
        "☎ 通話時間 1:02:03",
        "[null] https://maps.google.com/?q=1,2",
        "アルバムに写真を追加しました",
        "ノートに投稿しました。",
        "[Photo]",
        "☎ No answer",
        "[貼圖]",
        "[รูป]",
        "イベント「test」が作成されました。",
    ],
)
def test_placeholders_are_messages_without_a_text(tmp_path: Path, body: str) -> None:
    (message,) = read(tmp_path, f"{HEAD}9:00\tA\t{body}\n")
    assert message.text == body
    assert not message.is_text


@pytest.mark.parametrize("body", ["[写真]見た？", "[重要]", "☎ 電話", "写真", "参加しました"])
def test_texts_that_only_resemble_placeholders(tmp_path: Path, body: str) -> None:
    (message,) = read(tmp_path, f"{HEAD}9:00\tA\t{body}\n")
    assert message.is_text


@pytest.mark.parametrize(
    "row",
    [
        "9:01\t\tメッセージの送信を取り消しました",
        "9:01\t\t\u2068\u2068B\u2069\u2069がアナウンスしました",
        "9:01\tBがメッセージの送信を取り消しました",
        "9:01\t☎ 通話時間 1:23",
        "9:01\t参加しました",
        "9:01\tB\tBがグループに参加しました。",
    ],
)
def test_notices_are_neither_counted_nor_skipped(tmp_path: Path, row: str) -> None:
    conversation = read(tmp_path, f"{HEAD}9:00\tA\tはい\n{row}\n")
    assert len(conversation) == 1
    assert not conversation.skipped


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("9:00\tA\tはい\n9:01\tA\t[写真]\n迷子\n", 3),
        ("9:00\tA\tはい\n9:01\t\t参加しました\n\n迷子\n", 4),
        ("9:00\tA\tはい\n\n2024/05/02(木)\n迷子\n", 4),
        ("迷子\n9:00\tA\tはい\n9:01\tB\tはい\n", 1),
        ("9:00\tA\tはい\n9:01\tB\tはい\n9:02\tA", 3),
    ],
)
def test_a_line_that_continues_nothing_is_skipped(tmp_path: Path, text: str, line: int) -> None:
    assert [skipped.line for skipped in read(tmp_path, text).skipped] == [line]


@pytest.mark.parametrize(
    ("title", "senders", "me"),
    [
        ("[LINE] 佐伯とのトーク履歴", "佐伯 私", "私"),
        ("[LINE] 佐伯のトーク履歴", "佐伯 私", None),
        ("[LINE] 佐伯とのトーク履歴", "佐伯 私 他", None),
        ("[LINE] 別人とのトーク履歴", "佐伯 私", None),
        ("[LINE] Chat history with 佐伯", "私 佐伯", "私"),
        ("Chat history with 佐伯", "私 佐伯", "私"),
        ("[LINE] \u2068佐伯\u2069とのトーク履歴", "\u2068佐伯\u2069 私", "私"),
    ],
)
def test_the_owner_is_the_other_one(tmp_path: Path, title: str, senders: str, me: str | None) -> None:
    rows = "".join(f"9:00\t{name}\tはい\n" for name in senders.split())
    conversation = read(tmp_path, f"{title}\n保存日時：2024/05/20 21:00\n\n2024/05/01(水)\n{rows}")
    assert conversation.me == me


def test_without_header_and_dates_the_time_is_unknown(tmp_path: Path) -> None:
    conversation = read(tmp_path, "9:00\tA\tはい\n9:01\tB\tいいえ\n", "[LINE] Bとのトーク (1).txt")
    assert [message.at for message in conversation] == [None, None]
    assert (conversation.title, conversation.me) == ("B", "A")


def test_two_exports_in_one_file(tmp_path: Path) -> None:
    second = HEAD.replace("05/01(水)", "05/02(木)")
    conversation = read(tmp_path, f"{HEAD}9:00\tA\tはい\n{second}9:00\tA\tえ\n")
    assert [message.text for message in conversation] == ["はい", "え"]
    assert not conversation.skipped


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("10:00 A は\n10:01 B 次\n9:00 AM mtg\n", ["A は", "B 次\n9:00 AM mtg"]),
        ("10:00 A 次\n09:00 駅\n12:00 昼\n10:01 A は\n", ["A 次\n09:00 駅\n12:00 昼", "A は"]),
        ("10:00 A Bさんが参加しました\n10:01 A は\n", ["A Bさんが参加しました", "A は"]),
        ("10:00 A 表\n1\t2\t3\n10:01 A は\n", ["A 表\n1\t2\t3", "A は"]),
        ("10:00 A 写真\n10:01 A 写真見て\n16:17 已收回訊息\n", ["A 写真", "A 写真見て"]),
    ],
)
def test_desktop_rows(tmp_path: Path, lines: str, expected: list[str]) -> None:
    conversation = read(tmp_path, f"2024.03.31 日曜日\n{lines}")
    assert [f"{message.sender} {message.text}" for message in conversation] == expected
    assert not conversation.skipped


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ただの文章。\n二行目。\n",
        "10:00 開始\n11:00 終了\n",
        "a\tb\n1\t2\n",
        "2024/05/01(水)\n",
    ],
)
def test_what_is_no_talk(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf-8")
    assert sniff(path) is None


def test_days_without_rows_between_date_lines(tmp_path: Path) -> None:
    text = f"{HEAD}9:00\tA\tはい\n2024/05/02(木)\n2024/05/03(金)\n9:00\tA\tはい\n"
    dates = [message.at.day for message in read(tmp_path, text) if message.at]
    assert dates == [1, 3]


def test_a_group_whose_name_ends_like_a_pair(tmp_path: Path) -> None:
    rows = "".join(f"9:00\t{name}\tはい\n" for name in ("まこ", "私", "他"))
    conversation = read(tmp_path, f"[LINE] まことのトーク履歴\n保存日時：2024/05/20 21:00\n\n{rows}")
    assert (conversation.title, conversation.is_group, conversation.me) == ("まこと", True, None)


def test_results_are_frozen(tmp_path: Path) -> None:
    conversation = read(tmp_path, f"{HEAD}9:00\tA\tはい\n")
    assert isinstance(conversation.messages, tuple)
    assert isinstance(conversation.skipped, tuple)

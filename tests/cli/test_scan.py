import csv
import json
import re
import subprocess
import sys

import pytest

from kanyu.cli import run

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
EXPORT = f"""[LINE] 佐伯とのトーク履歴
保存日時：2024/05/20 21:00

2024/05/01(水)
19:30\t佐伯\t先日はどうも！
19:42\t私\tこちらこそ
19:43\t\tメッセージの送信を取り消しました

2024/05/14(火)
9:05\t佐伯\t{RISKY}
午後9:06\t私\t[スタンプ]
この行は壊れている
"""


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "[LINE] 佐伯とのトーク.txt"
    path.write_text(EXPORT, encoding="utf-8")
    return path


@pytest.fixture
def pitch(root):
    return root / "tests" / "samples" / "line" / "demo-pitch.txt"


@pytest.fixture
def ordinary(root):
    return root / "tests" / "samples" / "line" / "demo-ordinary.txt"


def test_json_tells_who_and_what_was_skipped(export, capsys):
    assert run(["scan", "--json", str(export)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["errors"] == []
    (talk,) = report["conversations"]
    assert (talk["platform"], talk["me"], talk["messages"]) == ("line", "私", 4)
    assert [line["line"] for line in talk["skipped"]] == [12]
    assert [sender["name"] for sender in talk["senders"]] == ["佐伯"]
    assert [message["index"] for message in talk["flagged"]] == [2]


def test_the_pitcher_comes_first_in_the_summary(pitch, ordinary, capsys):
    assert run(["scan", str(ordinary), str(pitch)]) == 0
    said = capsys.readouterr().out
    assert "まず見てほしい人" in said
    assert "1. 桐谷 蓮" in said
    assert "まだ明かされていません" in said
    assert "断ったあとの押し" in said
    assert "\x1b" not in said


def test_an_ordinary_chat_is_left_in_peace(ordinary, capsys):
    assert run(["scan", "--exit-code", str(ordinary)]) == 0
    assert "見つかりませんでした" in capsys.readouterr().out


def test_exit_code_10_when_a_sender_is_flagged(pitch):
    assert run(["scan", "--exit-code", "--json", str(pitch)]) == 10


def test_an_overridden_threshold_is_told_with_the_findings(ordinary, capsys):
    assert run(["scan", str(ordinary), "--threshold", "risky_product=0.999"]) == 0
    assert "しきい値 risky_product=0.999" in capsys.readouterr().out
    assert run(["scan", str(ordinary)]) == 0
    assert "しきい値" not in capsys.readouterr().out


def test_me_is_never_reported(pitch, capsys):
    assert run(["scan", "--json", "--me", "桐谷 蓮", str(pitch)]) == 0
    (talk,) = json.loads(capsys.readouterr().out)["conversations"]
    assert [sender["name"] for sender in talk["senders"]] == ["あや"]


def test_a_me_who_is_nobody_is_wrong_usage(pitch, capsys):
    assert run(["scan", "--me", "だれか", str(pitch)]) == 2
    assert "だれか" not in capsys.readouterr().out


@pytest.mark.parametrize("day", ["2024-05-14", "2024/5/14", "20240514"])
def test_since_leaves_out_what_is_older_and_says_so(export, capsys, day):
    assert run(["scan", "--json", "--since", day, str(export)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["conversations"][0]["messages"] == 2
    assert "2通" in said.err


@pytest.mark.parametrize("day", ["yesterday", "2024-13-01", ""])
def test_a_day_that_is_none_is_wrong_usage(export, day):
    assert run(["scan", "--since", day, str(export)]) == 2


def test_what_cannot_be_read_is_named_and_the_rest_kept(export, tmp_path, capsys):
    out = tmp_path / "report.html"
    missing = tmp_path / "nothing.txt"
    assert run(["scan", "--json", "--exit-code", "--out", str(out), str(export), str(missing)]) == 1
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert len(report["conversations"]) == 1
    assert [error["source"] for error in report["errors"]] == [str(missing)]
    assert str(missing) in said.err
    assert "nothing.txt" in out.read_text(encoding="utf-8")


def test_nothing_that_can_be_read_writes_nothing(tmp_path, capsys):
    out = tmp_path / "report.html"
    assert run(["scan", "--out", str(out), str(tmp_path / "nothing.txt")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert not out.exists()


def test_a_folder_is_walked(export, tmp_path, capsys):
    assert run(["scan", "--json", str(tmp_path)]) == 0
    assert len(json.loads(capsys.readouterr().out)["conversations"]) == 1


def test_skipped_lines_are_counted_and_listed_on_request(export, capsys):
    assert run(["scan", str(export)]) == 0
    assert "読めなかった行: 1" in capsys.readouterr().out
    assert run(["scan", "--verbose", str(export)]) == 0
    assert "12: no row" in capsys.readouterr().out


def test_columns_name_those_of_any_table(tmp_path, capsys):
    path = tmp_path / "talk.csv"
    path.write_text(f"w,b,d\n佐伯,{RISKY}\n".replace(f"{RISKY}", f'"{RISKY}",2024-05-01 10:00'), encoding="utf-8")
    assert run(["scan", "--json", "--columns", "sender=w,text=b,at=d", str(path)]) == 0
    (talk,) = json.loads(capsys.readouterr().out)["conversations"]
    assert talk["flagged"][0]["at"] == "2024-05-01T10:00:00+09:00"
    assert run(["scan", "--json", "--timezone", "UTC", "--columns", "sender=w,text=b,at=d", str(path)]) == 0
    (talk,) = json.loads(capsys.readouterr().out)["conversations"]
    assert talk["flagged"][0]["at"] == "2024-05-01T10:00:00+00:00"


@pytest.mark.parametrize("columns", ["sender", "sender=w,body=b", "=w,text=b"])
def test_columns_that_are_none_are_wrong_usage(export, columns):
    assert run(["scan", "--columns", columns, str(export)]) == 2


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_rows_come_out_in_order(export, tmp_path, ending):
    out = tmp_path / f"rows.{ending}"
    assert run(["scan", "--out", str(out), str(export)]) == 0
    with out.open(encoding="utf-8-sig", newline="") as stream:
        if ending == "jsonl":
            rows = [json.loads(line) for line in stream]
        else:
            rows = list(csv.DictReader(stream, delimiter="," if ending == "csv" else "\t"))
    assert [str(row["index"]) for row in rows] == ["0", "1", "2", "3"]
    assert rows[2]["text"] == RISKY
    assert "risky_product" in rows[2]["flags"]
    assert rows[3]["verdict"] == "undecided"
    assert not rows[3]["pitch"]


def test_a_workbook_has_a_sheet_with_a_row_per_sender(export, tmp_path):
    import openpyxl

    out = tmp_path / "rows.xlsx"
    assert run(["scan", "--out", str(out), str(export)]) == 0
    book = openpyxl.load_workbook(out)
    messages, senders = book.worksheets
    assert messages.max_row == 5
    assert senders.title == "senders"
    header, row = (list(cells) for cells in senders.values)
    assert dict(zip(header, row, strict=True))["sender"] == "佐伯"
    book.close()


def test_parquet_has_the_same_rows(export, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "rows.parquet"
    assert run(["scan", "--out", str(out), str(export)]) == 0
    assert parquet.read_table(out).num_rows == 4


@pytest.mark.parametrize("name", ["report.txt", "report", "report.pdf"])
def test_an_unknown_ending_is_wrong_usage_before_any_work(export, tmp_path, capsys, name):
    assert run(["scan", "--out", str(tmp_path / name), str(tmp_path / "nothing.txt")]) == 2
    assert ".html" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["no/such/report.html", "folder.html"])
def test_an_output_that_cannot_be_written_is_status_1(export, tmp_path, capsys, place):
    (tmp_path / "folder.html").mkdir()
    assert run(["scan", "--out", str(tmp_path / place), str(export)]) == 1
    assert "--out" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits there")
def test_a_full_disk_leaves_the_old_report_whole(pitch, tmp_path):
    out = tmp_path / "report.html"
    out.write_text("before", encoding="utf-8")
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "from kanyu.cli import main; main()"
    )
    arguments = [sys.executable, "-c", code, "scan", "--out", str(out), str(pitch)]
    done = subprocess.run(arguments, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert out.read_text(encoding="utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_names_and_texts_can_be_left_out_of_the_file(pitch, tmp_path):
    out = tmp_path / "report.html"
    assert run(["scan", "--without-names", "--without-texts", "--out", str(out), str(pitch)]) == 0
    page = out.read_text(encoding="utf-8")
    assert not re.search("桐谷|あや|demo-pitch|自動売買|焙煎", page)


def test_leaving_out_goes_with_a_page_only(pitch, tmp_path):
    assert run(["scan", "--without-names", str(pitch)]) == 2
    assert run(["scan", "--without-texts", "--out", str(tmp_path / "a.csv"), str(pitch)]) == 2


def test_hostile_names_do_not_steer_the_terminal(tmp_path, capsys):
    path = tmp_path / "talk.txt"
    path.write_text(
        f"[LINE] \x1b]0;x\x07とのトーク履歴\n保存日時：2024/05/20 21:00\n\n2024/05/01(水)\n"
        f"19:30\tb\x1b[31m[bold]ad\u202e\t{RISKY}\n19:31\t私\tはい\n",
        encoding="utf-8",
    )
    assert run(["scan", str(path)]) == 0
    said = capsys.readouterr().out
    assert not set("\x1b\x07\u202e") & set(said)
    assert "[bold]ad" in said


def test_a_narrow_terminal_is_not_overrun(pitch, capsys, monkeypatch):
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", "50")
    assert run(["scan", str(pitch)]) == 0
    assert max(map(cell_len, capsys.readouterr().out.splitlines())) <= 50


def test_many_chats_without_a_finding_are_only_counted(pitch, ordinary, tmp_path, capsys):
    for number in range(12):
        (tmp_path / f"{number}.txt").write_bytes(ordinary.read_bytes())
    (tmp_path / "pitch.txt").write_bytes(pitch.read_bytes())
    assert run(["scan", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "気になるところのないトーク: 12件" in said
    assert "宮下" not in said
    assert "1. 桐谷 蓮" in said
    assert run(["scan", "--verbose", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("宮下") >= 12

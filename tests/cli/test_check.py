import io
import json
import os
import random
import subprocess
import sys

import pytest

from kanyu.cli import run

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
ORDINARY = "了解です。10時に改札前で"
KANYU = [sys.executable, "-c", "from kanyu.cli import main; main()"]


def piped(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))


def test_a_risky_message_is_explained(capsys):
    assert run(["check", RISKY]) == 0
    said = capsys.readouterr().out
    assert "気をつけたい勧誘の特徴があります" in said
    assert "ヤバい商材" in said
    assert "【" in said
    assert "188" in said
    assert "\x1b" not in said


def test_an_ordinary_message_is_clear_and_gets_no_advice(capsys):
    assert run(["check", ORDINARY]) == 0
    said = capsys.readouterr().out
    assert "見つかりませんでした" in said
    assert "できること" not in said


def test_english_on_request(capsys):
    assert run(["check", "--lang", "en", RISKY]) == 0
    said = capsys.readouterr().out
    assert "patterns of a pitch" in said
    assert "What you can do" in said


@pytest.mark.parametrize(
    "text",
    [
        "-50%OFF!! 今だけ",
        "--なにか",
        "-hello",
        "--jsno",
        "-",
        "---",
        "-h今だけ",
        "--file-の話",
        "--json今だけ",
        "-5%\n--json",
    ],
)
def test_a_message_may_begin_with_a_hyphen(capsys, text):
    assert run(["check", "--json", text]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == text


def test_two_hyphens_end_the_options(capsys):
    assert run(["check", "--json", "--", "--lang"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == "--lang"


def test_a_mistyped_option_beside_a_message_is_wrong_usage(capsys):
    assert run(["check", "--jsno", ORDINARY]) == 2
    assert "--json" in capsys.readouterr().err


def test_an_option_may_follow_the_message(capsys):
    assert run(["check", ORDINARY, "--threshold=pitch=0.0001", "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["labels"]["pitch"]["threshold"] == 0.0001
    assert verdict["verdict"] != "clear"


@pytest.mark.parametrize("value", ["pitch", "pitch=high", "nothing=0.5", "pitch=1.5"])
def test_a_bad_threshold_is_wrong_usage(capsys, value):
    assert run(["check", "--threshold", value, ORDINARY]) == 2
    assert capsys.readouterr().err


def test_exit_code_10_only_when_flagged(capsys):
    assert run(["check", "--exit-code", RISKY]) == 10
    assert run(["check", "--exit-code", "--json", RISKY]) == 10
    assert run(["check", "--exit-code", ORDINARY]) == 0


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_standard_input_in_every_code(monkeypatch, capsys, codec):
    piped(monkeypatch, RISKY.encode(codec))
    assert run(["check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == RISKY


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_a_file_in_every_code(tmp_path, capsys, codec):
    path = tmp_path / "message.txt"
    path.write_bytes(ORDINARY.encode(codec))
    assert run(["check", "--json", "--file", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == ORDINARY


@pytest.mark.parametrize(
    "text",
    ["今日は\0雨", "\0", "a\ud83d b", "😀😀😀", "nice weather today", "一行目\r\n二行目\r\n", "\u202eabc\x9b31m"],
)
def test_odd_texts_come_back_as_they_were(monkeypatch, capsys, text):
    piped(monkeypatch, text.encode("utf-8", "surrogatepass"))
    assert run(["check", "--json"]) == 0
    said = capsys.readouterr().out
    assert json.loads(said)["text"] == text
    assert not set("\x9b\u202e") & set(said)


@pytest.mark.parametrize("text", ["今日は\0雨", "a\ud83d b", "😀", "\u202eabc\x9b31m", "\x1b]0;x\x07会いましょう"])
def test_what_steers_a_terminal_is_not_printed(monkeypatch, capsys, text):
    piped(monkeypatch, text.encode("utf-8", "surrogatepass"))
    assert run(["check"]) == 0
    assert not set("\0\x1b\x07\x9b\u202e") & set(capsys.readouterr().out)


def test_ten_megabytes_are_judged(monkeypatch, capsys):
    piped(monkeypatch, ("今日は雨です。" * 500_000 + RISKY).encode())
    assert run(["check"]) == 0
    said = capsys.readouterr().out
    assert len(said) < 10_000


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "binary"),
        (bytes(5000), "binary"),
    ],
)
def test_a_file_that_is_no_message_is_one_line_and_status_1(tmp_path, capsys, content, word):
    path = tmp_path / "thing"
    path.write_bytes(content)
    assert run(["check", "--file", str(path)]) == 1
    error = capsys.readouterr().err
    assert word in error
    assert str(path) in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("seed", range(5))
def test_noise_without_a_signature_is_binary_and_not_a_message(tmp_path, capsys, seed):
    path = tmp_path / "noise"
    path.write_bytes(random.Random(seed).randbytes(5000).replace(b"\0", b""))
    assert run(["check", "--file", str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "binary" in said.err


def test_a_text_with_some_damaged_bytes_is_still_a_message(tmp_path, capsys):
    path = tmp_path / "damaged.txt"
    path.write_bytes((ORDINARY * 20).encode("cp932") + b"\xff\xfd\xa0" * 4)
    assert run(["check", "--json", "--file", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["text"].startswith(ORDINARY)


def test_what_cannot_be_checked_is_told_in_japanese_first(tmp_path, capsys):
    run(["check", ""])
    run(["check", "--file", str(tmp_path)])
    run(["check", "--file", str(tmp_path / "nothing")])
    empty, folder, missing = capsys.readouterr().err.splitlines()
    assert "空です" in empty
    assert "フォルダです" in folder
    assert "開けません" in missing


def test_an_overridden_threshold_is_told_with_the_verdict(capsys):
    assert run(["check", RISKY, "--threshold", "risky_product=0.25"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("しきい値 risky_product=0.25")
    assert run(["check", RISKY, "--threshold", "risky_product=0.25", "--lang", "en"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("thresholds risky_product=0.25")
    assert run(["check", RISKY]) == 0
    assert "しきい値" not in capsys.readouterr().out


def test_a_folder_and_a_missing_file_are_status_1(tmp_path, capsys):
    assert run(["check", "--file", str(tmp_path)]) == 1
    assert "folder" in capsys.readouterr().err
    assert run(["check", "--file", str(tmp_path / "nothing")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_an_empty_message_is_status_1(capsys):
    assert run(["check", ""]) == 1
    assert run(["check", " \n"]) == 1
    assert "empty" in capsys.readouterr().err


def test_text_and_file_together_are_wrong_usage(tmp_path, capsys):
    path = tmp_path / "message.txt"
    path.write_text(ORDINARY, encoding="utf-8")
    assert run(["check", "--file", str(path), ORDINARY]) == 2


CHATS = {
    "tab": f"19:30\t佐藤\tおはよう\n19:31\t私\tおはよう\n19:40\t佐藤\t{RISKY}\n",
    "space": f"19:30 佐藤 おはよう\n19:31 私 おはよう\n19:40 佐藤 {RISKY}\n",
    "bracket": f"[19:30] 佐藤: おはよう\n[19:31] 私: おはよう\n[19:40] 佐藤: {RISKY}\n",
    "dash": f"2024/05/01 19:30 - 佐藤: おはよう\n2024/05/01 19:31 - 私: おはよう\n2024/05/01 19:40 - 佐藤: {RISKY}\n",
    "wide": f"佐藤\uff1aおはよう\n私\uff1aおはよう\n佐藤\uff1a{RISKY}\n",
    "name": f"佐藤: おはよう\n私:おはよう\n佐藤:{RISKY}\n",
}


@pytest.mark.parametrize("chat", CHATS.values(), ids=CHATS)
def test_a_piece_of_a_chat_is_checked_message_by_message(monkeypatch, capsys, chat):
    piped(monkeypatch, chat.encode())
    assert run(["check", "--exit-code"]) == 10
    said = capsys.readouterr()
    assert "3通に分けて" in said.out
    assert "注意 1通" in said.out
    assert "kanyu scan" in said.err


@pytest.mark.parametrize("chat", CHATS.values(), ids=CHATS)
def test_a_piece_of_a_chat_as_json_is_one_verdict_of_the_whole_text(monkeypatch, capsys, chat):
    piped(monkeypatch, chat.encode())
    assert run(["check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == chat


@pytest.mark.parametrize(
    "text",
    [
        "日時: 5月3日\n場所: 渋谷\n日時: 5月4日\n",
        "お世話になります。\n佐藤: 出席\n田中: 欠席\n佐藤: 変更\n",
        "10:00 集合\n10:30 出発\n",
        "佐藤: 一行だけ",
        "https://example.jp\nhttps://example.jp/a\nhttps://example.jp/b",
        "持ち物:水筒\nお弁当:各自\n雨具:必要なら\n",
    ],
)
def test_what_only_looks_like_a_chat_is_one_message(monkeypatch, capsys, text):
    piped(monkeypatch, text.encode())
    assert run(["check"]) == 0
    assert "に分けて" not in capsys.readouterr().out


def test_a_closed_pipe_ends_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*KANYU, "check", "--json", RISKY], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert done.returncode == 0
    assert done.stderr == b""


@pytest.mark.skipif(os.name == "nt", reason="closes a descriptor in the shell's way")
def test_closed_standard_streams_are_no_traceback():
    command = [*KANYU, "check", "--exit-code", RISKY]
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *command], capture_output=True, check=False)
        assert done.returncode == 10, closed
        assert done.stderr == b""


def on_a_terminal(keys, *arguments, environment=None):
    """Run kanyu with a terminal at every end; return its status and what it showed."""
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*KANYU, "check", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", **(environment or {})},
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, keys)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(60), shown.decode("utf-8", "replace")


def test_two_empty_lines_end_a_paste():
    status, shown = on_a_terminal(f"先日はどうも。\n\n{RISKY}\n\n\n".encode(), "--exit-code")
    assert status == 10
    assert "貼り付けて" in shown
    assert "気をつけたい" in shown
    assert "\x1b[" in shown


def test_a_paste_with_empty_lines_in_it_is_taken_whole():
    status, shown = on_a_terminal(f"先日はどうも。\n\n\n\n{RISKY}\n\n\n".encode(), "--exit-code")
    assert status == 10
    assert "気をつけたい" in shown


def test_end_of_input_ends_a_paste_and_no_color_is_kept():
    status, shown = on_a_terminal(f"{RISKY}\n\x04".encode(), environment={"NO_COLOR": "1"})
    assert status == 0
    assert "\x1b[" not in shown
    assert "【" in shown


def test_a_pasted_line_that_the_terminal_cuts_is_refused():
    status, shown = on_a_terminal(b"a" * 5000 + b"\n\n\n")
    assert status == 1
    assert "--file" in shown

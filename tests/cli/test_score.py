"""``kanyu score`` as a person or a script calls it."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kanyu.batch.files import LEFTOVERS
from kanyu.batch.sources import MANIFEST
from kanyu.cli import run

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
ORDINARY = "了解です。10時に改札前で"
SAMPLE = Path(__file__).parents[1] / "samples" / "line" / "phone-ja-2-senders-6-messages.txt"


def make(path: Path, texts: Sequence[str] = (ORDINARY, RISKY)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["id", "text"], *([f"{n:04d}", text] for n, text in enumerate(texts))])
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def process(*arguments: str, before: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kanyu", "score", *arguments]
    if not _has_main():
        command = [sys.executable, "-c", "from kanyu.cli import main; main()", "score", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=before)


def _has_main() -> bool:
    import kanyu

    return Path(str(kanyu.__file__)).with_name("__main__.py").exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_table_gets_probabilities_flags_and_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "in.csv", [ORDINARY, RISKY, ""])
    assert run(["score", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]) == 0
    first, second, third = read(tmp_path / "out.csv")
    assert [row["id"] for row in (first, second, third)] == ["0000", "0001", "0002"]
    assert first["verdict"] == "clear"
    assert second["verdict"] == "flagged"
    assert "risky_product" in second["flags"].split(";")
    assert 0 <= float(first["risky_product"]) < float(second["risky_product"]) <= 1
    assert (third["pitch"], third["flags"], third["verdict"]) == ("", "", "undecided")
    said = capsys.readouterr()
    assert said.out == ""
    assert "3行のうち1行に" in said.err
    assert "可能性があります" in said.err
    assert RISKY not in said.err


def test_english_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "in.csv")
    assert run(["score", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv"), "--lang", "en"]) == 0
    assert "2 rows, 1 of them flagged" in capsys.readouterr().err


def test_exit_code_ten_tells_that_something_is_flagged(tmp_path: Path) -> None:
    make(tmp_path / "risky.csv")
    make(tmp_path / "ordinary.csv", [ORDINARY])
    out = ["--out", str(tmp_path / "out.csv"), "--exit-code"]
    assert run(["score", str(tmp_path / "risky.csv"), *out]) == 10
    assert run(["score", str(tmp_path / "ordinary.csv"), *out]) == 0


def test_a_threshold_changes_the_flags_and_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "in.csv", [ORDINARY])
    arguments = ["score", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]
    assert run([*arguments, "--threshold", "network_hype=0.0000001"]) == 0
    assert read(tmp_path / "out.csv")[0]["flags"] == "network_hype"
    assert "network_hype=1e-07" in capsys.readouterr().err
    assert run([*arguments, "--threshold", "nonsense=0.5"]) == 2
    assert run([*arguments, "--threshold", "pitch=1.5"]) == 2


def test_plain_csv_is_for_programs(tmp_path: Path) -> None:
    make(tmp_path / "in.csv", ["=1+1"])
    arguments = ["score", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]
    run(arguments)
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")
    assert read(tmp_path / "out.csv")[0]["text"] == "'=1+1"
    run([*arguments, "--plain-csv"])
    assert (tmp_path / "out.csv").read_bytes().startswith(b"id,")
    assert read(tmp_path / "out.csv")[0]["text"] == "=1+1"


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["nothing.csv", "--out", "out.csv"], 1, "nothing.csv: no such file or folder"),
        (["in.csv", "--out", "out.csv", "--column", "nope"], 1, "its columns: id, text"),
        (["in.csv", "--out", "no/folder/out.csv"], 1, "cannot write no/folder/out.csv"),
        (["in.csv", "--out", "in.csv/out.csv"], 1, "cannot write in.csv/out.csv"),
        (["in.csv", "--out", "in.csv/"], 1, "cannot write to in.csv"),
        (["in.csv", "--out", "/proc/scored/"], 1, "cannot write to /proc/scored"),
        (["in.csv", "--out", "/proc/out.csv"], 1, "cannot write /proc/out.csv"),
        (["in.csv", "--out", "out.doc"], 2, "--out must end in one of .csv"),
        (["in.csv", "--out", "out.csv", "--resume"], 2, "--resume needs a folder"),
        (["in.csv", "--out", "."], 2, "would be its own output"),
        (["in.csv", "--out", "out.csv", "--jobs", "0"], 2, "jobs"),
        (["in.csv", "--out", "out.csv", "--model", "in.csv"], 1, "no kanyu model"),
        (["in.csv"], 2, "--out"),
    ],
)
def test_faults_are_told_in_one_line_and_leave_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = make(tmp_path / "in.csv").read_bytes()
    assert run(["score", *arguments]) == status
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said
    assert (tmp_path / "in.csv").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} <= {"in.csv", MANIFEST}


def test_what_cannot_be_read_is_named_and_the_rest_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "good.csv")
    (tmp_path / "bad.csv").write_text("id,text\n1\n")
    sources = [str(tmp_path / name) for name in ("good.csv", "bad.csv", "nothing.csv")]
    assert run(["score", *sources, "--out", str(tmp_path / "out.csv")]) == 1
    assert len(read(tmp_path / "out.csv")) == 2
    said = capsys.readouterr().err
    assert "bad.csv: line 2 has 1 cells" in said
    assert "nothing.csv: no such file" in said
    assert run(["score", *sources, "--out", str(tmp_path / "out") + "/"]) == 1
    assert contents(tmp_path / "out").keys() == {"good.csv", MANIFEST}


def test_where_nothing_was_written_no_output_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.csv"
    assert run(["score", str(tmp_path / "nothing.csv"), "--out", str(out)]) == 1
    assert not out.exists()
    assert str(out) not in capsys.readouterr().err


def test_names_that_steer_a_terminal_are_made_harmless(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a\x1b[2J.csv").write_text("id,x\x1b[2J\n1,2\n")
    assert run(["score", str(tmp_path / "a\x1b[2J.csv"), "--out", str(tmp_path / "out.csv")]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_two_workers_write_what_one_writes(tmp_path: Path) -> None:
    make(
        tmp_path / "in.csv",
        [f"{text}{n}" for n in range(700) for text in (ORDINARY, RISKY, "", "会わせたい人がいます")],
    )
    for jobs in ("1", "2"):
        assert run(["score", str(tmp_path / "in.csv"), "--out", str(tmp_path / f"{jobs}.csv"), "--jobs", jobs]) == 0
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_a_folder_gets_one_part_per_input(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    make(logs / "a.csv")
    make(logs / "deep" / "b.csv")
    (logs / "c.jsonl").write_text(json.dumps({"text": RISKY}) + "\n", encoding="utf-8")
    (logs / "talk.txt").write_bytes(SAMPLE.read_bytes())
    assert run(["score", str(logs), "--out", str(logs / "scored")]) == 0
    assert contents(logs / "scored").keys() == {"a.csv", "deep/b.csv", "c.jsonl", "talk.csv", MANIFEST}
    assert len(read(logs / "scored" / "talk.csv")) == 6
    before = contents(logs / "scored")
    assert run(["score", str(logs), "--out", str(logs / "scored")]) == 0
    assert contents(logs / "scored") == before


def test_a_pattern_that_no_shell_expanded_is_expanded(tmp_path: Path) -> None:
    for number in (10, 2):
        make(tmp_path / f"part{number}.csv", [f"{number}日の予定です"])
    assert run(["score", str(tmp_path / "part*.csv"), "--out", str(tmp_path / "out.csv")]) == 0
    assert [row["text"] for row in read(tmp_path / "out.csv")] == ["2日の予定です", "10日の予定です"]


def test_a_killed_run_goes_on_and_ends_as_if_undisturbed(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for number in range(6):
        make(logs / f"{number}.csv", [f"{number}の{n}回目。{RISKY}" for n in range(1500)])
    make(logs / "6.csv")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    with process(str(logs), "--out", f"{whole}/", "--jobs", "1") as undisturbed:
        assert undisturbed.wait(120) == 0
    with process(str(logs), "--out", f"{cut}/", "--jobs", "1") as killed:
        deadline = time.monotonic() + 120
        while not (cut / "1.csv").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        killed.send_signal(signal.SIGKILL)
    finished = {path.name: path.stat().st_mtime_ns for path in cut.glob("*.csv")}
    assert {"0.csv", "1.csv"} <= finished.keys()
    assert "6.csv" not in finished
    with (cut / MANIFEST).open("a") as stream:
        stream.write('{"input": "torn')
    (cut / ".kanyu-1-1.part").write_text("left by a killed run")
    with process(str(logs), "--out", f"{cut}/", "--resume") as resumed:
        assert resumed.wait(120) == 0
    assert contents(cut) == contents(whole)
    assert (cut / "0.csv").stat().st_mtime_ns == finished["0.csv"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_run_leaves_the_old_output_whole(tmp_path: Path, jobs: str) -> None:
    make(tmp_path / "in.csv", [f"{n}の回目。{RISKY}" for n in range(30_000)])
    (tmp_path / "out.csv").write_text("what was there before")

    def not_ignored() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    arguments = [str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv"), "--jobs", jobs]
    with process(*arguments, before=not_ignored) as interrupted:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(LEFTOVERS)) and time.monotonic() < deadline:
            time.sleep(0.01)
        interrupted.send_signal(signal.SIGINT)
        interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130
    assert (tmp_path / "out.csv").read_text() == "what was there before"
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}


def test_resume_does_again_what_changed_and_refuses_other_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs, out = tmp_path / "logs", tmp_path / "out"
    make(logs / "a.csv")
    make(logs / "b.csv")
    arguments = ["score", str(logs), "--out", f"{out}/", "--resume"]
    assert run(arguments) == 0
    make(logs / "b.csv", [ORDINARY] * 3)
    assert run([*arguments, "--exit-code"]) == 10
    assert "終わっていた1件はそのまま" in capsys.readouterr().err
    assert len(read(out / "b.csv")) == 3
    (out / "a.csv").write_text("cut")
    assert run(arguments) == 0
    assert len(read(out / "a.csv")) == 2
    before = contents(out)
    assert run([*arguments, "--threshold", "pitch=0.9"]) == 2
    assert "was begun with another model or other options" in capsys.readouterr().err
    assert run([*arguments, "--prefix", "x_"]) == 2
    assert contents(out) == before


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_a_full_disk_leaves_the_old_output_whole(tmp_path: Path, ending: str) -> None:
    make(tmp_path / "in.csv", [f"{n}{'明日は雨らしいよ' * 10}" for n in range(20_000)])
    out = tmp_path / f"out.{ending}"
    out.write_text("what was there before")

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    with process(str(tmp_path / "in.csv"), "--out", str(out), "--jobs", "1", before=small_files) as run_:
        _, said = run_.communicate(timeout=120)
    assert run_.returncode == 1
    assert said.decode().count("\n") == 1
    assert "cannot write" in said.decode()
    assert out.read_text() == "what was there before"
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", out.name}


def test_nothing_but_the_output_is_written(tmp_path: Path) -> None:
    make(tmp_path / "in.csv")
    watch = (
        "import sys\n"
        "def hook(event, arguments):\n"
        "    if event == 'open' and isinstance(arguments[2], int) and arguments[2] & 3:\n"
        "        print(arguments[0])\n"
        "    if event in ('socket.connect', 'pickle.find_class', 'subprocess.Popen'):\n"
        "        print(event)\n"
        "sys.addaudithook(hook)\n"
        "from kanyu.cli import main\n"
        "main()\n"
    )
    for ending in ("csv", "jsonl", "xlsx", "parquet"):
        arguments = [str(tmp_path / "in.csv"), "--out", str(tmp_path / f"out.{ending}"), "--jobs", "1"]
        command = [sys.executable, "-B", "-c", watch, "score", *arguments]
        told = subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode().split("\n")
        strange = [line for line in told if line and not line.startswith(f"{tmp_path}{os.sep}.kanyu-")]
        assert strange == []

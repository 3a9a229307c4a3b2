"""What a user gets: wheel and source archive, built, installed in a clean environment, used from another folder.

No network is needed: the libraries that kanyu depends on come from the environment that runs the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"


def call(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "PIP_"))}
    environment = kept | {"PYTHONUTF8": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | variables
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, root: Path) -> tuple[Path, Path]:
    """The wheel and the source archive."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    done = call([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], root)
    assert done.returncode == 0, done.stderr
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, archive


@pytest.fixture(scope="module")
def python(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = call([str(found), "-m", "pip", "install", "--no-deps", "--no-index", str(built[0])], folder)
    assert done.returncode == 0, done.stderr
    return found


def kanyu(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as installed there; the libraries are found, the kanyu of this checkout is not."""
    program = python.with_name("kanyu.exe" if os.name == "nt" else "kanyu")
    return call([str(program), *arguments], folder, PYTHONPATH=sysconfig.get_path("purelib"))


def test_the_wheel_holds_the_model_and_every_resource(built: tuple[Path, Path], root: Path) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = set(wheel.namelist())
        model = wheel.read("kanyu/models/kanyu-ja.safetensors")
    assert model == (root / "models" / "kanyu-ja.safetensors").read_bytes()
    source = root / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "kanyu").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= names
    assert "kanyu/py.typed" in names
    others = {name for name in names if not name.startswith("kanyu/") and ".dist-info/" not in name}
    assert not others
    assert any(name.endswith("LICENSE") for name in names)


def test_the_source_archive_builds_the_same_wheel(
    built: tuple[Path, Path], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with tarfile.open(built[1]) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path, filter="data")
    assert not [name for name in names if "/tests/" in name or "/.git/" in name]
    (folder,) = tmp_path.iterdir()
    out = tmp_path_factory.mktemp("again")
    done = call([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)], folder)
    assert done.returncode == 0, done.stderr
    (again,) = out.glob("*.whl")
    with zipfile.ZipFile(built[0]) as first, zipfile.ZipFile(again) as second:
        assert {item.filename: item.CRC for item in first.infolist()} == {
            item.filename: item.CRC for item in second.infolist()
        }


def test_the_installed_kanyu_is_the_one_that_answers(python: Path, tmp_path: Path) -> None:
    code = "import kanyu; from kanyu.model import shipped_model_path as p; print(kanyu.__file__); print(p())"
    told = call([str(python), "-c", code], tmp_path, PYTHONPATH=sysconfig.get_path("purelib"))
    assert told.returncode == 0, told.stderr
    for line in told.stdout.splitlines():
        assert Path(line).is_relative_to(python.parents[1])


def test_a_check_in_a_clean_environment(python: Path, tmp_path: Path) -> None:
    told = kanyu(python, tmp_path, "check", RISKY, "--json")
    assert told.returncode == 0, told.stderr
    verdict = json.loads(told.stdout)
    assert verdict["verdict"] == "flagged"
    assert verdict["evidence"]
    assert list(tmp_path.iterdir()) == []


def test_a_scan_to_a_page_in_a_clean_environment(python: Path, tmp_path: Path, root: Path) -> None:
    sample = root / "tests" / "samples" / "line" / "demo-pitch.txt"
    told = kanyu(python, tmp_path, "scan", str(sample), "--out", "report.html")
    assert told.returncode == 0, told.stderr
    assert "</html>" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("command", [["labels"], ["formats"], ["model"], ["--version"], ["serve", "--help"]])
def test_other_commands_in_a_clean_environment(python: Path, tmp_path: Path, command: list[str]) -> None:
    told = kanyu(python, tmp_path, *command)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip()

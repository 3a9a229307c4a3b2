"""Docs say what is there: commands, labels, formats, and README's own examples."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from kanyu.advice import ADVICE
from kanyu.cli import COMMANDS, _kanyu
from kanyu.importers import FORMATS
from kanyu.labels import HEADLINES, SIGNALS


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help_and_stands_in_the_docs(command: str, root: Path) -> None:
    result = CliRunner().invoke(_kanyu, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.output) > 100
    assert f"`kanyu {command}`" in (root / "docs" / "commands.md").read_text("utf-8")


@pytest.mark.parametrize("name", [*HEADLINES, *SIGNALS])
def test_every_label_stands_in_the_guide(name: str, root: Path) -> None:
    assert f"`{name}`" in (root / "data" / "annotation-guide.md").read_text("utf-8")


def test_every_format_stands_in_the_docs(root: Path) -> None:
    developers = (root / "docs" / "formats.md").read_text("utf-8")
    people = (root / "docs" / "exports.ja.md").read_text("utf-8")
    for item in FORMATS:
        assert item.name in developers
        assert re.split("[（(]", item.title_ja)[0] in people


def test_every_advice_stands_in_the_law_page(root: Path) -> None:
    text = (root / "docs" / "law.md").read_text("utf-8")
    for name in ADVICE:
        if name != "go_with_somebody":
            assert f"`{name}`" in text


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), flags=re.DOTALL)


def test_the_python_of_readme_runs(root: Path) -> None:
    blocks = python_blocks(root / "README.md")
    assert blocks
    for block in blocks:
        run = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False, timeout=120)
        assert run.returncode == 0, run.stderr
        assert run.stdout.strip()


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_commands_of_readme_exist(name: str, root: Path) -> None:
    used = set(re.findall(r"^kanyu (\w+)", (root / name).read_text("utf-8"), flags=re.MULTILINE))
    assert used
    assert used <= set(COMMANDS)


def test_links_between_papers_lead_somewhere(root: Path) -> None:
    for path in [
        *root.glob("*.md"),
        *(root / "docs").glob("*.md"),
        root / "data" / "README.md",
        root / "models" / "README.md",
    ]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_no_registry_host_and_no_machine_path_is_named(root: Path) -> None:
    hosts = re.compile(
        "|".join(
            map(re.escape, ("py" + "pi.org", "pythonhosted" + ".org", "registry.npm" + "js.org", "/work" + "/main"))
        )
    )
    listed = subprocess.run(["git", "-C", str(root), "ls-files"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        path = root / name
        if (
            path.suffix in (".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".html", ".js", "")
            and path.is_file()
        ):
            assert not hosts.search(path.read_text("utf-8", errors="replace")), name

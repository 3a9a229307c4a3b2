"""Starting is cheap: nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("sklearn", "scipy", "pandas", "joblib", "openpyxl", "pyarrow", "lxml", "bs4", "fastapi", "rich", "jinja2")


def modules_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_does_no_work() -> None:
    loaded = modules_after("import kanyu")
    assert not loaded & {*HEAVY, "numpy", "sudachipy", "safetensors", "click"}


def test_a_check_needs_no_training_libraries() -> None:
    loaded = modules_after("import kanyu\nkanyu.load().check('会わせたい人がいます')")
    assert "sudachipy" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("code", ["import kanyu.importers", "import kanyu.cli"])
def test_parts_load_without_heavy_libraries(code: str) -> None:
    assert not modules_after(code) & set(HEAVY)

"""The package is a stack of layers: a file imports only from files above it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kanyu

SRC = Path(kanyu.__file__).parent
LAYERS = (
    ("_version", "errors"),
    ("labels",),
    ("messages",),
    ("canonical",),
    ("tokenizer",),
    ("importers",),
    ("features",),
    ("index",),
    ("course",),
    ("model",),
    ("advice", "cooling_off"),
    ("verdict",),
    ("evidence",),
    ("conversations",),
    ("batch",),
    ("detector",),
    ("feedback",),
    ("training",),
    ("render",),
    ("web",),
    ("distributed",),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def part(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("kanyu.")}
    return found


FILES = [path for path in sorted(SRC.rglob("*.py")) if path != SRC / "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_a_file_imports_only_from_layers_above(path: Path) -> None:
    mine = part(path)
    assert mine in RANK, f"{mine} has no place in LAYERS"
    below = {name for name in imported_parts(path) if name in RANK and RANK[name] > RANK[mine]}
    assert not below, f"{path.name} ({mine}) imports from lower layers: {sorted(below)}"


def test_nothing_imports_a_part_that_has_no_layer() -> None:
    for path in FILES:
        assert imported_parts(path) <= set(RANK), path


def test_public_names_resolve_once_each() -> None:
    assert len(set(kanyu.__all__)) == len(kanyu.__all__)
    assert set(kanyu.__all__) == set(dir(kanyu))
    for name in kanyu.__all__:
        assert getattr(kanyu, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = kanyu.nope

"""Every regular expression of the package, and how it is used: what test_hostile attacks."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import kanyu

__all__ = ["Regex", "every_regex", "pumps"]

# What each method asks of a pattern: at every place, at the start, or of the whole text.
METHODS = {
    **dict.fromkeys(("search", "sub", "subn", "split", "findall", "finditer"), "search"),
    "match": "match",
    "fullmatch": "fullmatch",
}  # fmt: skip


class Regex(NamedTuple):
    """A pattern, its flags, the module that compiles it, and the methods by which it is used."""

    pattern: str | bytes
    flags: int
    module: str
    methods: frozenset[str]


def every_regex() -> list[Regex]:
    """Import every module, and note what is compiled on the way.

    Patterns that are built from others are seen as they are at last, which reading the source would not show.
    """
    found: dict[tuple[str | bytes, int], tuple[str, int]] = {}
    compile_ = re._compile  # type: ignore[attr-defined]

    def note(pattern: Any, flags: int) -> Any:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_globals.get("__name__") == "re":
            frame = frame.f_back
        module = str(frame.f_globals.get("__name__", ""))
        if module.split(".")[0] == "kanyu" and isinstance(pattern, str | bytes):
            found.setdefault((pattern, int(flags)), (module, frame.f_lineno))
        return compile_(pattern, flags)

    re._compile = note  # type: ignore[attr-defined]
    try:
        for name in _modules():
            importlib.import_module(name)
        _exercise()
    finally:
        re._compile = compile_  # type: ignore[attr-defined]
    for name in _modules():  # calls within functions that were not reached
        for pattern, line in _literals(name):
            found.setdefault((pattern, 0), (name, line))
    uses = {name: _Uses(name) for name in {module for module, _ in found.values()}}
    return [
        Regex(pattern, flags, module, uses[module].methods(line)) for (pattern, flags), (module, line) in found.items()
    ]


def _modules() -> list[str]:
    names = (item.name for item in pkgutil.walk_packages(kanyu.__path__, "kanyu."))
    return [name for name in names if not name.endswith("__main__")]


def _exercise() -> None:
    """Patterns that are compiled on first use."""
    from tests.importers.test_samples import EXPECTED, sample_of

    kanyu.load().check("元本保証で月利8%。副 業 ネ☆ッ★ト 情報商○ ｾﾐﾅｰ ふくぎょう")
    for path in EXPECTED:
        kanyu.read_export(sample_of(path))


def _tree(module: str) -> ast.Module:
    return ast.parse(Path(str(sys.modules[module].__file__)).read_text("utf-8"))


def _literals(module: str) -> Iterator[tuple[str | bytes, int]]:
    """Patterns written in calls such as ``re.sub("…", …)``."""
    for node in ast.walk(_tree(module)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str | bytes)
        ):
            yield node.args[0].value, node.lineno


class _Uses:
    """Which methods a module calls on which of its names."""

    def __init__(self, module: str) -> None:
        self._spans: list[tuple[int, int, str | None]] = []
        self._calls: dict[str, set[str]] = {}
        tree = _tree(module)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                is_one = isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute)
                name = target.id if isinstance(target, ast.Name) and is_one else None
                self._spans.append((node.lineno, node.end_lineno or node.lineno, name))
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                receiver = node.value.id if isinstance(node.value, ast.Name) else ""
                if node.attr == "split" and not receiver.isupper():
                    continue  # that of a str
                self._calls.setdefault(receiver, set()).add(METHODS[node.attr])
        self._direct = {
            node.lineno: METHODS.get(node.func.attr)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
        }  # fmt: skip

    def methods(self, line: int) -> frozenset[str]:
        """The methods of a pattern that is compiled at this line; all that it may be where that is open."""
        direct = self._direct.get(line)
        if direct is not None:
            return frozenset([direct])
        for start, end, name in self._spans:
            if start <= line <= end and name is not None and name in self._calls:
                return frozenset(self._calls[name])
        # A pattern in a table is called by the name of some loop's variable.
        named = {name for _, _, name in self._spans if name is not None}
        open_ = [methods for name, methods in self._calls.items() if name not in named and name != "re"]
        found = {method for methods in open_ for method in methods}
        return frozenset(found or {"search", "match", "fullmatch"})


def pumps(pattern: str | bytes) -> list[str]:
    """What is repeated to attack a pattern: its own characters, alone and in pairs, and a few of every kind."""
    source = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    own = sorted(_characters(_parser.parse(source)))
    step = max(1, len(own) // 14)
    own = own[::step]
    pairs = [first + second for first, second in zip(own, own[1:], strict=False)]
    return list(dict.fromkeys([*own, "a", "1", " ", "\n", "あ", "1 ", *pairs[:10]]))


def _characters(parsed: Any) -> set[str]:
    classes = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}
    found: set[str] = set()
    for operation, value in parsed:
        match str(operation):
            case "LITERAL":
                found.add(chr(value))
            case "IN":
                for kind, item in value:
                    if str(kind) == "LITERAL":
                        found.add(chr(item))
                    elif str(kind) == "RANGE":
                        found.add(chr(item[0]))
                    elif str(kind) == "CATEGORY":
                        found.add(classes.get(str(item), "!"))
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                found |= _characters(value[2])
            case "SUBPATTERN":
                found |= _characters(value[3])
            case "BRANCH":
                for branch in value[1]:
                    found |= _characters(branch)
            case "ASSERT" | "ASSERT_NOT":
                found |= _characters(value[1])
            case "ATOMIC_GROUP":
                found |= _characters(value)
    return found

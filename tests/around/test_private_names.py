"""Libraries are used by their public names: a private one may be gone with their next version."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import textwrap
from pathlib import Path

import pytest

import core
import tui
from tests.places import REPOSITORY

FILES = sorted(path for top in ("core", "tui") for path in (REPOSITORY / top).rglob("*.py"))
_PRIVATE = re.compile(r"_[^_]\w*")

DOCUMENTED = frozenset(("_exit", "_replace"))
"""Public in spite of their names: of ``os``, and of every named tuple."""

WITHOUT_A_PUBLIC_WAY = {
    "_get_dtype_plan": "transformers: which tensors a model keeps in float32, heeded by its loader",
    "_is_hf_initialized": "transformers: what initialize_weights() is to leave alone",
    "_modules": "torch: a module's parts in order, those too that a configuration leaves out",
    "_file": "textual: what a driver writes to; it has no other way to be handed one",
}
"""What libraries give no other way to, and why it is needed."""

ALLOWED = DOCUMENTED | WITHOUT_A_PUBLIC_WAY.keys()

every_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY))
)


def is_private(name: str) -> bool:
    return _PRIVATE.fullmatch(name) is not None


def defined(tree: ast.AST) -> set[str]:
    """Return the private names that a piece of program gives to something of its own."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found |= {node.attr} if _is_own(node) else set()
    return {name for name in found if is_private(name)}


def _is_own(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@functools.cache
def ours() -> set[str]:
    return set().union(*(defined(parsed(path)) for path in FILES))


@every_file
def test_no_private_name_is_read_that_nothing_here_has(path):
    read = {
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and is_private(node.attr)
        and node.attr not in ours() | ALLOWED
    }

    assert read == set()


@every_file
def test_no_private_module_or_name_of_a_library_is_imported(path):
    imported = {
        f"line {node.lineno}: {name}"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in _names(node)
        if any(is_private(part) for part in name.split("."))
    }

    assert imported == set()


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    return [f"{node.module}.{one.name}" for one in node.names]


def classes() -> list[type]:
    """Return our classes that build on one of a library."""
    found = {}
    for top in (core, tui):
        for module in pkgutil.walk_packages(top.__path__, f"{top.__name__}."):
            if module.name.endswith("__main__") or ".child" in module.name:
                continue
            for one in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(one) and one.__module__ == module.name and foreign(one):
                    found[one.__qualname__, one.__module__] = one
    return list(found.values())


def foreign(one: type) -> list[type]:
    return [
        base
        for base in one.__mro__
        if base.__module__.partition(".")[0] not in ("core", "tui", "builtins", "typing", "enum")
        and base.__module__ not in ("abc",)
    ]


@functools.cache
def private_names(base: type) -> frozenset[str]:
    try:
        source = inspect.getsource(base)
    except (OSError, TypeError):
        return frozenset()
    return frozenset(defined(ast.parse(textwrap.dedent(source))))


def test_no_class_takes_a_private_name_of_what_it_builds_on():
    """By chance neither: what it overrides would no longer do what the library calls it for."""
    taken = {}
    for one in classes():
        tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and _is_own(node) and is_private(node.attr)
        } | {
            node.name
            for node in tree.body[0].body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_private(node.name)
        }
        for base in foreign(one):
            if both := (used & private_names(base)) - ALLOWED:
                taken[one.__qualname__] = f"{sorted(both)} of {base.__qualname__}"

    assert taken == {}, "\n".join(f"{one}: {which}" for one, which in taken.items())


def test_what_has_no_public_way_is_still_used():
    text = "".join(path.read_text("utf-8") for path in FILES)

    assert [name for name in WITHOUT_A_PUBLIC_WAY if f".{name}" not in text] == []

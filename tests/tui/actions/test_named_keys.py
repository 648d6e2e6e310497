"""Only the table of actions names its keys: all else reads them there, as the user changed them."""

from __future__ import annotations

import ast

import pytest

from core.presets.key_name import told_key
from tests.places import REPOSITORY
from tui.actions.keys import all_actions

TUI = REPOSITORY / "tui"
SOURCES = [one for one in sorted(TUI.rglob("*.py")) if TUI / "actions" not in one.parents]
FIXED = {
    "Esc",
    "Enter",
    "q",
    "↑",
    "↓",
    "←",
    "→",
    "home",
    "end",
    "pageup",
    "pagedown",
    "pgup",
    "pgdn",
    "tab",
    "delete",
    "⌫",
    "del",
}
"""Keys that widgets and boxes have of their own as well, which no keys file changes."""

OF_THE_TABLE = {
    name
    for one in all_actions()
    if one.call and one.id
    for key in one.keys
    for name in (key, told_key(key))
    if len(name) > 1 and name not in FIXED
} - {"escape", "enter", "up", "down", "left", "right", "backspace", "minus", "plus", "slash"}


def texts(path):
    """Every text in the source of ``path``, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(one.value)
        for one in ast.walk(tree)
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
    }
    return [
        one.value
        for one in ast.walk(tree)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in docs
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TUI)))
def test_no_text_names_a_key_of_the_table(path):
    words = {word.strip(".,;:()") for text in texts(path) for word in text.split()}
    assert words & OF_THE_TABLE == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TUI)))
def test_only_a_box_that_closes_by_it_names_esc(path):
    told = [text for text in texts(path) if "Esc" in text.replace("·", " ").split()]
    binds = any("escape" in text.split(",") for text in texts(path))
    assert not told or binds or path.name == "picker.py"  # its Esc is in the table, and fixed


def test_the_table_has_keys_to_look_for():
    assert {"F9", "f9", "ctrl+l", "F12", "ctrl+x", "shift+left"} <= OF_THE_TABLE

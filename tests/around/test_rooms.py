"""The plan of the rooms: README's table, the folders, and what each room says of itself agree."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
ROOMS = sorted({path.parent for top in ("core", "tui") for path in (HOUSE / top).rglob("*.py")})
MOST_ENTRIES = 18

every_room = pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(HOUSE)))


def docstring(room: Path) -> str:
    return ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or ""


def rows() -> list[tuple[str, str]]:
    text = (HOUSE / "README.md").read_text("utf-8")
    return re.findall(r"^\| `((?:core|tui)/[\w/]*)` \| (.+) \|$", text, re.MULTILINE)


def test_the_table_names_every_room_once_and_nothing_else():
    named = Counter(name for name, _ in rows())

    assert named == Counter(f"{room.relative_to(HOUSE)}/" for room in ROOMS)


def test_the_table_of_core_stands_in_the_order_of_its_layers():
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one.get("containers") == ["core"])
    from_the_ground_up = [room for layer in reversed(layers) for room in layer.split(" | ")]

    assert [name.split("/")[1] for name, _ in rows() if re.fullmatch(r"core/\w+/", name)] == (
        from_the_ground_up
    )


@every_room
def test_the_table_says_what_the_room_says(room):
    said = docstring(room).splitlines()[0]

    assert dict(rows())[f"{room.relative_to(HOUSE)}/"] == said.replace("``", "`").removesuffix(".")
    assert said.endswith(".")


@every_room
def test_a_room_says_what_it_must_never_do(room):
    assert re.search(r"^Must never \w", docstring(room), re.MULTILINE)


@every_room
def test_a_folder_reads_like_a_table_of_contents(room):
    entries = [path.name for path in room.iterdir() if path.name != "__pycache__"]

    assert len(entries) <= MOST_ENTRIES, sorted(entries)


@every_room
def test_no_file_repeats_the_name_of_its_room(room):
    """A room's main class may live in a file of its own name: ``document/document.py``."""
    words = {room.name, room.name.removesuffix("s")}
    repeating = [
        path.name
        for path in room.glob("*.*")
        if path.stem not in words and words & set(path.stem.split("_"))
    ]

    assert repeating == []


def test_tests_lie_as_the_rooms_lie():
    tests = HOUSE / "tests"
    tested = {
        path.parent.relative_to(tests)
        for top in ("core", "tui")
        for path in (tests / top).rglob("test_*.py")
    }

    assert tested <= {room.relative_to(HOUSE) for room in ROOMS}


@every_room
def test_no_room_of_core_goes_through_its_front_door(room):
    """What ``core`` itself offers is made of its rooms: one that imported it would be a circle."""
    through = [
        path.name
        for path in room.glob("*.py")
        if re.search(r"^\s*(from core import|import core$)", path.read_text("utf-8"), re.MULTILINE)
    ]

    assert through == [] or room.relative_to(HOUSE).parts[0] == "tui"


@every_room
def test_modules_that_the_prose_names_are_there(room):
    named = {
        name
        for path in room.glob("*.py")
        for name in re.findall(r"``((?:core|tui)\.[\w.]+)``", path.read_text("utf-8"))
    }
    missing = [name for name in named if not _is_there(HOUSE.joinpath(*name.split(".")))]

    assert missing == []


def _is_there(path: Path) -> bool:
    """Whether ``path`` is a room or module, or a name in one."""
    module = path.with_suffix(".py")
    above = path.parent.with_suffix(".py")
    return (
        path.is_dir()
        or module.is_file()
        or (
            above.is_file() and re.search(rf"\b{path.name}\b", above.read_text("utf-8")) is not None
        )
    )

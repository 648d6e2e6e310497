"""The tree of runs on the screen: what each row tells, and what every key does."""

from __future__ import annotations

import time

import pytest
from textual.widgets import Input

from core.document.tree import Tree
from core.document.tree_records import ROOT, Beginning, ModelRef
from core.records.errors import PlaygroundError
from tests.core.document.tree_forks import fork
from tests.tui.helpers import until
from tests.tui.screen_app import (
    HOSTILE,
    VOCABULARY,
    Grown,
    ScreenApp,
    check_harmless,
    facts,
    grown,
    shown,
)
from tui.common.dialog import DialogScreen
from tui.common.row_picker import RowPicker
from tui.inputs.screen import InputScreen
from tui.prose.view import ProseView
from tui.tree.comparison import ComparisonScreen
from tui.tree.rows import Columns, guides, run_row
from tui.tree.screen import TreeScreen

SIZE = (100, 30)


class Opened:
    """A tree screen in an app, and where it was told to go."""

    def __init__(self, tree, *, refusal=""):
        self.tree = tree
        self.went = []
        self._refusal = refusal
        self.screen = TreeScreen(Grown(tree), lambda _: VOCABULARY.__getitem__, self._go)
        self.app = ScreenApp(self.screen)

    def _go(self, node_id):
        if self._refusal:
            raise PlaygroundError(self._refusal)
        self.went.append(node_id)
        self.tree.move(node_id)

    async def drawn(self, pilot):
        await until(pilot, lambda: self.screen.is_current and "tree" in shown(pilot))
        await pilot.pause()

    @property
    def is_open(self):
        return self.screen in self.app.screen_stack


def tree(pilot):
    """The rows of the tree as they stand, without the columns."""
    picker = pilot.app.opened.query_one(RowPicker)
    return [line[:60].rstrip() for line in picker.plain.splitlines()]


def line_of(pilot, text):
    return next(line for line in shown(pilot).splitlines() if text in line)


async def test_every_run_is_a_row_of_the_tree():
    opened = Opened(grown())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        expected = [
            "● the empty document",
            "● A long time ago a cat lived.",
            "├─○ It purred",
            "└─● the dragon",
            "  └─◉ fork 2 lived",
            "    ○ gpt2-xl: It purred",
        ]
        rows = tree(pilot)
        assert len(rows) == len(expected)
        for row, start in zip(rows, expected, strict=True):
            assert row.startswith("  " + start)
        assert "fork 2 ·dragon slept." in line_of(pilot, "the dragon")
        assert line_of(pilot, "the dragon").split()[-4:] == ["nucleus", "2", "12345", "length"]
        assert line_of(pilot, "fork 2 lived").split()[-4:] == ["greedy", "1", "–", "length"]
        assert line_of(pilot, "A long").split()[-2:] == ["7", "length"]
        assert line_of(pilot, "├─○ It").rstrip().endswith("ended")
        assert "run 4 · leaves the" not in shown(pilot)
        assert "run 4 · leaves run 3 at step 2" in shown(pilot)
        assert "max_new_tokens 40" in shown(pilot)


@pytest.mark.parametrize(
    ("keys", "node_id"), [((), 4), (("home",), ROOT), (("up", "up"), 2), (("end",), 5)]
)
async def test_enter_goes_to_the_run_and_closes(keys, node_id):
    opened = Opened(grown())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        await pilot.press(*keys, "enter")
        assert opened.went == [node_id]
        assert not opened.is_open


async def test_a_second_click_goes_there_as_well():
    opened = Opened(grown())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        await pilot.click(RowPicker, offset=(10, 2))
        assert opened.screen.picked == 2
        assert opened.went == []
        await pilot.click(RowPicker, offset=(10, 2))
        await until(pilot, lambda: opened.went == [2])


async def test_a_refusal_is_told_and_the_screen_stays():
    opened = Opened(grown(), refusal="load that [b]model[/b] first")
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        await pilot.press("enter")
        assert opened.is_open
        assert "load that [b]model[/b] first" in shown(pilot)


async def test_esc_goes_nowhere():
    opened = Opened(grown())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        await pilot.press("home", "escape")
        assert not opened.is_open
        assert opened.went == []


async def test_without_runs_it_says_what_will_stand_here():
    opened = Opened(Tree())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        assert "every run appears here" in shown(pilot)
        assert "◉ the empty document" in shown(pilot)
        await pilot.press("m", "e", "d")
        assert "the empty document cannot be removed" in shown(pilot)
        await pilot.press("enter")
        assert opened.went == [ROOT]


async def test_a_branch_gets_a_name_and_loses_it():
    opened = Opened(grown())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        await pilot.press("up", "up", "e", *"x" * 61, "enter")
        assert isinstance(pilot.app.screen, InputScreen)
        assert "✗ a name is one line of at most 60 characters" in shown(pilot)
        pilot.app.screen.query_one(Input).value = "the [b]cat[/b]"
        await pilot.press("enter")
        await until(pilot, lambda: opened.screen.is_current)
        assert opened.tree.name(2) == "the [b]cat[/b]"
        assert "the [b]cat[/b]  It purred" in shown(pilot)
        assert opened.screen.picked == 2
        await pilot.press("e")
        assert pilot.app.screen.query_one(Input).value == "the [b]cat[/b]"
        await pilot.press("escape")
        assert opened.tree.name(2) == "the [b]cat[/b]"
        await pilot.press("e", "ctrl+u", "end", "ctrl+u", "enter")
        await until(pilot, lambda: opened.screen.is_current)
        assert opened.tree.name(2) == ""


async def test_two_runs_are_compared():
    opened = Opened(grown())
    async with opened.app.run_test(size=(120, 40)) as pilot:
        await opened.drawn(pilot)
        await pilot.press("c")
        assert "mark a run with m first" in shown(pilot)
        await pilot.press("m")
        assert "◆ run 4 is marked" in shown(pilot)
        assert line_of(pilot, "fork 2 lived").startswith(" ◆")
        await pilot.press("c")
        assert "pick another run" in shown(pilot)
        await pilot.press("home", "c")
        assert "pick another run" in shown(pilot)
        await pilot.press("down", "down", "c")
        await until(pilot, lambda: isinstance(pilot.app.screen, ComparisonScreen))
        await until(pilot, lambda: "in common" in shown(pilot))
        screen = pilot.app.screen
        common, first, second = screen.query(ProseView)
        assert common.plain == "A long time ago a"
        assert (first.plain, first.marked_text) == (" dragon slept lived", " dragon")
        assert (second.plain, second.marked_text) == (" cat lived. It purred", " cat")
        assert "in common: 5 tokens · they part at token 6" in shown(pilot)
        assert "run 4 · greedy · 3 tokens of its own" in shown(pilot)
        assert line_of(pilot, "do_sample").split() == ["│", "do_sample", "false", "true", "│"]
        assert line_of(pilot, "seed").split() == ["│", "seed", "–", "7", "│"]
        assert screen.query_one("#comparison-0").has_focus
        await pilot.press("tab")
        assert screen.query_one("#comparison-1").has_focus
        await pilot.press("escape", "escape")
        assert not opened.is_open


async def test_the_mark_is_taken_away_and_goes_with_its_run():
    opened = Opened(grown())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        await pilot.press("m", "m", "c")
        assert "mark a run with m first" in shown(pilot)
        await pilot.press("m", "d", "enter")
        await until(pilot, lambda: len(opened.tree.nodes) == 3)
        await pilot.pause()
        assert "is marked" not in shown(pilot)


async def test_runs_of_two_tokenizers_are_not_compared():
    tree = grown()
    tree.add(Beginning(ROOT, 0), facts("x", 1, model=ModelRef("other", "another")))
    opened = Opened(tree)
    async with opened.app.run_test(size=(160, 30)) as pilot:
        await opened.drawn(pilot)
        await pilot.press("m", "home", "down", "c")
        assert "whose tokens are not those of" in shown(pilot)
        assert opened.screen.is_current


async def test_removal_asks_first_and_tells_what_becomes_of_the_document():
    opened = Opened(grown())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        await pilot.press("up", "d")
        assert isinstance(pilot.app.screen, DialogScreen)
        assert "remove 3 runs with 5 generated tokens, among them the dragon?" in shown(pilot)
        assert "The document at hand is part of it, and becomes that of run 1." in shown(pilot)
        await pilot.press("escape")
        assert len(opened.tree.nodes) == 5
        await pilot.press("d", "enter")
        await until(pilot, lambda: len(opened.tree.nodes) == 2)
        await pilot.pause()
        assert opened.tree.cursor == 1
        assert opened.is_open
        assert opened.screen.picked == 1
        assert "dragon" not in shown(pilot)


async def test_removal_another_branch_leaves_the_document():
    opened = Opened(grown())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        await pilot.press("up", "up", "d")
        assert "The document at hand" not in shown(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: len(opened.tree.nodes) == 4)
        assert opened.went == []
        assert opened.tree.cursor == 4


async def test_removal_a_tree_that_has_grown_meanwhile_is_refused():
    opened = Opened(grown())
    async with opened.app.run_test(size=SIZE) as pilot:
        await opened.drawn(pilot)
        await pilot.press("d")
        opened.tree.add(Beginning(4, 7), facts(".", 13))
        await pilot.press("enter")
        await until(pilot, lambda: opened.screen.is_current)
        await pilot.pause()
        assert len(opened.tree.nodes) == 6
        assert "has changed meanwhile" in shown(pilot)


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (30, 8)])
async def test_hostile_runs_are_harmless(size):
    tree = Tree()
    model = ModelRef(HOSTILE, "fingerprint")
    tree.add(Beginning(ROOT, 0, (1, 2), HOSTILE), facts(HOSTILE, 3, 4, preset=HOSTILE, model=model))
    tree.add(fork(tree, 1, 1, (5,), HOSTILE), facts(HOSTILE * 50, 6, preset=HOSTILE))
    tree.rename(2, "[@click=app.quit]")
    opened = Opened(tree)
    async with opened.app.run_test(size=size) as pilot:
        await opened.drawn(pilot)
        check_harmless(pilot, size[0])
        await pilot.press("m", "up", "c")
        await until(pilot, lambda: isinstance(pilot.app.screen, ComparisonScreen))
        await pilot.pause()
        check_harmless(pilot, size[0])
        await pilot.press("escape", "d")
        await pilot.pause()
        check_harmless(pilot, size[0])


async def test_a_long_chain_is_no_staircase_and_keeps_the_keys_quick():
    """A person who picks every token makes one run a key."""
    tree = Tree()
    for length in range(2_000):
        tree.add(Beginning(tree.cursor, length, (10,), " a"), facts(""))
    rows = list(tree.rows())
    assert set(guides(rows)) == {""}
    opened = Opened(tree)
    async with opened.app.run_test(size=(80, 24)) as pilot:
        await opened.drawn(pilot)
        assert "◉" in shown(pilot)
        begun = time.monotonic()
        await pilot.press(*["up"] * 20)
        assert time.monotonic() - begun < 8
        assert opened.screen.picked == 1_980


def test_guides_show_which_run_belongs_where():
    tree = grown()
    tree.add(Beginning(ROOT, 0, (2,), " long"), facts("", 3))
    assert guides(list(tree.rows())) == ["├─", "│ ├─", "│ └─", "│   └─", "│     ", "└─"]


def test_deep_forks_stay_in_sight():
    tree = Tree()
    tree.add(Beginning(ROOT, 0, (1,), "A"), facts(" long", 2))
    for _ in range(60):
        tree.add(fork(tree, tree.cursor, 0, (10,), " a"), facts(" cat", 11))
    rows = list(tree.rows())
    text = "".join(part for part, _ in run_row(rows[-1], guides(rows)[-1], None, 80, ROOT))
    assert "‹" in text
    assert "fork 1 ·a" in text
    assert len(text) == 80


@pytest.mark.parametrize("width", [20, 45, 60, 80, 120, 200])
def test_rows_are_as_wide_as_they_are_told(width):
    rows = list(grown().rows())
    assert len(rows) == 5
    for row, guide in zip(rows, guides(rows), strict=True):
        text = "".join(part for part, _ in run_row(row, guide, None, width, ROOT))
        columns = Columns.within(width)
        assert len(text) == sum(one + 1 for one in columns[1:] if one) + columns.label
        if width >= 40:
            assert len(text) == width

"""An app around one screen, for screens that a test gives their data to."""

from __future__ import annotations

from pathlib import Path

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

import tui
from core.document.tree import Tree
from core.document.tree_records import ROOT, Beginning, ModelRef, RunFacts
from core.document.turn import Turn
from core.playground.documents import Documents
from core.records.settings import Settings
from core.records.steps import Finished
from core.sessions.restoring import Restored
from tests.core.document.tree_forks import fork
from tui.look.themes import INK, PAPER, readable_variables

HOSTILE = "[/b][@click=app.quit]\x1b]0;owned\x07\x9b31m\u202e\nred \ud800 世界"
DEMO = ModelRef("demo", "fingerprint")
NUCLEUS = Settings(do_sample=True, top_p=0.9, top_k=0, max_new_tokens=40)


class ScreenApp(App[None]):
    """Opens ``screen`` over an empty one, in the colours of the program."""

    CSS_PATH = sorted(Path(tui.__file__).parent.rglob("*.tcss"))

    def __init__(self, screen: Screen, *, is_light: bool = False) -> None:
        super().__init__()
        self.opened = screen
        self.given = []
        """What the screen gave when it closed."""
        self.register_theme(INK)
        self.register_theme(PAPER)
        self.theme = (PAPER if is_light else INK).name

    def get_css_variables(self) -> dict[str, str]:
        self.theme_variables = readable_variables(self, super().get_css_variables())
        return self.theme_variables

    def on_mount(self) -> None:
        self.push_screen(self.opened, self.given.append)


def shown(pilot: Pilot) -> str:
    """All that stands on the screen, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def check_harmless(pilot: Pilot, width: int) -> None:
    """Nothing on the screen acts on a terminal, and no line is longer than the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    text = "".join(strip.text for strip in strips)
    assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 for one in text)
    assert "\u202e" not in text
    assert not any(0xD800 <= ord(one) < 0xE000 for one in text)
    assert all(strip.cell_length <= width for strip in strips)


def facts(
    text, *token_ids, preset="nucleus", settings=NUCLEUS, seed=7, model=DEMO, reason="length"
):
    return RunFacts(preset, settings, seed, model, token_ids, text, reason)


VOCABULARY = {
    1: "A",
    2: " long",
    3: " time",
    4: " ago",
    10: " a",
    11: " cat",
    12: " lived",
    13: ".",
    20: " dragon",
    21: " slept",
    30: " It",
    31: " purred",
    40: " \\xf0\\x9f",
    41: "\\xa6",
    42: "\\x84",
}


class Grown(Documents):
    """The documents of a tree whose runs nobody reads."""

    def __init__(self, tree: Tree) -> None:
        turn = Turn("", "", Settings(), finished=Finished("length", (), "", 0.0))
        turns = {node.node_id: (turn,) for node in tree.nodes}
        super().__init__(Restored(tree, {ROOT: (), **turns}))


def grown() -> Tree:
    """1: A long time ago| a cat lived. 2: goes on. 3: forks 1 with a dragon, twice over."""
    tree = Tree()
    tree.add(
        Beginning(ROOT, 0, (1, 2, 3, 4), "A long time ago"), facts(" a cat lived.", 10, 11, 12, 13)
    )
    tree.add(Beginning(1, 8, (30,), " It"), facts(" purred", 31, reason="end_of_text"))
    tree.add(fork(tree, 1, 1, (20,), " dragon"), facts(" slept.", 21, 13, seed=12345))
    greedy = Settings(max_new_tokens=40)
    tree.add(fork(tree, 3, 1), facts(" lived", 12, preset="greedy", settings=greedy))
    other = ModelRef("gpt2-xl", "fingerprint")
    tree.add(Beginning(4, 8), facts(" It purred", 30, 31, model=other, reason="cancelled"))
    tree.rename(3, "the dragon")
    tree.move(4)
    return tree

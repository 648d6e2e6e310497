"""The help screen: the keys, and how to read what the app shows.

Must never hold a preset's or a model's text in markup.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from core.preset_book import Preset
from tui.key_name import key_name
from tui.render import CHOSEN, NUMBER, Row, lines
from tui.visible import visible_prose

Section = tuple[str, Sequence[tuple[str, str]]]
"""A title, and names with their meanings."""

_INDENT = 19

_KEYS: tuple[tuple[str, str], ...] = (
    ("Enter", "run the prompt; in an empty line: write on from where the document ends"),
    ("^J", "a new line in the prompt (shift+Enter too, where the terminal tells it apart)"),
    ("Esc", "stop; what was written stays; from the document, back to the prompt"),
    ("← →", "look back at earlier steps (in an empty prompt or in the document)"),
    ("alt+← alt+→", "the same, also while a prompt is typed"),
    ("Home End", "the first step, the newest one"),
    ("↑ ↓", "earlier prompts"),
    ("PgUp PgDn", "scroll the document"),
    ("F9", "why this token: every candidate, what the settings did, the dice, other presets"),
    ("F9, w", "write something else in the token's place, and go on from there (no beams)"),
    ("F9, p", "score prompt and continuation: what each token cost"),
    ("F9, s", "scrub: move settings over a finished run and see what would change (no beams)"),
    ("F9, t", "could this setting have written this? any text, scored for every preset"),
    ("^B", "branches: the tree of all runs; go there, name, compare, prune"),
    ("^Z ^Y", "back to the document before, or forth again (in an empty prompt)"),
    ("^R", "by hand: 1 to 5 choose the next token, Enter lets the preset choose, or write it"),
    ("^S", "save the selected run to a file: Markdown, JSON Lines, CSV or text"),
    ("^L", "clear the document; again: bring it back"),
    ("^O", "models: switch to another one, or fetch one"),
    ("^N", "fetch the model that is missing; when it has come, switch to it"),
    ("^T", "tint the tokens by surprisal, or not"),
    ("F10", "the prompt's tokens and their ids, as you type; again: hide them"),
    ("F11", "look into the model: tokenizer, configuration, modules, sizes"),
    ("^P", "the palette: every command by name, themes and a screenshot too"),
    ("^Q", "quit"),
)

_TABLE: tuple[tuple[str, str], ...] = (
    ("▸", "the token that was chosen"),
    ("raw", "the probability that the model itself gave it"),
    ("final", "the probability that it was chosen with, after the preset's settings;"),
    ("top_p, top_k …", "the setting that cut it: its final probability is nothing"),
    ("#17", "the rank of a chosen token that is not among the five likeliest"),
    ("the rest", "what all the other tokens have together"),
    ("surprisal", "how unlikely the chosen token was: 1 bit is a coin's toss, 10 bits 1 in 1,024"),
    ("entropy", "how undecided the model was: 0 bits is certain, 3 bits like a choice among 8"),
    ("drawn from 12", "how many tokens the settings left to choose from"),
    ("· ⏎ ⇥ \\x1b", "a space, a newline, a tab, a control character"),
)

_DICE: tuple[tuple[str, str], ...] = (
    ("it wins", "the share of all draws that the token wins: its final probability"),
    ("its luck", "among the best 1 % means: one draw in a hundred is as lucky as its own was"),
    ("it needed", "how lucky it had to be to come before all others; the best 100 %: any draw"),
    ("next in this race", "what a slightly worse draw of the winner would have brought"),
    ("the favourite", "the likeliest token, where another one won, and how unlucky it was"),
    ("F1 F3–F8", "the presets that would choose this token, with these dice where they draw"),
)

_BEAMS: tuple[tuple[str, str], ...] = (
    ("#", "rank: beams are texts that grow side by side, the likeliest first"),
    ("Σ log p", "the sum of the log-probabilities of a beam's tokens; nearer to 0 is likelier"),
    ("←2", "this beam grew out of the one that was second a step before"),
    ("✓ ✗", "a beam that has ended; a beam that was given up, and why"),
    ("F9", "what each beam had to offer at a step, and what became of it; Enter goes on from any"),
    ("too far behind", "not among the best 2 × num_beams of all beams' tokens; behind, for short"),
    ("text", "the document shows the best beam, so it may change while the search runs"),
)


class HelpScreen(ModalScreen[None]):
    """Everything that a stranger may want to know, in one scrolling page."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f12,q,enter", "dismiss", "close", priority=True),
    ]

    def __init__(self, presets: Sequence[Preset], presets_path: str) -> None:
        super().__init__()
        self._presets = presets
        self._presets_path = presets_path

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        with VerticalScroll(id="help") as page:
            page.border_title = "how to read this"
            page.border_subtitle = "Esc closes"
            yield HelpText(self._sections())

    def _sections(self) -> list[Section]:
        presets = [(key_name(one.key), f"{one.name}: {one.description}") for one in self._presets]
        return [
            ("Keys", _KEYS),
            ("Presets, for the next run", (*presets, ("from", self._presets_path))),
            ("What the model weighed", _TABLE),
            ("The dice (F9)", _DICE),
            ("Beams", _BEAMS),
        ]


class HelpText(Static):
    """Sections of names and meanings in two columns."""

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self._sections = sections

    def on_resize(self) -> None:
        """Wrap the meanings to the width."""
        rows: list[Row] = []
        for title, entries in self._sections:
            rows.append([(title, "bold $text-primary")])
            for name, meaning in entries:
                rows.extend(_entry(name, visible_prose(meaning), self.size.width))
            rows.append([])
        self.update(lines(rows[:-1]))


def _entry(name: str, meaning: str, width: int) -> list[Row]:
    wrapped = textwrap.wrap(meaning, max(20, width - _INDENT)) or [""]
    rows: list[Row] = [[(f"  {name:<{_INDENT - 2}}", CHOSEN), (wrapped[0], NUMBER)]]
    rows += [[(" " * _INDENT + text, NUMBER)] for text in wrapped[1:]]
    return rows

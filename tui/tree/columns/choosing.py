"""The box in which a person chooses what is to stand side by side.

Must never run anything by itself: whoever opens it says what Enter does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from core.playground.looking.choosing import ChosenColumns, Way
from core.presets.book import Preset
from core.presets.key_name import key_name, told_key
from core.records.errors import PlaygroundError
from core.text.readable import number
from core.text.visible import one_line
from tui.common.lines_view import LinesView
from tui.common.row_picker import RowPicker
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, shorten
from tui.common.visible import fit, visible_prose
from tui.inputs.line import ExactLine
from tui.inputs.stand_ins import exact

_WAYS: dict[Way, str] = {"presets": "presets", "seeds": "seeds", "sweep": "one setting"}
_NAME = 14


class ChooseColumnsScreen(ModalScreen[bool]):
    """Gives whether ``run`` has begun what was chosen; it raises ``PlaygroundError`` to refuse."""

    CSS_PATH = ["choosing.tcss"]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", "close", priority=True),
        Binding("enter", "run", "run", priority=True),
        Binding("tab", "next_way", "another way", priority=True),
        Binding("up", "move(-1)", "row before", priority=True),
        Binding("down", "move(1)", "next row", priority=True),
        Binding("space", "choose", "take it", priority=True),
        Binding("d", "dice", "same dice", priority=True),
        Binding("left,minus", "seeds(-1)", "fewer", priority=True),
        Binding("right,plus", "seeds(1)", "more", priority=True),
    ]

    def __init__(self, chosen: ChosenColumns, run: Callable[[], None]) -> None:
        super().__init__()
        self._chosen = chosen
        self._run = run

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(id="columns-box") as box:
            box.border_title = "side by side"
            yield LinesView(id="columns-ways")
            yield RowPicker(id="columns-presets")
            yield ExactLine(self._chosen.sweep, id="columns-sweep")
            yield LinesView(id="columns-told")
            yield Static(id="columns-refusal")

    def on_mount(self) -> None:
        """Begin at the preset behind the one that is taken already, or before the last one."""
        names = [one.name for one in self._chosen.presets]
        at = names.index(self._chosen.preset)
        self._way_changed()
        other = at + 1 if at + 1 < len(names) else at - 1
        self.call_after_refresh(self.query_one(RowPicker).pick_row, other)

    def on_resize(self) -> None:
        """Draw for the new width."""
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        picker, chosen = self.query_one(RowPicker), self._chosen
        picker.show_rows([self._row(one, picker.size.width) for one in chosen.presets])
        ways = self.query_one("#columns-ways", LinesView)
        row: Row = [(f"{told_key('tab')}  ", CHOSEN)]
        for way, name in _WAYS.items():
            is_it = way == chosen.way
            row.append((f"{'●' if is_it else '○'} {name}   ", "bold " + CHOSEN if is_it else DIM))
        ways.update_rows([shorten(row, ways.size.width)])
        told = self.query_one("#columns-told", LinesView)
        told.update_rows([shorten(one, told.size.width) for one in self._told()])

    def _row(self, preset: Preset, width: int) -> Row:
        chosen = self._chosen
        if chosen.way == "presets":
            is_in = preset.name in chosen.picked
            mark = number(chosen.picked.index(preset.name)) if is_in else "·"
        else:
            is_in = preset.name == chosen.preset
            mark = "●" if is_in else "·"
        style = "bold " + CHOSEN if is_in else NUMBER
        row: Row = [(f" {mark} ", style), (f"{key_name(preset.key):<4}", DIM)]
        row += [(fit(one_line(preset.name), _NAME) + " ", style)]
        return shorten([*row, (one_line(preset.description), DIM)], width)

    def _told(self) -> list[Row]:
        chosen = self._chosen
        dice: Row = [("d ", CHOSEN), ("the same dice in all: ", NUMBER)]
        dice.append(("on", "bold $text-success") if chosen.has_same_dice else ("off", DIM))
        if chosen.way == "presets":
            count = len(chosen.picked)
            first = "" if not count else f", the first is the baseline: {chosen.picked[0]}"
            return [[(f"{count} taken{one_line(first)}", NUMBER)], dice]
        name = one_line(chosen.preset)
        if chosen.way == "seeds":
            return [[("← → ", CHOSEN), (f"{chosen.seeds} seeds of {name}", NUMBER)], []]
        return [[(f"of {name}; also {_OTHER_SWEEP}", DIM)], dice]

    def _way_changed(self) -> None:
        way = self._chosen.way
        line = self.query_one("#columns-sweep", ExactLine)
        line.display = way == "sweep"
        (line if way == "sweep" else self.query_one(RowPicker)).focus()
        self.query_one("#columns-refusal").display = False
        does = {"presets": "Space takes one", "seeds": "← → how many", "sweep": "↑ ↓ the preset"}
        box = self.query_one("#columns-box")
        box.border_subtitle = Content(f"{does[way]} · Enter runs them · Esc closes")
        self.call_after_refresh(self._paint)

    # What a person does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether ``action`` can be done now; what is typed belongs to the line."""
        way = self._chosen.way
        allowed = {"choose": way == "presets", "dice": way == "presets", "seeds": way == "seeds"}
        return allowed.get(action, True)

    @property
    def _at(self) -> Preset:
        return self._chosen.presets[self.query_one(RowPicker).picked]

    def action_next_way(self) -> None:
        """Choose another way to make columns."""
        self._chosen.next_way()
        self._chosen.preset = self._at.name
        self._way_changed()

    def action_move(self, offset: int) -> None:
        """Go to the next preset, or the one before."""
        self.query_one(RowPicker).pick_row(self.query_one(RowPicker).picked + offset)

    @on(RowPicker.Moved)
    def _moved(self) -> None:
        if self._chosen.way != "presets":
            self._chosen.choose(self._at)
            self._paint()

    @on(RowPicker.Picked)
    def action_choose(self) -> None:
        """Take the preset, or take it out again."""
        self._chosen.choose(self._at)
        self._paint()

    def action_dice(self) -> None:
        """Have the same dice in all columns, or others in each."""
        self._chosen.has_same_dice = not self._chosen.has_same_dice
        self._paint()

    def action_seeds(self, offset: int) -> None:
        """Have more seeds, or fewer."""
        self._chosen.more_seeds(offset)
        self._paint()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._chosen.sweep = exact(event.value)

    def action_run(self) -> None:
        """Run what was chosen; a preset that is taken alone, beside the one that is pointed at."""
        chosen = self._chosen
        if (
            chosen.way == "presets"
            and len(chosen.picked) == 1
            and self._at.name not in chosen.picked
        ):
            chosen.choose(self._at)
        if not self.is_current:
            return
        try:
            self._run()
        except PlaygroundError as error:
            refusal = self.query_one("#columns-refusal", Static)
            refusal.update(Content(visible_prose(f"✗ {error}")))
            refusal.display = True
            self._paint()
        else:
            self.dismiss(True)


_OTHER_SWEEP = "top_p=0.5,0.9,1.0"

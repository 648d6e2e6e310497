"""The preset that is picked and what it sets, in one line; what a person has changed is set off.

Must never put a preset's words through markup.
"""

from __future__ import annotations

from core.playground.presets.next_run import NextRun
from core.presets.book import CHANGED
from core.presets.difference import differences, told_value
from core.presets.key_name import key_name
from tui.common.lines_view import LinesView
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, shorten
from tui.common.visible import visible_prose

_DEFAULTS = "the defaults of transformers"


class SettingsLine(LinesView):
    """Draws the settings of the next run."""

    def show(self, next_run: NextRun) -> None:
        """Draw what ``next_run`` has picked, and how its settings stand."""
        self.update_rows([shorten(_row(next_run), self.size.width)])


def _row(next_run: NextRun) -> Row:
    preset, settings = next_run.preset, next_run.turned
    is_changed = next_run.is_changed(preset)
    changed = {one.name for one in differences(settings, next_run.own_settings)}
    values = settings.to_mapping()
    shown = {name: values.get(name, getattr(settings, name)) for name in (*values, *changed)}
    row: Row = [
        ("  " + (f"{key_name(preset.key)} " if preset.key else ""), CHOSEN),
        (visible_prose(preset.name), "bold"),
        (CHANGED if is_changed else "", "bold $text-warning"),
        ("  ", ""),
    ]
    for at, (name, value) in enumerate(shown.items()):
        style = f"bold {CHOSEN}" if name in changed else NUMBER
        row += [(" · " if at else "", DIM), (visible_prose(f"{name} {told_value(value)}"), style)]
    return row if shown else [*row, (_DEFAULTS, DIM)]

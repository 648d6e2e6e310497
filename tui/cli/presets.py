"""``gpt2-playground presets``: the presets, and whether their file can be used.

Must never import textual, torch or transformers.
"""

from __future__ import annotations

import typer

from core.presets.finding import find_presets_file, load_presets
from tui.cli.choices import Choices, choices_of
from tui.cli.options import PresetsOption
from tui.cli.parsing.settings import listed_settings
from tui.cli.streams import emit
from tui.cli.table import aligned


def presets_command(context: typer.Context, presets: PresetsOption = None) -> int:
    """Check the presets file and list what is in it."""
    return run_presets(choices_of(context, Choices(presets=presets)))


def run_presets(choices: Choices) -> int:
    """Write the presets as a table, with the file they come from; return the exit code.

    Raises:
        PresetsError: The file cannot be used.
        ClosedPipe: Nobody reads them any more.
    """
    book = load_presets(find_presets_file(choices.presets))
    rows = [("KEY", "NAME", "DESCRIPTION", "SETTINGS")]
    for preset in book.presets:
        settings = listed_settings(preset) or "-"
        rows.append((preset.key or "-", preset.name, preset.description, settings))
    for line in aligned(rows):
        emit(f"{line}\n")
    emit(f"\nmodel: {book.model}\n" if book.model else "\n")
    emit(f"file: {book.path.absolute()}\n")
    return 0

"""``gpt2-playground keys``: the keys of the app, and the names by which keys.yaml changes them.

Must never import textual, torch or transformers.
"""

from __future__ import annotations

import typer

from tui.actions.everywhere import OF_THE_APP
from tui.actions.keys_file import load_keys, own_keys_file
from tui.actions.pages import PAGES
from tui.cli.choices import Choices, choices_of, open_book
from tui.cli.options import PresetsOption
from tui.cli.streams import emit
from tui.cli.table import aligned


def keys_command(context: typer.Context, presets: PresetsOption = None) -> int:
    """Check the keys file and list what each key of the app does."""
    return run_keys(choices_of(context, Choices(presets=presets)))


def run_keys(choices: Choices) -> int:
    """Write every action with its keys, page by page, and the file; return the exit code.

    Raises:
        KeysError: The keys file cannot be used.
        PresetsError: The presets file cannot be used.
        ClosedPipe: Nobody reads them any more.
    """
    path = own_keys_file()
    book, _ = open_book(choices)
    keys = load_keys(path, book)
    menu = keys.told("menu")
    rows = [("ACTION", "KEYS", "DOES")]
    for page, actions in {"every page": OF_THE_APP, **PAGES}.items():
        rows.append(("", "", f"[{page}]"))
        for one in actions:
            letter = [f"{menu} {one.letter}"] if one.letter else []
            shown = ", ".join([keys.all_told(one), *letter] if keys.of(one) else letter)
            rows.append((one.id if one.call and one.id else "-", shown, one.help))
    for line in aligned(rows):
        emit(f"{line}\n")
    is_there = "" if path.exists() else " (there is none)"
    emit(f"\nfile: {path}{is_there}\n")
    return 0

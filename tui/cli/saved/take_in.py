"""``gpt2-playground import``: saved runs, or another session, into a session.

Must never import textual, torch or transformers: nothing is run again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.sessions.folder import SessionsFolder
from core.sessions.saved import take_in
from core.sessions.starting import path_named
from core.text.visible import one_line
from tui.cli.saved.export import read_whole
from tui.cli.streams import note

SavedArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="Runs saved as JSON Lines, by the app or by generate, or a session. - reads standard "
        "input.",
    ),
]
IntoOption = Annotated[
    str | None,
    typer.Option(
        "--session",
        metavar="NAME_OR_FILE",
        help="The session to add the runs to; without it a new one begins, which the app opens.",
    ),
]


def import_command(file: SavedArgument, session: IntoOption = None) -> int:
    """Take saved runs into a session, with their steps, settings, seeds and versions."""
    saved = read_whole(file)
    runs = saved.grown()
    folder = SessionsFolder()
    path = path_named(folder, session) if session is not None else folder.new_path()
    name = one_line(Path(file).stem) if file != "-" else ""
    taken = take_in(runs, path, name)
    for told in taken.notes:
        note(told)
    count = "1 run" if len(runs) == 1 else f"{len(runs):,} runs"
    if session is None:
        folder.remember(taken.path)
        note(f"{count} taken into a new session, {taken.path}; gpt2-playground opens it")
    else:
        note(f"{count} taken into {taken.path}")
    return 0

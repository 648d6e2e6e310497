"""What is wrong with a command line, in the words of this program and not of its libraries.

Must never suggest what is not alike, nor import textual, torch or transformers.
"""

from __future__ import annotations

import difflib
from typing import Any

import typer

from tui.cli.streams import PROGRAM

_ALIKE = 0.6


def sentence_of(error: typer.TyperException) -> str:
    """Return what ``error`` means, as one sentence."""
    if hasattr(error, "option_name") and hasattr(error, "possibilities"):
        return _no_option(error.option_name, error.possibilities or (), error)
    # pydantic, which reads the values for typer, puts this before what typer found.
    return error.format_message().replace(": Value error, ", ": ", 1)


def which_command(name: str, commands: list[str]) -> str:
    """Return what could be meant by ``name``, which none of ``commands`` has."""
    nearest = difflib.get_close_matches(name.lower(), commands, 1, _ALIKE)
    if nearest:
        return f"did you mean {nearest[0]!r}?"
    return f"there are {', '.join(commands)}; to continue a text, use: {PROGRAM} generate PROMPT"


def _no_option(name: str, possibilities: Any, error: object) -> str:  # noqa: ANN401 - any texts
    """Say that there is no option ``name``; the dashes alone make none alike."""
    bare = {one.lstrip("-"): one for one in possibilities}
    nearest = difflib.get_close_matches(name.lstrip("-").lower(), bare, 1, _ALIKE)
    if nearest:
        return f"there is no option {name}; did you mean {bare[nearest[0]]}?"
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else PROGRAM
    return f"there is no option {name}; {command} --help names those that there are"

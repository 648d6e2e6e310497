"""What every command can be told, and what it chooses: the presets, and where a model runs.

Must never import textual, nor a model library before a model is needed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from core.backends.base import Backend
from core.presets.finding import Preset, PresetBook, find_presets_file, load_presets
from core.records.errors import PlaygroundError


@dataclass(frozen=True, slots=True)
class Choices:
    """What every command can be told; ``None`` where it was not."""

    preset: str | None = None
    presets: Path | None = None
    model: str | None = None
    device: str | None = None
    dtype: str | None = None
    seed: int | None = None
    engine: str | None = None
    assistant: str | None = None
    session: str | None = None
    new: bool | None = None


def choices_of(context: typer.Context, own: Choices) -> Choices:
    """Return what was given before the command, changed by what stands after it, ``own``."""
    outer = context.obj if isinstance(context.obj, Choices) else Choices()
    given = {
        field.name: value
        for field in dataclasses.fields(own)
        if (value := getattr(own, field.name)) is not None
    }
    return dataclasses.replace(outer, **given)


def check_choices(context: typer.Context) -> None:
    """Refuse what stands before a command that has no use for it.

    Raises:
        PlaygroundError: There is such an option.
    """
    name = str(context.invoked_subcommand)
    command: Any = context.command
    taken = {parameter.name for parameter in command.commands[name].params}
    for option, value in dataclasses.asdict(context.obj).items():
        if value is not None and option not in taken:
            raise PlaygroundError(f"--{option} has no effect on {name}; leave it out")


def make_backend(choices: Choices, model: str | None, *, stands_in_for: str = "") -> Backend:
    """Return a backend for ``model`` where ``choices`` say; it imports torch when it loads."""
    from core.backends.local import LocalBackend

    device, dtype = choices.device or "auto", choices.dtype or "auto"
    engine, assistant = choices.engine or "auto", choices.assistant or "auto"
    return LocalBackend(model, device, dtype, engine, assistant, stands_in_for=stands_in_for)


def open_book(choices: Choices) -> tuple[PresetBook, Preset]:
    """Return the presets to use and the one to begin with.

    Raises:
        PresetsError: They cannot be used, or there is none of that name.
    """
    book = load_presets(find_presets_file(choices.presets))
    return book, book.named(choices.preset) if choices.preset is not None else book.presets[0]

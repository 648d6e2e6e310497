"""``gpt2-playground presets``: the presets, and whether their file can be used.

Must never import textual, torch or transformers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from core.decoding.token_texts import has_texts, read_texts, spelled
from core.models.catalog import default_model, model_folder
from core.presets.book import PresetBook
from core.presets.difference import differences, told_value
from core.presets.finding import find_presets_file, load_presets
from core.records.errors import PlaygroundError
from core.text.visible import visible
from tui.cli.choices import Choices, choices_of
from tui.cli.options import ModelOption, PresetsOption
from tui.cli.parsing.settings import listed_settings
from tui.cli.streams import emit
from tui.cli.table import aligned


def presets_command(
    context: typer.Context,
    presets: PresetsOption = None,
    model: ModelOption = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option("--diff", metavar="A B", help="Only tell what two presets set differently."),
    ] = None,
) -> int:
    """Check the presets file and list what is in it.

    Where settings name texts that stand for tokens, it tells which these are to the model.
    """
    choices = choices_of(context, Choices(presets=presets, model=model))
    return run_presets(choices) if diff is None else run_diff(choices, *diff)


def run_diff(choices: Choices, one: str, other: str) -> int:
    """Write the settings that two presets have with different values; return the exit code.

    Raises:
        PresetsError: The file cannot be used, or has no such preset.
        ClosedPipe: Nobody reads them any more.
    """
    book = load_presets(find_presets_file(choices.presets))
    found = differences(book.named(one).settings, book.named(other).settings)
    told = [(each.name, told_value(each.one), told_value(each.other)) for each in found]
    if not told:
        emit(f"{one} and {other} have the same settings\n")
        return 0
    for line in aligned([("SETTING", one, other), *told]):
        emit(f"{line}\n")
    return 0


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
    for text in _token_texts(book, choices):
        emit(f"\n{text}")
    emit(f"\nmodel: {book.model}\n" if book.model else "\n")
    emit(f"file: {book.path.absolute()}\n")
    return 0


def _token_texts(book: PresetBook, choices: Choices) -> Iterator[str]:
    """Yield a line for each text among the settings, with the tokens that it is to the model."""
    if not any(has_texts(preset.settings) for preset in book.presets):
        return
    from core.models.codec import codec_of  # tokenizers take a while to come

    name = choices.model or book.model or default_model()
    try:
        codec = codec_of(model_folder(name))
        for preset in book.presets:
            for read in read_texts(preset.settings, codec):
                told = ", behind a space ".join(spelled(ids, codec) for ids in read.readings)
                text = visible(read.text, keep="")
                yield f"{preset.name}: {read.name} '{text}' is to {visible(name, keep='')}: {told}"
    except PlaygroundError as error:
        yield f"which tokens the texts are is not known: {error}"
    yield ""

"""``gpt2-playground info``: what a model is, before a weight of it is read.

Must never import textual or a model library: the report is made in a process of its own. It goes to
standard output, everything else to standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.models.catalog import default_model, model_folder, namesake
from core.models.inspection.apart import report_apart
from core.presets.finding import find_presets_file, load_presets
from tui.cli.choices import Choices
from tui.cli.options import ModelOption, PresetsOption
from tui.cli.streams import emit


class InfoFormat(StrEnum):
    """The forms in which ``info`` writes its report."""

    TEXT = "text"
    JSON = "json"


InfoFormatOption = Annotated[
    InfoFormat,
    typer.Option("--format", help="text: tables and the module tree. json: one JSON object."),
]


def info_command(
    context: typer.Context,
    model: ModelOption = None,
    output_format: InfoFormatOption = InfoFormat.TEXT,
    presets: PresetsOption = None,
) -> int:
    """Show what a model is: tokenizer, configuration, modules, parameters, memory.

    A folder that holds nothing but a config.json is enough.
    """
    choices = context.obj if isinstance(context.obj, Choices) else Choices()
    name = model or choices.model or _preferred(presets or choices.presets)
    return run_info(name, output_format)


def run_info(
    name: str, output_format: InfoFormat, find: Callable[[str], Path] = model_folder
) -> int:
    """Write the report on the model ``name`` to standard output; return the exit code.

    Args:
        name: ``demo``, a folder, or a name in the Hugging Face cache.
        output_format: The form of the report.
        find: Turns the name into a folder.

    Raises:
        PlaygroundError: The model is not here, or its files cannot be used.
        ClosedPipe: Nobody reads standard output any more.
    """
    folder = find(name)
    is_json = output_format is InfoFormat.JSON
    emit(report_apart(folder, name, namesake(name), is_json=is_json) + "\n")
    return 0


def _preferred(presets: Path | None) -> str:
    """Return the model that runs where ``--model`` is not given."""
    return load_presets(find_presets_file(presets)).model or default_model()

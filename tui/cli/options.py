"""The options of the command line: their names, checks and help texts, in one place.

Must never import textual, torch or transformers: this is what ``--help`` shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.records.errors import PlaygroundError


class OutputFormat(StrEnum):
    """The forms in which ``generate`` writes its result."""

    TEXT = "text"
    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"
    SVG = "svg"


class Dtype(StrEnum):
    """The number formats in which a model can run."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    INT8 = "int8"


class Engine(StrEnum):
    """What can run a model."""

    AUTO = "auto"
    FAST = "fast"
    TRANSFORMERS = "transformers"


class Assistant(StrEnum):
    """What can guess tokens for a model."""

    AUTO = "auto"
    INT8 = "int8"
    NONE = "none"


def _device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", name):
        raise typer.BadParameter(f"{name!r} is not one of auto, cpu, cuda, cuda:N, mps")
    return name


def _model(name: str) -> str:
    if not name:
        raise PlaygroundError("--model is empty; give a name or a folder, or leave --model out")
    return name


def whole_number(option: str, least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what reads the number of ``option``, which is from ``least`` to ``most``."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise PlaygroundError(f"{option} must be a whole number, not {text!r}") from None
        if number < least or (most is not None and number > most):
            span = f"at least {least}" if most is None else f"from {least} to {most}"
            raise PlaygroundError(f"{option} must be {span}, not {number}")
        return number

    return read


PresetOption = Annotated[
    str | None, typer.Option("--preset", metavar="NAME", help="The preset to begin with.")
]
PresetsOption = Annotated[
    Path | None,
    typer.Option(
        "--presets",
        metavar="FILE",
        help="The presets file. Without it: ./presets.yaml, then the one in the configuration "
        "folder, then the program's own.",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME_OR_FOLDER",
        parser=_model,
        help="The model; demo is the one that is bundled.",
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="DEVICE",
        parser=_device,
        help="Where to run: auto, cpu, cuda, cuda:N or mps.",
    ),
]
DtypeOption = Annotated[
    Dtype | None,
    typer.Option(
        "--dtype",
        help="The number format of the weights; int8 is for a "
        "GPT-2 on the processor, and rounds what it says.",
    ),
]
EngineOption = Annotated[
    Engine | None,
    typer.Option(
        "--engine",
        help="What runs the model: fast is for GPT-2s, transformers for any; auto is fast "
        "where that can run it.",
    ),
]
AssistantOption = Annotated[
    Assistant | None,
    typer.Option(
        "--assistant",
        help="What guesses tokens that the model then checks several at once, so that the same "
        "text comes sooner: int8 is a rounded copy of a GPT-2, auto takes it for models of up to "
        "1 GB where it pays.",
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        parser=whole_number("--seed", 0, 2**63 - 1),
        help="Draw the same tokens every time.",
    ),
]
SessionOption = Annotated[
    str | None,
    typer.Option(
        "--session",
        metavar="NAME_OR_FILE",
        help="The session to go on with: its name, its number in the list of sessions, or a file, "
        "in which one begins where there is none. Without it, the one left last.",
    ),
]
NewOption = Annotated[
    bool | None,
    typer.Option("--new", help="Begin a new session.", show_default=False),
]
PromptArgument = Annotated[
    str,
    typer.Argument(
        metavar="PROMPT",
        show_default=False,
        help="The text to continue, kept to the letter. - reads standard input, without the "
        "one line end at its end. Put -- before a prompt that begins with a dash.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Change one setting of the preset, as often as needed. A stop string is taken to "
        "the letter; several come by several --set. max_length and max_new_tokens replace each "
        "other.",
    ),
]
UnsetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--unset", metavar="NAME", help="Remove one setting of the preset, as often as needed."
    ),
]
StepsOption = Annotated[
    int | None,
    typer.Option(
        "--steps",
        metavar="N",
        parser=whole_number("--steps", 1),
        help="Generate at most N tokens, whatever the preset.",
    ),
]
SpecialTokensOption = Annotated[
    bool,
    typer.Option(
        "--special-tokens",
        help="Spell special tokens out in the text, such as the one that ends it.",
    ),
]
FormatOption = Annotated[
    OutputFormat,
    typer.Option(
        "--format",
        help="text: what is generated, as it comes. table: input and five choices of every "
        "step. jsonl: one JSON record a step. csv: one row a step. markdown: the table. html: a "
        "page that shows what each token was chosen from, once the run has ended.",
    ),
]

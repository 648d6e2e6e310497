"""``gpt2-playground export``: a run that was saved as JSON Lines, in any other format.

Must never import textual, torch or transformers: all that it writes is in the file already.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from core.document.export.files import FORMAT_OF_SUFFIX, new_file_of, write_new_text
from core.document.export.reading import ExportedRun, exported_run
from core.document.export.writers import make_writer
from core.records.errors import PlaygroundError
from tui.cli.score.command import read_text
from tui.cli.streams import emit, note


class ExportFormat(StrEnum):
    """The forms in which ``export`` writes a run."""

    HTML = "html"
    MARKDOWN = "markdown"
    CSV = "csv"
    TABLE = "table"
    TEXT = "text"


RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="A run saved as JSON Lines, by the app or by generate. - reads standard input.",
    ),
]
ExportFormatOption = Annotated[
    ExportFormat | None,
    typer.Option(
        "--format",
        show_default=False,
        help="As generate writes them. Without it the end of --output says which: "
        f"{', '.join(end for end, name in FORMAT_OF_SUFFIX.items() if name in set(ExportFormat))}.",
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="FILE",
        help="A new file to write to, in the place of standard output.",
    ),
]


def export_command(
    file: RunArgument, output_format: ExportFormatOption = None, output: OutputOption = None
) -> int:
    """Write a saved run in another format: a page for a browser, a table, the text."""
    path = new_file_of(output) if output is not None else None
    name = output_format.value if output_format is not None else None
    if name is None:
        known = {end: one for end, one in FORMAT_OF_SUFFIX.items() if one in set(ExportFormat)}
        name = known.get(path.suffix.lower()) if path is not None else None
    if name is None:
        raise PlaygroundError(
            f"there is no format to write; give --format, which is one of {', '.join(ExportFormat)}"
        )
    run = read_run(file)
    writer = make_writer(name, run.prompt, run.about)
    text = "".join(
        part for event in (run.started, *run.steps, run.finished) for part in writer.write(event)
    )
    if path is None:
        emit(text)
    else:
        write_new_text(path, text)
        note(f"written to {path}")
    return 0


def read_run(file: str) -> ExportedRun:
    """Return the run that was saved in ``file``, or that standard input holds for ``-``.

    Raises:
        PlaygroundError: It cannot be read, or is no saved run.
    """
    source = "standard input" if file == "-" else repr(file)
    run = exported_run(read_text(file), source)
    if run is None:
        raise PlaygroundError(
            f"{source} is no run saved as JSON Lines; give one that the app has saved as .jsonl, or"
            " that generate --format jsonl has written"
        )
    return run

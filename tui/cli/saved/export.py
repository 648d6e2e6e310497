"""``gpt2-playground export``: a run that was saved as JSON Lines, or a session, in any format.

Must never import textual, torch or transformers: all that it writes is in the file already.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from core.document.export.files import FORMAT_OF_SUFFIX, new_file_of, write_new_text
from core.document.export.reading import ExportedRun
from core.document.export.several import OF_SEVERAL, text_of
from core.records.errors import PlaygroundError
from core.sessions.saved import Saved, read_saved
from core.sessions.sharing import session_of
from core.text.visible import one_line
from tui.cli.score.command import read_text
from tui.cli.streams import emit, note


class ExportFormat(StrEnum):
    """The forms in which ``export`` writes a run."""

    HTML = "html"
    SVG = "svg"
    MARKDOWN = "markdown"
    CSV = "csv"
    TABLE = "table"
    TEXT = "text"
    JSONL = "jsonl"


RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="A run saved as JSON Lines, by the app or by generate, or a session. - reads standard "
        "input.",
    ),
]
ExportFormatOption = Annotated[
    ExportFormat | None,
    typer.Option(
        "--format",
        show_default=False,
        help="As generate writes them. Without it the end of --output says which: "
        f"{', '.join(FORMAT_OF_SUFFIX)}.",
    ),
]
RunOption = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="NAME",
        help="The run of a session to write, by its name; html, svg, markdown and jsonl hold all.",
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
    file: RunArgument,
    run: RunOption = None,
    output_format: ExportFormatOption = None,
    output: OutputOption = None,
) -> int:
    """Write a saved run or session in another format: a page for a browser, a table, the text."""
    path = new_file_of(output) if output is not None else None
    name = output_format.value if output_format is not None else None
    if name is None and path is not None:
        name = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if name is None:
        raise PlaygroundError(
            f"there is no format to write; give --format, which is one of {', '.join(ExportFormat)}"
        )
    saved = read_whole(file)
    runs = _chosen(list(saved.runs), run, name)
    # Several runs in JSON Lines are a session: that alone says which grew from which.
    is_session = name == "jsonl" and len(runs) > 1 and saved.contents is not None
    text = session_of(saved.grown()) if is_session else text_of(runs, name)
    if path is None:
        emit(text)
    else:
        write_new_text(path, text)
        note(f"written to {path}")
    return 0


def read_runs(file: str) -> list[ExportedRun]:
    """Return the runs in ``file``, or on standard input for ``-``; see ``read_whole``."""
    return list(read_whole(file).runs)


def read_whole(file: str) -> Saved:
    """Return what ``file``, or standard input for ``-``, holds; its fault is told.

    Raises:
        PlaygroundError: It cannot be read, or holds no run.
    """
    source = source_of(file)
    saved = read_saved(read_text(file), source)
    if saved.fault:
        note(f"of {source} comes what stands before this: {saved.fault}")
    return saved


def source_of(file: str) -> str:
    """Return what a file is called in a sentence."""
    return "standard input" if file == "-" else repr(file)


def _chosen(runs: list[ExportedRun], wanted: str | None, format_name: str) -> list[ExportedRun]:
    """Return the runs to write: all, or the one of that name.

    Raises:
        PlaygroundError: There is none such, or there are more than the format holds.
    """
    names = [one.name for one in runs]
    if wanted in names:
        return [runs[names.index(wanted)]]
    if wanted is None and (len(runs) == 1 or format_name in OF_SEVERAL):
        return runs
    told = one_line(", ".join(name for name in names if name), 200)
    if wanted is not None:
        others = f"there are {told}" if told else "it holds one, without a name; leave --run out"
        raise PlaygroundError(f"there is no run {wanted!r}; {others}")
    raise PlaygroundError(
        f"there are {len(runs)} runs, and {format_name} holds one; choose it with --run: {told}"
    )

"""Runs to the text of a file in any format, of which some hold several.

Must never leave a run out, nor write a file that its own readers would not take.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.document.export.about import FORMAT_VERSION, PROGRAM
from core.document.export.markdown import MarkdownWriter
from core.document.export.page.page import page_of
from core.document.export.reading import ExportedRun
from core.document.export.svg import svg_of
from core.document.export.writers import whole_text
from core.records.errors import PlaygroundError

OF_SEVERAL: tuple[str, ...] = ("html", "svg", "markdown", "jsonl")
"""The formats that hold several runs."""


def check_holds(format_name: str, count: int) -> None:
    """Make sure that a format holds so many runs.

    Raises:
        PlaygroundError: It holds one.
    """
    if count > 1 and format_name not in OF_SEVERAL:
        others = f"{', '.join(OF_SEVERAL[:-1])} and {OF_SEVERAL[-1]}"
        raise PlaygroundError(
            f"there are {count:,} runs, and {format_name} holds one; {others} hold several"
        )


def text_of(runs: Sequence[ExportedRun], format_name: str) -> str:
    """Return what a file of ``runs`` holds, in one of ``writers.FORMATS``.

    Raises:
        PlaygroundError: The format holds one run, and there are several.
    """
    check_holds(format_name, len(runs))
    if format_name == "html":
        return page_of(runs)
    if format_name == "svg":
        return svg_of(runs)
    if format_name == "markdown" and len(runs) > 1:
        return "\n".join(map(_named_markdown, runs))
    between = "" if format_name == "jsonl" else "\n"
    return between.join(_written(run, format_name) for run in runs)


def _named_markdown(run: ExportedRun) -> str:
    writer = MarkdownWriter(run.prompt, run.about, run.name)
    events = (run.started, *run.steps, run.finished)
    return "".join(part for event in events for part in writer.write(event))


def _written(run: ExportedRun, format_name: str) -> str:
    about = {**run.about, "format": PROGRAM, "format_version": FORMAT_VERSION}
    return whole_text(format_name, run.prompt, about, (run.started, *run.steps, run.finished))

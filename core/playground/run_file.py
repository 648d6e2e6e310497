"""A finished run as a file, in the formats of ``gpt2-playground generate``.

As bare text, a file holds the document up to the run's end, so that it can be scored as it stands.

Must never write over a file, and never leaves half of one behind.
"""

from __future__ import annotations

import re
from pathlib import Path

from core.document.document import Document, Turn
from core.document.export.about import about_run
from core.document.export.writers import make_writer
from core.files.texts import reason_of
from core.files.writing import write_new
from core.records.errors import PlaygroundError
from core.records.steps import Event

FORMAT_OF_SUFFIX = {".md": "markdown", ".jsonl": "jsonl", ".csv": "csv", ".txt": "text"}
"""What a file's name says of its format, by ``core.document.export.writers.FORMATS``."""

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST_STEM = 50


def free_name(run_name: str) -> str:
    """Return a name for the file of a run that none in the working directory has.

    ``run_name`` is any line of text; what file systems may not take in it becomes a dash.
    """
    stem = _UNSAFE.sub("-", run_name)[:_LONGEST_STEM].strip("-.") or "run"
    name, number = f"{stem}.md", 1
    while Path(name).exists():
        number += 1
        name = f"{stem}-{number}.md"
    return name


def save_run(path: str, document: Document, turn: Turn) -> Path:
    """Write ``turn`` of ``document`` to a new file, whose name's end says the format.

    ``~`` is the home folder.

    Returns:
        Where it is now.

    Raises:
        PlaygroundError: The run has not finished, the name is of no known format, a file has it
            already, or it cannot be written.
    """
    if turn.started is None or turn.finished is None:
        raise PlaygroundError("the run has not finished; wait for it, or stop it")
    try:
        file = Path(path.strip()).expanduser()
    except RuntimeError as error:
        raise PlaygroundError(f"{path!r} is no place for a file: {error}") from None
    name = FORMAT_OF_SUFFIX.get(file.suffix.lower())
    if name is None:
        known = ", ".join(FORMAT_OF_SUFFIX)
        raise PlaygroundError(f"{path!r} says no format; end its name in one of {known}")
    before = document.before(document.first_position(turn)).text
    about = about_run(turn.model, turn.preset_name, turn.settings)
    writer = make_writer(name, before, about)
    events: list[Event] = [turn.started, *turn.steps, turn.finished]
    written = "".join(part for event in events for part in writer.write(event))
    _write(file, before + written if name == "text" else written)
    return file


def _write(file: Path, text: str) -> None:
    try:
        write_new(file, text.encode("utf-8", errors="backslashreplace"))
    except FileExistsError:
        raise PlaygroundError(f"{str(file)!r} is there already; give another name") from None
    except (OSError, ValueError) as error:
        raise PlaygroundError(f"{str(file)!r} cannot be written: {reason_of(error)}") from None

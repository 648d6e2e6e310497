"""A finished run of the document as a file, in the formats of ``gpt2-playground generate``.

As bare text, a file holds the document up to the run's end, so that it can be scored as it stands.

Must never write over a file, and never leaves half of one behind.
"""

from __future__ import annotations

import re
from pathlib import Path

from core.document.document import Document, Turn
from core.document.export.about import about_run
from core.document.export.files import write_run
from core.records.errors import PlaygroundError

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
    """Write ``turn`` of ``document`` to a new file; return where it is. See ``write_run``.

    Raises:
        PlaygroundError: The run has not finished, the name is of no known format, a file has it
            already, or it cannot be written.
    """
    if turn.started is None or turn.finished is None:
        raise PlaygroundError("the run has not finished; wait for it, or stop it")
    before = document.before(document.first_position(turn)).text
    about = about_run(
        turn.model, turn.preset_name, turn.settings, turn.chat, is_by_hand=turn.is_by_hand
    )
    return write_run(path, before, about, (turn.started, *turn.steps, turn.finished))

"""A run of a document as those of exported files are, with all that stood before it.

Must never change a document, nor run anything again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.document.conversation import asked
from core.document.document import Document, Turn
from core.document.export.about import about_run
from core.document.export.reading import ExportedRun, TreePlace
from core.records.errors import PlaygroundError


def run_of_turns(
    turns: Sequence[Turn],
    name: str = "",
    *,
    parent: int = 0,
    step: int = 0,
    versions: Mapping[str, str | None] | None = None,
) -> ExportedRun:
    """Return the run of the last of ``turns``.

    Args:
        turns: A document that ends with it.
        name: What it is called among others.
        parent: The run of the tree that it grew from; see ``TreePlace``.
        step: In the place of which step of that one.
        versions: Those of the programs that wrote it, by their names in ``about_program``; of
            this one where that is ``None``.

    Raises:
        PlaygroundError: The run has not finished.
    """
    turn = turns[-1]
    if turn.started is None or turn.finished is None:
        raise PlaygroundError("the run has not finished; wait for it, or stop it")
    said = asked(turns)
    about = about_run(
        turn.model, turn.preset_name, turn.settings, turn.chat, said, is_by_hand=turn.is_by_hand
    )
    earlier = Document(turns[:-1]).text
    return ExportedRun(
        earlier + turn.asked(is_first=len(turns) == 1),
        {**about, **(versions or {})},
        turn.settings,
        turn.started,
        turn.steps,
        turn.finished,
        name,
        turn.chat,
        turn.is_by_hand,
        TreePlace(turn.node_id, parent, step, earlier),
        said,
    )

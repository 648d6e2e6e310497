"""The runs of a session one by one, as those of exported files are.

Must never change a session, nor run anything again.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.document.document import Document
from core.document.export.about import about_run
from core.document.export.reading import ExportedRun
from core.sessions.restoring import Restored


def runs_of(state: Restored) -> Iterator[ExportedRun]:
    """Yield the run of each node of a session's tree, the oldest first, under its name there.

    The versions are those of the program that wrote it then.
    """
    for node in state.tree.nodes:
        turns = state.documents[node.node_id]
        turn = turns[-1]
        if turn.started is None or turn.finished is None:
            continue
        document = Document(turns)
        before = document.before(document.first_position(turn)).text
        about = about_run(
            turn.model, turn.preset_name, turn.settings, turn.chat, is_by_hand=turn.is_by_hand
        )
        program = state.programs.get(node.node_id)
        if program is not None:
            about["program_version"] = program.program or None
            about["torch"] = program.torch or None
            about["transformers"] = program.transformers or None
        yield ExportedRun(
            before,
            about,
            turn.settings,
            turn.started,
            tuple(turn.steps),
            turn.finished,
            state.tree.name(node.node_id) or f"run {node.node_id}",
            turn.chat,
            turn.is_by_hand,
        )

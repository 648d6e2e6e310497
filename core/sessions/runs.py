"""The runs of a session one by one, as those of exported files are.

Must never change a session, nor run anything again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from core.document.export.of_turns import run_of_turns
from core.document.export.reading import ExportedRun
from core.document.tree import Tree
from core.document.turn import Turn
from core.sessions.entries import ProgramStarted
from core.sessions.restoring import Restored


def runs_of(state: Restored) -> Iterator[ExportedRun]:
    """Yield the run of each node of a session's tree, the oldest first, under its name there."""
    node_ids = [node.node_id for node in state.tree.nodes]
    return runs_of_tree(state.tree, state.documents, state.programs, node_ids)


def runs_of_tree(
    tree: Tree,
    documents: Mapping[int, Sequence[Turn]],
    programs: Mapping[int, ProgramStarted],
    node_ids: Collection[int],
) -> Iterator[ExportedRun]:
    """Yield runs of a tree, the oldest first, each under its name there.

    Args:
        tree: Where they are.
        documents: The turns of each run's whole document.
        programs: With which versions they were written; those that are not there are of this
            program.
        node_ids: Which to yield.
    """
    for row in sorted(tree.rows(), key=lambda row: row.node.node_id):
        node_id = row.node.node_id
        if node_id not in node_ids:
            continue
        program = programs.get(node_id)
        yield run_of_turns(
            documents[node_id],
            tree.called(node_id),
            parent=row.node.beginning.parent,
            step=row.step,
            versions=versions_of(program) if program is not None else None,
        )


def versions_of(program: ProgramStarted) -> dict[str, str | None]:
    """Return the versions of what wrote a run, by their names in an export."""
    return {
        "program_version": program.program or None,
        "torch": program.torch or None,
        "transformers": program.transformers or None,
    }

"""Forks of a tree for the tests: branches as the app makes them."""

from __future__ import annotations

from core.document.tree import Tree
from core.document.tree_records import Beginning


def fork(tree: Tree, node_id: int, step: int, token_ids=(), text="") -> Beginning:
    """The beginning that puts ``token_ids`` in the place of step ``step``, from 0, of a run."""
    steps = len(tree.node(node_id).run.token_ids)
    return Beginning(node_id, len(tree.document(node_id)) - steps + step, tuple(token_ids), text)


def context_of(tree: Tree, beginning: Beginning) -> tuple[int, ...]:
    """What a run from ``beginning`` continues."""
    return tree.document(beginning.parent)[: beginning.kept] + beginning.inserted_token_ids

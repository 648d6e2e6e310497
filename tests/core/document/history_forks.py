"""Forks of a history for the tests: branches as the app makes them."""

from __future__ import annotations

from core.document.history import History
from core.document.history_records import Branch


def fork(history: History, node_id: int, step: int, token_ids=(), text="") -> Branch:
    """The branch that puts ``token_ids`` in the place of step ``step``, from 0, of a run."""
    steps = len(history.node(node_id).run.token_ids)
    return Branch(node_id, len(history.document(node_id)) - steps + step, tuple(token_ids), text)


def context_of(history: History, branch: Branch) -> tuple[int, ...]:
    """What a run from ``branch`` continues."""
    return history.document(branch.parent)[: branch.kept] + branch.inserted_token_ids

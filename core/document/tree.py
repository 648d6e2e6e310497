"""Everything that was generated, as a tree that only grows, and the place in it where one works.

Must never import torch, and never encodes or decodes text: token ids are kept as they were
generated. A node is one run: it keeps a beginning of its parent's document, inserts what was typed
or chosen, and adds what the model wrote. Undo goes back to the document that was looked at before,
wherever in the tree it stands. Nothing is removed except by ``remove``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from core.document.tree_records import (
    ROOT,
    Beginning,
    Comparison,
    ModelRef,
    Node,
    Removal,
    RunFacts,
    TreeRow,
    checked_name,
)
from core.document.visits import Place, Visits
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.text.token_ids import common_length


class Tree:
    """The tree and its cursor, the node whose document is worked on; one thread uses it."""

    def __init__(self) -> None:
        self.cursor = ROOT
        self._nodes: dict[int, Node] = {}
        self._names: dict[int, str] = {}
        self._children: dict[int, list[int]] = {ROOT: []}
        self._lengths: dict[int, int] = {ROOT: 0}
        self._visits = Visits(Place(ROOT))
        self.next_id = ROOT + 1  # of the run to come: no other has it, or had it

    @property
    def tokens_shown(self) -> int:
        """How many of the tokens that the run at the cursor wrote belong to the document."""
        return self._visits.current.tokens

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All runs, oldest first."""
        return tuple(self._nodes.values())

    def node(self, node_id: int) -> Node:
        """Return a run.

        Raises:
            PlaygroundError: There is none of this id.
        """
        if node_id not in self._nodes:
            raise PlaygroundError(f"there is no run {node_id} in this tree")
        return self._nodes[node_id]

    def children(self, node_id: int) -> tuple[int, ...]:
        """Return the runs that begin from ``node_id``, oldest first."""
        return tuple(self._children.get(node_id, ()))

    def path(self, node_id: int) -> tuple[int, ...]:
        """Return the runs from the root to ``node_id``, without the root.

        Raises:
            PlaygroundError: There is no such run.
        """
        found: list[int] = []
        while node_id != ROOT:
            found.append(node_id)
            node_id = self.node(node_id).beginning.parent
        return tuple(reversed(found))

    def document(self, node_id: int) -> tuple[int, ...]:
        """Return the token ids of the whole document that ends with ``node_id``.

        Raises:
            PlaygroundError: There is no such run.
        """
        token_ids: list[int] = []
        for one in self.path(node_id):
            node = self._nodes[one]
            del token_ids[node.beginning.kept :]
            token_ids += node.beginning.inserted_token_ids
            token_ids += node.run.token_ids
        return tuple(token_ids)

    def beginning_from(self, parent: int, context: Sequence[int], inserted_text: str) -> Beginning:
        """Return how a run that continued ``context`` leaves the document of ``parent``.

        Raises:
            PlaygroundError: There is no such run.
        """
        kept = common_length(self.document(parent), context)
        return Beginning(parent, kept, tuple(context[kept:]), inserted_text)

    def add(self, beginning: Beginning, run: RunFacts, *, moves: bool = True) -> Node:
        """Append a run at ``beginning`` and, where it ``moves``, move the cursor to it.

        Raises:
            PlaygroundError: The parent is not here, is shorter than what is kept, or has another
                tokenizer.
        """
        node = Node(self.next_id, beginning, run)
        self._check_kept(beginning)
        if beginning.parent != ROOT and beginning.kept:
            self.check_model(beginning.parent, node.run.model)
        self._nodes[node.node_id] = node
        self._children[beginning.parent].append(node.node_id)
        self._children[node.node_id] = []
        added = len(beginning.inserted_token_ids) + len(node.run.token_ids)
        self._lengths[node.node_id] = beginning.kept + added
        self.next_id += 1
        if moves:
            self.move(node.node_id)
        return node

    def extend(self, node_id: int, run: RunFacts) -> None:
        """Let a run that is written by hand go on, and move the cursor to where it ends now.

        Raises:
            PlaygroundError: There is no such run.
        """
        before = self.node(node_id)
        self._nodes[node_id] = dataclasses.replace(before, run=run)
        self._lengths[node_id] += len(run.token_ids) - len(before.run.token_ids)
        self.move(node_id)

    def check_model(self, node_id: int, model: ModelRef) -> None:
        """Raise unless ``model`` can continue the document of ``node_id``.

        Raises:
            PlaygroundError: Its token ids would mean another text.
        """
        before = self.node(node_id).run.model
        if before.tokenizer_fingerprint != model.tokenizer_fingerprint:
            raise PlaygroundError(
                f"run {node_id} was written by {before.name!r}, whose tokens are not those of"
                f" {model.name!r}; load that model to go on from there"
            )

    def move(self, node_id: int) -> None:
        """Move the cursor to any run, or to ``ROOT``; undo then leads back from it.

        Raises:
            PlaygroundError: There is no such run.
        """
        self.begin_from(node_id)
        self._visits.visit(self._end_of(node_id))

    def begin_from(self, node_id: int) -> None:
        """Move the cursor to the run that the next one branches from.

        Undo leads from that next one to what was looked at before, not to its beginning.

        Raises:
            PlaygroundError: There is no such run.
        """
        if node_id != ROOT:
            self.node(node_id)
        self.cursor = node_id

    def stay(self) -> None:
        """Move the cursor back to what was looked at last; no run has begun from there."""
        self.cursor = self._visits.current.node_id

    def undo(self) -> bool:
        """Move the cursor to where it was before; return whether there was such a place."""
        was_there = self._visits.back()
        self.stay()
        return was_there

    def redo(self) -> bool:
        """Take an undo back; return whether there was one."""
        was_there = self._visits.forth()
        self.stay()
        return was_there

    def name(self, node_id: int) -> str:
        """Return the name of a run, empty where it has none."""
        return self._names.get(node_id, "")

    def called(self, node_id: int) -> str:
        """Return what a run is called: its name, or its number where it has none."""
        return self.name(node_id) or f"run {node_id}"

    def rename(self, node_id: int, name: str) -> None:
        """Name a run; an empty name takes the name away.

        Raises:
            PlaygroundError: There is no such run, or the name is too long or more than a line.
        """
        self.node(node_id)
        name = checked_name(name)
        if name:
            self._names[node_id] = name
        else:
            self._names.pop(node_id, None)

    def rows(self) -> Iterator[TreeRow]:
        """Yield the tree from the root down, each run before its children."""
        path = set(self.path(self.cursor))
        waiting = [(one, 0) for one in reversed(self._children[ROOT])]
        while waiting:
            node_id, depth = waiting.pop()
            node = self._nodes[node_id]
            yield TreeRow(
                node,
                self.name(node_id),
                depth,
                step=self._step_left_out(node.beginning),
                is_on_path=node_id in path,
                is_cursor=node_id == self.cursor,
            )
            waiting += [(one, depth + 1) for one in reversed(self._children[node_id])]

    def compare(self, first: int, second: int) -> Comparison:
        """Return where the documents of two runs part, and which of their settings differ.

        Raises:
            PlaygroundError: There is no such run, or their tokens do not mean the same text.
        """
        one, other = self.node(first).run, self.node(second).run
        self.check_model(first, other.model)
        ours, theirs = self.document(first), self.document(second)
        common = common_length(ours, theirs)
        names = [each.name for each in dataclasses.fields(Settings)]
        differing = tuple(
            (name, _used(one.settings, name), _used(other.settings, name))
            for name in names
            if getattr(one.settings, name) != getattr(other.settings, name)
            and (one.settings.uses(name) or other.settings.uses(name))
        )
        return Comparison(common, ours[common:], theirs[common:], differing)

    def plan_removal(self, node_id: int) -> Removal:
        """Return what ``remove`` would remove; nothing is removed yet.

        Raises:
            PlaygroundError: There is no such run.
        """
        self.node(node_id)
        found = [node_id]
        for one in found:
            found += self._children[one]
        return Removal(
            tuple(found),
            tuple(self._names[one] for one in found if one in self._names),
            sum(len(self._nodes[one].run.token_ids) for one in found),
        )

    def remove(self, removal: Removal) -> None:
        """Remove what was planned and confirmed; a cursor in it moves to the parent that is left.

        Raises:
            PlaygroundError: The tree has changed since it was planned.
        """
        top = removal.node_ids[0]
        if top not in self._nodes or self.plan_removal(top) != removal:
            raise PlaygroundError("the tree has changed meanwhile; look at it again first")
        parent = self._nodes[top].beginning.parent
        if self.cursor in removal.node_ids:
            self.cursor = parent
        self._children[parent].remove(top)
        for one in removal.node_ids:
            del self._nodes[one], self._children[one], self._lengths[one]
            self._names.pop(one, None)
        self._visits.forget(removal.node_ids, self._end_of(parent))

    def _end_of(self, node_id: int) -> Place:
        node = self._nodes.get(node_id)
        return Place(node_id, len(node.run.token_ids) if node is not None else 0)

    def _step_left_out(self, beginning: Beginning) -> int:
        """Return the first step that the parent wrote and a run leaves out; 0 without one."""
        if beginning.step is not None or beginning.message:
            return beginning.step or 0
        length = self._lengths[beginning.parent]
        if beginning.kept >= length:
            return 0
        return max(0, beginning.kept - length + self._end_of(beginning.parent).tokens + 1)

    def _check_kept(self, beginning: Beginning) -> None:
        if beginning.parent not in self._lengths:
            raise PlaygroundError(f"there is no run {beginning.parent} in this tree")
        length = self._lengths[beginning.parent]
        if not 0 <= beginning.kept <= length:
            raise PlaygroundError(
                f"run {beginning.parent} ends after {length:,} tokens;"
                f" {beginning.kept:,} cannot be kept"
            )


def _used(settings: Settings, name: str) -> object:
    return getattr(settings, name) if settings.uses(name) else None

"""The records of a tree: runs and where they begin, and what is told about the tree.

Must never import torch, and holds no way to change a tree: ``core.document.tree`` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from core.document.turn import Turn
from core.records.chat import MessagePlace
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.records.steps import FinishReason, Step, TokenStep, is_chosen_by_person
from core.text.visible import is_label

ROOT = 0
"""The empty document: every tree has it, and it is no run."""

LONGEST_NAME = 60


def checked_name(name: str) -> str:
    """Return a person's name for a run or a session, without the spaces around it.

    Raises:
        PlaygroundError: It is too long or more than a line.
    """
    name = name.strip()
    if len(name) > LONGEST_NAME or not is_label(name):
        raise PlaygroundError(
            f"a name is one line of at most {LONGEST_NAME} characters, without control codes"
        )
    return name


@dataclass(frozen=True, slots=True)
class ModelRef:
    """The model of a run; token ids mean the same text under one ``tokenizer_fingerprint``."""

    name: str
    tokenizer_fingerprint: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a run begins: ``kept`` tokens of the document of ``parent``, then inserted ones.

    ``inserted_text`` is what was typed, or what another beam had written. ``message`` is where that
    stands in a conversation: such a run reads the messages written down anew, which need not be the
    tokens of the document. ``step`` is the one of the parent, from 1, in whose place a person
    forked, ``None`` where nobody did.
    """

    parent: int
    kept: int
    inserted_token_ids: tuple[int, ...] = ()
    inserted_text: str = ""
    message: MessagePlace = ""
    step: int | None = None

    @property
    def begins_conversation(self) -> bool:
        """Whether the run reads nothing of the document that it follows."""
        return self.message == "first" and self.parent != ROOT


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run was and what it wrote.

    ``steps`` are for looking back. ``put_there`` is the text that a person put first.
    """

    preset_name: str
    settings: Settings
    seed: int
    model: ModelRef
    token_ids: tuple[int, ...]
    text: str
    reason: FinishReason
    steps: Sequence[Step] = field(default=(), compare=False, repr=False)
    put_there: str = ""

    @classmethod
    def of(cls, turn: Turn) -> RunFacts:
        """Return what a turn that has ended tells of its run.

        Raises:
            ValueError: It has not started or not ended.
        """
        if turn.started is None or turn.finished is None:
            raise ValueError("the run has not ended")
        return cls(
            turn.preset_name,
            turn.settings,
            turn.started.seed,
            ModelRef(turn.model_name, turn.tokenizer_fingerprint),
            turn.token_ids,
            turn.text,
            turn.finished.reason,
            turn.steps,
            _put_there(turn.steps),
        )


def _put_there(steps: Iterable[Step]) -> str:
    chosen = takewhile(is_chosen_by_person, steps)
    return "".join(step.text for step in chosen if isinstance(step, TokenStep))


@dataclass(frozen=True, slots=True)
class Node:
    """A run and its place in the tree; ``node_id`` rises with time, from 1."""

    node_id: int
    beginning: Beginning
    run: RunFacts


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One line of the tree, in the order in which a person reads it.

    ``step`` is the one of its parent, from 1, in whose place the run begins, 0 where it leaves none
    out or is a message; ``is_on_path`` whether the document at the cursor goes through it.
    """

    node: Node
    name: str
    depth: int
    step: int
    is_on_path: bool
    is_cursor: bool

    @property
    def is_fork(self) -> bool:
        """Whether the run leaves out an end of what its parent wrote."""
        return self.step > 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two documents: ``common`` tokens are the same, then each goes on by itself.

    ``settings`` are those that differ: their name, and the value of each, ``None`` where its
    decoding method has no use for it.
    """

    common: int
    first_token_ids: tuple[int, ...]
    second_token_ids: tuple[int, ...]
    settings: tuple[tuple[str, object, object], ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a node takes: it and all that grew from it, with names and tokens."""

    node_ids: tuple[int, ...]
    names: tuple[str, ...]
    tokens: int

    @property
    def question(self) -> str:
        """What to ask a person before it is done."""
        runs = "1 run" if len(self.node_ids) == 1 else f"{len(self.node_ids)} runs"
        named = f", among them {', '.join(self.names)}" if self.names else ""
        return f"remove {runs} with {self.tokens:,} generated tokens{named}?"

"""What a session is told, one frozen record for each thing that happens, in the order it happens.

Must never hold what changes later: another thread writes them down. A step and the end of a run are
their own records, those of ``core.records.steps``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.document.tree_records import Beginning
from core.document.turn import Fork, Turn
from core.records.chat import ChatFormat, Message
from core.records.model_info import ModelInfo
from core.records.settings import Settings
from core.records.steps import BeamStep, Finished, TokenStep

MoveKind = Literal["go", "undo", "redo", "clear", "restore"]


@dataclass(frozen=True, slots=True)
class ProgramStarted:
    """A program writes from here on; versions, empty of what is not installed."""

    program: str
    torch: str
    transformers: str


@dataclass(frozen=True, slots=True)
class Cut:
    """What is left of the last turn before a run that leaves it midway.

    That are its first ``steps``, and what they had written, of a search the beam that was chosen.
    """

    steps: int
    token_ids: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class RunBegun:
    """A run has begun that will be ``node_id`` in the tree: all that a turn knows at its start.

    It goes on from the document of ``beginning.parent``, less what ``cut`` leaves out of it. It
    reads what the beginning keeps and inserts. The names of model and tokenizer are those of the
    turn; ``model`` is ``None`` where nobody knows more. ``seed`` is the one really used, while that
    of ``settings`` is the one that was asked for. ``drawn`` and ``counted`` are as of ``Started``.
    """

    node_id: int
    beginning: Beginning
    cut: Cut | None
    prompt: str
    preset_name: str
    settings: Settings
    model_name: str
    tokenizer_fingerprint: str
    model: ModelInfo | None
    chat: ChatFormat | None
    fork: Fork | None
    is_by_hand: bool
    prompt_token_ids: tuple[int, ...]
    max_new_tokens: int
    context_size: int | None
    seed: int
    dropped_turns: int
    messages: tuple[Message, ...] = ()
    drawn: int = 0
    counted: int = 0


@dataclass(frozen=True, slots=True)
class RunGoesOn:
    """A run that is written by hand goes on: its next steps, and its end anew, follow."""

    node_id: int


@dataclass(frozen=True, slots=True)
class OfColumn:
    """What happens to one of several runs side by side, which count from 0.

    Each begins, has its steps and ends as a run alone does, but that its ``node_id`` is 0: they
    come into the tree together, in their order, when ``ColumnsKept`` says so.
    """

    column: int
    entry: RunBegun | TokenStep | BeamStep | Finished


@dataclass(frozen=True, slots=True)
class ColumnsKept:
    """The runs side by side are runs of the tree from here on; the document at hand stays."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Another document is at hand; ``node_id`` is whose, of ``go`` alone."""

    how: MoveKind
    node_id: int = 0


@dataclass(frozen=True, slots=True)
class StepLookedAt:
    """The step that is looked at, among all of the document; ``None``: the newest is followed."""

    position: int | None


@dataclass(frozen=True, slots=True)
class RunNamed:
    """A run has a name, or none any more where it is empty."""

    node_id: int
    name: str


@dataclass(frozen=True, slots=True)
class RunRemoved:
    """A run is removed, and all that grew from it."""

    node_id: int


@dataclass(frozen=True, slots=True)
class PromptSent:
    """A prompt was sent: the next line of the prompt history."""

    text: str


@dataclass(frozen=True, slots=True)
class PromptWaits:
    """A prompt that was sent waits for its turn; where ``text`` is empty, none does any more."""

    text: str


@dataclass(frozen=True, slots=True)
class PresetChosen:
    """The preset from now on, with all that it has now, and whether a person chooses.

    ``seed`` takes the place of the preset's own, ``None`` where that counts.
    """

    name: str
    settings: Settings
    is_by_hand: bool = False
    chat: ChatFormat | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class ModelReady:
    """The model that answers from now on."""

    model: ModelInfo


@dataclass(frozen=True, slots=True)
class SessionNamed:
    """The session has a name, or none any more where it is empty."""

    name: str


Entry = (
    ProgramStarted
    | RunBegun
    | RunGoesOn
    | OfColumn
    | ColumnsKept
    | TokenStep
    | BeamStep
    | Finished
    | Moved
    | StepLookedAt
    | RunNamed
    | RunRemoved
    | PromptSent
    | PromptWaits
    | PresetChosen
    | ModelReady
    | SessionNamed
)


def run_begun(
    node_id: int, beginning: Beginning, turns: Sequence[Turn], before: Sequence[Turn]
) -> Entry:
    """Return what tells that the run of the last of ``turns`` has started.

    Args:
        node_id: What it is in the tree, or will be.
        beginning: Where it begins.
        turns: The document at hand, which ends with it.
        before: The whole document of ``beginning.parent``.

    Raises:
        ValueError: It has not started.
    """
    turn = turns[-1]
    if turn.node_id:
        return RunGoesOn(turn.node_id)
    return begun_as(node_id, beginning, turn, cut_of(turns, before))


def cut_of(turns: Sequence[Turn], before: Sequence[Turn]) -> Cut | None:
    """Return what the run of the last of ``turns`` leaves of the one before it.

    ``before`` is the whole document of the one it grew from; ``None`` where it leaves all of it.
    """
    if not before or turns[-2] is before[-1]:
        return None
    left = turns[-2]
    return Cut(len(left.steps), left.token_ids, left.text)


def begun_as(node_id: int, beginning: Beginning, turn: Turn, cut: Cut | None) -> RunBegun:
    """Return what tells that the run of ``turn`` has started as ``node_id`` of a tree.

    Raises:
        ValueError: It has not started.
    """
    started = turn.started
    if started is None:
        raise ValueError("the run has not started")
    return RunBegun(
        node_id,
        beginning,
        cut,
        turn.prompt,
        turn.preset_name,
        turn.settings,
        turn.model_name,
        turn.tokenizer_fingerprint,
        turn.model,
        turn.chat,
        turn.fork,
        turn.is_by_hand,
        started.prompt_token_ids,
        started.max_new_tokens,
        started.context_size,
        started.seed,
        started.dropped_turns,
        turn.messages,
        started.drawn,
        started.counted,
    )

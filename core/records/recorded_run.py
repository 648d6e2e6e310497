"""What a run leaves for looking back, and what it is given to leave it with.

Must never compute with logits: ``core.decoding.recording`` turns them into tensors again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.records.decode_state import DecodeState
from core.records.settings import Settings
from core.records.steps import Candidate


class TokenTexts(Protocol):
    """Names tokens, and finds the tokens of a text; ``TextCodec`` is one."""

    @property
    def special_token_ids(self) -> frozenset[int]:
        """The tokens that mark something, such as the end of a text, and are none of it."""
        ...

    def token_text(self, token_id: int) -> str:
        """Return what one token stands for by itself."""
        ...

    def encode(self, text: str, *, is_beginning: bool) -> list[int]:
        """Return the token ids of ``text``."""
        ...

    def state_after(self, token_ids: Sequence[int]) -> DecodeState:
        """Return where the text of ``token_ids`` stands."""
        ...

    def extend(self, state: DecodeState, token_id: int) -> tuple[str, DecodeState]:
        """Return the text that ``token_id`` makes whole, and where the text stands then."""
        ...


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One step's raw logits; ``core.decoding.recording`` reads them.

    ``logits`` are the whole vocabulary's, float32, in the order of token ids, exactly as they were:
    what is computed from them agrees with the run to the unit. ``dice`` is the generator's state
    before the draw, ``None`` where nothing was drawn.
    ``is_forced`` is whether a person chose the token, and not the settings. ``unconditional`` are
    the logits without the prompt, like ``logits``, where the settings asked for them.
    """

    token_id: int
    vocabulary_size: int
    logits: bytes
    dice: bytes | None = None
    is_forced: bool = False
    unconditional: bytes | None = None

    @property
    def size(self) -> int:
        """The memory that it takes, in bytes, without Python's own."""
        return sum(map(len, filter(None, (self.logits, self.dice, self.unconditional))))


@dataclass(frozen=True, slots=True)
class RunStart:
    """What a run began from, as far as its settings depend on it.

    ``settings`` have token ids where they may have texts; ``eos_token_ids`` are the model's.
    ``device`` is torch's name of where its dice were thrown. ``forced_tokens`` is how many tokens
    of the run count as prompt, since a person put them before all that the settings chose.
    ``drawn`` and ``counted`` are as of ``Started``.
    """

    context_token_ids: tuple[int, ...]
    settings: Settings
    eos_token_ids: tuple[int, ...]
    seed: int
    device: str
    texts: TokenTexts
    forced_tokens: int = 0
    drawn: int = 0
    counted: int = 0

    @property
    def prompt_length(self) -> int:
        """How many tokens stand before the first one that settings count as new."""
        return len(self.context_token_ids) + self.forced_tokens - self.counted


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as far as it has come: a snapshot that later steps do not change.

    ``token_ids`` are the chosen ones. ``steps`` has an entry for each, ``None`` where the logits
    were dropped to stay under the ceiling. ``forced`` are the indexes of the steps, dropped ones
    too, whose tokens a person chose.
    """

    key: str
    start: RunStart
    token_ids: tuple[int, ...]
    steps: tuple[RecordedStep | None, ...]
    forced: frozenset[int] = frozenset()

    def context_at(self, index: int) -> tuple[int, ...]:
        """Return the document that step ``index`` continued."""
        return self.start.context_token_ids + self.token_ids[:index]


@dataclass(frozen=True, slots=True)
class WrittenRun:
    """A run of which no logits are left, with all that is needed to compute them again.

    ``settings`` and ``seed`` are those that it was written with. ``forced`` are the indexes of the
    tokens that a person chose; for the rest see ``RunStart``. ``told`` has for each token the
    candidates that its step told of.
    """

    context_token_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    settings: Settings
    seed: int
    forced: frozenset[int]
    forced_tokens: int
    told: tuple[tuple[Candidate, ...], ...]
    drawn: int = 0
    counted: int = 0


class RunRecorder(Protocol):
    """Keeps one run; the engine alone calls it."""

    def begin(self, start: RunStart) -> None:
        """Open the run; what was recorded of it before is forgotten."""

    def add(self, step: RecordedStep) -> None:
        """Append the next step."""

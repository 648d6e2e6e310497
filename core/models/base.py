"""The contract between decoding and a model: prefill, decode, reorder, rewind, and two shortcuts.

Must never know of settings, text or user interfaces: token ids go in, logits come out.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol, runtime_checkable

import torch


class CausalModel(Protocol):
    """A causal language model with a key-value cache of one or more rows of equal length.

    All calls come from one thread. Logits are float32 on ``device``; they belong to the caller
    until the next call.
    """

    @property
    def engine(self) -> str:
        """A phrase for a person: what runs the model now; it can change in a run."""
        ...

    @property
    def device(self) -> torch.device:
        """Where logits are and token ids are expected."""
        ...

    @property
    def context_size(self) -> int | None:
        """The most tokens a row may hold; ``None`` where the model has no limit."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """The length of a row of logits."""
        ...

    @property
    def eos_token_ids(self) -> tuple[int, ...]:
        """The tokens that end a text; empty where the model has none."""
        ...

    @property
    def bos_token_id(self) -> int | None:
        """The token that an empty prompt begins with, if there is one."""
        ...

    @property
    def rows(self) -> Sequence[Sequence[int]]:
        """The token ids that the cache holds, row by row; one empty row at the beginning."""
        ...

    def prefill(self, token_ids: Sequence[int]) -> torch.Tensor:
        """Append ``token_ids`` (at least one) to the only row.

        Returns:
            The logits after the last of them, shape (1, vocabulary), float32.
        """
        ...

    def decode(self, token_ids: Sequence[int]) -> torch.Tensor:
        """Append one token to each row.

        Returns:
            The logits after it, shape (rows, vocabulary), float32.
        """
        ...

    def reorder(self, parents: Sequence[int]) -> None:
        """Make new row ``i`` a copy of old row ``parents[i]``; rows may become more or fewer."""
        ...

    def rewind(self, length: int, row: int = 0) -> int:
        """Keep only the first ``length`` tokens of ``row``, as the only row.

        Returns:
            How many tokens were kept: ``length``, or 0 where the cache cannot be cut there.
        """
        ...

    def reset(self) -> None:
        """Keep one empty row, and give back the memory that texts have taken.

        It asks for none, so that it works where there is none, and whatever a step that broke off
        has left behind.
        """
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """What a model offers whose next step can start from a token that only the device knows."""

    @property
    def looks_ahead(self) -> bool:
        """Whether it pays here: where the host would otherwise wait for the device."""
        ...

    def decode_ahead(self, token_id: torch.Tensor) -> torch.Tensor:
        """Append a token, shape (1,), int64 on the device, to the only row, without waiting.

        Until ``settle`` the token is not among ``rows``; nothing else may be called before it.

        Returns:
            The logits after it, shape (1, vocabulary), float32; later calls leave them alone.
        """
        ...

    def settle(self, token_id: int | None) -> None:
        """Tell which token ``decode_ahead`` has appended, or ``None`` to take it back.

        Where nothing is to be settled, ``None`` changes nothing.
        """
        ...


@runtime_checkable
class RunsOn(Protocol):
    """What a model offers that can go on by itself, always with the likeliest token.

    So that a small model need not wait after every token for what is told of it.
    """

    @property
    def most_run_on(self) -> int:
        """How many tokens at once it is worth while to run on; 0 where it is not at all."""
        ...

    def run_on(self, token_id: int, count: int) -> tuple[torch.Tensor, list[int]]:
        """Append a token to the only row, and then ``count`` times the likeliest one after it.

        Returns:
            The logits after each of them, shape (count + 1, vocabulary), float32: to the bit those
            that ``decode`` returns one after the other, until the next step writes over them. And
            the ``count`` tokens.
        """
        ...


@runtime_checkable
class ReadsBySteps(Protocol):
    """What a model offers that can read a text as a run does, beside its cache."""

    @property
    def is_rounded(self) -> bool:
        """Whether logits may depend on how many tokens were read together, by more than float32."""
        ...

    def logits_by_steps(self, token_ids: Sequence[int], begin: int) -> Generator[torch.Tensor]:
        """Yield the logits after the first ``begin`` tokens, a prompt, and after each further one.

        They are float32, shape (1, vocabulary), until the next are asked for. The rows are as they
        were when all have been asked for, or it is closed; until then nothing else may be called.
        """
        ...


@runtime_checkable
class TakesGuesses(Protocol):
    """What a model offers that can check several tokens in about the time of one.

    ``guess`` and ``check`` follow ``prefill`` or each other, while there is one row.
    """

    @property
    def most_guesses(self) -> int:
        """How many guesses can be checked at once; 0 where there is no assistant."""
        ...

    def guess(self, token_id: int) -> torch.Tensor:
        """Show the assistant one token more, which is not yet among ``rows``.

        Returns:
            What the assistant makes of it: logits, shape (1, vocabulary), float32.
        """
        ...

    def check(self, token_ids: Sequence[int]) -> torch.Tensor:
        """Forget what the assistant was shown, and append ``token_ids`` to the only row.

        Returns:
            The model's own logits after each, shape (n, vocabulary), float32: to the bit those
            that ``decode`` returns one after the other.
        """
        ...


@runtime_checkable
class SharesWeights(Protocol):
    """What a model offers that can read another text beside its own."""

    def beside(self) -> CausalModel:
        """Return the same model with an empty cache of its own; what was given before is void."""
        ...

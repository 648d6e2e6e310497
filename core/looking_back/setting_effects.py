"""Settings applied to one step's raw logits, setting by setting: what each did to which token.

Must never run a model or change logits in place. The settings act through
``core.decoding.weighing.processors``, so that what is told here is what a run would do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.decoding.weighing.processors import build_processors
from core.decoding.weighing.step import readable
from core.records.errors import PlaygroundError
from core.records.settings import Settings


@dataclass(frozen=True, slots=True)
class SettingEffect:
    """What one setting did when its turn came.

    ``removed`` tokens went and ``kept`` were left. ``removed_mass`` is their share of the
    probability as it stood then, ``removed_own_mass`` that which the model gave them, 0 to 1.
    ``entropy`` is that of what was left, in bits.
    """

    name: str
    removed: int
    removed_mass: float
    removed_own_mass: float
    kept: int
    entropy: float


@dataclass(frozen=True, slots=True)
class Applied:
    """One step's scores after all settings.

    ``logits``: the raw ones, shape (vocabulary,), float32. ``scores``: after all settings, same
    shape, minus infinity where removed. ``remover``: which of ``names`` removed each token, same
    shape, int64, -1 where none did. ``names`` are the settings in the order in which they acted.
    """

    logits: torch.Tensor
    scores: torch.Tensor
    remover: torch.Tensor
    names: tuple[str, ...]

    def cut_by(self, token_id: int) -> str | None:
        """Return the setting that removed a token, ``None`` where it was left."""
        position = int(self.remover[token_id])
        return None if position < 0 else self.names[position]

    @property
    def logprobs(self) -> torch.Tensor:
        """The model's own log-probabilities, shape (vocabulary,), float64, as a run has them."""
        return torch.log_softmax(self.logits.double(), dim=-1)

    @property
    def final_logprobs(self) -> torch.Tensor:
        """The log-probabilities that are chosen from, shape (vocabulary,), float64."""
        return torch.log_softmax(self.scores.double(), dim=-1)


def apply_settings(
    logits: torch.Tensor,
    context: Sequence[int],
    prompt_length: int,
    settings: Settings,
    eos_token_ids: Sequence[int],
    unconditional: torch.Tensor | None = None,
) -> tuple[Applied, tuple[SettingEffect, ...]]:
    """Apply ``settings`` to one step's raw logits, shape (vocabulary,), float32, on the host.

    Args:
        logits: Of the token that follows ``context``.
        context: The whole document before it.
        prompt_length: How much of ``context`` stood before the first generated token.
        settings: Greedy or sampling, with token ids where they may have texts.
        eos_token_ids: The tokens with which the model ends a text.
        unconditional: What it said without the prompt, shape (vocabulary,), float32.

    Raises:
        PlaygroundError: The settings search with beams, which weigh texts and not single steps; or
            they are guided, and nothing was kept to guide them by.
    """
    refuse_beams(settings)
    if settings.is_guided and unconditional is None:
        raise not_guided()
    remover = torch.full(logits.shape, -1)
    scores = logits[None]
    token_ids = torch.tensor([list(context)]).long()
    effects: list[SettingEffect] = []
    processors = build_processors(
        settings, prompt_length, eos_token_ids, logits.device, lambda _: _row(unconditional)
    )
    logits = readable(scores, processors)[0]
    own = torch.softmax(logits, dim=-1)
    for position, processor in enumerate(processors):
        before = torch.softmax(scores[0], dim=-1)
        scores = processor.process(token_ids, scores)
        is_gone = torch.isneginf(scores[0])
        removed = is_gone & (remover < 0) & ~torch.isneginf(logits)
        remover[removed] = position
        remover[~is_gone] = -1  # an end of text that is forced comes back
        left = torch.softmax(scores[0], dim=-1)
        effects.append(
            SettingEffect(
                name=processor.name,
                removed=int(removed.sum()),
                removed_mass=float(before[removed].sum()),
                removed_own_mass=float(own[removed].sum()),
                kept=int((scores[0] > -math.inf).sum()),
                entropy=entropy_bits(left),
            )
        )
    names = tuple(processor.name for processor in processors)
    return Applied(logits, scores[0], remover, names), tuple(effects)


def _row(logits: torch.Tensor | None) -> torch.Tensor:
    if logits is None:
        raise not_guided()
    return logits[None]


def not_guided() -> PlaygroundError:
    """Return what to raise where nothing was kept of what the model says without the prompt."""
    return PlaygroundError(
        "what the model says without the prompt was not asked in this run; guidance_scale needs it:"
        " run it with that"
    )


def refuse_beams(settings: Settings) -> None:
    """Raise unless ``settings`` choose token by token.

    Raises:
        PlaygroundError: They search with beams.
    """
    if settings.num_beams > 1:
        raise PlaygroundError(
            "beams choose among whole texts, not token by token; pick settings without num_beams"
        )


def entropy_bits(probabilities: torch.Tensor) -> float:
    """Return the entropy of ``probabilities``, shape (vocabulary,), in bits."""
    return float(torch.special.entr(probabilities).sum()) / math.log(2)

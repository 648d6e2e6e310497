"""Settings to transformers' logits processors, in ``generate()``'s order.

Must never choose a token, and never changes logits in place. The order and conditions follow
``GenerationMixin._get_logits_processor`` of transformers 5; ``quick_warpers`` stand in for four of
its classes, two of them on the processor alone, and ``decay`` for two and around two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from transformers.generation.logits_process import (
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    ForcedEOSTokenLogitsProcessor,
    InfNanRemoveLogitsProcessor,
    MinPLogitsWarper,
    NoBadWordsLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopHLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from core.decoding.guiding import guided
from core.decoding.token_texts import ends_of_text
from core.decoding.weighing.decay import Decay, WhereAnyIsLeft, renormalized
from core.decoding.weighing.quick_warpers import QuickMinNewTokens, QuickTopP, QuickTypical
from core.records.settings import Settings

Process = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class NamedProcessor:
    """A logits processor and the setting that asked for it.

    ``process`` takes token ids, shape (rows, length), int64, and scores, shape (rows, vocabulary),
    float32, and returns new scores; removed tokens have minus infinity. Where ``reads_tokens`` is
    false, it looks at the length of the rows alone.
    """

    name: str
    process: Process
    reads_tokens: bool = False


_TOKEN_READERS = (
    "guidance_scale",
    "sequence_bias",
    "repetition_penalty",
    "no_repeat_ngram_size",
    "bad_words_ids",
)

Unconditional = Callable[[torch.Tensor], torch.Tensor]
"""What the model says without the prompt: documents, shape (rows, length), to logits."""


def build_processors(
    settings: Settings,
    prompt_length: int,
    eos_token_ids: Sequence[int],
    device: torch.device,
    unconditional: Unconditional | None = None,
) -> list[NamedProcessor]:
    """Return the processors that ``generate()`` would apply, in its order.

    ``settings`` have token ids where they may have texts. ``prompt_length`` counts the tokens
    before the first generated one, ``eos_token_ids`` are the model's. Settings at their default add
    none, as in transformers.

    Raises:
        ValueError: The settings ask for guidance, and nobody is there who gives it.
    """
    ends = ends_of_text(settings, eos_token_ids)
    processors: list[NamedProcessor] = []

    def add(name: str, processor: Process) -> None:
        processors.append(NamedProcessor(name, processor, name in _TOKEN_READERS))

    if settings.is_guided:
        if unconditional is None:
            raise ValueError("nobody says what the model would say without the prompt")
        add("guidance_scale", _guidance(settings.guidance_scale or 0.0, unconditional))
    _add_penalties(add, settings, ends)
    _add_lengths(add, settings, prompt_length, ends, device)
    if settings.suppress_tokens:
        suppressed = SuppressTokensLogitsProcessor(settings.suppress_tokens, device=str(device))
        add("suppress_tokens", cast("Process", suppressed))
    if settings.begin_suppress_tokens:
        at_begin = SuppressTokensAtBeginLogitsProcessor(
            settings.begin_suppress_tokens, prompt_length, device=str(device)
        )
        add("begin_suppress_tokens", cast("Process", at_begin))
    if settings.do_sample:
        # Beams must be left a token besides the ends of text, or none could go on.
        keep = len(ends) + 1 if ends else 2
        _add_warpers(add, settings, keep if settings.num_beams > 1 else 1, device)
    if settings.renormalize_logits:
        add("renormalize_logits", renormalized)
    return processors


def _guidance(scale: float, unconditional: Unconditional) -> Process:
    return lambda token_ids, scores: guided(scores, unconditional(token_ids), scale)


def _add_penalties(
    add: Callable[[str, Process], None], settings: Settings, ends: Sequence[int]
) -> None:
    """Add what looks at the tokens that are written."""
    if settings.sequence_bias:
        biases = SequenceBiasLogitsProcessor(cast("Any", dict(settings.sequence_bias)))
        add("sequence_bias", cast("Process", biases))
    if settings.repetition_penalty != 1.0:
        add("repetition_penalty", RepetitionPenaltyLogitsProcessor(settings.repetition_penalty))
    if settings.no_repeat_ngram_size > 0:
        add("no_repeat_ngram_size", NoRepeatNGramLogitsProcessor(settings.no_repeat_ngram_size))
    # An end of text alone is no bad word to generate(), which takes it out.
    words = [list(one) for one in settings.bad_words_ids if len(one) > 1 or one[0] not in ends]
    if words:
        add("bad_words_ids", cast("Process", NoBadWordsLogitsProcessor(cast("Any", words))))


def _add_lengths(
    add: Callable[[str, Process], None],
    settings: Settings,
    prompt_length: int,
    ends: Sequence[int],
    device: torch.device,
) -> None:
    """Add what depends on how long the text is, and what stands between in ``generate()``."""
    if settings.min_length and ends and settings.min_new_tokens is None:
        add("min_length", QuickMinNewTokens(settings.min_length, ends, device))
    if settings.min_new_tokens and ends:
        shortest = prompt_length + settings.min_new_tokens
        add("min_new_tokens", QuickMinNewTokens(shortest, ends, device))
    if settings.forced_eos_token_id:
        forced = ForcedEOSTokenLogitsProcessor(
            settings.longest(prompt_length),
            cast("list[int]", list(settings.forced_eos_token_id)),
            device=str(device),
        )
        add("forced_eos_token_id", cast("Process", forced))
    if settings.remove_invalid_values:
        add("remove_invalid_values", cast("Process", InfNanRemoveLogitsProcessor()))
    decay = settings.exponential_decay_length_penalty
    if decay is not None and ends:
        add("exponential_decay_length_penalty", Decay(prompt_length + decay[0], decay[1], ends))


def _add_warpers(
    add: Callable[[str, Process], None],
    settings: Settings,
    min_tokens_to_keep: int,
    device: torch.device,
) -> None:
    keep = min_tokens_to_keep
    if settings.temperature != 1.0:
        add("temperature", TemperatureLogitsWarper(settings.temperature))
    if settings.top_h is not None:
        add("top_h", WhereAnyIsLeft(cast("Process", TopHLogitsWarper(settings.top_h))))
    if settings.top_k != 0:
        add("top_k", TopKLogitsWarper(settings.top_k, min_tokens_to_keep=keep))
    # On a GPU a sort is quicker than to wait for what the quick classes must know.
    is_quick = device.type == "cpu"
    if settings.top_p < 1.0:
        top_p = QuickTopP if is_quick else TopPLogitsWarper
        add("top_p", cast("Process", top_p(settings.top_p, min_tokens_to_keep=keep)))
    if settings.min_p is not None:
        add("min_p", cast("Process", MinPLogitsWarper(settings.min_p, min_tokens_to_keep=keep)))
    if settings.typical_p < 1.0:
        typical = QuickTypical if is_quick else TypicalLogitsWarper
        add("typical_p", cast("Process", typical(settings.typical_p, min_tokens_to_keep=keep)))
    if settings.epsilon_cutoff > 0.0:
        add("epsilon_cutoff", EpsilonLogitsWarper(settings.epsilon_cutoff, min_tokens_to_keep=keep))
    if settings.eta_cutoff > 0.0:
        eta = EtaLogitsWarper(settings.eta_cutoff, min_tokens_to_keep=keep, device=str(device))
        add("eta_cutoff", WhereAnyIsLeft(eta))

"""A given text under a model: what each token cost, and which settings could have written it.

Must never choose a token. Where the model offers ``all_logits``, scoring leaves its cache alone, so
that what is generated afterwards is the same; else the cache is begun anew. Belongs on the thread
that owns the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import torch

from core.decode_state import DecodeState
from core.decoding import SHOWN_CANDIDATES, not_all_numbers
from core.errors import PlaygroundError
from core.models.base import CausalModel, ReadsBySteps
from core.preset_book import Preset
from core.processors import NamedProcessor, build_processors
from core.replay import entropy_bits
from core.scores import Forbidden, PresetVerdict, ScoredText, ScoredToken
from core.settings import DEFAULT_NEW_TOKENS, Settings
from core.steps import Candidate
from core.stopping import StopRule
from core.text import TextCodec
from core.token_ids import check_token_ids


@runtime_checkable
class AllLogits(Protocol):
    """What a model offers that can read a text in large pieces, beside its cache."""

    def all_logits(self, token_ids: Sequence[int]) -> Iterator[torch.Tensor]:
        """Yield the logits after each of ``token_ids``, in pieces of shape (n, vocabulary).

        They are float32. The rows of the cache stay as they are.
        """
        ...


def score_text(
    model: CausalModel,
    codec: TextCodec,
    text: str,
    presets: Sequence[Preset] = (),
    *,
    prompt: str = "",
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ScoredText:
    """Score ``text`` as a continuation of ``prompt``, and ask of each preset if it could write it.

    Without a prompt the text stands behind the token that an empty prompt begins with, if the
    model has one.

    Raises:
        PlaygroundError: The text is empty, not valid Unicode, longer than the model's context, or
            has tokens that the model has not; or its logits are not all numbers.
    """
    if prompt:
        context = tuple(codec.encode(prompt, is_beginning=True))
    elif model.bos_token_id is not None:
        context = (model.bos_token_id,)
    else:
        context = ()
    token_ids = tuple(codec.encode(text, is_beginning=not context))
    return score_tokens(model, codec, context, token_ids, presets, is_cancelled=is_cancelled)


def score_tokens(
    model: CausalModel,
    codec: TextCodec,
    context: tuple[int, ...],
    token_ids: tuple[int, ...],
    presets: Sequence[Preset] = (),
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ScoredText:
    """Score tokens as they are, such as a prompt's or those of a run; see ``score_text``.

    Where ``is_cancelled`` says so, the tokens scored until then are returned, without verdicts.

    Raises:
        PlaygroundError: There are no tokens, more than the model's context holds, or some that the
            model has not; or its logits are not all numbers.
    """
    document = context + token_ids
    if not token_ids:
        raise PlaygroundError("there is no text to score")
    if model.context_size is not None and len(document) > model.context_size:
        raise PlaygroundError(
            f"the text has {len(document):,} tokens, and this model reads at most"
            f" {model.context_size:,}; score a shorter part of it"
        )
    check_token_ids(document, model.vocabulary_size)
    first = max(len(context), 1)
    judges = [_judge(model, codec, one, context, token_ids) for one in presets]
    scored: list[ScoredToken] = []
    state = codec.state_after(document[:first])
    head = "" if context else codec.extend(DecodeState(), document[0])[0]
    for at, logits in enumerate(_logits(model, document[:-1]), start=1):
        if is_cancelled():
            return ScoredText(context, token_ids, first - len(context), tuple(scored))
        if at < first:
            continue
        text, state = codec.extend(state, document[at])
        scored.append(_scored(logits, document[at], text, codec))
        for judge in judges:
            judge.see(at - len(context), logits, scored[-1].token)
    again = [one for one in judges if one.forbidden]
    if again and isinstance(model, ReadsBySteps) and model.is_rounded:
        # By what rounding does to a piece, no preset is said to forbid what it wrote itself.
        for judge in again:
            judge.begin_anew()
        with closing(model.logits_by_steps(document[:-1], first)) as steps:
            for index, (one, logits) in enumerate(zip(scored, steps, strict=False)):
                if is_cancelled():
                    return ScoredText(context, token_ids, first - len(context), tuple(scored))
                for judge in again:
                    judge.see(first - len(context) + index, logits[0].cpu(), one.token)
                if all(one.forbidden for one in again):
                    break
    verdicts = tuple(judge.verdict() for judge in judges)
    return ScoredText(context, token_ids, first - len(context), tuple(scored), verdicts, head)


def _logits(model: CausalModel, token_ids: Sequence[int]) -> Iterator[torch.Tensor]:
    """Yield the logits after each of ``token_ids``, shape (vocabulary,), float32, on the host."""
    if not token_ids:
        return
    if isinstance(model, AllLogits):
        for piece in model.all_logits(token_ids):
            yield from piece.cpu()
        return
    model.rewind(0)
    yield model.prefill(token_ids[:1])[0].cpu()
    for token_id in token_ids[1:]:
        yield model.decode([token_id])[0].cpu()


def _scored(logits: torch.Tensor, token_id: int, text: str, codec: TextCodec) -> ScoredToken:
    logprobs = torch.log_softmax(logits, dim=-1)
    top = torch.topk(logprobs, min(SHOWN_CANDIDATES, len(logprobs)))
    if math.isnan(top.values[0]):
        raise not_all_numbers()
    likeliest = tuple(
        Candidate(one, codec.token_text(one), logprob, logprob, rank)
        for rank, (one, logprob) in enumerate(
            zip(top.indices.tolist(), top.values.tolist(), strict=True), start=1
        )
    )
    rank = 1 + int((logits > logits[token_id]).sum())
    logprob = float(logprobs[token_id])
    token = Candidate(token_id, codec.token_text(token_id), logprob, logprob, rank)
    return ScoredToken(token, text, likeliest, entropy_bits(logprobs.exp()))


def _judge(
    model: CausalModel,
    codec: TextCodec,
    preset: Preset,
    context: tuple[int, ...],
    token_ids: tuple[int, ...],
) -> _Judge:
    settings, ends = preset.settings, model.eos_token_ids
    limit = _longest(settings, len(context))
    return _Judge(
        preset,
        codec,
        context,
        token_ids,
        build_processors(settings, len(context), ends, torch.device("cpu")),
        StopRule(codec, context, ends, settings.stop_strings, len(token_ids), "length"),
        stops_after=limit if limit < len(token_ids) else None,
    )


def _longest(settings: Settings, context_length: int) -> int:
    if settings.max_new_tokens is not None:
        return settings.max_new_tokens
    if settings.max_length is not None:
        return max(0, settings.max_length - context_length)
    return DEFAULT_NEW_TOKENS


@dataclass(slots=True)
class _Judge:
    """Follows one preset through a text, up to the first token that it forbids."""

    preset: Preset
    codec: TextCodec
    context: tuple[int, ...]
    token_ids: tuple[int, ...]
    processors: list[NamedProcessor]
    stop_rule: StopRule
    stops_after: int | None
    costs: list[float] = field(default_factory=list)
    forbidden: Forbidden | None = None

    def begin_anew(self) -> None:
        """Forget what was seen."""
        self.costs, self.forbidden = [], None

    def see(self, index: int, logits: torch.Tensor, token: Candidate) -> None:
        """Look at token ``index`` of the text, and at the raw logits that it was chosen from."""
        if self.forbidden is not None or self.preset.settings.num_beams > 1:
            return
        cut_by = self._ended_by(index)
        scores = logits[None]
        document = torch.tensor([[*self.context, *self.token_ids[:index]]]).long()
        for processor in self.processors:
            scores = processor.process(document, scores)
            if cut_by is None and bool(torch.isneginf(scores[0, token.token_id])):
                cut_by = processor.name
        best = int(scores[0].argmax())
        is_greedy = not self.preset.settings.do_sample
        if cut_by is None and is_greedy and best != token.token_id:
            cut_by = "do_sample"
        final = torch.log_softmax(scores[0], dim=-1)
        if cut_by is None:
            self.costs.append(0.0 if is_greedy else -float(final[token.token_id]) / math.log(2))
            return
        own = torch.log_softmax(logits, dim=-1)
        instead = Candidate(
            best,
            self.codec.token_text(best),
            float(own[best]),
            float(final[best]),
            1 + int((own > own[best]).sum()),
        )
        removed = replace(token, final_logprob=None, cut_by=cut_by)
        self.forbidden = Forbidden(index, removed, cut_by, instead)

    def _ended_by(self, index: int) -> str | None:
        """Return what would have ended the text before token ``index``, if anything."""
        reason = self.stop_rule.reason(self.token_ids[:index]) if index else None
        return {"end_of_text": "eos_token_id", "stop_string": "stop_strings"}.get(reason or "")

    def verdict(self) -> PresetVerdict:
        """Return what the whole text showed."""
        is_beams = self.preset.settings.num_beams > 1
        return PresetVerdict(
            self.preset.name,
            None if is_beams else self.forbidden is None,
            self.forbidden,
            math.fsum(self.costs),
            len(self.costs),
            self.stops_after,
        )

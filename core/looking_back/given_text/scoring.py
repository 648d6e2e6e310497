"""A given text under a model: what each token cost, and which settings could have written it.

Must never choose a token. Where the model offers ``all_logits``, scoring leaves its cache alone, so
that what is generated afterwards is the same; else the cache is begun anew. Belongs on the thread
that owns the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Protocol, runtime_checkable

import torch

from core.decoding.weighing.figures import ranks, row_figures
from core.decoding.weighing.step import SHOWN_CANDIDATES, not_all_numbers
from core.looking_back.given_text.verdicts import Judge, fewest_tokens, judge_of, other_readings
from core.looking_back.setting_effects import entropy_bits
from core.models.base import CausalModel, ReadsBySteps
from core.presets.book import Preset
from core.records.decode_state import DecodeState
from core.records.errors import PlaygroundError
from core.records.scores import PresetVerdict, ScoredText, ScoredToken
from core.records.steps import Candidate
from core.text.codec import TextCodec
from core.text.token_ids import check_token_ids


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
    """Score ``text`` as what follows ``prompt``, and ask of each preset if it could write it.

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
    return score_tokens(
        model, codec, context, token_ids, presets, is_text=True, is_cancelled=is_cancelled
    )


def score_tokens(
    model: CausalModel,
    codec: TextCodec,
    context: tuple[int, ...],
    token_ids: tuple[int, ...],
    presets: Sequence[Preset] = (),
    *,
    prompt_length: int = 0,
    is_text: bool = False,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ScoredText:
    """Score tokens as they are, such as a prompt's or those of a run; see ``score_text``.

    Presets are asked of the tokens behind the first ``prompt_length``. ``is_text`` is whether the
    tokens are but one way to read a text: then it is told where another might be judged otherwise.
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
    asked = len(context) + prompt_length
    answers = [_judge(model, codec, one, document[:asked], document[asked:]) for one in presets]
    judges = [one for one in answers if isinstance(one, Judge)]
    scored: list[ScoredToken] = []
    state = codec.state_after(document[:first])
    head = "" if context else codec.extend(DecodeState(), document[0])[0]
    for at, logits in enumerate(logits_after_each(model, document[:-1]), start=1):
        if is_cancelled():
            return ScoredText(context, token_ids, first - len(context), tuple(scored))
        if at < first:
            continue
        before = state
        text, state = codec.extend(state, document[at])
        scored.append(_scored(logits, document[at], text, codec))
        if at < asked:
            continue
        others: tuple[int, ...] = ()
        if is_text and any(judge.wants_others for judge in judges):
            others = other_readings(codec, before, document[at:])
        for judge in judges:
            judge.see(at - asked, logits, scored[-1].token, others)
    again = [one for one in judges if one.forbidden]
    if again and isinstance(model, ReadsBySteps) and model.is_rounded:
        # By what rounding does to a piece, no preset is said to forbid what it wrote itself.
        for judge in again:
            judge.begin_anew()
        begin = max(first, asked)
        with closing(model.logits_by_steps(document[:-1], begin)) as steps:
            asked_of = zip(scored[begin - first :], steps, strict=False)
            for at, (one, logits) in enumerate(asked_of, start=begin):
                if is_cancelled():
                    return ScoredText(context, token_ids, first - len(context), tuple(scored))
                for judge in again:
                    judge.see(at - asked, logits[0].cpu(), one.token)
                if all(one.forbidden for one in again):
                    break
    fewest = None
    if is_text and any(judge.wants_fewest for judge in judges):
        asked_text = "".join(one.text for one in scored[max(0, asked - first) :])
        asked_text = head + asked_text if asked < first else asked_text
        fewest = fewest_tokens(_token_texts(model, codec), asked_text)
    verdicts = tuple(
        one.verdict(prompt_length, fewest) if isinstance(one, Judge) else one for one in answers
    )
    return ScoredText(
        context,
        token_ids,
        first - len(context),
        tuple(scored),
        verdicts,
        head,
        is_unscored_special=not context and document[0] in codec.special_token_ids,
        prompt_tokens=max(0, asked - first),
    )


def _judge(
    model: CausalModel,
    codec: TextCodec,
    preset: Preset,
    context: tuple[int, ...],
    token_ids: tuple[int, ...],
) -> Judge | PresetVerdict:
    """Return who follows ``preset`` through the text, or why nobody can."""
    try:
        return judge_of(model, codec, preset, context, token_ids)
    except PlaygroundError as error:
        return PresetVerdict(preset.name, None, None, 0.0, 0, obstacle=str(error))


def _token_texts(model: CausalModel, codec: TextCodec) -> frozenset[str]:
    token_ids = set(range(model.vocabulary_size)) - codec.special_token_ids
    return frozenset(map(codec.token_text, token_ids))


def logits_after_each(model: CausalModel, token_ids: Sequence[int]) -> Iterator[torch.Tensor]:
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
    logprobs = torch.log_softmax(logits.double(), dim=-1)
    if math.isnan(logprobs.max()):
        raise not_all_numbers()
    # Of equals the lowest id comes first, as in the steps of a run.
    (top,) = row_figures(logits[None], min(SHOWN_CANDIDATES, len(logprobs)))
    own = logprobs[list(top.token_ids)].tolist()
    shown = zip(top.token_ids, own, ranks(top.values), strict=True)
    likeliest = tuple(
        Candidate(one, codec.token_text(one), logprob, logprob, rank)
        for one, logprob, rank in shown
    )
    rank = 1 + int((logits > logits[token_id]).sum())
    logprob = float(logprobs[token_id])
    token = Candidate(token_id, codec.token_text(token_id), logprob, logprob, rank)
    is_special = token_id in codec.special_token_ids
    return ScoredToken(token, text, likeliest, entropy_bits(logprobs.exp()), is_special)

"""Prompt, settings and model to an iterator of steps.

Must never load a model, start a thread or import a user interface. The tokens are those of
transformers' ``generate()`` under the same settings and seed; the tests hold it to that.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import torch

from core.ahead import AheadChooser
from core.assisted import AssistedChooser
from core.backends.base import Request
from core.beam_steps import beam_steps
from core.choosers import Chooser, StepByStep
from core.errors import PlaygroundError
from core.models.base import CausalModel, LooksAhead, RunsOn, TakesGuesses
from core.processors import build_processors
from core.run import Run
from core.run_on import RunOnChooser
from core.settings import DEFAULT_NEW_TOKENS, Settings
from core.steps import Event, FinishReason, Started, TokenStep
from core.stopping import StopRule
from core.text import TextCodec
from core.token_ids import check_token_ids, common_length

_SEEDS = 2**32
"""A run without a seed draws one below this: short enough to be typed again."""


def generate(
    model: CausalModel, codec: TextCodec, request: Request, is_cancelled: Callable[[], bool]
) -> Iterator[Event]:
    """Run ``request``: yield ``Started``, one record for each step, then one ``Finished``.

    ``is_cancelled`` is asked before every step; what was generated until then is kept.

    Raises:
        PlaygroundError: The request cannot be run; nothing has been yielded then.
    """
    run = _prepare(model, codec, request)
    yield run.started
    run.begin_recording()
    steps = beam_steps if request.settings.num_beams > 1 else _token_steps
    yield from steps(run, is_cancelled)


def _token_steps(run: Run, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
    token_ids: list[int] = []
    texts: list[str] = []
    state = run.codec.state_after(run.started.context_token_ids)
    reason: FinishReason | None = None
    with closing(_chooser(run)) as chooser:
        while reason is None:
            if is_cancelled():
                reason = "cancelled"
                break
            token, distribution = chooser.next(token_ids)
            text, state = run.codec.extend(state, token.token_id)
            token_ids.append(token.token_id)
            texts.append(text)
            elapsed = run.tick()
            yield TokenStep(len(token_ids) - 1, token, distribution, text, elapsed)
            reason = run.stop_rule.reason(token_ids)
    # Bytes that never became a character are shown as what they are: replacement marks.
    yield run.finished(reason, token_ids, "".join(texts) + run.codec.rest(state))


def _chooser(run: Run) -> Chooser:
    model = run.model
    if isinstance(model, LooksAhead) and model.looks_ahead:
        return AheadChooser(run, model)
    if isinstance(model, TakesGuesses) and model.most_guesses:
        return AssistedChooser(run, model)
    if isinstance(model, RunsOn) and model.most_run_on and not run.settings.do_sample:
        return RunOnChooser(run, model)
    return StepByStep(run)


def _prepare(model: CausalModel, codec: TextCodec, request: Request) -> Run:
    settings = request.settings
    before = request.context_token_ids
    prompt = tuple(codec.encode(request.prompt, is_beginning=not before)) if request.prompt else ()
    if not before and not prompt:
        if model.bos_token_id is None:
            raise PlaygroundError("this model cannot begin a text by itself; type a prompt")
        prompt = (model.bos_token_id,)
    context = before + prompt
    check_token_ids(context, model.vocabulary_size)
    limit, reason = _limit(len(context), settings, model.context_size)
    seed = settings.seed if settings.seed is not None else secrets.randbelow(_SEEDS)
    reused, row = _reusable(model.rows, before, len(context) - 1)
    eos = model.eos_token_ids
    return Run(
        model=model,
        codec=codec,
        settings=settings,
        started=Started(context, prompt, limit, model.context_size, seed),
        reused_tokens=reused,
        reused_row=row,
        processors=build_processors(settings, len(context), eos, model.device),
        stop_rule=StopRule(codec, context, eos, settings.stop_strings, limit, reason),
        generator=torch.Generator(device=model.device).manual_seed(seed),
        recorder=request.recorder,
    )


def _limit(length: int, settings: Settings, context_size: int | None) -> tuple[int, FinishReason]:
    """Return how many tokens may follow a document of ``length`` tokens, and what stops them."""
    if context_size is not None and length >= context_size:
        raise PlaygroundError(
            f"the text has {length:,} tokens, and this model reads at most {context_size:,};"
            " shorten the prompt, or clear what stands before it"
        )
    if settings.max_new_tokens is not None:
        wanted = settings.max_new_tokens
    elif settings.max_length is not None:
        wanted = settings.max_length - length
        if wanted < 1:
            raise PlaygroundError(
                f"max_length ({settings.max_length:,}) counts the whole text, which has {length:,}"
                " tokens already; set max_new_tokens instead, raise it, or clear the text"
            )
    else:
        wanted = DEFAULT_NEW_TOKENS
    if context_size is None or wanted <= context_size - length:
        return wanted, "length"
    return context_size - length, "context_full"


def _reusable(
    rows: Sequence[Sequence[int]], context: tuple[int, ...], most: int
) -> tuple[int, int]:
    """Return how many tokens of ``context`` a row of the cache holds already, and which row.

    A new document never reuses the old one's cache: rounding differs between one pass over a
    prompt and several, and the same seed must give the same tokens whatever ran before.
    """
    best, best_row = 0, 0
    for row, cached in enumerate(rows):
        length = common_length(context, cached)
        if length > best:
            best, best_row = length, row
    return min(best, most), best_row

"""Prompt, settings and model to an iterator of steps.

Must never load a model, start a thread or import a user interface. The tokens are those of
transformers' ``generate()`` under the same settings and seed; the tests hold it to that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch

from core.decoding.ahead import AheadChooser
from core.decoding.asking import answered
from core.decoding.assisted import AssistedChooser
from core.decoding.beams.steps import beam_steps
from core.decoding.choosers import Chooser, token_steps
from core.decoding.draws import skip_draws
from core.decoding.forced_steps import forced_steps, next_token
from core.decoding.guiding import guide_of
from core.decoding.run import Run
from core.decoding.run_on import RunOnChooser
from core.decoding.stopping import StopRule
from core.decoding.token_texts import ends_of_text, with_token_ids
from core.decoding.weighing.processors import build_processors
from core.models.base import CausalModel, LooksAhead, RunsOn, TakesGuesses
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.seeds import new_seed
from core.records.settings import DEFAULT_NEW_TOKENS
from core.records.steps import Event, FinishReason, Started
from core.text.codec import TextCodec
from core.text.token_ids import check_token_ids


def generate(
    model: CausalModel, codec: TextCodec, request: Request, is_cancelled: Callable[[], bool]
) -> Iterator[Event]:
    """Run ``request``: yield ``Started``, one record for each step, then one ``Finished``.

    ``is_cancelled`` is asked before every step; what was generated until then is kept.

    Raises:
        PlaygroundError: The request cannot be run; nothing has been yielded then.
    """
    run, forced = prepare(model, codec, request)
    yield run.started
    if not request.written_token_ids:
        run.begin_recording()
    if forced:
        yield from forced_steps(run, forced, is_cancelled)
        reason = _reason_behind(run, len(request.written_token_ids), forced, is_cancelled)
    else:
        reason = None if run.most_tokens else run.stop_rule.limit_reason
    if reason is None:
        yield from _steps(run, is_cancelled)
        return
    if reason == "by_hand":
        yield next_token(run)
    yield run.finished(reason, run.token_ids, run.text + codec.rest(run.state))


def _reason_behind(
    run: Run, written: int, forced: Sequence[int], is_cancelled: Callable[[], bool]
) -> FinishReason | None:
    """Return why a run ends behind ``forced``; ``None`` where the settings go on with it."""
    if len(run.token_ids) < written + len(forced) or is_cancelled():
        return "cancelled"
    before = run.context[: len(run.context) - len(forced)]
    rule = replace(run.stop_rule, context_token_ids=before, max_new_tokens=sys.maxsize)
    return rule.reason(forced) or (None if run.most_tokens else run.stop_rule.limit_reason)


def _steps(run: Run, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
    if run.settings.num_beams > 1:
        return answered(run, beam_steps(run, is_cancelled))
    return answered(run, token_steps(run, is_cancelled, _shortcut(run)))


def _shortcut(run: Run) -> Chooser | None:
    """Return what chooses the tokens of ``run`` quicker than step by step, if anything does."""
    model = run.model
    if run.guide is not None or run.settings.remove_invalid_values:
        return None
    if isinstance(model, LooksAhead) and model.looks_ahead:
        return AheadChooser(run, model)
    if isinstance(model, TakesGuesses) and model.most_guesses:
        return AssistedChooser(run, model)
    if isinstance(model, RunsOn) and model.most_run_on and not run.settings.do_sample:
        return RunOnChooser(run, model)
    return None


def prepare(model: CausalModel, codec: TextCodec, request: Request) -> tuple[Run, tuple[int, ...]]:
    """Return what runs ``request``, and the tokens that a person puts first.

    Raises:
        PlaygroundError: The request cannot be run.
    """
    by_hand = request.most_drawn is not None
    settings = with_token_ids(request.settings, codec, model.vocabulary_size)
    settings = settings.without_beams() if by_hand else settings
    before = request.context_token_ids
    prompt = codec.read(request.prompt, is_beginning=not before)
    if not before and not prompt:
        if model.bos_token_id is None:
            raise PlaygroundError("this model cannot begin a text by itself; type a prompt")
        prompt = (model.bos_token_id,)
    context = before + prompt
    forced = codec.read(request.forced, is_beginning=False)
    written = request.written_token_ids
    document = context + written
    check_token_ids(document + forced, model.vocabulary_size)
    _check_before(request, len(document))
    length = len(document) + len(forced)
    _check_room(length, model.context_size, has_steps=bool(forced))
    forced_tokens = 0 if by_hand else len(forced)
    prompt_length = len(context) + forced_tokens - request.counted
    guide = guide_of(model, settings, prompt_length)
    room = sys.maxsize if model.context_size is None else model.context_size - length
    if guide is not None:
        room = min(room, guide.room(length))
    limit, reason = _limit(length, request, room, has_steps=bool(forced))
    seed = settings.seed if settings.seed is not None else new_seed()
    generator = torch.Generator(device=model.device).manual_seed(seed)
    if settings.do_sample:
        skip_draws(generator, request.drawn, model.vocabulary_size)
    eos = ends_of_text(settings, model.eos_token_ids)
    most = len(written) + len(forced) + limit
    told = {"drawn": request.drawn, "counted": request.counted}
    without = guide.logits if guide is not None else None
    run = Run(
        model=model,
        codec=codec,
        settings=settings,
        started=Started(context, prompt, most, model.context_size, seed, **told),
        reusable=before + written,
        processors=build_processors(settings, prompt_length, eos, model.device, without),
        stop_rule=StopRule(codec, context, eos, settings.stop_strings, limit, reason),
        generator=generator,
        most_tokens=limit,
        state=codec.state_after(context),
        recorder=request.recorder,
        skip_special_tokens=request.skip_special_tokens,
        forced_tokens=forced_tokens,
        guide=guide,
    )
    run.write(written)
    return run, forced


def _check_before(request: Request, length: int) -> None:
    """Raise where more was drawn or counted before than a document of ``length`` tokens holds."""
    if max(request.drawn, request.counted) > length:
        raise PlaygroundError(
            f"the run is said to go on from {max(request.drawn, request.counted):,} tokens, and its"
            f" text has {length:,}; run it from its beginning"
        )


def _check_room(length: int, context_size: int | None, *, has_steps: bool) -> None:
    """Raise where a document of ``length`` tokens leaves no room for a step.

    ``has_steps`` is whether its last tokens are steps themselves, which may fill the context.
    """
    if context_size is not None and length + (not has_steps) > context_size:
        raise PlaygroundError(
            f"the text has {length:,} tokens, and this model reads at most {context_size:,};"
            " shorten the prompt, or clear what stands before it"
        )


def _limit(
    length: int, request: Request, room: int, *, has_steps: bool
) -> tuple[int, FinishReason]:
    """Return how many tokens may follow a document of ``length`` tokens, and what stops them.

    ``room`` is how many the model can still read.
    """
    settings = request.settings
    reason: FinishReason = "length"
    if request.most_drawn is not None:
        wanted, reason = request.most_drawn, "by_hand"
    elif settings.max_new_tokens is not None:
        wanted = settings.max_new_tokens - request.counted
        if wanted + has_steps < 1:
            raise PlaygroundError(
                f"max_new_tokens ({settings.max_new_tokens:,}) is reached here already: the run"
                f" has written {request.counted:,} tokens up to this step; raise it"
            )
    elif settings.max_length is not None:
        wanted = settings.max_length - length
        if wanted + has_steps < 1:
            raise PlaygroundError(
                f"max_length ({settings.max_length:,}) counts the whole text, which has {length:,}"
                " tokens already; set max_new_tokens instead, raise it, or clear the text"
            )
    else:
        wanted = max(0, DEFAULT_NEW_TOKENS - request.counted)
    if wanted < room or (wanted == room and reason == "length"):
        return wanted, reason
    return room, "context_full"

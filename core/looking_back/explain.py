"""Why this token: everything about one recorded step, computed from its logits when asked.

Must never run a model, and never alters what was recorded. Ranks and counts are those of the run to
the unit: they are computed from the very logits that it chose from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from core.decoding.recording import recorded_logits, recorded_unconditional
from core.decoding.token_texts import with_token_ids
from core.decoding.weighing.figures import RowFigures, ranks, row_figures
from core.looking_back.setting_effects import Applied, SettingEffect, apply_settings, entropy_bits
from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun, RecordedStep, TokenTexts
from core.records.settings import Settings
from core.records.steps import Candidate
from core.text.readable import number

MOST_ROWS = 200
"""How many candidates one explanation lists at most."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One step, explained.

    ``token`` is the chosen one, whether it is among ``rows`` or not; its surprisal is
    ``token.surprisal``. ``final_rank`` is its rank among the tokens left, ``None`` where these
    settings remove it. ``entropy`` and ``final_entropy`` are before and after the settings, in
    bits. ``effects`` are what the settings did, in the order in which they acted. ``rows`` are in
    falling model probability; ``rest`` and ``final_rest`` are what lies outside them, 0 to 1.
    """

    token: Candidate
    final_rank: int | None
    entropy: float
    final_entropy: float
    vocabulary_size: int
    kept: int
    effects: tuple[SettingEffect, ...]
    rows: tuple[Candidate, ...]
    rest: float
    final_rest: float


def explain(
    run: RecordedRun, index: int, settings: Settings | None = None, rows: int = 5
) -> Explanation:
    """Explain step ``index`` of ``run`` under its own settings, or under others.

    Args:
        run: Recorded with a ``LogitsStore``.
        index: Of the step, from 0.
        settings: Greedy or sampling; ``None`` for those that the run had.
        rows: How many candidates to list, at most ``MOST_ROWS``.

    Raises:
        PlaygroundError: The step's logits are no longer kept, or the settings are beams.
    """
    applied, effects = applied_settings(run, index, settings)
    logprobs, final_logprobs = applied.logprobs, applied.final_logprobs
    count = min(max(rows, 1), MOST_ROWS, len(logprobs))
    (top,) = row_figures(applied.logits[None], count)
    shown = list(top.token_ids)
    token_id = run.token_ids[index]
    token = _candidate(applied, token_id, run.start.texts)
    final = final_logprobs.exp()
    return Explanation(
        token=token,
        final_rank=None if token.cut_by else 1 + _above(final_logprobs, token_id),
        entropy=entropy_bits(logprobs.exp()),
        final_entropy=entropy_bits(final),
        vocabulary_size=len(logprobs),
        kept=int((applied.scores > -math.inf).sum()),
        effects=effects,
        rows=_candidates(applied, top, run.start.texts),
        rest=max(0.0, 1.0 - float(logprobs[shown].exp().sum())),
        final_rest=max(0.0, 1.0 - float(final[shown].sum())),
    )


def look_up(
    run: RecordedRun, index: int, token_id: int, settings: Settings | None = None
) -> Candidate:
    """Return what step ``index`` held of any token: probabilities, rank, and what removed it.

    Raises:
        PlaygroundError: The step's logits are no longer kept, the settings are beams, or there is
            no such token.
    """
    applied, _ = applied_settings(run, index, settings)
    if not 0 <= token_id < len(applied.logits):
        raise PlaygroundError(
            f"there is no token {token_id}; this vocabulary has 0 to {len(applied.logits) - 1:,}"
        )
    return _candidate(applied, token_id, run.start.texts)


@dataclass(frozen=True, slots=True)
class Reading:
    """A token that a person may mean: the first of the ``length`` that a text is read as."""

    token_id: int
    length: int


def tokens_of(texts: TokenTexts, text: str) -> tuple[Reading, ...]:
    """Return the tokens that a person may mean by ``text`` in a look-up box, without repetition.

    The first token of the text as typed, then of the text behind a space; where the text is a
    number, the token of that id comes last.

    Raises:
        PlaygroundError: The text is empty, or no token begins with any of it.
    """
    if not text:
        raise PlaygroundError("type a token's text or its id")
    spellings = [text] if text.startswith(" ") else [text, f" {text}"]
    found: dict[int, int] = {}
    complaint: PlaygroundError | None = None
    for one in spellings:
        try:
            ids = texts.encode(one, is_beginning=False)
            if ids:
                found[ids[0]] = min(len(ids), found.get(ids[0], len(ids)))
        except PlaygroundError as error:  # a tokenizer may know the word alone, and no spaces
            complaint = complaint or error
    if text.isascii() and text.isdigit() and len(text) < 10:
        found[int(text)] = 1
    if not found and complaint is not None:
        raise complaint
    return tuple(Reading(token_id, length) for token_id, length in found.items())


def applied_settings(
    run: RecordedRun, index: int, settings: Settings | None = None
) -> tuple[Applied, tuple[SettingEffect, ...]]:
    """Return a recorded step's scores under ``settings``, by default those of the run.

    Raises:
        PlaygroundError: The step's logits are no longer kept, the settings are beams, or they
            cannot be told of this run.
    """
    step = kept_step(run, index)
    own = run.start.settings
    asked = with_token_ids(settings or own, run.start.texts, step.vocabulary_size)
    is_alike = asked.negative_prompt_ids == own.negative_prompt_ids
    return apply_settings(
        recorded_logits(step),
        run.context_at(index),
        run.start.prompt_length,
        asked,
        run.start.eos_token_ids,
        recorded_unconditional(step) if is_alike else None,
    )


def kept_step(run: RecordedRun, index: int) -> RecordedStep:
    """Return step ``index`` of ``run``.

    Raises:
        PlaygroundError: There is no such step, or its logits are no longer kept.
    """
    if not 0 <= index < len(run.steps):
        raise PlaygroundError(f"there is no step {number(index)}; this run has {len(run.steps):,}")
    step = run.steps[index]
    if step is None:
        raise PlaygroundError(
            f"the logits of step {number(index)} were dropped to save memory; run it again to"
            " explain it"
        )
    return step


def _candidates(applied: Applied, top: RowFigures, texts: TokenTexts) -> tuple[Candidate, ...]:
    """Return the records of the likeliest tokens, in the order in which a run has them."""
    token_ids = list(top.token_ids)
    logprobs, final_logprobs = applied.logprobs[token_ids], applied.final_logprobs[token_ids]
    return tuple(
        Candidate(token_id, texts.token_text(token_id), logprob, _finite(final), rank, cut_by)
        for token_id, logprob, final, rank, cut_by in zip(
            token_ids,
            logprobs.tolist(),
            final_logprobs.tolist(),
            ranks(top.values),
            map(applied.cut_by, token_ids),
            strict=True,
        )
    )


def _candidate(applied: Applied, token_id: int, texts: TokenTexts) -> Candidate:
    return Candidate(
        token_id=token_id,
        text=texts.token_text(token_id),
        logprob=float(applied.logprobs[token_id]),
        final_logprob=_finite(float(applied.final_logprobs[token_id])),
        rank=1 + _above(applied.logits, token_id),
        cut_by=applied.cut_by(token_id),
    )


def _above(scores: torch.Tensor, token_id: int) -> int:
    return int((scores > scores[token_id]).sum())


def _finite(logprob: float) -> float | None:
    return None if logprob == -math.inf else logprob

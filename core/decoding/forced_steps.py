"""The tokens that a person puts first, as steps, and what is weighed for the one after the end.

Must never choose a token: it tells what the settings made of one that a person chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from core.decoding.run import Run
from core.decoding.weighing.processors import build_processors
from core.decoding.weighing.step import chosen_candidate
from core.records.steps import NextToken, TokenStep


def forced_steps(
    run: Run, token_ids: Sequence[int], is_cancelled: Callable[[], bool]
) -> Iterator[TokenStep]:
    """Write ``token_ids`` as steps of ``run``, each with what the model weighed in its place."""
    alone = _one_text(run)
    for place, token_id in enumerate(token_ids):
        if is_cancelled():
            break
        logits = run.model.decode([token_ids[place - 1]]) if place else alone.prefill()
        weighed = alone.weigh(logits, [token_ids[:place]])
        run.record(logits, token_id, is_forced=True)
        token = chosen_candidate(weighed, 0, token_id, run.codec.token_text)
        index = len(run.token_ids)
        (text,) = run.write([token_id])
        elapsed = run.tick()
        yield TokenStep(
            index,
            token,
            weighed.distributions[0],
            text,
            elapsed,
            "person",
            is_special=run.is_special(token_id),
        )
    run.keep_row()


def next_token(run: Run) -> NextToken:
    """Return what ``run`` weighs for the token after all that it has written."""
    alone = _one_text(run)
    (distribution,) = alone.weigh(alone.prefill(), [()]).distributions
    return NextToken(distribution)


def _one_text(run: Run) -> Run:
    """Return ``run`` under its settings without beams, which weigh several texts at once."""
    settings = run.settings.without_beams()
    device = run.model.device
    without = run.guide.logits if run.guide is not None else None
    processors = build_processors(
        settings, run.prompt_length, run.model.eos_token_ids, device, without
    )
    return replace(run, settings=settings, processors=processors)

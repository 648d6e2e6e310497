"""A run whose logits are gone, read again by the model: one pass over its text.

Must never choose a token. Belongs on the thread that owns the model; what is generated afterwards
is as it is after a scoring.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing

import torch

from core.decoding.guiding import guide_of
from core.decoding.recording import record_step
from core.decoding.token_texts import with_token_ids
from core.looking_back.given_text.scoring import logits_after_each
from core.models.base import CausalModel, ReadsBySteps
from core.records.errors import PlaygroundError
from core.records.recorded_run import RunRecorder, RunStart, WrittenRun
from core.records.steps import Candidate
from core.text.codec import TextCodec
from core.text.token_ids import check_token_ids


def read_again(
    model: CausalModel,
    codec: TextCodec,
    run: WrittenRun,
    recorder: RunRecorder,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> float:
    """Record ``run`` as it was recorded when it was written.

    Where rounding depends on how many tokens are read together, they are read as the run read them,
    which takes as long; else in large pieces. Where ``is_cancelled`` says so it ends early.

    Returns:
        By how much a probability of the candidates that were told differs at most, 0 to 1.

    Raises:
        PlaygroundError: The text is longer than the model's context, or has tokens that the model
            has not.
    """
    document = run.context_token_ids + run.token_ids
    check_token_ids(document, model.vocabulary_size)
    if model.context_size is not None and len(document) > model.context_size:
        raise PlaygroundError(
            f"the text has {len(document):,} tokens, and this model reads at most"
            f" {model.context_size:,}; load the model that wrote it"
        )
    settings = with_token_ids(run.settings.without_beams(), codec, model.vocabulary_size)
    start = RunStart(
        context_token_ids=run.context_token_ids,
        settings=settings,
        eos_token_ids=model.eos_token_ids,
        seed=run.seed,
        device=str(model.device),
        texts=codec,
        forced_tokens=run.forced_tokens,
        drawn=run.drawn,
        counted=run.counted,
    )
    guide = guide_of(model, settings, start.prompt_length)
    recorder.begin(start)
    greatest = 0.0
    if not run.token_ids:
        return greatest
    with closing(_logits(model, document[:-1], len(run.context_token_ids))) as rows:
        for at, logits in enumerate(rows):
            if is_cancelled():
                break
            is_forced = at in run.forced
            without = None
            if guide is not None:
                length = len(run.context_token_ids) + at
                without = guide.logits(torch.tensor([document[:length]]))
            token_id = run.token_ids[at]
            recorder.add(record_step(logits[None], token_id, None, without, is_forced=is_forced))
            greatest = max(greatest, _difference(logits, run.told[at]))
    return greatest


def _logits(model: CausalModel, token_ids: Sequence[int], begin: int) -> Generator[torch.Tensor]:
    """Yield the logits after the first ``begin`` tokens and each later one, shape (vocabulary,)."""
    if isinstance(model, ReadsBySteps) and model.is_rounded:
        with closing(model.logits_by_steps(token_ids, begin)) as steps:
            for logits in steps:
                yield logits[0].cpu()
        return
    for length, logits in enumerate(logits_after_each(model, token_ids), start=1):
        if length >= begin:
            yield logits


def _difference(logits: torch.Tensor, told: Sequence[Candidate]) -> float:
    if not told:
        return 0.0
    logprobs = torch.log_softmax(logits.double(), dim=-1)[[one.token_id for one in told]]
    then = torch.tensor([one.logprob for one in told], dtype=torch.float64)
    return float((logprobs.exp() - then.exp()).abs().max())

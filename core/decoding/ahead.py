"""Choosing tokens on the device, with the next step started before this one is read.

So the device never waits for the host: what a step weighed is copied in one piece, beside the next
step. Must never choose otherwise than step by step: the same tokens, records, dice and rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice

import torch

from core.decoding.run import Run
from core.decoding.weighing.applying import first_to_remove, processed_stages
from core.decoding.weighing.figures import RowFigures, figures_of, figures_tensor, kept_count
from core.decoding.weighing.step import (
    SHOWN_CANDIDATES,
    check_drawable,
    check_logits,
    distribution,
    draw,
    final_logprob,
    unshown_candidate,
)
from core.models.base import LooksAhead
from core.records.steps import Candidate, Distribution


class AheadChooser:
    """Chooses the tokens of one run of ``model``, which is the run's own.

    Settings that must look at a token on the host wait for it; all others wait for nothing but
    the one copy.
    """

    def __init__(self, run: Run, model: LooksAhead) -> None:
        self._run, self._model = run, model
        self._logits: torch.Tensor | None = None
        self._copy = _CopyBeside(run.model.device)
        context = run.context
        self._length = len(context)
        self._document: torch.Tensor | None = None
        if any(processor.reads_tokens for processor in run.processors):
            room = self._length + run.most_tokens
            self._document = torch.zeros((1, room), dtype=torch.int64, device=run.model.device)
            self._document[0, : self._length] = torch.tensor(context)

    def next(self, token_ids: Sequence[int]) -> tuple[Candidate, Distribution]:
        """Return the token after ``token_ids``, the generated ones, and what it was chosen from."""
        run = self._run
        logits = self._settled(token_ids)
        stages = processed_stages(run.processors, self._known(len(token_ids)), logits)
        scores = stages[-1] if stages else logits
        dice = run.dice()
        chosen = draw(scores, run.generator) if run.settings.do_sample else scores.argmax(dim=-1)
        self._copy.mark()
        self._start_next(len(token_ids) + 1, chosen)
        with self._copy.beside():
            numbers = self._copy.read(step_tensor(logits, stages, chosen))
            token, weighed = read_step(numbers, run)
            run.record(logits, token.token_id, dice)
        return token, weighed

    def close(self) -> None:
        """Take back what was started after the last token."""
        self._model.settle(None)

    def _settled(self, token_ids: Sequence[int]) -> torch.Tensor:
        """Return the logits after ``token_ids``; the step that makes them has been started."""
        if self._logits is None:
            return self._run.prefill()
        self._model.settle(token_ids[-1])
        return self._logits

    def _start_next(self, count: int, chosen: torch.Tensor) -> None:
        """Start the step after the ``count``-th token, unless that is the last one in any case."""
        if count >= self._run.most_tokens:
            return
        if self._document is not None:
            self._document[:, self._length + count - 1] = chosen
        self._logits = self._model.decode_ahead(chosen)

    def _known(self, count: int) -> torch.Tensor:
        """Return the document with ``count`` new tokens, shape (1, length), for the processors."""
        length = self._length + count
        if self._document is None:
            return self._run.unread_tokens(1, length)
        return self._document[:, :length]


def step_tensor(
    logits: torch.Tensor, stages: Sequence[torch.Tensor], chosen: torch.Tensor
) -> torch.Tensor:
    """Return all that a step's record needs as one tensor of one dimension, float32.

    Args:
        logits: The model's, shape (1, vocabulary), float32.
        stages: The scores after each processor, same shape.
        chosen: The token's id, shape (1,), int64.
    """
    count = min(SHOWN_CANDIDATES, logits.shape[-1])
    figures = figures_tensor(logits, count)
    shown = figures[:, -count:].long()
    token = chosen[:, None]
    logit = logits.gather(1, token)
    parts = [token, logit, (logits > logit).sum(dim=-1, keepdim=True), figures]
    if stages:
        scores = stages[-1]
        normaliser = torch.logsumexp(scores, dim=-1, keepdim=True)
        finals = scores.gather(1, torch.cat((token, shown), dim=1))
        parts += [normaliser, kept_count(scores), finals]
        parts += [torch.isneginf(stage.gather(1, shown)) for stage in stages]
    return torch.cat([part.float() for part in parts], dim=-1)[0]


def read_step(numbers: Sequence[float], run: Run) -> tuple[Candidate, Distribution]:
    """Return the chosen token and the record of the step that ``step_tensor`` packed.

    Raises:
        PlaygroundError: See ``check_logits`` and ``check_drawable``.
    """
    left = iter(numbers)

    def take(size: int) -> list[float]:
        return list(islice(left, size))

    count = min(SHOWN_CANDIDATES, run.model.vocabulary_size)
    token_id, logit, likelier = take(3)
    raw = final = figures_of(take(3 + 3 * count))
    score, finals = logit, list(raw.values)
    cut_by: list[str | None] = [None] * count
    if run.processors:
        normaliser, kept, score, *finals = take(3 + count)
        final = RowFigures((), (), normaliser, raw.entropy, int(kept))
        cut_by = first_to_remove(run.processors, [take(count) for _ in run.processors])
    check_logits(raw)
    if run.settings.do_sample:
        check_drawable(final)
    token_text = run.codec.token_text
    weighed = distribution(raw, final, finals, cut_by, token_text, is_normalised=False)
    for candidate in weighed.candidates:
        if candidate.token_id == token_id:
            return candidate, weighed
    token = unshown_candidate(
        int(token_id),
        token_text(int(token_id)),
        logprob=logit - raw.logsumexp,
        final_logprob=final_logprob(final, score, is_normalised=False),
        likelier=int(likelier),
    )
    return token, weighed


class _CopyBeside:
    """A stream of its own, on which numbers come to the host while the next step runs.

    Tensors that it reads are held by the caller until ``read`` is back, so that their memory is
    not given to the next step meanwhile. Elsewhere than on CUDA there are no streams.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._is_cuda = device.type == "cuda"
        if self._is_cuda:
            # Of high priority: its few small kernels come between those of the next step.
            self._stream = torch.cuda.Stream(device, priority=-1)  # type: ignore[no-untyped-call]
            self._ready = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._host: torch.Tensor | None = None

    def mark(self) -> None:
        """Have what comes beside wait for all that was asked of the device until now."""
        if self._is_cuda:
            self._ready.record(torch.cuda.current_stream(self._device))
            self._stream.wait_event(self._ready)

    def beside(self) -> AbstractContextManager[None]:
        """Ask the device for what stands within beside what it does already."""
        return torch.cuda.stream(self._stream) if self._is_cuda else nullcontext()

    def read(self, numbers: torch.Tensor) -> list[float]:
        """Return ``numbers``, of one dimension and the same size each time, once they are there."""
        if not self._is_cuda:
            return list(numbers.tolist())
        if self._host is None:
            self._host = torch.empty(numbers.shape, dtype=numbers.dtype, pin_memory=True)
        self._host.copy_(numbers, non_blocking=True)
        self._copied.record(self._stream)
        self._copied.synchronize()
        return list(self._host.tolist())

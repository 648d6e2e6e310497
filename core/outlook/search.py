"""The search for what settings could write: from a place on, the likeliest first.

Must never draw. Settings are applied to each text by itself, as a run that had come to it would.
Each pass over the model takes the likeliest text that nobody has looked behind yet, and with it the
likeliest others of its length, since the rows of a cache are equally long. Where those are no
children of the last ones, as many passes more as they are deeper than what they have in common with
those: none in a row that goes deeper, ``depth`` of them at the most.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch

from core.decoding.engine import prepare
from core.decoding.run import Run
from core.decoding.weighing.step import check_drawable
from core.models.base import CausalModel, SharesWeights
from core.outlook.rows import Rows
from core.records.decode_state import DecodeState
from core.records.outlook import EndOfProspect, Growth, Prospect, Reach
from core.records.request import Request
from core.text.codec import TextCodec

_MOST_ROWS = 16
_MOST_TOKENS = 4096
"""A pass has no more rows than those, nor more tokens in the cache than these; one of gpt2-xl takes
0.6 MB."""

_ROUNDING = 1e-9
"""By so much a text may miss the least probability that somebody has typed in full."""


def look_out(
    model: CausalModel,
    codec: TextCodec,
    request: Request,
    reach: Reach,
    is_cancelled: Callable[[], bool],
) -> Iterator[Growth]:
    """Yield what follows each text, from the place where ``request`` would begin to write.

    Beams are ignored, since they weigh whole texts; without sampling, the probabilities are those
    that a draw would have under the same settings. Probabilities are of texts as tokens: another
    reading of the same text is another text. Where ``is_cancelled`` says so it ends early.

    The model's own cache stays as it is, where it can have another.

    Raises:
        PlaygroundError: The request cannot be run, or its settings leave no probabilities.
    """
    own = model.beside() if isinstance(model, SharesWeights) else model
    settings = request.settings.without_beams()
    # Nothing is drawn here: nor need be what was drawn before.
    asked = dataclasses.replace(request, settings=settings, drawn=0, recorder=None)
    run, _ = prepare(own, codec, asked)
    try:
        yield from _Search(run, reach).growths(is_cancelled)
    finally:
        own.rewind(0)


def is_recorded(model: CausalModel) -> bool:
    """Whether another number of rows costs the model the recording of another step."""
    return model.device.type == "cuda"


@dataclass(frozen=True, slots=True)
class _Open:
    """A text that nobody has looked behind yet."""

    index: int
    token_ids: tuple[int, ...]
    logprob: float
    state: DecodeState


class _Search:
    def __init__(self, run: Run, reach: Reach) -> None:
        self._run, self._reach = run, reach
        self._width = max(1, min(_MOST_ROWS, _MOST_TOKENS // len(run.context)))
        self._rows = Rows(run.model, run.context, self._width, is_filled=is_recorded(run.model))
        self._least = math.log(reach.least) - _ROUNDING
        self._known = 0
        # By length, the likeliest first; of equally likely ones the one that was known first.
        self._open: dict[int, list[tuple[float, int, _Open]]] = {}
        self._put(_Open(0, (), 0.0, run.state))

    def growths(self, is_cancelled: Callable[[], bool]) -> Iterator[Growth]:
        while self._open:
            if is_cancelled():
                return
            group = self._take()
            logits = self._rows.after([one.token_ids for one in group])
            for one, logprobs in zip(group, self._final(logits, group), strict=True):
                yield self._grown(one, logprobs)
                if self._known >= self._reach.most:
                    return

    def _put(self, one: _Open) -> None:
        heap = self._open.setdefault(len(one.token_ids), [])
        heapq.heappush(heap, (-one.logprob, one.index, one))

    def _take(self) -> list[_Open]:
        """Return the likeliest text, and the likeliest others of its length."""
        length = min(self._open, key=lambda one: self._open[one][0][:2])
        heap = self._open[length]
        group = [heapq.heappop(heap)[2] for _ in range(min(self._width, len(heap)))]
        if not heap:
            del self._open[length]
        return group

    def _final(self, logits: torch.Tensor, group: Sequence[_Open]) -> Iterator[torch.Tensor]:
        """Yield the final log-probabilities behind each of ``group``, shape (vocabulary,)."""
        # Who guides the model reads several texts as beams, which grow by a token at each call.
        pieces = len(group) if self._run.guide is not None else 1
        for part in range(pieces):
            texts = [one.token_ids for one in group[part::pieces]]
            weighed = self._run.weigh(logits[part::pieces], texts)
            for figures in weighed.final:
                check_drawable(figures)
            yield from torch.log_softmax(weighed.scores.cpu().double(), dim=-1)

    def _grown(self, one: _Open, logprobs: torch.Tensor) -> Growth:
        paths = one.logprob + logprobs
        kept = (paths >= self._least).nonzero()[:, 0]
        kept = kept[paths[kept].argsort(descending=True, stable=True)]
        found = [
            self._prospect(one, token_id, float(logprobs[token_id])) for token_id in kept.tolist()
        ]
        paths[kept] = -math.inf
        return Growth(
            one.index,
            tuple(found),
            float(paths.exp().sum()),
            int((paths > -math.inf).sum()),
        )

    def _prospect(self, one: _Open, token_id: int, logprob: float) -> Prospect:
        run = self._run
        self._known += 1
        text, state = run.extend(one.state, token_id)
        reached = _Open(self._known, (*one.token_ids, token_id), one.logprob + logprob, state)
        end = self._end(reached.token_ids)
        if end is None:
            self._put(reached)
        elif end != "depth":
            text += run.codec.rest(state)
        return Prospect(
            reached.index,
            one.index,
            len(reached.token_ids),
            token_id,
            run.codec.token_text(token_id),
            text,
            logprob,
            reached.logprob,
            end,
            run.is_special(token_id),
        )

    def _end(self, token_ids: tuple[int, ...]) -> EndOfProspect | None:
        reason = self._run.stop_rule.reason(token_ids)
        if reason is None:
            return "depth" if len(token_ids) >= self._reach.depth else None
        return cast("EndOfProspect", reason)

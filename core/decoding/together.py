"""Several runs of one model on one prompt, as the rows of one pass at each step.

A pass reads every weight, for however many rows: so several runs cost little more than one. Must
never let that be seen: the events of each run are those that it has alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from core.decoding.asking import Asked, Steps
from core.decoding.beams.steps import beam_steps
from core.decoding.choosers import token_steps
from core.decoding.engine import generate, prepare
from core.decoding.run import Run
from core.models.base import CausalModel
from core.models.device.memory_errors import is_out_of_memory
from core.records.comparison import ColumnEvent, InTurn
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.steps import Finished
from core.text.codec import TextCodec
from core.text.visible import unexpected

logger = logging.getLogger(__name__)

_OTHER_TEXT = "it continues another text than the first column; it runs after the others"
_GUIDED = "guidance_scale reads another text beside its own; it runs after the others"
_BY_HAND = "a person puts tokens first; it runs after the others"


def generate_together(
    model: CausalModel,
    codec: TextCodec,
    requests: Mapping[int, Request],
    is_cancelled: Callable[[], bool],
) -> Iterator[ColumnEvent]:
    """Run ``requests``, by their columns: yield for each what ``generate`` yields for it alone.

    Those that continue the same tokens share each pass, and what cannot share runs in turn after
    them, which an ``InTurn`` says. A fault of one is the ``Finished`` of that one alone.
    ``is_cancelled`` is asked before every step of each. In 16 bit and on a GPU, rounding depends on
    how many rows there are; else each token is the one that the run chooses alone.
    """
    groups: dict[tuple[int, ...], dict[int, Request]] = {}
    alone: list[tuple[int, Request, str]] = []
    for column, request in requests.items():
        try:
            run, forced = prepare(model, codec, request)
        except PlaygroundError as error:
            yield failed(column, error)
            continue
        # A long prompt is not read twice; a second cache is begun only by what has its turn.
        request = replace(request, prompt=run.started.prompt_token_ids)
        if not run.most_tokens:
            yield from _by_itself(model, codec, column, request, is_cancelled)
        elif run.guide is not None:
            alone.append((column, request, _GUIDED))
        elif forced or request.written_token_ids or request.most_drawn is not None:
            alone.append((column, request, _BY_HAND))
        else:
            groups.setdefault(run.context, {})[column] = request
    for place, group in enumerate(groups.values()):
        if place:
            yield from (ColumnEvent(column, InTurn(_OTHER_TEXT)) for column in group)
        if len(group) == 1:  # which has shortcuts to itself
            yield from _by_itself(model, codec, *next(iter(group.items())), is_cancelled)
        else:
            runs = {one: prepare(model, codec, request)[0] for one, request in group.items()}
            yield from _in_one_batch(model, runs, is_cancelled)
    for column, request, reason in alone:
        yield ColumnEvent(column, InTurn(reason))
        yield from _by_itself(model, codec, column, request, is_cancelled)


def _by_itself(
    model: CausalModel,
    codec: TextCodec,
    column: int,
    request: Request,
    is_cancelled: Callable[[], bool],
) -> Iterator[ColumnEvent]:
    try:
        for event in generate(model, codec, request, is_cancelled):
            yield ColumnEvent(column, event)
    except PlaygroundError as error:
        yield failed(column, error)


@dataclass(slots=True)
class _Column:
    """A run among others: what it asks for, ``None`` once it is over, and its rows of the batch."""

    number: int
    steps: Steps
    asked: Asked | None = None
    first_row: int = 0

    def go_on(self, logits: torch.Tensor | None) -> Iterator[ColumnEvent]:
        """Answer what it asked for; yield what it tells until it asks again or is over."""
        self.asked = None
        try:
            said = self.steps.send(logits)
            while not isinstance(said, Asked):
                yield ColumnEvent(self.number, said)
                said = next(self.steps)
            self.asked = said
        except StopIteration:
            return
        except PlaygroundError as error:
            yield failed(self.number, error)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            logger.exception("a column failed")
            yield failed(self.number, PlaygroundError(unexpected("the run stopped", error)))


def _in_one_batch(
    model: CausalModel, runs: Mapping[int, Run], is_cancelled: Callable[[], bool]
) -> Iterator[ColumnEvent]:
    """Run ``runs``, which continue the same tokens, in step: each pass has the rows of all."""
    columns: list[_Column] = []
    for number, run in runs.items():
        yield ColumnEvent(number, run.started)
        run.begin_recording()
        of_beams = run.settings.num_beams > 1
        steps = beam_steps(run, is_cancelled) if of_beams else token_steps(run, is_cancelled)
        columns.append(_Column(number, steps))
    for column in columns:
        yield from column.go_on(None)
    columns = [one for one in columns if one.asked is not None]
    if not columns:
        return
    logits = runs[columns[0].number].prefill()
    answers = [logits] * len(columns)
    while columns:
        for column, answer in zip(columns, answers, strict=True):
            yield from column.go_on(answer)
        columns = [one for one in columns if one.asked is not None]
        answers = _pass(model, columns) if columns else []


def _pass(model: CausalModel, columns: Sequence[_Column]) -> list[torch.Tensor]:
    """Answer what ``columns`` ask for in one pass, which leaves out the rows of all others."""
    parents: list[int] = []
    token_ids: list[int] = []
    counts: list[int] = []
    for column in columns:
        asked = column.asked
        if asked is None:
            raise RuntimeError("a column that is over has no rows")
        parents += [column.first_row + parent for parent in asked.parents]
        column.first_row = len(token_ids)
        token_ids += asked.token_ids
        counts.append(len(asked.token_ids))
    model.reorder(parents)
    return list(torch.split(model.decode(token_ids), counts))


def failed(column: int, error: PlaygroundError) -> ColumnEvent:
    """Return the end of a column that a fault has ended; what came of it before stays."""
    return ColumnEvent(column, Finished("failed", (), "", 0.0, detail=str(error)))

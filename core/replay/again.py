"""A saved run asked of a backend once more: the same token ids, settings, seed and choices.

Must never read a text anew, nor choose a token: the prompt goes as the ids that it was read as, and
what a person put there is put there again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator

from core.backends.base import Backend
from core.document.export.reading import ExportedRun
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import EngineChanged, Finished, Step, TokenStep, is_chosen_by_person

Again = Step | EngineChanged | Finished


def run_again(
    backend: Backend, run: ExportedRun, is_cancelled: Callable[[], bool]
) -> Generator[Again, None, None]:
    """Yield the steps of ``run`` as they come now, then its end.

    The seed is the one that was really used. Whoever has seen enough closes the iterator.

    Raises:
        PlaygroundError: The file does not say with which settings, or the run cannot begin.
    """
    if run.settings is None:
        raise PlaygroundError("the run does not say with which settings it was made")
    settings = run.settings.replace(seed=run.started.seed)
    if run.is_by_hand:
        yield from _by_hand(backend, run, settings, is_cancelled)
        return
    put = itertools.takewhile(is_chosen_by_person, run.steps)
    forced = tuple(one.token.token_id for one in put if isinstance(one, TokenStep))
    request = _request(run, settings, forced=forced)
    for event in backend.generate(request, is_cancelled):
        if isinstance(event, Again):
            yield event


def _by_hand(
    backend: Backend, run: ExportedRun, settings: Settings, is_cancelled: Callable[[], bool]
) -> Generator[Again, None, None]:
    """Yield the same of a run by hand, in which a person put each token there, or had it drawn."""
    drawn, end = run.started.drawn, None
    steps = [one for one in run.steps if isinstance(one, TokenStep)]
    written = tuple(one.token.token_id for one in steps)
    for place in range(max(1, len(steps))):
        is_put = not steps or is_chosen_by_person(steps[place])
        request = _request(
            run,
            settings,
            forced=written[place : place + 1] if is_put else (),
            most_drawn=0 if is_put else 1,
            written_token_ids=written[:place],
            drawn=drawn,
        )
        drawn += not is_put
        for event in backend.generate(request, is_cancelled):
            if isinstance(event, Finished):
                end = event
            elif isinstance(event, Again):
                yield event
    if end is not None:
        yield end


def _request(
    run: ExportedRun,
    settings: Settings,
    *,
    forced: tuple[int, ...],
    most_drawn: int | None = None,
    written_token_ids: tuple[int, ...] = (),
    drawn: int | None = None,
) -> Request:
    """Return what asks for the run, or for the part of it that follows ``written_token_ids``.

    What stood before the prompt is told apart from it, as it was then: what a model has read before
    is not read anew, and to read a text in one pass or in two rounds its figures otherwise.
    """
    context, prompt = run.started.context_token_ids, run.started.prompt_token_ids
    before = context if written_token_ids else context[: len(context) - len(prompt)]
    return Request(
        () if written_token_ids else prompt,
        settings,
        before,
        chat=run.chat,
        forced=forced,
        most_drawn=most_drawn,
        written_token_ids=written_token_ids,
        drawn=run.started.drawn if drawn is None else drawn,
        counted=run.started.counted,
    )

"""Saved runs, one after the other, each on the model that wrote it, and what came of them.

Must never load a model that it has already, nor two at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.backends.base import Backend
from core.document.export.about import about_model, about_program
from core.document.export.reading import ExportedRun, check_tokens, token_texts
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.progress import Report
from core.records.scores import WrittenTokens
from core.records.steps import EngineChanged
from core.replay.again import Again, run_again
from core.replay.differing import Difference, first_difference, tolerance_of

FACTS = (
    "program_version",
    "torch",
    "transformers",
    "model",
    "origin",
    "revision",
    "weights_fingerprint",
    "engine",
    "device",
    "dtype",
)
"""What had a part in a run's figures, by the names that exports have for it."""

Facts = Mapping[str, str | None]


class Place(NamedTuple):
    """A model and where it runs, by the names that the command line takes for them."""

    model: str
    device: str
    dtype: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of one run: ``then`` and ``now`` have the ``FACTS``, ``None`` of what nobody knows.

    Figures up to ``tolerance`` apart count as the same; see ``differing``.
    """

    run: ExportedRun
    then: Facts
    now: Facts
    tolerance: float
    difference: Difference | None


def place_of(
    run: ExportedRun, model: str | None = None, device: str | None = None, dtype: str | None = None
) -> Place:
    """Return where to run ``run``: as it ran then, but for what is given.

    Dice of a processor and of a GPU fall otherwise, so that the device has a say too.

    Raises:
        PlaygroundError: No model is given, and the file names none.
    """
    name = model or run.model_name
    if not name:
        raise PlaygroundError("the file does not say which model wrote the run; give --model")
    told = run.about.get("device"), run.about.get("dtype")
    return Place(name, device or told[0] or "auto", dtype or told[1] or "auto")


def replay(
    runs: Sequence[tuple[ExportedRun, Place]],
    open_backend: Callable[[Place], Backend],
    report: Report,
    is_cancelled: Callable[[], bool],
) -> Iterator[Replayed]:
    """Run each of ``runs`` again, and yield where it differs first.

    Args:
        runs: Each with where to run it.
        open_backend: Makes a backend, which is loaded and closed here.
        report: Is told how loading goes on.
        is_cancelled: Is asked before every step; where it says so, no more comes.

    Raises:
        PlaygroundError: A model cannot be had or has other tokens, or a run cannot begin.
    """
    here: Place | None = None
    with contextlib.ExitStack() as opened:
        for run, place in runs:
            if place != here:
                opened.close()
                backend = open_backend(place)
                opened.callback(backend.close)
                info = backend.load(report)
                _check_meaning(backend, info, run, is_cancelled)
                here = place
            replayed = _replayed(backend, info, run, is_cancelled)
            if is_cancelled():
                return
            yield replayed


def _replayed(
    backend: Backend, info: ModelInfo, run: ExportedRun, is_cancelled: Callable[[], bool]
) -> Replayed:
    now: dict[str, str | None] = {**about_program(), **about_model(info)}

    def watched(events: Iterator[Again]) -> Iterator[Again]:
        for event in events:
            if isinstance(event, EngineChanged):
                now["engine"] = event.engine
            yield event

    tolerance = tolerance_of(run.about.get("dtype"), info.dtype)
    try:
        with contextlib.closing(run_again(backend, run, is_cancelled)) as events:
            difference = first_difference(run, watched(events), tolerance)
    except PlaygroundError as error:
        where = f"{run.name}: " if run.name else ""
        raise PlaygroundError(f"{where}{error}") from None
    then = {name: run.about.get(name) for name in FACTS}
    return Replayed(run, then, {name: now[name] for name in FACTS}, tolerance, difference)


def _check_meaning(
    backend: Backend, info: ModelInfo, run: ExportedRun, is_cancelled: Callable[[], bool]
) -> None:
    """Make sure that token ids mean the same, where another model runs than the one that wrote.

    Raises:
        PlaygroundError: They do not.
    """
    if info.name == run.model_name or not run.finished.token_ids:
        return
    tokens = WrittenTokens(run.started.context_token_ids, run.finished.token_ids)
    try:
        scored = backend.score(tokens, (), is_cancelled)
        texts = {one.token.token_id: one.token.text for one in scored.tokens}
        check_tokens(token_texts(run.steps), texts, run.model_name, info.name)
    except PlaygroundError as error:
        raise PlaygroundError(f"{info.name} cannot run it again: {error}") from None

"""The map of the runs on a page: which grew from which, so that a person finds the way.

Must never leave a run out, whatever is said of where it grew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.document.export.reading import ExportedRun
from core.text.readable import number
from core.text.visible import keep_start, one_line

_MOST_DEPTH = 8
_WIDEST_WORDS = 60


@dataclass(frozen=True, slots=True)
class MapRow:
    """One run of the map: the ``number``-th of the page, from 1.

    ``depth`` is how far it stands to the right: what goes on where another run ended stands below
    that one, and each fork one further. ``grew`` says in words what it grew from, ``words`` are
    those that it begins with.
    """

    number: int
    depth: int
    grew: str
    words: str


def grew_from(run: ExportedRun, runs: Sequence[ExportedRun]) -> tuple[int, str]:
    """Return the run of the page that ``run`` grew from, from 1 and 0 for none, and that in words.

    One that is not on the page is named in words alone.
    """
    place = run.place
    if place is None or not place.parent:
        return 0, ""
    numbers = (at for at, one in enumerate(runs, 1) if one is not run and _is(one, place.parent))
    found = next(numbers, 0)
    name = runs[found - 1].name if found else f"run {place.parent}"
    if place.step:
        return found, f"in place of step {number(place.step - 1)} of {name}"
    return found, f"after {name}"


def map_of(runs: Sequence[ExportedRun]) -> list[MapRow]:
    """Return the map of ``runs``, from the root down, each before those that grew from it."""
    parents = {at: grew_from(run, runs) for at, run in enumerate(runs, 1)}
    children: dict[int, list[int]] = {at: [] for at in range(len(runs) + 1)}
    for at, (parent, _) in parents.items():
        # A file may say anything; only what is older can have been grown from.
        children[parent if parent < at else 0].append(at)
    rows: list[MapRow] = []
    waiting = [(at, 0) for at in reversed(children[0])]
    while waiting:
        at, depth = waiting.pop()
        run = runs[at - 1]
        rows.append(MapRow(at, min(depth, _MOST_DEPTH), parents[at][1], _words(run)))
        going_on = [one for one in children[at] if not _is_fork(runs[one - 1])]
        main = going_on[0] if going_on else 0
        others = [one for one in children[at] if one != main]
        if main:
            waiting.append((main, depth))
        waiting += [(one, depth + 1) for one in reversed(others)]
    return rows


def _is(run: ExportedRun, node_id: int) -> bool:
    return run.place is not None and run.place.node_id == node_id


def _is_fork(run: ExportedRun) -> bool:
    return run.place is not None and run.place.step > 0


def _words(run: ExportedRun) -> str:
    asked = run.prompt[len(run.place.earlier) :] if run.place is not None else run.prompt
    text = one_line((asked + run.finished.text).strip(), 4 * _WIDEST_WORDS)
    return keep_start(text, _WIDEST_WORDS)

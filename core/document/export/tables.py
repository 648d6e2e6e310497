"""Events as rows: CSV for programs, an aligned table for people.

Must never let a token begin a new row or cell: control characters are spelled out in both
(JSON Lines keeps them). CSV keeps a leading ``=`` as it is, because a value that was altered would
be wrong for every program that is no spreadsheet.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator

from core.records.steps import (
    BeamStep,
    Candidate,
    ChosenBy,
    Distribution,
    Event,
    Finished,
    Hypothesis,
    Started,
    TokenStep,
)
from core.text.readable import percent
from core.text.visible import cell_width, keep_end, pad, visible

CHOICES = 5
"""How many candidates a row shows."""

_HEADER = ("Input", *(f"Choice {number}" for number in range(1, CHOICES + 1)))
_CHOICE_WIDTH = 20
_NARROWEST_INPUT = 16
_WIDEST_INPUT = 80
_CELLS_A_TOKEN = 6


class _ChoiceRows:
    """For every step, what was read, and what was weighed next with marks at what was chosen.

    One row a step, or one a beam, of which several tokens can be chosen, or none.
    """

    def __init__(self, prompt: str) -> None:
        self._inputs = [prompt]
        self._prompt = prompt

    def rows(self, event: Event) -> Iterator[tuple[str, list[str]]]:
        if isinstance(event, TokenStep):
            yield self._inputs[0], choices_of_step(event)
            self._inputs[0] += event.text
        elif isinstance(event, BeamStep):
            rows = zip(self._inputs, event.distributions, strict=False)
            for parent, (text, _) in enumerate(rows):
                yield text, choices_of_beam(event, parent)
            self._inputs = [self._prompt + one.text for one in event.hypotheses]


class TableWriter:
    """The table of inputs and choices, aligned for a terminal, with a star at what was chosen.

    Columns are as wide as the run is expected to need, so that rows can be shown as they come; of
    a longer input the end is shown.
    """

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._rows = _ChoiceRows(prompt)
        self._input_width = _WIDEST_INPUT

    def write(self, event: Event) -> Iterator[str]:
        """Yield the header when a run starts, then the rows of each step."""
        if isinstance(event, Started):
            expected = cell_width(visible(self._prompt, keep=""))
            expected += _CELLS_A_TOKEN * event.max_new_tokens
            self._input_width = max(_NARROWEST_INPUT, min(expected, _WIDEST_INPUT))
            yield self._line(_HEADER[0], _HEADER[1:])
        for text, choices in self._rows.rows(event):
            yield self._line(keep_end(visible(text, keep=""), self._input_width), choices)

    def _line(self, text: str, choices: Iterable[str]) -> str:
        cells = [pad(text, self._input_width), *(pad(one, _CHOICE_WIDTH) for one in choices)]
        return "  ".join(cells).rstrip() + "\n"


class CsvWriter:
    """One row a step: the chosen token and the five likeliest; for beams, one row a beam.

    Empty where there is no value: ``beam``, ``parent`` and ``score`` without beams, ``parent`` of
    what had ended before, a probability that is no number. ``final_probability`` is what a token
    is chosen by; beams have ``final_score`` in its place, what is added to a beam's sum, which the
    settings leave as no probability.

    Every column but those of texts is of numbers. A reader that takes texts such as ``null`` for
    missing values, as pandas does, has ``token_id`` to tell what stood there.
    """

    def __init__(self) -> None:
        self._has_header = False
        self._buffer = io.StringIO()
        self._csv = csv.writer(self._buffer, lineterminator="\n")

    def write(self, event: Event) -> Iterator[str]:
        """Yield the header with the first step, or the end, and the rows of each step."""
        if isinstance(event, TokenStep | BeamStep | Finished) and not self._has_header:
            self._has_header = True
            yield self._line(_csv_header(_FINAL_OF[isinstance(event, BeamStep)]))
        if isinstance(event, TokenStep):
            cells = _csv_cells(event.token, event.distribution, event.chosen_by)
            yield self._line([event.index, "", "", "", *cells])
        elif isinstance(event, BeamStep):
            for beam, one in enumerate(event.hypotheses):
                weighed = _weighed_by_parent(event, one)
                parent = one.parent if weighed is not None else ""
                cells = _csv_cells(one.token, weighed, is_beam=True)
                yield self._line([event.index, beam, parent, _finite(one.score), *cells])

    def _line(self, cells: Iterable[object]) -> str:
        self._buffer.seek(0)
        self._buffer.truncate()
        self._csv.writerow(list(cells))
        return self._buffer.getvalue()


_FINAL_OF = ("final_probability", "final_score")
"""What the last figure of a token is called, without beams and with them."""


def _csv_header(final: str) -> list[str]:
    names = ["index", "beam", "parent", "score", "token_id", "text"]
    names += ["probability", final, "rank", "chosen_by", "entropy", "kept"]
    for number in range(1, CHOICES + 1):
        of_choice = ("token_id", "text", "probability", final, "cut_by")
        names += [f"choice_{number}_{name}" for name in of_choice]
    return names


def _csv_cells(
    token: Candidate,
    distribution: Distribution | None,
    chosen_by: ChosenBy = "settings",
    *,
    is_beam: bool = False,
) -> list[object]:
    cells = [*_csv_candidate(token, is_beam=is_beam), token.rank, chosen_by]
    if distribution is None:
        return [*cells, *[""] * (2 + 5 * CHOICES)]
    cells += [_finite(distribution.entropy), distribution.kept]
    for candidate in distribution.candidates[:CHOICES]:
        cells += [*_csv_candidate(candidate, is_beam=is_beam), candidate.cut_by or ""]
    return cells + [""] * 5 * max(0, CHOICES - len(distribution.candidates))


def _csv_candidate(candidate: Candidate, *, is_beam: bool) -> list[object]:
    final = candidate.final_logprob if is_beam else candidate.final_probability
    return [
        candidate.token_id,
        visible(candidate.text, keep=""),
        _finite(candidate.probability),
        "" if final is None else _finite(final),
    ]


def _weighed_by_parent(event: BeamStep, hypothesis: Hypothesis) -> Distribution | None:
    """Return what the token was chosen from, unless it was chosen at an earlier step."""
    is_new = len(hypothesis.token_ids) == event.index + 1
    is_known = hypothesis.parent < len(event.distributions)
    return event.distributions[hypothesis.parent] if is_new and is_known else None


def _chosen_of(event: BeamStep, parent: int) -> set[int]:
    """Return the ids of the tokens that the beams took of what one parent weighed."""
    return {
        one.token.token_id
        for one in event.hypotheses
        if one.parent == parent and _weighed_by_parent(event, one) is not None
    }


def _choices(distribution: Distribution, chosen: set[int], mark: str = "*") -> list[str]:
    """Return five cells such as `` far (12.34%)``, empty where there are fewer candidates.

    ``mark`` behind it says that it was chosen.
    """
    cells = [
        f"{_choice(one)}{mark if one.token_id in chosen else ''}"
        for one in distribution.candidates[:CHOICES]
    ]
    return cells + [""] * (CHOICES - len(cells))


def choices_of_beam(event: BeamStep, parent: int) -> list[str]:
    """Return the cells of what one of the beams before had to offer; stars as in a step."""
    return _choices(event.distributions[parent], _chosen_of(event, parent))


def choices_of_step(step: TokenStep) -> list[str]:
    """Return the cells of a step; what was chosen from outside the five stands in the last one.

    A star says that the settings chose it, a plus that a person did.
    """
    mark = "+" if step.chosen_by == "person" else "*"
    cells = _choices(step.distribution, {step.token.token_id}, mark)
    shown = step.distribution.candidates[:CHOICES]
    if all(one.token_id != step.token.token_id for one in shown):
        before = f"{cells[-1]} … " if cells[-1] else "… "
        cells[-1] = f"{before}{_choice(step.token)}{mark}"
    return cells


def _choice(one: Candidate) -> str:
    return f"{visible(one.text, keep='')} ({percent(one.probability, 2)})"


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else ""

"""Where two runs begin to differ, told with both sides: records alone, no model."""

from __future__ import annotations

import dataclasses
import math

import pytest

from core.document.export.reading import ExportedRun
from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    EngineChanged,
    Finished,
    Hypothesis,
    Started,
    TokenStep,
)
from core.replay.differing import Difference, Token, first_difference

TOLERANCE = 0.01


def weighed(token_id, probability, final=None):
    final_logprob = math.log(probability if final is None else final)
    return Candidate(token_id, f" t{token_id}", math.log(probability), final_logprob, 1)


ROW = (weighed(1, 0.5), weighed(2, 0.25), weighed(3, 0.125))
STEP = TokenStep(0, ROW[0], Distribution(ROW, 1.0, 3), " t1", 0.0)
FIRST = Hypothesis((1,), " t1", -1.0, -1.0, 0, ROW[0])
SECOND = Hypothesis((2,), " t2", -2.0, -2.0, 0, ROW[1])
BEAMS = BeamStep(0, (FIRST, SECOND), (FIRST,), (), (STEP.distribution,), 0.0)
END = Finished("length", (1,), " t1", 0.0)
WON = dataclasses.replace(END, score=-1.0)
LONGER = dataclasses.replace(END, token_ids=(1, 2), text="more")
FINAL = "final probability"


def change(record, **fields):
    return dataclasses.replace(record, **fields)


def row(*candidates):
    return change(STEP, distribution=Distribution(candidates, 1.0, 3))


def difference(then, *again, end=END):
    run = ExportedRun("", {}, None, Started((), (), 9, None, 0), (then,), end)
    return first_difference(run, iter(again), TOLERANCE)


@pytest.mark.parametrize(
    ("then", "end", "again", "found"),
    [
        (STEP, END, (EngineChanged("graph"), STEP, END), None),
        (BEAMS, WON, (BEAMS, WON), None),
        (STEP, END, (), Difference(0, "end", None, None)),
        (STEP, END, (change(END, reason="failed"),), Difference(0, "end", None, "failed")),
        (STEP, END, (STEP,), Difference(1, "end", "length", None)),
        (STEP, END, (STEP, STEP), Difference(1, "end", "length", None)),
        (
            STEP,
            END,
            (STEP, change(END, reason="end_of_text")),
            Difference(1, "end", "length", "end_of_text"),
        ),
        (STEP, END, (STEP, LONGER), Difference(1, "text", " t1", "more")),
        (BEAMS, WON, (BEAMS, change(WON, score=-1.5)), Difference(1, "score", -1.0, -1.5)),
        (BEAMS, WON, (BEAMS, END), Difference(1, "score", -1.0, None)),
        (STEP, change(END, reason="cancelled"), (STEP, STEP), None),
        (STEP, change(END, reason="failed"), (STEP,), None),
        (STEP, END, (BEAMS,), Difference(0, "beams", " t1", " t1")),
        (
            STEP,
            END,
            (change(STEP, token=ROW[1]),),
            Difference(0, "token", Token(1, " t1"), Token(2, " t2")),
        ),
    ],
)
def test_steps_and_ends(then, end, again, found):
    assert difference(then, *again, end=end) == found


@pytest.mark.parametrize(
    ("now", "kind", "candidate", "figures"),
    [
        (change(STEP, token=weighed(1, 0.52, 0.5)), "probability", Token(1, " t1"), (0.5, 0.52)),
        (change(STEP, token=weighed(1, 0.5, 0.6)), FINAL, Token(1, " t1"), (0.5, 0.6)),
        (row(ROW[0], weighed(2, 0.3), ROW[2]), "probability", Token(2, " t2"), (0.25, 0.3)),
        (row(ROW[0], weighed(2, 0.25, 0.3), ROW[2]), FINAL, Token(2, " t2"), (0.25, 0.3)),
        (row(ROW[0], ROW[2]), "probability", Token(2, " t2"), (0.25, None)),
        (row(), "probability", Token(1, " t1"), (0.5, None)),
    ],
)
def test_figures(now, kind, candidate, figures):
    found = difference(STEP, now)
    assert (found.index, found.kind, found.candidate) == (0, kind, candidate)
    assert (found.then, found.now) == pytest.approx(figures)


def test_two_of_nearly_one_probability_may_change_places_at_the_end_of_the_list():
    assert difference(STEP, row(*ROW[:2], weighed(4, 0.12)), END) is None
    assert difference(row(*ROW[:2], weighed(4, 0.12)), STEP, END) is None


def searched(**fields):
    return difference(BEAMS, change(BEAMS, **fields), WON, end=WON)


def test_beams():
    scored = change(SECOND, score=-2.5)
    assert searched(hypotheses=(FIRST, scored)) == Difference(
        0, "score", -2.0, -2.5, Token(2, " t2")
    )
    other = change(SECOND, token_ids=(3,), text=" t3")
    assert searched(hypotheses=(FIRST, other)) == Difference(0, "beams", " t2", " t3")
    assert searched(finished=(SECOND,)) == Difference(0, "beams", " t1", " t2")
    assert searched(hypotheses=(FIRST,)) == Difference(0, "beams", " t2", None)
    assert searched(finished=(FIRST, SECOND)) == Difference(0, "beams", None, " t2")
    rows = (Distribution((ROW[0], weighed(2, 0.25, 0.5), ROW[2]), 1.0, 3),)
    assert searched(distributions=rows) is None, "the final figure is part of a sum"
    rows = (Distribution((ROW[0], weighed(2, 0.3), ROW[2]), 1.0, 3),)
    assert searched(distributions=rows).kind == "probability"

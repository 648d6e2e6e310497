"""Records of runs, written down by hand, and turns of them as they stand in the document."""

from __future__ import annotations

import math

from core.document.document import Turn
from core.records.settings import Settings
from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    Finished,
    Hypothesis,
    Started,
    TokenStep,
)
from tui.prose.turn import TurnProse, View, tint


def token(token_id, text, logprob=-1.0):
    return Candidate(token_id, text, logprob, logprob, 1)


def token_step(index, token_id, text, logprob=-1.0, **more):
    chosen = token(token_id, text, logprob)
    return TokenStep(index, chosen, Distribution((chosen,), 1.0, 1), text, 0.1, **more)


def hypothesis(token_ids, text, token_text, parent=0, logprob=-1.0, *, is_special=False):
    last = token(token_ids[-1], token_text, logprob)
    score = -float(len(token_ids))
    return Hypothesis(tuple(token_ids), text, score, score, parent, last, is_special)


def beam_step(index, *live, finished=()):
    return BeamStep(index, live, tuple(finished), (), (), 0.1)


def started(context=(1, 2), **more):
    return Started(tuple(context), tuple(context), 20, 1024, 7, **more)


def finished(reason, steps=(), text=None, **more):
    steps = [step for step in steps if isinstance(step, TokenStep)]
    whole = "".join(step.text for step in steps) if text is None else text
    return Finished(reason, tuple(step.token.token_id for step in steps), whole, 9.0, **more)


NEWEST = View()
TINT = tint(1.0 / math.log(2))


def turn_of(prompt="", *steps, preset="greedy", **more):
    turn = Turn(prompt, preset, Settings(), "demo", **more)
    turn.started, turn.steps = started(), list(steps)
    return turn


def ended_turn(turn, reason="length", text=None, **more):
    turn.finished = finished(reason, turn.steps, text, **more)
    return turn


def prose_of(turn, before=None, *, first_step=0, width=200):
    return TurnProse(turn, first_step=first_step, before=before, width=width)


def pieces_of(prose):
    return [piece for line in prose.lines for piece in line]


def text_of(prose):
    return "".join(piece.text for piece in pieces_of(prose))


def kinds_of(prose):
    """Neighbours of one kind and step, put together."""
    found = []
    for piece in pieces_of(prose):
        if found and found[-1][1:] == (piece.kind, piece.step):
            found[-1] = (found[-1][0] + piece.text, piece.kind, piece.step)
        else:
            found.append(tuple(piece))
    return found


CAT = token_step(0, 10, " cat")
SAT = token_step(1, 11, " sat")

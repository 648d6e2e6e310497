"""One turn of a document as prose: its mark, its prompt, and what was generated after it.

Must never look at a widget or a colour. Beam searches are shown as they stood at the step looked
at, because beams revise what they wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.document.document import Turn
from core.records.steps import BeamStep, Hypothesis, Step, TokenStep
from core.text.readable import TINT_LIMITS, tint_level
from core.text.visible import SPECIAL_TOKEN
from tui.common.visible import visible_token
from tui.prose.lines import Line, Piece, Prose

MARK = "mark"
PROMPT = "prompt"
PLAIN = "plain"
SPECIAL = "special-token"
FAILURE = "failure"

TINTS: tuple[str, ...] = tuple(f"tint-{level}" for level in range(len(TINT_LIMITS) + 1))

CHOSEN_BY_HAND = "chosen "
"""Stands before the tint of a token that a person chose."""


def tint(surprisal: float) -> str:
    """Return the name of the tint of a token that carried ``surprisal`` bits."""
    return TINTS[tint_level(surprisal)]


@dataclass(frozen=True, slots=True)
class View:
    """What of a turn is looked at: a position in its steps, ``None`` for the newest."""

    step: int | None = None


class TurnProse:
    """Keeps the wrapped lines of one turn up to date with its steps.

    Where it ``flows_on``, its first line is the last one of the turn before it, gone on with.
    """

    def __init__(
        self, turn: Turn, *, first_step: int, before: TurnProse | None, width: int
    ) -> None:
        self.turn = turn
        self.flows_on = before is not None and _flows_on(turn, before.turn)
        self._first_step = first_step
        self._prose = Prose(width, before.lines[-1] if before and self.flows_on else None)
        self._steps_seen = 0
        self._is_complete = False
        self._shown_beam: tuple[int, bool] | None = None
        self._prose.append(
            _opening(turn, before.turn if before else None, is_new=not self.flows_on)
        )
        self._shows_dropped = False
        self._start = self._prose.mark()

    @property
    def lines(self) -> list[Line]:
        """The turn's lines, to be read only."""
        return self._prose.lines

    def sync(self, view: View) -> int | None:
        """Add what is new; return the first line that has changed, ``None`` when none has."""
        started = self.turn.started
        if started is not None and started.dropped_turns and not self._shows_dropped:
            self._shows_dropped = True
            self._prose.append([Piece(_left_out(started.dropped_turns), MARK)])
            self._start = self._prose.mark()
            self._shown_beam = None
            self.sync(view)
            return 0
        steps = self.turn.steps
        if self._is_complete and len(steps) == self._steps_seen:
            return None
        if steps and isinstance(steps[-1], BeamStep):
            return self._sync_beams(steps, view)
        return self._sync_tokens(steps)

    def _sync_tokens(self, steps: Sequence[Step]) -> int | None:
        pieces = token_pieces(steps[self._steps_seen :], self._first_step + self._steps_seen)
        self._steps_seen = len(steps)
        if self.turn.finished is not None and not self._is_complete:
            self._is_complete = True
            pieces.append(self._unwritten(steps))
            last = steps[-1] if steps else None
            is_marked = isinstance(last, TokenStep) and last.is_special
            pieces.extend(self._ending(self._first_step + len(steps) - 1, is_marked=is_marked))
        return self._prose.append(pieces) if pieces else None

    def _unwritten(self, steps: Sequence[Step]) -> Piece:
        """What the finished text has beyond its steps, such as an unfinished character."""
        finished = self.turn.finished
        written = "".join(step.text for step in steps if isinstance(step, TokenStep))
        more = ""
        if finished is not None and finished.text.startswith(written):
            more = finished.text[len(written) :]
        return Piece(more, PLAIN, self._first_step + len(steps) - 1)

    def _sync_beams(self, steps: Sequence[Step], view: View) -> int | None:
        is_final = view.step is None and self.turn.finished is not None
        position = len(steps) - 1 if view.step is None else view.step
        if self._shown_beam == (position, is_final):
            return None
        self._shown_beam = (position, is_final)
        self._prose.rewind(self._start)
        return self._prose.append(
            self._final_beam(steps) if is_final else self._beam_at(steps, position)
        )

    def _beam_at(self, steps: Sequence[Step], position: int) -> list[Piece]:
        step = steps[position]
        if isinstance(step, TokenStep):
            return token_pieces(steps[: position + 1], self._first_step)
        if not step.hypotheses:
            return []
        return beam_pieces(steps, step.hypotheses[0], self._first_step)

    def _final_beam(self, steps: Sequence[Step]) -> list[Piece]:
        finished, last = self.turn.finished, steps[-1]
        if finished is None or not isinstance(last, BeamStep):
            return []
        for hypothesis in (*last.finished, *last.hypotheses):
            if hypothesis.token_ids == finished.token_ids:
                pieces = beam_pieces(steps, hypothesis, self._first_step)
                break
        else:
            pieces = [Piece(self.turn.text, PLAIN)]
        is_marked = pieces[-1].kind == SPECIAL
        return [*pieces, *self._ending(self._first_step + len(steps) - 1, is_marked=is_marked)]

    def _ending(self, last_step: int, *, is_marked: bool) -> Iterator[Piece]:
        finished = self.turn.finished
        if finished is None:
            return
        if finished.reason == "end_of_text" and not is_marked:
            yield Piece(SPECIAL_TOKEN, SPECIAL, last_step)
        elif finished.reason == "failed":
            yield Piece(f"\n✗ {finished.detail or 'the run failed'}", FAILURE)


def token_pieces(steps: Sequence[Step], first_step: int) -> list[Piece]:
    """Return the text of token steps, piece by piece; what a person chose is marked."""
    pieces: list[Piece] = []
    for position, step in enumerate(steps, first_step):
        if isinstance(step, TokenStep):
            kind = CHOSEN_BY_HAND * (step.chosen_by == "person") + tint(step.token.surprisal)
            pieces.append(Piece(step.text, kind, position))
            if step.is_special:
                pieces.append(Piece(SPECIAL_TOKEN, SPECIAL, position))
    return pieces


def beam_pieces(steps: Sequence[Step], hypothesis: Hypothesis, first_step: int) -> list[Piece]:
    """Return a beam's text piece by piece, following it back from parent to parent.

    What a person put first stands before it.
    """
    pieces: list[Piece] = []
    current = hypothesis
    while True:
        position = len(current.token_ids) - 1
        parent = _parent(steps, current, position)
        put = token_pieces(steps[:position], first_step) if parent is None else []
        texts = (one.text for one in put if one.kind != SPECIAL)
        written = sum(map(len, texts)) if parent is None else len(parent.text)
        kind = tint(current.token.surprisal)
        if current.is_special:  # the last piece comes first here
            pieces.append(Piece(SPECIAL_TOKEN, SPECIAL, first_step + position))
        pieces.append(Piece(current.text[written:], kind, first_step + position))
        if parent is None:
            return [*put, *reversed(pieces)]
        current = parent


def _parent(steps: Sequence[Step], hypothesis: Hypothesis, position: int) -> Hypothesis | None:
    if not 0 < position <= len(steps):
        return None
    before = steps[position - 1]
    if isinstance(before, BeamStep) and 0 <= hypothesis.parent < len(before.hypotheses):
        return before.hypotheses[hypothesis.parent]
    return None


def _flows_on(turn: Turn, before: Turn) -> bool:
    """Whether ``turn`` goes on with the text that a person writes by hand, another way."""
    if turn.prompt or not (turn.is_by_hand and before.is_by_hand):
        return False
    if (turn.preset_name, turn.model_name) != (before.preset_name, before.model_name):
        return False
    # The lines of a beam search change with the step looked at, and a failure ends its text.
    is_beams = any(isinstance(step, BeamStep) for step in before.steps[-1:])
    return not is_beams and before.finished is not None and before.finished.reason != "failed"


def _opening(turn: Turn, before: Turn | None, *, is_new: bool) -> Iterator[Piece]:
    if is_new:
        name = turn.preset_name
        fork = turn.fork
        if fork is not None and fork.replaced:
            put = visible_token(fork.put) if fork.put else "typed"
            name += f" · {put} instead of {visible_token(fork.replaced)}"
        elif fork is not None:
            name += f" · forked at {visible_token(fork.put)}"
        elif not turn.prompt:
            name += " · from the start of text" if before is None else " · continued"
        elif turn.message == "first" and before is not None:
            name += " · a new conversation, which reads nothing above"
        if before is not None and turn.model_name != before.model_name:
            name += f" · from here on {turn.model_name}"
        yield Piece(("" if before is None else "\n") + f"── {name} ──\n", MARK)
    yield Piece(turn.prompt + ("\n" if turn.message else ""), PROMPT)


def _left_out(turns: int) -> str:
    return f"── no longer read: the {'oldest turn' if turns == 1 else f'{turns} oldest turns'} ──\n"

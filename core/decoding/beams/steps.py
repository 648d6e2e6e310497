"""A beam search as an iterator of steps, with every live beam and each one given up.

Must never decide which beams survive: ``search`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.decoding.asking import Asked, Steps, ask
from core.decoding.beams.search import advance, pool_size
from core.decoding.beams.state import Beam, BeamLimits, BeamState, DroppedBeam, initial_state
from core.decoding.run import Run
from core.decoding.weighing.step import Weighed, chosen_candidate
from core.records.decode_state import DecodeState
from core.records.steps import BeamStep, DroppedHypothesis, Event, FinishReason, Hypothesis


def beam_steps(run: Run, is_cancelled: Callable[[], bool]) -> Steps:
    """Search with ``num_beams`` beams; yield a ``BeamStep`` for each token, then ``Finished``."""
    num_beams = run.settings.num_beams
    limits = BeamLimits(
        has_ended=lambda rows: [run.stop_rule.reason(row) is not None for row in rows],
        eos_token_count=len(run.eos_token_ids),
        max_new_tokens=run.most_tokens,
    )
    # As ``advance`` asks for.
    ranked = 1
    if not run.settings.do_sample:
        ranked = pool_size(run.settings, limits.eos_token_count) + 1
    state = initial_state(num_beams)
    writer = _HypothesisWriter(run)
    index, rows = 0, 1
    while not state.is_done and not is_cancelled():
        asked = Asked()
        if index:
            parents = tuple(min(beam.parent, rows - 1) for beam in state.live)
            asked = Asked(parents, tuple(beam.token_ids[-1] for beam in state.live))
        logits = yield from ask(asked)
        rows = len(logits)
        weighed = run.weigh(logits, [beam.token_ids for beam in state.live[:rows]], ranked=ranked)
        state, dropped = advance(state, weighed, run.settings, limits, run.generator)
        step = writer.step(index, state, dropped, weighed, run.tick())
        if step.hypotheses:  # else nothing could go on: the search ends a step earlier
            yield step
        index += 1
    yield _finished(run, state, writer)


def _finished(run: Run, state: BeamState, writer: _HypothesisWriter) -> Event:
    if not state.is_done:
        if not writer.shown:
            return run.finished("cancelled", run.token_ids, run.text)
        best = writer.shown[0]
        return run.finished("cancelled", best.token_ids, best.text, best.normalized_score)
    if not state.best[0].has_ended:
        return _stuck(run, state.best[0].beam)
    winner = writer.finished[state.finished[0]]
    found = winner.token_ids[len(run.token_ids) :]
    reason: FinishReason = run.stop_rule.reason(found) or "length"
    return run.finished(reason, winner.token_ids, winner.text, winner.normalized_score)


def _stuck(run: Run, beam: Beam | None) -> Event:
    """Return the end of a search that no beam could go on with, nor had any ended.

    ``generate()`` returns what stands first among its best sequences then, however short.
    """
    run.write(beam.token_ids if beam is not None else ())
    score = beam.normalized_score if beam is not None else None
    end = run.finished("length", run.token_ids, run.text, score)
    return replace(end, detail="the settings leave no token to go on with")


@dataclass(frozen=True, slots=True)
class _BeamText:
    """What is written of a beam, and where its text stands."""

    text: str
    state: DecodeState


class _HypothesisWriter:
    """Turns beams into records; remembers the texts, so that each token is decoded once.

    ``shown`` are the live hypotheses of the last step, ``finished`` the ended ones.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._live = [_BeamText(run.text, run.state)] * run.settings.num_beams
        self.shown: tuple[Hypothesis, ...] = ()
        self.finished: dict[Beam, Hypothesis] = {}
        self._grown: dict[tuple[int, int], _BeamText] = {}
        """Of this step, by the beam that grew and the token."""

    def step(
        self,
        index: int,
        state: BeamState,
        dropped: Sequence[DroppedBeam],
        weighed: Weighed,
        elapsed: float,
    ) -> BeamStep:
        """Return the record of a step that led to ``state``."""
        for beam in (*state.finished, *(one.beam for one in dropped)):
            if beam not in self.finished:
                self.finished[beam] = self._hypothesis(beam, weighed)
        live = [beam for beam in state.live if not beam.is_filler]
        # At the last step every beam has ended, and the live ones are fillers.
        finished = {beam: self.finished[beam] for beam in state.finished}
        self.shown = tuple(self._hypothesis(beam, weighed) for beam in live)
        self.shown = self.shown or tuple(finished.values())
        given_up = tuple(DroppedHypothesis(self.finished[one.beam], one.reason) for one in dropped)
        self.finished = finished
        self._live = [self._written(beam) for beam in state.live]
        self._grown.clear()
        ended = tuple(finished.values())
        index += len(self._run.token_ids)
        return BeamStep(index, self.shown, ended, given_up, weighed.distributions, elapsed)

    def _hypothesis(self, beam: Beam, weighed: Weighed) -> Hypothesis:
        row = min(beam.parent, len(weighed.distributions) - 1)
        token_id = beam.token_ids[-1]
        return Hypothesis(
            token_ids=self._run.token_ids + beam.token_ids,
            text=self._written(beam).text,
            score=beam.score,
            normalized_score=beam.normalized_score,
            parent=row,
            token=chosen_candidate(weighed, row, token_id, self._run.codec.token_text),
            is_special=self._run.is_special(token_id),
        )

    def _written(self, beam: Beam) -> _BeamText:
        place = beam.parent, beam.token_ids[-1]
        written = self._grown.get(place)
        if written is None:
            parent = self._live[beam.parent]
            text, state = self._run.extend(parent.state, beam.token_ids[-1])
            written = self._grown[place] = _BeamText(parent.text + text, state)
        return written

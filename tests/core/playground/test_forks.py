"""What a person may put in a step's place: a candidate, a beam's, typed text, other settings."""

from __future__ import annotations

import dataclasses

import pytest

from core.backends.scripted import ScriptedBackend
from core.document.document import Fork
from core.looking_back.beam_contest import contest
from core.playground.looking.lookup import Lookup
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.records.steps import BeamStep, Candidate
from tests.core.playground.played import BEAM, GREEDY, MODEL, SAMPLE, SEEDED, gated


def candidate_at(one, position, number):
    one.document.cursor = position
    return one.document.selected()[1].distribution.candidates[number - 1]


def last_request(one):
    return one.backend.requests[-1]


@pytest.fixture
def behind(monkeypatch):
    """What of a run stood before each candidate that was placed."""
    found, placed = [], Lookup.placed

    def watched(lookup, candidate, turn, before):
        found.append(before)
        return placed(lookup, candidate, turn, before)

    monkeypatch.setattr(Lookup, "placed", watched)
    return found


class TestForking:
    def test_another_candidate_stands_in_the_token_s_place(self, play, behind):
        one = play()
        one.run("Once")
        chosen = candidate_at(one, 1, 3)
        one.playground.forks.to_candidate(chosen)
        one.settle()
        assert last_request(one).forced == (chosen.token_id,)
        assert last_request(one).context_token_ids == (10, 100)
        turn = one.document.turns[-1]
        assert turn.fork == Fork(2, chosen.text, ",")
        assert turn.model == one.playground.model.info
        assert behind == [(100,)]
        assert one.document.text == "Once far there far, away"
        assert one.playground.documents.tree.node(2).beginning.step == 2

    def test_the_same_one_replaces_nothing(self, play):
        one = play()
        one.run("Once")
        one.playground.forks.to_candidate(candidate_at(one, 1, 1))
        one.settle()
        assert one.document.turns[-1].fork == Fork(2, ",", "")

    def test_nothing_happens_without_a_step_or_at_one_of_beams(self, play):
        one = play()
        one.playground.forks.to_candidate(Candidate(1, " a", -1.0, -1.0, 1))
        one.run("Once", BEAM)
        one.document.cursor = 1
        one.playground.forks.to_candidate(Candidate(1, " a", -1.0, -1.0, 1))
        assert len(one.backend.requests) == 1

    def test_a_beam_is_gone_on_from(self, play):
        one = play()
        one.run("Once", BEAM)
        steps = one.document.turns[0].steps
        assert all(isinstance(step, BeamStep) for step in steps)
        one.document.cursor = 1
        parents = contest(steps[1], steps[0])
        parent = parents[1]
        leader = steps[1].hypotheses[0].token
        weighed = (one.candidate for one in parent.contenders)
        chosen = next(one for one in weighed if one.token_id != leader.token_id)
        one.playground.forks.to_beam(parent, chosen)
        one.settle()
        turn = one.document.turns[-1]
        assert turn.fork.step == 2
        assert turn.fork.put == chosen.text
        assert turn.fork.replaced == leader.text
        assert turn.fork.other_beam == parent.hypothesis.text
        assert last_request(one).context_token_ids == (10, *parent.hypothesis.token_ids)
        assert last_request(one).forced == (chosen.token_id,)

    def test_the_leader_s_own_token_replaces_nothing(self, play):
        one = play()
        one.run("Once", BEAM)
        steps = one.document.turns[0].steps
        one.document.cursor = 0
        (parent,) = contest(steps[0], None)
        leader = steps[0].hypotheses[0].token
        one.playground.forks.to_beam(parent, leader)
        one.settle()
        assert one.document.turns[-1].fork == Fork(1, leader.text)
        assert last_request(one).context_token_ids == (10,)

    def test_a_beam_is_not_gone_on_from_in_a_run_of_tokens(self, play):
        one = play()
        one.run("Once", BEAM)
        (parent,) = contest(one.document.turns[0].steps[0], None)
        leader = one.document.turns[0].steps[0].hypotheses[0].token
        one.playground.moves.clear()
        one.playground.forks.to_beam(parent, leader)
        one.run("Once", GREEDY)
        one.playground.forks.to_beam(parent, leader)
        assert len(one.backend.requests) == 2

    def test_typed_text_stands_in_a_token_s_place(self, play):
        one = play()
        one.run("Once")
        one.document.cursor = 1
        one.playground.forks.to_text(" a dragon")
        one.settle()
        assert last_request(one).forced == " a dragon"
        assert one.document.turns[-1].fork == Fork(2, "", ",")
        assert one.document.text == "Once far a dragon far, away"

    def test_typed_text_that_cannot_stand_there_is_refused_whole(self, play):
        backend, gate = gated()
        one = play(backend)
        gate.release(3)
        with pytest.raises(PlaygroundError, match="only in a greedy or sampling run"):
            one.playground.forks.to_text(" a")
        one.run("Once")
        with pytest.raises(PlaygroundError, match="type what should stand there"):
            one.playground.forks.to_text("")
        one.playground.prompts.send(" and")
        with pytest.raises(PlaygroundError, match="wait until the run is over"):
            one.playground.forks.to_text(" a")
        gate.release(9)
        one.settle()
        one.playground.moves.clear()
        gate.release(9)
        one.run("Once", BEAM)
        with pytest.raises(PlaygroundError, match="only in a greedy or sampling run"):
            one.playground.forks.to_text(" a")
        assert len(backend.requests) == 3

    def test_typed_text_that_the_model_cannot_spell_leaves_the_document(self, play):
        class Unspelled(ScriptedBackend):
            def prompt_tokens(self, text, *, is_beginning):
                assert not is_beginning
                raise PlaygroundError("no token for it")

        one = play(Unspelled())
        one.run("Once")
        with pytest.raises(PlaygroundError, match="no token for it"):
            one.playground.forks.to_text(" a")
        assert one.document.text == "Once far, away"

    def test_typed_text_that_never_ran_is_given_back(self, play):
        class Failing(ScriptedBackend):
            def generate(self, request, is_cancelled):
                if request.forced:
                    raise PlaygroundError("it is too long")
                return super().generate(request, is_cancelled)

        one = play(Failing())
        one.run("Once")
        candidate = candidate_at(one, 1, 3)
        one.playground.forks.to_text(" a dragon")
        assert one.settle().returned_prompt == " a dragon"
        one.document.cursor = 0
        one.playground.forks.to_candidate(candidate)
        assert not one.settle().returned_prompt


class TestNewDice:
    def test_are_thrown_once_and_told(self, play):
        one = play()
        one.run("Once", SEEDED)
        one.playground.next_run.dice.toggle()
        assert one.notice == "new dice for the next run; again takes that back"
        one.playground.forks.to_candidate(candidate_at(one, 1, 3))
        one.settle()
        seed = last_request(one).settings.seed
        assert seed != 4
        assert last_request(one).drawn == 0
        assert one.notice == f"new dice: the seed is {seed}"
        assert one.document.turns[-1].settings == SEEDED.settings, "it asked for none"
        one.playground.forks.to_candidate(candidate_at(one, 3, 2))
        one.settle()
        assert (last_request(one).settings.seed, last_request(one).drawn) == (seed, 1)
        one.playground.next_run.dice.toggle()
        one.playground.next_run.dice.toggle()
        one.run("")
        assert last_request(one).settings.seed == seed, "taken back"

    def test_by_hand_they_begin_another_run(self, play):
        one = play()
        one.playground.next_run.is_by_hand = True
        one.run("Once", SAMPLE)
        for _ in range(2):
            one.playground.runs.write(None)
            one.settle()
        assert last_request(one).drawn == 1
        one.playground.next_run.dice.toggle()
        one.playground.runs.write(None)
        one.settle()
        assert len(one.document.turns) == 2
        assert (last_request(one).drawn, last_request(one).written_token_ids) == (0, ())


class TestWouldRepeat:
    def test_only_the_chosen_token_of_a_run_that_draws_nothing_under_its_own_settings(self, play):
        one = play(others={"other": ScriptedBackend(info=dataclasses.replace(MODEL, name="o"))})
        assert not one.playground.forks.would_repeat(Candidate(100, " far", -1.0, -1.0, 1))
        one.run("Once")
        own, another = candidate_at(one, 0, 1), candidate_at(one, 0, 2)
        assert one.playground.forks.would_repeat(own)
        assert not one.playground.forks.would_repeat(another)
        one.playground.next_run.pick(SAMPLE)
        assert not one.playground.forks.would_repeat(own), "other settings write on otherwise"
        one.playground.next_run.pick(GREEDY)
        one.playground.next_run.is_by_hand = True
        assert not one.playground.forks.would_repeat(own), "by hand it is a way back"
        one.playground.next_run.is_by_hand = False
        one.playground.model.use("other")
        assert not one.playground.forks.would_repeat(own), "while nothing can run"
        one.settle()
        assert not one.playground.forks.would_repeat(own), "another model writes on otherwise"

    def test_what_was_drawn_is_drawn_anew(self, play):
        one = play()
        one.run("Once", SEEDED)
        assert not one.playground.forks.would_repeat(candidate_at(one, 0, 1))

    def test_beams_have_no_chosen_token(self, play):
        one = play()
        one.run("Once", BEAM)
        token = one.document.selected()[1].hypotheses[0].token
        assert not one.playground.forks.would_repeat(token)


class TestRerunning:
    NEW = Settings(max_new_tokens=2, repetition_penalty=1.5)

    def test_goes_on_from_before_a_step_with_other_settings(self, play):
        one = play()
        one.run("Once")
        one.run(" and")
        one.playground.forks.to_settings(4, self.NEW)
        one.settle()
        turn = one.document.turns[-1]
        assert (turn.preset_name, turn.settings, turn.fork) == ("greedy*", self.NEW, None)
        assert turn.model == one.playground.model.info
        assert last_request(one).context_token_ids == (10, 100, 101, 102, 10, 100)
        assert last_request(one).forced == ()
        one.playground.forks.to_settings(3, self.NEW)
        one.settle()
        assert one.document.turns[-1].preset_name == "greedy*", "one star is enough"

    def test_with_the_dice_of_the_step_and_lengths_from_the_start(self, play):
        one = play()
        one.run("Once", SEEDED)
        one.playground.forks.to_settings(1, SEEDED.settings.replace(seed=None))
        one.settle()
        asked = last_request(one)
        assert (asked.settings.seed, asked.drawn, asked.counted) == (4, 1, 1)
        started = one.document.turns[-1].started
        assert (started.seed, started.drawn, started.counted) == (4, 1, 1)

    def test_not_where_there_is_no_step(self, play):
        one = play()
        one.run("Once")
        one.playground.forks.to_settings(3, self.NEW)
        assert len(one.backend.requests) == 1

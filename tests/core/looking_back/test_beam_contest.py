"""What is told of a beam search, against the search itself on the bundled model."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.backends.scripted import ScriptedBackend
from core.decoding.engine import generate
from core.looking_back.beam_contest import (
    contest,
    has_new_lead,
    next_change_of_lead,
    place_of_winner,
    text_beyond,
    tokens_in_common,
)
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, Candidate, Distribution, Finished, Hypothesis
from tests.core.decoding.test_parity import beams, compare, ends, penalties, prompts, seeds

SEARCHES = {
    "plain": Settings(num_beams=4, max_new_tokens=30),
    "no repeats": Settings(num_beams=5, no_repeat_ngram_size=2, max_new_tokens=40),
    "stops early": Settings(num_beams=3, early_stopping=True, max_new_tokens=150),
    "drawn": Settings(num_beams=3, do_sample=True, seed=3, max_new_tokens=20),
    "cut": Settings(num_beams=3, do_sample=True, top_k=3, seed=4, max_new_tokens=20),
}


COMPARED = ("live", "finished", "dropped")


@dataclasses.dataclass
class Search:
    settings: Settings
    steps: list[BeamStep]
    finished: Finished


@pytest.fixture(scope="module", params=SEARCHES)
def search(request, demo):
    asked = Request("Once upon a time", SEARCHES[request.param])
    _, *steps, finished = generate(demo.model, demo.codec, asked, lambda: False)
    assert len(steps) > 9
    return Search(asked.settings, steps, finished)


def pairs(steps):
    return zip(steps, [None, *steps], strict=False)


def test_every_beam_is_the_outcome_of_one_contender(search):
    steps = search.steps
    for step, previous in pairs(steps):
        told = sorted(
            ((*(parent.hypothesis.token_ids if parent.hypothesis else ()), one.candidate.token_id))
            for parent in contest(step, previous)
            for one in parent.contenders
            if one.fate in COMPARED
        )
        length = step.index + 1
        made = {one.token_ids for one in (*step.hypotheses, *step.finished)}
        made |= {one.hypothesis.token_ids for one in step.dropped}
        assert told == sorted(one for one in made if len(one) == length)


def test_scores_are_sums_of_what_the_decoder_chose_from(search):
    steps = search.steps
    for step, previous in pairs(steps):
        parents = contest(step, previous)
        assert any(one.score is not None for parent in parents for one in parent.contenders)
        for parent in parents:
            for one in parent.contenders:
                if one.score is None:
                    assert one.fate == "cut"
                    assert one.candidate.cut_by
                else:
                    expected = parent.score + one.candidate.final_logprob
                    assert one.score == pytest.approx(expected, abs=2e-4)


def test_what_was_too_far_behind_scores_below_what_was_compared(search):
    steps = search.steps
    seen = 0
    for step, previous in pairs(steps):
        contenders = [one for parent in contest(step, previous) for one in parent.contenders]
        compared = [one.score for one in contenders if one.fate in COMPARED]
        outside = [one.score for one in contenders if one.fate == "outside"]
        seen += len(outside)
        if not search.settings.do_sample:
            assert max(outside, default=-1e9) <= min(compared)
    assert seen or search.settings.do_sample


def test_places_are_the_order_of_the_beams(search):
    steps = search.steps
    for step, previous in pairs(steps):
        live = {
            one.place: one.candidate
            for parent in contest(step, previous)
            for one in parent.contenders
            if one.fate == "live"
        }
        assert live or step.index == steps[-1].index
        for place, one in live.items():
            assert step.hypotheses[place - 1].token == one


def test_the_winner_is_followed_back_to_the_prompt(search):
    steps, finished = search.steps, search.finished
    length = len(finished.token_ids)
    assert length > 1
    for step in steps[: length - 1]:
        place = place_of_winner(step, finished.token_ids)
        assert place, f"the winner was live at step {step.index}"
        ahead = step.hypotheses[place - 1].token_ids
        assert ahead == finished.token_ids[: len(ahead)]


def test_tokens_in_common_are_those_and_no_more(search):
    steps = search.steps
    for step in steps:
        common = tokens_in_common(step)
        rows = [one.token_ids for one in step.hypotheses]
        assert len({row[:common] for row in rows}) == 1
        if common < min(len(row) for row in rows):
            assert len({row[: common + 1] for row in rows}) > 1


def test_a_change_of_lead_revises_the_text(search):
    steps = search.steps
    found, index = [], -1
    while (index := next_change_of_lead(steps, index)) is not None:
        found.append(index)
    for previous, step in itertools.pairwise(steps):
        before, after = previous.hypotheses[0].token_ids, step.hypotheses[0].token_ids
        assert (step.index in found) == (after[: len(before)] != before)


def test_text_beyond_what_is_in_common(search, demo):
    steps, finished = search.steps, search.finished
    codec = demo.codec
    for step in steps[:-1]:
        for one in step.hypotheses:
            common = 0
            for ours, theirs in zip(one.token_ids, finished.token_ids, strict=False):
                if ours != theirs:
                    break
                common += 1
            assert text_beyond(steps, one, finished.token_ids) == codec.decode(
                one.token_ids[common:]
            )


@pytest.mark.parametrize("engine", ["transformers", "torch"])
@examples(max_examples=30)
@given(
    seeds,
    ends,
    prompts,
    st.fixed_dictionaries(
        {"max_new_tokens": st.integers(8, 11), "num_beams": st.integers(2, 4)},
        optional=penalties | beams,
    ),
)
def test_every_contender_as_generate_scores_it(engine, model_seed, eos, prompt, mapping):
    """At every step, the last one included, whatever ended before and however it ends."""
    ours, theirs = compare(engine, model_seed, eos, prompt, mapping)
    assert len(ours.steps) <= len(theirs.scores)
    seen = 0
    for (step, previous), scores in zip(pairs(ours.steps), theirs.scores, strict=False):
        for row, parent in enumerate(contest(step, previous)):
            texts = parent.hypothesis.token_ids if parent.hypothesis else ()
            assert len(texts) == step.index
            for one in parent.contenders:
                seen += 1
                added = float(scores[row, one.candidate.token_id])
                if one.score is None:
                    assert added == -math.inf
                else:
                    assert one.score == pytest.approx(parent.score + added, rel=1e-5, abs=1e-4)
                if one.fate in COMPARED:
                    whole = (*texts, one.candidate.token_id)
                    made = [*step.hypotheses, *step.finished]
                    made += [dropped.hypothesis for dropped in step.dropped]
                    assert whole in {beam.token_ids for beam in made}
    assert seen


def test_what_ended_before_is_no_contender_of_the_last_step():
    """By hand: the winner ended at step 0; beam 1 is offered its last token, and is too late."""
    end = Candidate(9, "|", math.log(0.5), math.log(0.5), 1)
    other = Candidate(1, "a", math.log(0.4), math.log(0.4), 2)
    weighed = Distribution((end, other), 1.0, 2)
    won = Hypothesis((9,), "|", end.logprob, end.logprob, 0, end)
    alive = Hypothesis((1,), "a", other.logprob, other.logprob, 0, other)
    first = BeamStep(0, (alive,), (won,), (), (weighed,), 0.0)
    late = Hypothesis((1, 1), "aa", 2 * other.logprob, other.logprob, 0, other)
    last = BeamStep(1, (won, late), (won, late), (), (weighed,), 0.0)
    (parent,) = contest(last, first)
    (offered, taken) = parent.contenders
    assert (offered.candidate, offered.fate) == (end, "outside")
    assert offered.score == pytest.approx(math.log(0.4) + math.log(0.5))
    assert (taken.fate, taken.place) == ("finished", 2)
    assert has_new_lead(last, first)
    assert next_change_of_lead([first, last], -1) == 1


def test_records_without_their_parents_still_tell_the_whole_text():
    *_, last = [
        event
        for event in ScriptedBackend().generate(Request("a", Settings(num_beams=2)), lambda: False)
        if isinstance(event, BeamStep)
    ]
    orphan = dataclasses.replace(last.hypotheses[0], parent=9)
    assert text_beyond([last] * len(orphan.token_ids), orphan, ()) == orphan.text

"""What could be said from where a person looks, and going on with it: a fork that loses nothing."""

from __future__ import annotations

import pytest

from core.document.document import Fork
from core.outlook.gathered import Outlook
from core.records.outlook import Reach
from core.records.steps import BeamStep
from tests.core.playground.played import BEAM, CHAT, GREEDY, SAMPLE, gated


def looked_from(one, typed="", *, at_step=False):
    """Return where one looks out from, and all that is found there."""
    place, outlook = one.playground.outlooks.place(typed, at_step=at_step), Outlook()
    one.playground.outlooks.look(place, Reach(2, 0.01), outlook.add, lambda: False)
    return place, outlook


def test_behind_the_end_what_is_typed_counts(play):
    one = play()
    one.run("Once", SAMPLE)
    text = one.document.text
    place, outlook = looked_from(one, " and then")
    assert (place.request.prompt, place.request.context_token_ids) == (
        " and then",
        one.document.token_ids,
    )
    assert place.before == text + " and then"
    assert place.settings.replace(seed=None) == SAMPLE.settings
    assert outlook.open == 0.0
    assert one.document.text == text  # to look changes nothing
    way = outlook.way_to(outlook.behind(outlook.behind(0)[1].index)[0].index)
    assert one.playground.outlooks.go_on(place, way)
    one.settle()
    turn = one.document.turns[-1]
    assert (turn.prompt, turn.fork) == (" and then", None)
    assert one.backend.requests[-1].forced == tuple(token.token_id for token in way)
    assert [step.chosen_by for step in turn.steps][:3] == ["person", "person", "settings"]
    assert one.playground.prompts.sent[-1] == " and then"


def test_from_a_step_going_on_is_a_fork_in_its_place(play):
    one = play()
    one.run("Once", SAMPLE)
    one.document.cursor = 1
    place, outlook = looked_from(one, "typed", at_step=True)
    assert (place.prompt, place.request.prompt) == ("", "")
    assert place.request.context_token_ids == (10, 100)
    assert place.before == "Once far"
    way = outlook.way_to(outlook.behind(0)[0].index)
    assert not one.playground.outlooks.go_on(place, way)
    one.settle()
    turn = one.document.turns[-1]
    assert turn.fork == Fork(2, way[0].token_text, ",")
    assert one.backend.requests[-1].forced == (way[0].token_id,)
    assert len(one.playground.documents.tree.nodes) == 2


def test_in_a_beam_search_one_looks_from_the_beam_that_leads(play):
    one = play()
    one.run("Once", BEAM)
    one.document.cursor = 2
    place, outlook = looked_from(one, at_step=True)
    steps = one.document.turns[0].steps
    assert isinstance(steps[1], BeamStep)
    assert place.request.context_token_ids == (10, *steps[1].hypotheses[0].token_ids)
    one.playground.outlooks.go_on(place, outlook.way_to(1))
    one.settle()
    assert one.document.turns[-1].fork.step == 3
    assert one.backend.requests[-1].context_token_ids == place.request.context_token_ids


def test_in_a_conversation_one_looks_at_the_answer(play):
    one = play()
    one.playground.next_run.pick(CHAT)
    assert one.playground.outlooks.place("", at_step=False) is None
    assert "type a message first" in one.notice
    place, outlook = looked_from(one, "How are you?")
    assert [message.content for message in place.request.messages] == ["How are you?"]
    assert one.playground.outlooks.go_on(place, outlook.way_to(1))
    one.settle()
    assert (one.document.turns[-1].message, one.document.turns[-1].prompt) == (
        "first",
        "How are you?",
    )
    assert one.backend.requests[-1].forced == (outlook.way_to(1)[0].token_id,)


@pytest.mark.parametrize("at_step", [True, False])
def test_while_something_runs_one_waits(play, at_step):
    backend, gate = gated()
    one = play(backend)
    assert one.playground.prompts.send("Once")
    assert one.playground.outlooks.place("", at_step=at_step) is None
    assert "still running" in one.notice
    gate.release(9)
    one.settle()
    one.playground.next_run.pick(GREEDY)
    assert one.playground.outlooks.place("", at_step=at_step) is not None


def test_by_hand_it_goes_on_by_hand(play):
    one = play()
    one.run("Once", SAMPLE)
    one.playground.by_hand.toggle()
    one.settle()
    place, outlook = looked_from(one)
    one.playground.outlooks.go_on(place, outlook.way_to(1))
    one.settle()
    turn = one.document.turns[-1]
    assert (turn.is_by_hand, len(turn.steps)) == (True, 1)

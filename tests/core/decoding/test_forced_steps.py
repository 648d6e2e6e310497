"""Tokens that a person puts first, and runs by hand: steps like any other, and what follows."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decoding.engine import generate
from core.looking_back.dice import explain_draw
from core.looking_back.explain import explain
from core.looking_back.logits_store import LogitsStore
from core.looking_back.other_settings.ghosts import find_ghosts
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, NextToken, Started, TokenStep
from tests.core.looking_back.recorded import CODEC, CONTEXT
from tests.reference import ENGINES, behind, new_tokens, run_theirs, tiny_gpt2

MODES = {
    "greedy": Settings(max_new_tokens=9),
    "sample": Settings(max_new_tokens=9, do_sample=True, seed=7, top_k=9),
    "penalties": Settings(max_new_tokens=9, repetition_penalty=1.3, min_new_tokens=9),
    "beams": Settings(max_new_tokens=9, num_beams=3),
}


def model_of(engine, module):
    return behind(engine, module, torch.float32 if engine == "native" else None)


def played(model, request):
    """Return a request's events, and its run as it was recorded."""
    store = LogitsStore()
    request = dataclasses.replace(request, recorder=store.recorder("run"))
    return list(generate(model, CODEC, request, lambda: False)), store.run("run")


def tokens(events):
    return [one for one in events if isinstance(one, TokenStep)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("forced", [(5,), (5, 9, 5, 7)])
def test_what_follows_is_what_generate_writes_behind_them(engine, mode, forced):
    module = tiny_gpt2(3, eos_token_id=None)
    model = model_of(engine, module)
    chosen = MODES[mode]
    list(generate(model, CODEC, Request("", MODES["greedy"], CONTEXT), bool))  # a cache to reuse
    events, run = played(model, Request("", chosen, CONTEXT, forced=forced))
    started, finished = events[0], events[-1]
    context = CONTEXT + forced

    assert started.context_token_ids == CONTEXT
    assert started.max_new_tokens == len(events) - 2 == len(forced) + 9
    assert finished.token_ids[: len(forced)] == forced
    expected = new_tokens(run_theirs(module, context, chosen), context)
    assert list(finished.token_ids[len(forced) :]) == expected
    assert finished.text == CODEC.decode(finished.token_ids)
    assert [step.index for step in events[1:-1]] == list(range(len(forced) + 9))
    put = events[1 : 1 + len(forced)]
    assert [(one.token.token_id, one.chosen_by) for one in put] == [
        (one, "person") for one in forced
    ]
    assert all(one.chosen_by == "settings" for one in tokens(events)[len(forced) :])
    assert tuple(run.token_ids) == tuple(one.token.token_id for one in tokens(events))


@pytest.mark.parametrize("mode", MODES)
def test_their_figures_are_those_of_the_model(mode):
    module = tiny_gpt2(3, eos_token_id=0)
    forced = (5, 9, 0)  # the token that ends a text, which a setting may forbid, comes last
    events, run = played(
        behind("transformers", module), Request("", MODES[mode], CONTEXT, forced=forced)
    )
    for place, step in enumerate(tokens(events)[:3]):
        before = torch.tensor([[*CONTEXT, *forced[:place]]])
        logprobs = torch.log_softmax(module(before).logits[0, -1].float(), dim=-1)
        assert step.token.logprob == pytest.approx(float(logprobs[forced[place]]), abs=1e-5)
        assert step.token.rank == 1 + int((logprobs > logprobs[forced[place]]).sum())
        explained = explain(run, place)
        assert explained.token.rank == step.token.rank
        final = step.token.final_logprob
        assert (explained.token.final_logprob is None) == (final is None)
        assert explained.token.final_logprob == final or math.isclose(
            explained.token.final_logprob, final, abs_tol=1e-5
        )
        assert explained.kept == step.distribution.kept
        assert explain_draw(run, place) is None
    assert (events[-1].reason, events[-1].token_ids) == ("end_of_text", forced)
    if mode == "penalties":
        assert tokens(events)[-1].token.final_logprob is None


def test_typed_text_is_put_first_as_its_tokens():
    model = behind("transformers", tiny_gpt2(3, vocab_size=256, eos_token_id=None))
    events, _ = played(model, Request("", MODES["greedy"], CONTEXT, forced="ab世"))
    forced = CODEC.encode("ab世", is_beginning=False)
    assert [one.token.token_id for one in tokens(events)[:5]] == forced
    assert [one.text for one in tokens(events)[:5]] == ["a", "b", "", "", "世"]
    assert events[-1].text.startswith("ab世")


def by_hand(model, chosen, choices):
    """Take ``choices`` one by one: ``None`` lets the settings draw; return all steps and ends."""
    steps, ends, drawn, seed = [], [], 0, chosen.seed
    for choice in choices:
        written = tuple(one.token.token_id for one in steps)
        request = Request(
            "",
            chosen.replace(seed=seed),
            CONTEXT,
            forced=() if choice is None else (choice,),
            most_drawn=1 if choice is None else 0,
            written_token_ids=written,
            drawn=drawn if chosen.do_sample else 0,
        )
        events, _ = played(model, request)
        assert isinstance(events[0], Started)
        seed = events[0].seed
        steps += tokens(events)
        drawn += choice is None
        ends.append(events[-2:])
    return steps, ends


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", ["greedy", "sample", "penalties"])
def test_steps_by_hand_are_the_run_that_the_settings_would_make(engine, mode):
    module = tiny_gpt2(3, eos_token_id=0)
    chosen = MODES[mode].replace(max_new_tokens=None, min_new_tokens=None)
    whole, _ = played(
        model_of(engine, module), Request("", chosen.replace(max_new_tokens=9), CONTEXT)
    )
    steps, ends = by_hand(model_of(engine, module), chosen, [None] * len(tokens(whole)))
    assert len(steps) > 1
    for one, other in zip(steps, tokens(whole), strict=True):
        assert (one.index, one.token.token_id, one.text) == (
            other.index,
            other.token.token_id,
            other.text,
        )
        assert one.token.logprob == pytest.approx(other.token.logprob, abs=1e-4)
    for (offered, finished), step in zip(ends[:-1], steps[1:], strict=True):
        assert isinstance(offered, NextToken)
        assert finished.reason == "by_hand"
        assert [one.token_id for one in offered.distribution.candidates] == [
            one.token_id for one in step.distribution.candidates
        ], "what was offered is what the next step was chosen from"


@settings(max_examples=8, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(1, 23)), max_size=8), st.booleans())
def test_what_a_person_chooses_takes_no_dice(choices, is_sampling):
    """The draws of a run by hand are those of its seed in their order, whatever lies between."""
    module = tiny_gpt2(5, eos_token_id=None)
    chosen = Settings(do_sample=is_sampling, seed=11)
    steps, ends = by_hand(behind("transformers", module), chosen, choices)
    assert [one.index for one in steps] == list(range(len(choices)))
    assert [one.chosen_by for one in steps] == [
        "settings" if one is None else "person" for one in choices
    ]
    generator = torch.Generator().manual_seed(11)
    row = list(CONTEXT)
    for step, choice in zip(steps, choices, strict=True):
        expected = choice
        if choice is None:
            logits = module(torch.tensor([row])).logits[0, -1].float()
            left = torch.topk(logits, 24).indices if not is_sampling else None
            if left is not None:
                expected = int(left[0])
            else:
                waits = torch.empty(1, 24).exponential_(1, generator=generator)[0]
                expected = int((torch.softmax(logits, dim=-1) / waits).argmax())
        assert step.token.token_id == expected
        row.append(expected)
    if ends:
        assert ends[-1][1].token_ids == tuple(row[len(CONTEXT) :])


def test_only_the_next_token_is_weighed_where_nothing_is_asked_for():
    model = behind("transformers", tiny_gpt2(3))
    events, run = played(model, Request("", MODES["sample"], CONTEXT, most_drawn=0))
    started, offered, finished = events
    assert isinstance(offered, NextToken)
    assert len(offered.distribution.candidates) == 5
    assert finished == Finished("by_hand", (), "", 0.0)
    assert (started.max_new_tokens, run.token_ids) == (0, ())


def test_beams_by_hand_are_one_text():
    model = behind("transformers", tiny_gpt2(3, eos_token_id=None))
    beams = Settings(num_beams=3, length_penalty=2.0, early_stopping=True)
    events, _ = played(model, Request("", beams, CONTEXT, most_drawn=1))
    assert [type(one) for one in events] == [Started, TokenStep, NextToken, Finished]


@pytest.mark.parametrize(
    ("room", "forced", "most", "reason"),
    [
        (3, (1, 2), None, "context_full"),
        (2, (1, 2), None, "context_full"),
        (2, (1,), 1, "context_full"),
        (2, (1, 2), 0, "context_full"),
        (3, (1, 2), 0, "by_hand"),
    ],
)
def test_the_context_is_filled_to_its_last_token(room, forced, most, reason):
    model = behind("transformers", tiny_gpt2(3, n_positions=len(CONTEXT) + room, eos_token_id=None))
    events, _ = played(model, Request("", Settings(), CONTEXT, forced=forced, most_drawn=most))
    assert events[-1].reason == reason
    drawn = room - len(forced) if most is None else most
    assert len(tokens(events)) == len(forced) + drawn
    with pytest.raises(PlaygroundError, match="reads at most"):
        played(model, Request("", Settings(), CONTEXT, forced=(1,) * (room + 1)))


def test_max_length_lets_the_last_token_be_another():
    model = behind("transformers", tiny_gpt2(3, eos_token_id=None))
    asked = Request("", Settings(max_length=4), CONTEXT, forced=(5,))
    events, _ = played(model, asked)
    assert (events[-1].reason, events[-1].token_ids) == ("length", (5,))
    with pytest.raises(PlaygroundError, match="max_length"):
        played(model, dataclasses.replace(asked, forced=(5, 6)))


def test_no_settings_would_have_changed_what_a_person_chose():
    model = behind("transformers", tiny_gpt2(3, eos_token_id=None))
    _, run = played(model, Request("", MODES["sample"], CONTEXT, forced=(5, 9)))
    scrubbed = scrub(Sweeper(run), Settings(max_new_tokens=9))
    assert [(step.pick, step.cut_by) for step in scrubbed.steps[:2]] == [(5, None), (9, None)]
    ghosts = find_ghosts(Sweeper(run), [Preset("greedy", "", "", Settings())])
    explained = explain(run, 0)
    assert ghosts.at(0) == {explained.rows[0].token_id: ("greedy",)}

"""``min_new_tokens`` where a person takes steps: what counts as new, by hand and behind a fork."""

from __future__ import annotations

import pytest
import torch

from core.decoding.engine import generate
from core.looking_back.explain import explain, look_up
from core.looking_back.logits_store import LogitsStore
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import NextToken, Started, TokenStep
from tests.core.looking_back.recorded import CODEC, CONTEXT
from tests.reference import ENGINES, behind, new_tokens, run_theirs, tiny_gpt2

END = 0
LEAST = 6
MODES = {
    "greedy": Settings(max_new_tokens=9),
    "sample": Settings(max_new_tokens=9, do_sample=True, seed=7, top_k=12),
}


def early_ender(chosen, context):
    """A model that ends the text too early, and what ``generate()`` makes of it with a minimum."""
    for seed in range(200):
        module = tiny_gpt2(seed, eos_token_id=END)
        free = new_tokens(run_theirs(module, context, chosen), context)
        least = chosen.replace(min_new_tokens=LEAST)
        held = new_tokens(run_theirs(module, context, least), context)
        if END in free[: LEAST - 1] and len(held) > LEAST:
            return module, held
    raise AssertionError("no model ends its text that early")


def model_of(engine, module):
    return behind(engine, module, torch.float32 if engine == "native" else None)


class ByHand:
    """Takes one step after the other, as the app asks for them."""

    def __init__(self, model, settings):
        self.model, self.settings = model, settings
        self.store = LogitsStore()
        self.steps, self.seed = [], settings.seed
        self.drawn = 0

    def take(self, choice=None):
        """Let the settings draw, or put ``choice``; return what is offered, and the end."""
        request = Request(
            "",
            self.settings.replace(seed=self.seed),
            CONTEXT,
            forced=() if choice is None else (choice,),
            most_drawn=1 if choice is None else 0,
            written_token_ids=tuple(one.token.token_id for one in self.steps),
            drawn=self.drawn,
            recorder=self.store.recorder("run"),
        )
        events = list(generate(self.model, CODEC, request, lambda: False))
        assert isinstance(events[0], Started)
        self.seed = events[0].seed
        self.steps += [one for one in events if isinstance(one, TokenStep)]
        self.drawn += choice is None and self.settings.do_sample
        offered = [one for one in events if isinstance(one, NextToken)]
        return (offered[0] if offered else None), events[-1]

    def explained(self, index):
        return explain(self.store.run("run"), index)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", MODES)
def test_steps_that_the_settings_draw_are_those_of_generate(engine, mode):
    module, expected = early_ender(MODES[mode], CONTEXT)
    chosen = MODES[mode].replace(max_new_tokens=None, min_new_tokens=LEAST)
    hand = ByHand(model_of(engine, module), chosen)
    ends = [hand.take()[1].reason for _ in expected]
    assert [step.token.token_id for step in hand.steps] == expected
    assert ends[:-1] == ["by_hand"] * (len(expected) - 1)
    assert ends[-1] == ("end_of_text" if expected[-1] == END else "by_hand")


@pytest.mark.parametrize("mode", MODES)
def test_what_a_person_chose_counts_like_what_was_drawn(mode):
    module, _ = early_ender(MODES[mode], CONTEXT)
    no_cut = {"top_k": 0} if mode == "sample" else {}
    chosen = MODES[mode].replace(max_new_tokens=None, min_new_tokens=LEAST, **no_cut)
    hand = ByHand(behind("transformers", module), chosen)
    kept = []
    for place in range(LEAST + 2):
        kept.append(hand.take(5 if place % 2 == 0 else None)[0].distribution.kept)
        if place % 2 and hand.steps[-1].token.token_id == END:
            break
    barred, whole = 23, 24  # of the vocabulary, without the end and with it
    assert len(kept) >= LEAST, "no end is drawn before there are enough tokens"
    written = range(1, len(kept) + 1)
    assert kept == [barred if count < LEAST else whole for count in written]


def test_a_person_may_end_a_text_that_the_settings_may_not():
    module, _ = early_ender(MODES["greedy"], CONTEXT)
    chosen = Settings(min_new_tokens=LEAST)
    hand = ByHand(behind("transformers", module), chosen)
    hand.take(5)
    offered, end = hand.take(END)
    assert (offered, end.reason, end.token_ids) == (None, "end_of_text", (5, END))
    step = hand.steps[-1]
    assert (step.chosen_by, step.token.final_logprob) == ("person", None)
    assert hand.explained(1).token.cut_by == "min_new_tokens"


def test_looking_back_counts_them_alike():
    module, expected = early_ender(MODES["greedy"], CONTEXT)
    hand = ByHand(behind("transformers", module), Settings(min_new_tokens=LEAST))
    for place in range(len(expected)):
        hand.take(5 if place == 2 else None)
        if hand.steps[-1].token.token_id == END:
            break
    run = hand.store.run("run")
    assert len(run.token_ids) == len(hand.steps) >= LEAST
    cuts = [look_up(run, place, END).cut_by for place in range(len(run.token_ids))]
    assert cuts == ["min_new_tokens" if place < LEAST else None for place in range(len(cuts))]
    for place, step in enumerate(hand.steps):
        assert hand.explained(place).kept == step.distribution.kept


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("forced", [(5,), (5, 9, 7)])
def test_behind_a_fork_new_tokens_begin_behind_what_a_person_put(engine, mode, forced):
    context = CONTEXT + forced
    module, expected = early_ender(MODES[mode], context)
    chosen = MODES[mode].replace(min_new_tokens=LEAST)
    store = LogitsStore()
    request = Request("", chosen, CONTEXT, forced=forced, recorder=store.recorder("run"))
    *_, finished = generate(model_of(engine, module), CODEC, request, lambda: False)
    assert list(finished.token_ids) == [*forced, *expected]
    run = store.run("run")
    cuts = [look_up(run, place, END).cut_by for place in range(len(run.token_ids))]
    first = len(forced) + LEAST
    assert cuts[:first] == ["min_new_tokens"] * first
    assert "min_new_tokens" not in cuts[first:]

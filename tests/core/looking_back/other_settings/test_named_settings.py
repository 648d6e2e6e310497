"""What a preset names, and what hangs on length: told at the steps where it acts, and scrubbed."""

from __future__ import annotations

import pytest

from core.looking_back.dice import Dice
from core.looking_back.explain import explain
from core.looking_back.other_settings.dial_table import can_be_told, scrub_dials
from core.looking_back.other_settings.dials import Dials
from core.looking_back.other_settings.sweep import Sweeper, plain_step
from core.records.settings import Settings
from tests.core.looking_back.recorded import CODEC, recorded
from tests.reference import behind, tiny_gpt2

PLAIN = Settings(max_new_tokens=8, min_new_tokens=8)
END = 0


@pytest.fixture(scope="module")
def model():
    return behind("torch", tiny_gpt2(3, vocab_size=256, eos_token_id=END).float())


def run_of(model, settings):
    run, _ = recorded(model, CODEC, settings, context=(5, 6, 7))
    return run


@pytest.fixture(scope="module")
def plain(model):
    return run_of(model, PLAIN)


def removed(run, settings, name):
    """At which steps the setting ``name`` removes something."""
    steps = range(len(run.token_ids))
    told = [explain(run, at, settings).effects for at in steps]
    assert all(name in [one.name for one in effects] for effects in told)
    return [at for at in steps if any(one.name == name and one.removed for one in told[at])]


def test_f9s_list_tells_at_which_steps_they_act(plain):
    first, others = plain.token_ids[0], plain.token_ids[1:]
    at_first = Settings(max_new_tokens=8, begin_suppress_tokens=(first,))
    assert removed(plain, at_first, "begin_suppress_tokens") == [0]
    assert explain(plain, 0, at_first).token.cut_by == "begin_suppress_tokens"
    forced = Settings(max_new_tokens=8, forced_eos_token_id=(END,))
    assert removed(plain, forced, "forced_eos_token_id") == [7]
    assert explain(plain, 7, forced).kept == 1
    assert explain(plain, 7, forced).token.cut_by == "forced_eos_token_id"
    short = Settings(max_new_tokens=8, min_length=6)
    assert removed(plain, short, "min_length") == [0, 1, 2]
    named = Settings(max_new_tokens=8, suppress_tokens=(others[0],), bad_words_ids=((others[1],),))
    assert explain(plain, 1, named).token.cut_by == "suppress_tokens"
    assert explain(plain, 2, named).token.cut_by == "bad_words_ids"


def test_the_end_grows_likelier_behind_the_start(plain):
    decay = Settings(max_new_tokens=8, exponential_decay_length_penalty=(3, 1.5))
    sweep = Sweeper(plain)
    picks = [one.pick for one in sweep.sweep(decay)]
    assert END not in picks[:4]
    entropies = [explain(plain, at, decay).effects[0].entropy for at in range(8)]
    own = [explain(plain, at).entropy for at in range(8)]
    assert entropies[:4] == pytest.approx(own[:4], abs=1e-4)
    assert all(abs(one - other) > 1e-4 for one, other in zip(entropies[4:], own[4:], strict=True))


@pytest.mark.parametrize(
    "mapping",
    [
        {"min_length": 7},
        {"min_length": 3},
        {"min_length": 9, "min_new_tokens": 1},
        {"forced_eos_token_id": (END,)},
        {"begin_suppress_tokens": (END, 5)},
    ],
)
def test_a_sweep_does_what_the_plain_processors_do(plain, mapping):
    settings = Settings(max_new_tokens=8, **mapping)
    swept, dice = Sweeper(plain).sweep(settings), Dice(plain)
    assert list(swept) == [plain_step(plain, at, settings, dice) for at in range(8)]


def test_guidance_is_scrubbed_where_the_run_asked_for_it(model, plain):
    guided = run_of(model, PLAIN.replace(guidance_scale=2.0, negative_prompt_ids=(9,)))
    named = {one.name: one for one in scrub_dials(guided)}
    assert "guidance_scale" not in {one.name for one in scrub_dials(plain)}
    dials = Dials.of(guided.start.settings)
    stronger = dials.moved(named["guidance_scale"], 1, 256, is_large=True)
    step = Sweeper(guided).sweep(stronger.settings)
    assert stronger.settings.guidance_scale == 3.0
    assert [one is not None for one in step] == [True] * 8

    beside = PLAIN.replace(guidance_scale=3.0, negative_prompt_ids=(9,))
    assert can_be_told(beside, guided)
    assert can_be_told(PLAIN, guided)
    assert not can_be_told(beside, plain)
    assert not can_be_told(beside.replace(negative_prompt_ids=(8,)), guided)
    assert not can_be_told(Settings(suppress_tokens=(256,)), plain)
    assert not can_be_told(Settings(num_beams=2), plain)

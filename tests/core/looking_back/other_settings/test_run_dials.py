"""The dials of a preset before a run: wherever they are turned, the settings can be run."""

from __future__ import annotations

import random

import pytest

from core.looking_back.other_settings.dial_table import DIALS, RUN_DIALS, shown
from core.looking_back.other_settings.dials import Dials
from core.records.settings import Settings

OWN = [
    Settings(),
    Settings(max_length=128, num_beams=5, no_repeat_ngram_size=2, length_penalty=-0.5),
    Settings(max_new_tokens=200, min_new_tokens=30, do_sample=True, top_p=0.9, top_k=0, seed=7),
    Settings(num_beams=4, early_stopping="never", do_sample=True, stop_strings=("\n",)),
    Settings(guidance_scale=2.0, negative_prompt_ids="Never", min_length=9, max_length=40),
    Settings(forced_eos_token_id=(".", 3), suppress_tokens=(".",), bad_words_ids=("a", (1, 2))),
    Settings(exponential_decay_length_penalty=(8, 1.07), sequence_bias={"a": -3.0}),
]
BY_NAME = {one.name: one for one in RUN_DIALS}


def turned(dials, name, *offsets, is_large=False):
    for offset in offsets:
        dials = dials.moved(BY_NAME[name], offset, 50_257, is_large=is_large)
    return dials


@pytest.mark.parametrize("own", OWN)
def test_wherever_they_are_turned_the_settings_can_be_run_and_taken_back(own):
    chance = random.Random(3)  # noqa: S311
    dials = Dials.of(own)
    assert dials.settings == own
    for _ in range(400):
        dial = chance.choice(RUN_DIALS)
        dials = dials.moved(dial, chance.choice((-1, 1)), 1600, is_large=chance.random() < 0.3)
        assert dials.settings == Dials.of(own, dials.settings).settings
        assert dials.settings.stop_strings == own.stop_strings
    for dial in RUN_DIALS:
        dials = dials.reset(dial.name)
    assert dials.settings == own


def test_length_and_seed_begin_unset_and_beams_have_what_they_need():
    dials = Dials.of(OWN[0])
    assert [shown(name, dials.value(name)) for name in ("max_new_tokens", "seed")] == [
        "unset",
        "new",
    ]
    assert turned(dials, "seed", 1).settings.seed == 0
    assert shown("seed", 0) == "0"
    assert turned(dials, "seed", 1, -1, -1).settings.seed is None
    assert turned(dials, "max_new_tokens", 1, 1, is_large=True).settings.max_new_tokens == 20

    beams = Dials.of(OWN[1])
    fewer = turned(beams, "num_beams", *[-1] * 9)
    assert fewer.settings == Settings(max_length=128, no_repeat_ngram_size=2)
    assert turned(fewer, "num_beams", 1).settings.length_penalty == -0.5
    longer = turned(beams, "max_new_tokens", 1)
    assert (longer.settings.max_new_tokens, longer.settings.max_length) == (1, None)
    assert longer.reset("max_new_tokens").settings == OWN[1]


def test_no_length_is_less_than_what_must_come():
    dials, lengths = Dials.of(OWN[2]), set()
    for _ in range(99):
        dials = turned(dials, "max_new_tokens", -1)
        lengths.add(dials.settings.max_new_tokens)
    assert min(one for one in lengths if one is not None) == 30
    assert None in lengths


def test_what_a_preset_names_goes_off_and_on_and_what_guides_goes_with_it():
    dials = Dials.of(OWN[5])
    off = turned(dials, "forced_eos_token_id", -1, -1)
    assert off.settings == OWN[5].replace(forced_eos_token_id=None)
    assert turned(off, "forced_eos_token_id", 1, 1) == dials
    assert turned(off, "begin_suppress_tokens", 1) == off
    assert "presets.yaml" in off.why_idle(BY_NAME["begin_suppress_tokens"])
    assert not off.why_idle(BY_NAME["forced_eos_token_id"])

    guided = Dials.of(OWN[4])
    plain = turned(guided, "guidance_scale", *[-1] * 10)
    assert plain.settings == Settings(min_length=9, max_length=40)
    assert turned(plain, "guidance_scale", 1).settings.negative_prompt_ids == "Never"
    decay = turned(Dials.of(OWN[6]), "exponential_decay_length_penalty", *[-1] * 8)
    assert decay.settings.exponential_decay_length_penalty is None
    more = turned(decay, "exponential_decay_length_penalty", 1)
    assert more.settings.exponential_decay_length_penalty == (8, 1.001)


def test_a_length_that_is_reset_takes_along_what_contradicts_it():
    dials = turned(Dials.of(OWN[2]), "min_new_tokens", *[-1] * 30)
    dials = turned(dials, "max_new_tokens", *[-1] * 60, 1)
    assert (dials.settings.min_new_tokens, dials.settings.max_new_tokens) == (None, 1)
    assert dials.reset("min_new_tokens").settings == OWN[2]


def test_scrubbing_has_those_that_act_on_a_step_alone():
    assert RUN_DIALS[: len(DIALS)] == DIALS

"""Sweeps over whole runs, held against the plain processors step by step."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.decoding.recording import record_step
from core.looking_back.dice import Dice
from core.looking_back.logits_store import LogitsStore
from core.looking_back.other_settings.ghosts import find_ghosts
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper, plain_step, repeated_tokens
from core.models.any.model import TransformersModel
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from tests.core.decoding.test_parity import penalties, prompts, seeds, warpers
from tests.core.looking_back.recorded import recorded, run_of
from tests.reference import byte_codec, tiny_gpt2

THRESHOLDS = {name: warpers[name] for name in ("temperature", "top_k", "top_p", "min_p")}
OTHERS = {name: warpers[name] for name in ("typical_p", "epsilon_cutoff", "eta_cutoff")}


def assert_as_plain(run, settings, sweeper=None):
    swept = (sweeper or Sweeper(run)).sweep(settings)
    dice = Dice(run)
    for index, step in enumerate(swept):
        assert step == plain_step(run, index, settings, dice), (index, settings)


dials = st.fixed_dictionaries({}, optional=penalties | THRESHOLDS | OTHERS)


@examples(max_examples=60)
@given(seeds, prompts, st.tuples(dials, dials, dials), st.booleans())
def test_over_runs_of_small_models(model_seed, prompt, mappings, was_sampled):
    """Three kinds of dials over each run: to make a run is most of the work."""
    model = TransformersModel(tiny_gpt2(model_seed, eos_token_id=[0, 5]))
    recorded_settings = Settings(do_sample=was_sampled, max_new_tokens=10, seed=model_seed)
    run, _ = recorded(model, byte_codec(), recorded_settings, context=prompt)
    for mapping in mappings:
        assert_as_plain(run, Settings(do_sample=True, **mapping))
        plain = {name: value for name, value in mapping.items() if name in penalties}
        assert_as_plain(run, Settings(**plain))


LARGE = [
    {},
    {"temperature": 0.3},
    {"temperature": 3.0},
    {"top_k": 1},
    {"top_k": 40, "top_p": 0.5},
    {"top_k": 700},
    {"top_k": 900, "top_p": 0.99, "temperature": 2.0},
    {"top_p": 0.9},
    {"top_p": 0.999, "temperature": 1.7},
    {"top_p": 0.0},
    {"min_p": 0.05},
    {"min_p": 0.0001, "top_p": 0.99},
    {"repetition_penalty": 1.5, "top_p": 0.9},
    {"repetition_penalty": 0.6, "top_k": 300},
    {"repetition_penalty": 1.3, "top_k": 2000, "temperature": 1.5},
    {"no_repeat_ngram_size": 1, "top_p": 0.95},
    {"repetition_penalty": 1.5, "temperature": 0.01, "top_p": 0.9},
]


@pytest.mark.parametrize("mapping", LARGE, ids=str)
@pytest.mark.parametrize("spread", [0.5, 2.0, 4.0])
def test_over_a_vocabulary_with_a_tail(mapping, spread):
    """Of most tokens here only sums are known to the sweep."""
    torch.manual_seed(int(spread * 10))
    rows = torch.randn(12, 5000) * spread - 40
    chosen = [int(row.argsort(descending=True)[place]) for place, row in enumerate(rows)]
    chosen[3] = int(rows[3].argsort()[1000])
    run = run_of(rows, chosen, context=tuple(range(0, 5000, 40)), seed=5)
    assert_as_plain(run, Settings(**{"do_sample": True, "top_k": 0, **mapping}))


@pytest.mark.parametrize("step", [0.25, 1.0])
@pytest.mark.parametrize("mapping", LARGE, ids=str)
def test_over_logits_of_low_precision(mapping, step):
    """A model in bfloat16 gives hundreds of tokens the very same logit."""
    run = coarse_run(step)
    assert_as_plain(run, Settings(**{"do_sample": True, "top_k": 0, **mapping}))
    assert_as_plain(run, Settings())


@pytest.mark.parametrize("step", [0.25, 1.0])
@pytest.mark.parametrize("top_p", [0.0, 0.05, 0.31, 0.5, 0.9, 0.99])
def test_a_nucleus_that_ends_among_equals(top_p, step):
    """Which equals stay is torch's own affair: where it matters, its sort is asked."""
    assert_as_plain(coarse_run(step), Settings(do_sample=True, top_k=0, top_p=top_p))


def coarse_run(step):
    torch.manual_seed(2)
    rows = (torch.randn(10, 5000) * 3 / step).round() * step - 60
    return run_of(rows, [int(row.argmax()) for row in rows], seed=1)


def test_the_settings_of_the_run_pick_its_tokens(demo):
    settings = Settings(do_sample=True, top_p=0.9, top_k=0, max_new_tokens=60, seed=4)
    run, finished = recorded(demo.model, demo.codec, settings, "A long long time ago, ")
    swept = Sweeper(run).sweep(settings)
    assert tuple(step.pick for step in swept) == finished.token_ids
    assert all(step.cut_by is None for step in swept)


def test_the_first_divergence_is_what_a_run_with_those_settings_does(demo):
    """Up to the divergence and at it, the scrubbed run is the real one under other settings."""
    base = Settings(do_sample=True, top_k=0, max_new_tokens=40, seed=9)
    run, finished = recorded(demo.model, demo.codec, base, "A long long time ago, ")
    sweeper = Sweeper(run)
    for change in ({"temperature": 0.6}, {"top_p": 0.7}, {"top_k": 5}, {"min_p": 0.1}):
        other = base.replace(**change)
        scrubbed = scrub(sweeper, other)
        _, theirs = recorded(demo.model, demo.codec, other, "A long long time ago, ")
        at = scrubbed.first_divergence
        assert at is not None
        assert theirs.token_ids[:at] == finished.token_ids[:at]
        assert theirs.token_ids[at] == scrubbed.steps[at].pick != finished.token_ids[at]
        assert [step.is_hypothetical for step in scrubbed.steps] == [
            index > at for index in range(len(scrubbed.steps))
        ]
        assert scrubbed.differing >= 1
        assert scrubbed.cut == sum(step.cut_by is not None for step in scrubbed.steps)


def test_scrubbing_by_hand():
    """Of 0.5, 0.3, 0.2 a nucleus of 0.6 keeps two: the third is cut, the others are not."""
    row = [math.log(0.5), math.log(0.3), math.log(0.2)]
    run = run_of([row] * 3, [0, 1, 2])
    scrubbed = scrub(Sweeper(run), Settings(do_sample=True, top_k=0, top_p=0.6))
    assert [step.cut_by for step in scrubbed.steps] == [None, None, "top_p"]
    greedy = scrub(Sweeper(run), Settings())
    assert [step.pick for step in greedy.steps] == [0, 0, 0]
    assert [step.differs for step in greedy.steps] == [False, True, True]
    assert greedy.first_divergence == 1


def test_steps_whose_logits_were_dropped_are_unknown():
    step = record_step(torch.tensor([[0.0, 1.0]]), 0)
    store = LogitsStore(limit=step.size)
    recorder = store.recorder("run")
    recorder.begin(run_of([], []).start)
    recorder.add(step)
    recorder.add(step)
    sweeper = Sweeper(store.run("run"))
    scrubbed = scrub(sweeper, Settings())
    assert scrubbed.steps[0] is None
    assert scrubbed.steps[1].pick == 1
    assert scrubbed.first_divergence == 1
    assert find_ghosts(sweeper, [Preset("greedy", "", "", Settings())]).steps[0] == ()


def test_nothing_to_sweep():
    assert Sweeper(run_of([], [])).sweep(Settings()) == ()
    with pytest.raises(PlaygroundError, match="beams"):
        Sweeper(run_of([], [])).sweep(Settings(num_beams=3))


def test_repeated_tokens_by_hand():
    text = [1, 2, 1, 2, 3, 1]
    assert repeated_tokens(text, 2, [2, 3, 6]) == [frozenset(), frozenset({2}), frozenset({2})]
    assert repeated_tokens(text, 1, [0, 2]) == [frozenset(), frozenset({1, 2})]
    assert repeated_tokens(text, 9, [3]) == [frozenset()]


def test_ghosts_by_hand():
    """Greedy and a nucleus of one agree always; the third removes what the others take."""
    row = [math.log(0.6), math.log(0.4)]
    run = run_of([row, row], [0, 1], context=(0,))
    presets = [
        Preset("greedy", "", "", Settings()),
        Preset("beam", "", "", Settings(num_beams=4)),
        Preset("narrow", "", "", Settings(do_sample=True, top_k=0, top_p=0.1)),
        Preset("fresh", "", "", Settings(no_repeat_ngram_size=1)),
    ]
    ghosts = find_ghosts(Sweeper(run), presets)
    assert ghosts.at(0) == {0: ("greedy", "narrow"), 1: ("fresh",)}
    assert [one.cut_by for one in ghosts.steps[0]] == [None, None, "no_repeat_ngram_size"]
    assert ghosts.at(1) == {0: ("greedy", "narrow"), 1: ("fresh",)}
    assert [one.cut_by for one in ghosts.steps[1]] == [None, "top_p", None]
    assert ghosts.next_disagreement(-1) == 0
    assert ghosts.next_disagreement(0) == 1
    assert ghosts.next_disagreement(1) is None
    assert ghosts.next_disagreement(-1, "greedy", "narrow") is None
    assert ghosts.next_disagreement(-1, "greedy", "fresh") == 0
    assert ghosts.next_disagreement(-1, "narrow") == 0


def test_a_preset_that_leaves_no_token_picks_none():
    run = run_of([[0.0, 1.0]], [0], context=(0, 1))
    swept = Sweeper(run).sweep(Settings(no_repeat_ngram_size=1))
    assert swept[0].pick is None
    assert_as_plain(run, Settings(no_repeat_ngram_size=1))

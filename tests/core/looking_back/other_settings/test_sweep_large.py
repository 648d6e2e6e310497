"""Sweeps over real sizes of vocabulary: whoever can win is among those that are kept to race.

Hot runs draw tokens from far behind the likeliest, flat ones have no likeliest: both reach what an
index cuts down.
"""

from __future__ import annotations

import math

import pytest
import torch

from core.decoding.recording import recorded_logits
from core.looking_back.dice import Dice
from core.looking_back.other_settings.ghosts import find_ghosts
from core.looking_back.other_settings.index import HEADS, build_index
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper, plain_step
from core.presets.book import Preset
from core.records.settings import Settings
from tests.core.looking_back.recorded import run_of

SIZES = (49_152, 50_257)
HOT, FLAT, ROUNDED = "hot", "flat", "rounded"

DIALS = [
    {},
    {"temperature": 1.45},
    {"temperature": 0.7, "top_p": 0.97},
    {"temperature": 2.5, "top_k": 3000, "top_p": 0.8},
    {"top_k": 40, "top_p": 0.9, "min_p": 0.02},
    {"temperature": 1.6, "min_p": 1e-4},
    {"repetition_penalty": 1.4, "temperature": 1.3, "top_p": 0.95},
    {"no_repeat_ngram_size": 1, "top_k": 5000},
]


def logits(kind, size, steps, seed):
    """Rows of logits as steep, as flat or as coarse as real ones are."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(steps, size, generator=generator) * (0.02 if kind == FLAT else 3.0) - 40
    return rows.bfloat16().float() if kind == ROUNDED else rows


def hot_run(kind, size, steps, seed):
    """A run whose tokens were drawn at temperature 1.5, each from anywhere."""
    rows = logits(kind, size, steps, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    chosen = torch.multinomial((rows / 1.5).softmax(-1), 1, generator=generator)[:, 0].tolist()
    return run_of(rows, chosen, context=tuple(range(0, size, 97)), seed=seed)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [HOT, FLAT, ROUNDED])
def test_every_dial_as_the_plain_processors(kind, size):
    run = hot_run(kind, size, 3, seed=7)
    sweeper, dice = Sweeper(run), Dice(run)
    rows = [recorded_logits(step) for step in run.steps]
    ahead = [int((row > row[one]).sum()) for row, one in zip(rows, run.token_ids, strict=True)]
    assert max(ahead) > HEADS  # what the run drew stands outside the heads
    for mapping in DIALS:
        settings = Settings(**{"do_sample": True, "top_k": 0, **mapping})
        plain = [plain_step(run, at, settings, dice) for at in range(len(run.steps))]
        assert list(sweeper.sweep(settings)) == plain, mapping


@pytest.mark.parametrize("size", SIZES)
def test_no_winner_is_left_out_over_many_seeds(size):
    """At any temperature, the first to arrive of any likeliest ones is among the rivals."""
    asked = 0
    for seed in range(45):
        run = hot_run((HOT, FLAT, ROUNDED)[seed % 3], size, 1, seed)
        dice = Dice(run)
        rivals = set(build_index(run, [0], dice, moves=False).rivals.ids[0].tolist())
        row = recorded_logits(run.steps[0]).double()
        order = row.argsort(descending=True)
        leads = -dice.times(0).double().log()[order]
        for temperature in (0.5, 1.0, 1.45, 3.0, 1e6):
            arrivals = row[order] / temperature + leads
            for most in (2, 300, 5000, size):
                asked += 1
                left = int((row[order] >= row[order[most - 1]]).sum())  # equals stay together
                winner = int(order[arrivals[:left].argmax()])
                assert winner in rivals, (seed, temperature, most)
    assert asked == 900


def test_a_likelier_token_of_the_tail_wins_before_the_chosen_one():
    """By hand: the chosen token is the last of all and waits least but for one just before it."""
    size, seed = 5000, 3
    row = torch.linspace(0.0, -1e-3, size)
    times = Dice(run_of([row], [0], seed=seed)).times(0)
    by_time = times[HEADS:].argsort() + HEADS
    chosen = int(by_time[0])
    row[chosen] = -2e-3  # the least of all, so that the first of the others comes before it
    run = run_of([row], [chosen], seed=seed)
    others = [one for one in times.argsort().tolist() if one != chosen]
    settings = Settings(do_sample=True, top_k=size - 1)
    assert scrub(Sweeper(run), settings).steps[0].pick == others[0]
    assert scrub(Sweeper(run), settings).steps[0].cut_by == "top_k"
    cold = Settings(do_sample=True, top_k=0, temperature=1e-5)
    assert scrub(Sweeper(run), cold).steps[0].pick == plain_step(run, 0, cold, Dice(run)).pick


def test_ghosts_and_the_first_divergence_as_the_plain_processors():
    presets = [
        Preset(f"at {one}", "", "", Settings(do_sample=True, top_k=0, temperature=one))
        for one in (1.0, 1.3, 1.45, 1.5, 1.8)
    ]
    run = hot_run(HOT, SIZES[0], 6, seed=1)
    sweeper, dice = Sweeper(run), Dice(run)
    ghosts = find_ghosts(sweeper, presets)
    assert len(run.steps) == 6
    for at in range(len(run.steps)):
        for ghost, preset in zip(ghosts.steps[at], presets, strict=True):
            assert ghost.pick == plain_step(run, at, preset.settings, dice).pick
    for preset in presets:
        picks = [plain_step(run, at, preset.settings, dice).pick for at in range(len(run.steps))]
        differs = [at for at, pick in enumerate(picks) if pick != run.token_ids[at]]
        assert scrub(sweeper, preset.settings).first_divergence == differs[0]


def test_a_model_that_rules_out_most_of_its_vocabulary():
    rows = logits(HOT, SIZES[0], 3, seed=2)
    rows[:, 20:] = -math.inf
    run = run_of(rows, rows.argmax(-1).tolist(), context=tuple(range(10)), seed=2)
    sweeper, dice = Sweeper(run), Dice(run)
    for mapping in DIALS:
        settings = Settings(**{"do_sample": True, "top_k": 0, **mapping})
        plain = [plain_step(run, at, settings, dice) for at in range(3)]
        assert list(sweeper.sweep(settings)) == plain, mapping

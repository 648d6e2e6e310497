"""The ways to make columns, and what is told of a column in numbers."""

from __future__ import annotations

import math

import pytest

from core.looking_back.comparison.figures import figures_of
from core.looking_back.comparison.plans import of_models, of_presets, of_seeds, of_sweep, with_dice
from core.looking_back.comparison.spread import spread_of
from core.looking_back.comparison.sweeps import sweep_of
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from tests.core.looking_back.comparison.test_causes import column

CALM = Preset("calm", "", "", Settings())
WILD = Preset("wild", "", "", Settings(do_sample=True, temperature=1.5))
OWN = Preset("own", "", "", Settings(do_sample=True, seed=7))


def asked_with(preset):
    return Request("Once", preset.settings)


def seeds_of(plans):
    return [plan.request.settings.seed for plan in plans]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("temperature=0.2:1.4:5", (0.2, 0.5, 0.8, 1.1, 1.4)),
        ("temperature = 1 : 2 : 2", (1, 2)),
        ("top_k=10:50:5", (10, 20, 30, 40, 50)),
        ("top_p=0.5,0.9", (0.5, 0.9)),
        ("min_p=none,0.05", (None, 0.05)),
        ("do_sample=true,false", (True, False)),
        ("early_stopping=false,never", (False, "never")),
    ],
)
def test_sweeps(text, values):
    assert sweep_of(text).values == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("temperature", "a sweep is name="),
        ("=1:2:3", "a sweep is name="),
        ("temperature=", "a sweep is name="),
        ("temperature=1:2", "is no range"),
        ("temperature=1:2:3:4", "is no range"),
        ("temperature=a:b:3", "is no range"),
        ("temperature=nan:1:3", "is no range"),
        ("temperature=1:inf:3", "is no range"),
        ("temperature=1:2:70", "2 to 6 values"),
        ("temperature=1:2:1", "2 to 6 values"),
        ("temperature=1", "2 to 6 values"),
        ("top_k=1:2:5", "top_k is 1 in two columns"),
        ("topk=1:2:3", "did you mean 'top_k'"),
        ("stop_strings=a,b", "no range"),
        ("seed=1,2", "--seeds"),
    ],
)
def test_no_sweeps(text, said):
    with pytest.raises(PlaygroundError, match=said):
        sweep_of(text)


def test_a_sweep_has_a_column_for_each_value():
    plans = of_sweep(WILD, sweep_of("temperature=0.5,1.0,2"), asked_with)

    assert [plan.name for plan in plans] == ["temperature 0.5", "temperature 1.0", "temperature 2"]
    assert [plan.request.settings.temperature for plan in plans] == [0.5, 1.0, 2.0]
    with pytest.raises(PlaygroundError, match="do_sample"):
        of_sweep(CALM, sweep_of("temperature=0.5,2"), asked_with)


def test_columns_are_two_to_six_and_none_twice():
    with pytest.raises(PlaygroundError, match="2 to 6 columns"):
        of_presets([CALM], asked_with)
    with pytest.raises(PlaygroundError, match="not 7"):
        of_seeds(WILD, 7, asked_with)
    with pytest.raises(PlaygroundError, match="twice"):
        of_presets([CALM, CALM], asked_with)
    with pytest.raises(PlaygroundError, match="draws nothing"):
        of_seeds(CALM, 3, asked_with)
    plans = of_presets([CALM, WILD], asked_with)
    with pytest.raises(PlaygroundError, match="not 8"):
        of_models(plans, ["a", "b", "c", "d"])
    with pytest.raises(PlaygroundError, match="twice"):
        of_models(plans, ["a", "a"])
    assert [one.name for one in of_models(plans, ["a", "b"])] == [
        *("calm, a", "wild, a", "calm, b", "wild, b")
    ]


def test_the_same_dice_are_one_seed_and_a_column_that_draws_nothing_has_none():
    plans = of_presets([CALM, WILD, OWN], asked_with)

    assert seeds_of(with_dice(plans)) == [None, 7, 7]
    assert seeds_of(with_dice(plans, 3)) == [None, 3, 3]
    calm, wild, own = seeds_of(with_dice(plans, same=False))
    assert (calm, own) == (None, 7)
    assert wild is not None
    drawn = seeds_of(with_dice(of_presets([CALM, WILD], asked_with)))
    assert drawn[1] is not None


def test_seeds_follow_on_one_another():
    assert seeds_of(of_seeds(OWN, 3, asked_with)) == [7, 8, 9]
    assert seeds_of(of_seeds(OWN, 2, asked_with, first=1)) == [1, 2]
    first, second = seeds_of(of_seeds(WILD, 2, asked_with))
    assert second == first + 1


def test_figures_of_a_column():
    figures = figures_of(column([1, 2, 1, 2, 1, 2]))

    assert (figures.tokens, figures.reason) == (6, "length")
    assert figures.logprob == -6.0
    assert figures.perplexity == pytest.approx(math.e)
    assert figures.entropy == 1.0
    assert figures.distinct_1 == pytest.approx(2 / 6)
    assert figures.distinct_2 == pytest.approx(2 / 5)
    assert figures.repeated == 1
    assert figures.tokens_per_second == 10.0
    empty = figures_of(column([], reason=None))
    assert (empty.perplexity, empty.distinct_1, empty.reason) == (None, None, None)


def test_what_seeds_came_to():
    columns = [column([1, 2]), column([3]), column([1, 2])]

    assert spread_of(columns).first_tokens == (("a", 2), ("c", 1))
    assert (spread_of(columns).lengths, spread_of(columns).different) == ((2, 1, 2), 2)

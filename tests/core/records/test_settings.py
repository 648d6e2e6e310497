"""Settings: every range, every contradiction, and the way to a mapping and back."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records.errors import PlaygroundError
from core.records.setting_facts.foreign import FOREIGN_SETTINGS
from core.records.settings import SETTING_NAMES, Settings, SettingsError, settings_from_mapping

SAMPLING = {"do_sample": True}
BEAMS = {"num_beams": 2}

GOOD_AND_BAD = [
    # name, what it needs beside it, the edges inside, the values outside
    ("max_length", {}, [1, 10**9], [0, -1, 1.5, True, "3", math.nan]),
    ("max_new_tokens", {}, [1, 10**9], [0, -1, 2.0, False, "3", []]),
    ("min_new_tokens", {}, [0, 5], [-1, 0.5, True]),
    ("num_beams", {}, [1, 256], [0, 257, 2.0, True]),
    ("top_k", SAMPLING, [0, 1, 50_257], [-1, 1.0, True, "50"]),
    ("no_repeat_ngram_size", {}, [0, 2], [-1, 2.5, True]),
    ("seed", {}, [0, 2**63 - 1], [-1, 2**63, 1.0, True]),
    (
        "length_penalty",
        BEAMS,
        [-10, -2.0, 0, 10.0],
        [10.01, -11, 1000, math.inf, -math.inf, math.nan, True, "1"],
    ),
    ("temperature", SAMPLING, [1e-9, 1, 100.0], [0, 0.0, -1, math.inf, math.nan, True, "1"]),
    ("repetition_penalty", {}, [0.1, 1, 5], [0, -0.5, math.inf, math.nan]),
    ("top_p", SAMPLING, [0, 0.0, 0.9, 1], [-0.01, 1.01, 10**400, math.nan, "0.9"]),
    ("min_p", SAMPLING, [0, 0.05, 1], [-0.01, 1.01, math.nan]),
    ("typical_p", SAMPLING, [0.01, 1], [0, -1, 1.01, math.nan]),
    ("epsilon_cutoff", SAMPLING, [0, 0.999], [1, 1.5, -0.1, math.nan]),
    ("eta_cutoff", SAMPLING, [0, 0.999], [1, -0.1, math.nan]),
    ("early_stopping", BEAMS, [True, False, "never"], ["always", 2, 0.5, "true"]),
    ("do_sample", {}, [True, False], [1, 0, "true", "yes"]),
    ("stop_strings", {}, ["a", ["a", "b"], ("\n",)], ["", [""], [1], 5, {"a": 1}]),
    ("min_length", {}, [0, 5], [-1, 0.5, True]),
    ("top_h", SAMPLING, [0.01, 1], [0, 1.01, math.nan, True]),
    ("guidance_scale", {}, [0, 1, 1.5, 100], [-0.1, 101, math.inf, "2"]),
    ("negative_prompt_ids", {"guidance_scale": 2}, ["a", [0, 5]], ["", [], [-1], [True], 5, ["a"]]),
    (
        "sequence_bias",
        {},
        [[], {"a": -5}, {(3, 0): 1.0}, [["a", 1.5], [[3, 0], 2]]],
        [5, "a", {"a": "b"}, {"": 1.0}, [["a"]], [[[], 1.0]], {"a": math.inf}, {"a": math.nan}],
    ),
    ("bad_words_ids", {}, ["a", [], ["a", [3, 0]]], [5, [5], [[]], [[-1]], [""], [["a"]], [[1.0]]]),
    ("exponential_decay_length_penalty", {}, [[0, 1.1], (5, 10)], [5, [5], [-1, 1.1], [5, 0]]),
    ("renormalize_logits", {}, [False, True], [1, "true"]),
    ("remove_invalid_values", {}, [False, True], [0, "false"]),
    *(
        (name, {}, [0, "a", [], [5, last]], [-1, 1.5, True, "", [""], [[5]], {"a": 1}])
        for name, last in (
            *(("suppress_tokens", "a"), ("begin_suppress_tokens", "a")),
            *(("forced_eos_token_id", "b"), ("eos_token_id", "a")),
        )
    ),
]

GOOD = [(name, beside, one) for name, beside, good, _ in GOOD_AND_BAD for one in good]
BAD = [(name, beside, one) for name, beside, _, bad in GOOD_AND_BAD for one in bad]


def test_the_table_of_ranges_covers_every_setting():
    assert {name for name, *_ in GOOD_AND_BAD} == set(SETTING_NAMES)


@pytest.mark.parametrize(("name", "beside", "value"), GOOD)
def test_values_at_the_edge_are_taken(name, beside, value):
    settings = settings_from_mapping({**beside, name: value})

    assert getattr(settings, name) == as_held(name, value)
    assert settings_from_mapping(json.loads(json.dumps(settings.to_full_mapping()))) == settings


def as_held(name, value):
    """What a field holds of what was given: tuples, and several of what may be several."""
    if isinstance(value, dict):
        value = list(value.items())
    is_several = type(getattr(Settings(), name)) is tuple
    if is_several and not isinstance(value, list | tuple):
        value = [value]
    return tuple(map(tupled, value)) if isinstance(value, list | tuple) else value


def tupled(value):
    return tuple(map(tupled, value)) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(("name", "beside", "value"), BAD)
def test_values_outside_are_refused_by_name(name, beside, value):
    with pytest.raises(SettingsError) as caught:
        settings_from_mapping({**beside, name: value})

    assert caught.value.name == name
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whole_numbers_become_floats_where_the_field_is_one():
    assert isinstance(Settings(do_sample=True, temperature=1).temperature, float)


def test_temperature_zero_names_greedy_decoding():
    with pytest.raises(SettingsError, match="do_sample: false"):
        Settings(do_sample=True, temperature=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.5),
        ("top_h", 0.5),
        ("top_k", 0),
        ("top_p", 0.9),
        ("min_p", 0.1),
        ("typical_p", 0.9),
        ("epsilon_cutoff", 0.1),
        ("eta_cutoff", 0.1),
    ],
)
def test_sampling_settings_need_sampling(name, value):
    with pytest.raises(SettingsError, match="no effect without do_sample") as caught:
        settings_from_mapping({name: value})

    assert caught.value.name == name
    settings_from_mapping({name: value, "do_sample": True})


@pytest.mark.parametrize(("name", "value"), [("length_penalty", 2.0), ("early_stopping", "never")])
def test_beam_settings_need_beams(name, value):
    with pytest.raises(SettingsError, match="no effect without num_beams") as caught:
        settings_from_mapping({name: value})

    assert caught.value.name == name
    settings_from_mapping({name: value, "num_beams": 2})


def test_least_and_most_may_not_cross():
    with pytest.raises(SettingsError, match=r"min_new_tokens \(6\) is more than") as caught:
        Settings(min_new_tokens=6, max_new_tokens=5)

    assert caught.value.name == "min_new_tokens"
    assert Settings(min_new_tokens=5, max_new_tokens=5).min_new_tokens == 5


def test_least_and_most_of_the_whole_text_may_not_cross():
    with pytest.raises(SettingsError, match=r"min_length \(6\) is more than max_length \(5\)"):
        Settings(min_length=6, max_length=5)

    assert Settings(min_length=6, max_length=5, max_new_tokens=9).min_length == 6


def test_a_negative_prompt_needs_guidance():
    with pytest.raises(SettingsError, match="no effect without guidance_scale") as caught:
        Settings(negative_prompt_ids="a")

    assert caught.value.name == "negative_prompt_ids"


def test_what_is_forced_may_not_be_suppressed():
    with pytest.raises(SettingsError, match="forces what suppress_tokens removes") as caught:
        Settings(forced_eos_token_id=[3, "a"], suppress_tokens=["a", 3, 5])

    assert caught.value.name == "forced_eos_token_id"
    assert Settings(forced_eos_token_id=[3, 4], suppress_tokens=3).suppress_tokens == (3,)


def test_how_long_the_whole_text_may_become():
    assert Settings().longest(5) == 25
    assert Settings(max_length=9).longest(5) == 9
    assert Settings(max_length=9, max_new_tokens=3).longest(5) == 8


@pytest.mark.parametrize(
    ("given_name", "suggested"),
    [("tempature", "temperature"), ("top-k", "top_k"), ("NUM_BEAMS", "num_beams")],
)
def test_an_unknown_name_suggests_the_nearest(given_name, suggested):
    with pytest.raises(SettingsError) as caught:
        settings_from_mapping({given_name: 1})

    assert f"did you mean {suggested!r}?" in str(caught.value)
    assert caught.value.name == given_name


def test_a_name_like_no_other_gets_no_suggestion():
    with pytest.raises(SettingsError) as caught:
        settings_from_mapping({"qqq": 1})

    assert str(caught.value) == "unknown setting 'qqq'"


def test_null_means_absent():
    assert settings_from_mapping({"do_sample": True, "top_k": None}) == Settings(do_sample=True)


def test_an_unknown_name_is_refused_even_when_null():
    with pytest.raises(SettingsError):
        settings_from_mapping({"topk": None})


def test_sampling_without_top_k_keeps_fifty():
    assert Settings(do_sample=True).top_k == 50


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        (Settings(), "greedy_search"),
        (Settings(do_sample=True), "sample"),
        (Settings(num_beams=2), "beam_search"),
        (Settings(num_beams=2, do_sample=True), "beam_sample"),
    ],
)
def test_mode(settings, mode):
    assert settings.mode == mode


def test_replace_changes_one_and_checks_all():
    settings = Settings(do_sample=True, top_k=5).replace(top_p=0.5)

    assert (settings.top_k, settings.top_p) == (5, 0.5)
    with pytest.raises(SettingsError):
        settings.replace(do_sample=False)


def test_the_error_is_one_that_people_read():
    assert issubclass(SettingsError, PlaygroundError)


_FRACTION = st.floats(0, 1, exclude_min=True, exclude_max=True)
_IDS = st.lists(st.integers(0, 99), min_size=1, max_size=3)
ANY_MAPPING = st.fixed_dictionaries(
    {"do_sample": st.just(True), "num_beams": st.integers(2, 256)},
    optional={
        "max_length": st.integers(1, 2000),
        "max_new_tokens": st.integers(100, 2000),
        "min_new_tokens": st.integers(0, 100),
        "length_penalty": st.floats(-5, 5),
        "early_stopping": st.sampled_from([True, False, "never"]),
        "temperature": st.floats(0.01, 10),
        "top_k": st.integers(0, 60_000),
        "top_p": _FRACTION,
        "min_p": _FRACTION,
        "typical_p": _FRACTION,
        "epsilon_cutoff": _FRACTION,
        "eta_cutoff": _FRACTION,
        "repetition_penalty": st.floats(0.01, 10),
        "no_repeat_ngram_size": st.integers(0, 9),
        "stop_strings": st.lists(st.text(min_size=1), max_size=3),
        "bad_words_ids": st.lists(st.text(min_size=1) | _IDS, max_size=3),
        "suppress_tokens": st.lists(st.text(min_size=1) | st.integers(0, 99), max_size=3),
        "exponential_decay_length_penalty": st.tuples(st.integers(0, 99), _FRACTION).map(list),
        "seed": st.integers(0, 2**63 - 1),
    },
)


@given(ANY_MAPPING)
def test_settings_survive_the_way_to_a_mapping_and_back(mapping):
    settings = settings_from_mapping(mapping)

    assert settings_from_mapping(settings.to_mapping()) == settings
    for name, value in settings.to_mapping().items():
        assert value == mapping[name]
    for name in set(mapping) - set(settings.to_mapping()):
        assert getattr(settings, name) == getattr(Settings(), name)


def test_settings_of_transformers_that_are_not_here_are_all_known():
    from transformers import GenerationConfig

    theirs = {name for name in vars(GenerationConfig()) if not name.startswith("_")}
    missing = theirs - set(SETTING_NAMES) - {"transformers_version"}

    assert missing <= FOREIGN_SETTINGS
    assert not FOREIGN_SETTINGS & set(SETTING_NAMES)


@pytest.mark.parametrize(
    ("name", "instead"),
    [("use_cache", "remove it"), ("max_time", "max_new_tokens comes nearest")],
)
def test_a_setting_of_transformers_that_is_not_here(name, instead):
    with pytest.raises(SettingsError) as caught:
        settings_from_mapping({name: 1})

    assert caught.value.name == name
    assert str(caught.value) == (
        f"{name} is a setting of transformers that this program does not have; {instead}"
    )


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize(
    ("name", "range_in_words"),
    [
        ("temperature", " more than 0"),
        ("top_p", " from 0 to 1"),
        ("length_penalty", " from -10 to 10"),
    ],
)
def test_a_number_without_end_is_told_to_be_finite(name, range_in_words, value):
    with pytest.raises(SettingsError) as caught:
        settings_from_mapping({name: value})

    assert str(caught.value) == f"{name} must be a finite number{range_in_words}, not {value!r}"

"""Settings of other programs: each is named as such, with what of ours comes nearest."""

from __future__ import annotations

import re

import pytest

from core.records.setting_facts.elsewhere import nearest
from core.records.setting_facts.foreign import FOREIGN_SETTINGS, instead_of
from core.records.settings import SETTING_NAMES, SettingsError, settings_from_mapping

KNOWN_ELSEWHERE = [
    *("dry_multiplier", "dry_base", "dry_allowed_length", "dry_penalty_last_n"),
    *("dry_sequence_breakers", "xtc_probability", "xtc_threshold", "top_n_sigma", "mirostat"),
    *("mirostat_tau", "mirostat_eta", "typical", "tfs_z", "top_a", "repeat_last_n"),
    *("presence_penalty", "frequency_penalty", "repeat_penalty", "logit_bias", "dynatemp_range"),
    *("dynatemp_exponent", "smoothing_factor", "n_predict", "temp", "stop", "cfg_scale"),
    *("tfs", "num_predict", "max_tokens", "min_tokens", "stop_words", "random_seed", "rep_pen"),
    *("beam_size", "best_of", "xtc", "dry", "dynatemp", "num_ctx", "penalize_nl", "greedy"),
    *("typ_p", "cfg", "bad_words", "allowed_token_ids", "ignore_eos", "stop_token_ids", "skew"),
]


@pytest.mark.parametrize("name", KNOWN_ELSEWHERE)
def test_the_sentence_says_where_it_is_known_and_what_comes_nearest(name):
    with pytest.raises(SettingsError) as caught:
        settings_from_mapping({name: 1})

    start = f"{name} is a setting of other programs, such as llama.cpp, not of this one; "
    assert str(caught.value).startswith(start)
    told = str(caught.value).removeprefix(start)
    assert set(re.findall(r"[a-z_]+", told)) & set(SETTING_NAMES)
    assert caught.value.name == name


def test_spelling_and_new_members_of_a_family_make_no_difference():
    assert nearest("--DRY-multiplier") == nearest("dry_multiplier") == nearest("dry_anything")
    assert nearest("mirostat_seed") == nearest("mirostat")


@pytest.mark.parametrize(
    "name",
    ["grammar", "samplers", "n_probs", "logprobs", "stream", "n_keep", "echo", "n", "system"],
)
def test_what_has_nothing_near_is_told_so_and_no_other_name_is_guessed(name):
    with pytest.raises(SettingsError) as caught:
        settings_from_mapping({name: 1})
    assert "such as llama.cpp, not of this one; " in str(caught.value)
    assert "did you mean" not in str(caught.value)


def test_what_transformers_has_and_this_program_has_not_names_the_nearest_too():
    named = {name: instead_of(name) for name in FOREIGN_SETTINGS}
    for name in ("penalty_alpha", "watermarking_config", "diversity_penalty", "force_words_ids"):
        assert {*re.findall(r"[a-z_]+", named[name])} & set(SETTING_NAMES)
    assert named["use_cache"] == "remove it"


def test_nothing_that_transformers_has_is_theirs():
    assert not [name for name in (*SETTING_NAMES, *FOREIGN_SETTINGS) if nearest(name)]

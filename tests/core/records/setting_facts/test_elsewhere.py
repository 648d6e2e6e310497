"""Settings of other programs: each is named as such, with what of ours comes nearest."""

from __future__ import annotations

import re

import pytest

from core.records.setting_facts.elsewhere import nearest
from core.records.setting_facts.foreign import FOREIGN_SETTINGS
from core.records.settings import SETTING_NAMES, SettingsError, settings_from_mapping

KNOWN_ELSEWHERE = [
    *("dry_multiplier", "dry_base", "dry_allowed_length", "dry_penalty_last_n"),
    *("dry_sequence_breakers", "xtc_probability", "xtc_threshold", "top_n_sigma", "mirostat"),
    *("mirostat_tau", "mirostat_eta", "typical", "tfs_z", "top_a", "repeat_last_n"),
    *("presence_penalty", "frequency_penalty", "repeat_penalty", "logit_bias", "dynatemp_range"),
    *("dynatemp_exponent", "smoothing_factor", "n_predict", "temp", "stop", "cfg_scale"),
]


@pytest.mark.parametrize("name", KNOWN_ELSEWHERE)
def test_the_sentence_says_where_it_is_known_and_what_comes_nearest(name):
    with pytest.raises(SettingsError) as caught:
        settings_from_mapping({name: 1})

    start = f"{name} is a setting of llama.cpp and its front ends that this program does not have; "
    assert str(caught.value).startswith(start)
    told = str(caught.value).removeprefix(start)
    assert set(re.findall(r"[a-z_]+", told)) & set(SETTING_NAMES)
    assert caught.value.name == name


def test_spelling_and_new_members_of_a_family_make_no_difference():
    assert nearest("--DRY-multiplier") == nearest("dry_multiplier") == nearest("dry_anything")
    assert nearest("mirostat_seed") == nearest("mirostat")


def test_nothing_that_transformers_has_is_theirs():
    assert not [name for name in (*SETTING_NAMES, *FOREIGN_SETTINGS) if nearest(name)]

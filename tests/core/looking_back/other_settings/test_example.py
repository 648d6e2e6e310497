"""The example of the settings' pages: what each does to one distribution, by a run's processors."""

from __future__ import annotations

import pytest

from core.looking_back.other_settings.example import NAMES, shown, start, values, weighed
from core.records.settings import SETTING_NAMES, Settings

UNMOVED = {"max_length", "max_new_tokens", "eos_token_id", "stop_strings", "seed", "do_sample"}
UNMOVED |= {"num_beams", "length_penalty", "early_stopping", "renormalize_logits"}
UNMOVED |= {"remove_invalid_values"}


def moves(name, value):
    return any(one.is_cut or abs(one.after - one.before) > 1e-4 for one in weighed(name, value))


def test_every_setting_has_a_page():
    assert set(NAMES) == set(SETTING_NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_chances_are_whole_and_move_where_the_setting_acts(name):
    for value in values(name):
        tokens = weighed(name, value)
        assert sum(one.after for one in tokens) == pytest.approx(1, abs=1e-5)
        assert sum(one.is_chosen for one in tokens) == 1
        assert all(one.after == 0 for one in tokens if one.is_cut)
        assert shown(name, value)
    assert any(moves(name, value) for value in values(name)) == (name not in UNMOVED)
    assert 0 <= start(name) < len(values(name))
    default = getattr(Settings(), name)
    if default in values(name) and name != "top_k":
        assert not moves(name, default) or name == "negative_prompt_ids"


def test_what_is_known_of_some():
    def kept(name, value):
        return [one.text for one in weighed(name, value) if not one.is_cut]

    assert kept("top_k", 2) == [" sat", " was"]
    assert kept("forced_eos_token_id", (10,)) == ["<end>"]
    assert " sat" not in kept("no_repeat_ngram_size", 2)
    assert "<end>" not in kept("min_new_tokens", 2)
    assert "<end>" in kept("min_new_tokens", 1)
    drawn = {one.text for seed in values("seed") for one in weighed("seed", seed) if one.is_chosen}
    assert len(drawn) > 2

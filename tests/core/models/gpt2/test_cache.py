"""The fast path's cache: room for all positions where that costs nothing, and growth elsewhere."""

from __future__ import annotations

import pytest
import torch

from core.models.any.model import TransformersModel
from core.models.gpt2 import cache as gpt2_cache
from core.models.gpt2.cache import FIRST_POSITIONS, KeyValueCache
from core.models.gpt2.config import gpt2_config
from tests.core.models.gpt2.test_gpt2 import assert_close, random_module, tokens
from tests.reference import NATIVE, behind

POSITIONS = 300
CPU_WAYS = pytest.mark.parametrize("way", ["torch", NATIVE])


def long_module():
    return random_module(n_positions=POSITIONS)


def bytes_of(rows):
    """What ``rows`` take at all positions."""
    config = gpt2_config(long_module().config.to_dict())
    return 2 * config.n_layer * config.n_embd * 4 * POSITIONS * rows


@CPU_WAYS
def test_keys_stay_where_they_are_however_long_a_text_gets(way):
    model = behind(way, long_module())
    model.prefill(tokens(5))
    store = model._cache.store
    assert model._cache.capacity == POSITIONS
    for token in tokens(POSITIONS - 5):
        model.decode([token])
    assert model._cache.store is store
    model.rewind(7)
    model.reorder([0, 0, 0])
    assert model._cache.capacity == POSITIONS


@CPU_WAYS
def test_too_much_room_is_not_asked_for_at_once(way, monkeypatch):
    monkeypatch.setattr(gpt2_cache, "_MOST_UNTOUCHED", 0)
    module = long_module()
    ours, theirs = behind(way, module), TransformersModel(module)
    for model in (ours, theirs):
        model.prefill(tokens(FIRST_POSITIONS))
        model.reorder([0, 0])
    assert ours._cache.capacity < POSITIONS
    for at in range(POSITIONS - FIRST_POSITIONS):
        new = tokens(2, offset=at)
        logits, expected = ours.decode(new), theirs.decode(new)
    assert_close(logits, expected)
    assert ours._cache.capacity == POSITIONS


@CPU_WAYS
def test_many_rows_have_less_room_at_first(way, monkeypatch):
    monkeypatch.setattr(gpt2_cache, "_MOST_UNTOUCHED", bytes_of(rows=3))
    module = long_module()
    ours, theirs = behind(way, module), TransformersModel(module)
    for model in (ours, theirs):
        model.prefill(tokens(5))
    assert ours._cache.capacity == POSITIONS
    for model in (ours, theirs):
        model.reorder([0, 0, 0, 0])
    assert ours._cache.capacity == FIRST_POSITIONS
    for at in range(FIRST_POSITIONS):
        new = tokens(4, offset=at)
        logits, expected = ours.decode(new), theirs.decode(new)
    assert_close(logits, expected)


def test_a_recorded_step_reads_all_of_its_cache_so_that_it_is_no_larger_than_asked_for():
    config = gpt2_config(long_module().config.to_dict())
    cache = KeyValueCache(config, torch.device("cpu"), torch.float32, 16, is_recorded=True)
    cache.make_room(1)
    assert cache.capacity == 16
    assert not cache.store.any()

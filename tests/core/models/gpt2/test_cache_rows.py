"""What each row of the cache reads, whatever rows grew from it, and where its stores stay."""

from __future__ import annotations

import random

import pytest
import torch

from core.models.gpt2.cache import FIRST_POSITIONS, KeyValueCache
from core.models.gpt2.config import gpt2_config
from tests.core.models.gpt2.test_gpt2 import random_module

POSITIONS = 300
CPU = torch.device("cpu")


def cache_of(alone=FIRST_POSITIONS, *, is_recorded=False, dtype=torch.float32):
    config = gpt2_config(random_module(n_positions=POSITIONS).config.to_dict())
    return KeyValueCache(config, CPU, dtype, alone, is_recorded=is_recorded)


def write(cache, count, number):
    """Let every row have ``count`` more tokens, as a step does; return what each was given."""
    cache.make_room(count)
    start = cache.length
    given = [[number * 1000 + 100 * row + at for at in range(count)] for row in range(cache.rows)]
    for row, values in enumerate(given):
        cache.store[:, :, :, start : start + count, row] = torch.tensor(values)[:, None]
    cache.append(count)
    return given


def read(cache, row):
    """What ``row`` finds at its positions, the same in all layers, keys and heads."""
    at = torch.arange(cache.length)
    found = cache.store[:, :, :, at, cache.table[row, at].long()]
    first = found[0, 0, 0, :, 0]
    assert torch.equal(found, first[:, None].expand_as(found))
    return first.tolist()


@pytest.mark.parametrize("is_recorded", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_each_row_reads_its_own_text(seed, is_recorded):
    """Written, reordered, cut back to one and begun anew at random, beside plain lists."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    cache, rows, kept = cache_of(4, is_recorded=is_recorded), [[]], 0
    for number in range(40):
        if len(rows[0]) > POSITIONS - 20:
            cache.clear()
            rows = [[]]
        what = chance.choice(("write", "write", "reorder", "keep", "back"))
        with torch.inference_mode(chance.random() < 0.5):
            if what == "write" or not rows[0]:
                for row, more in zip(rows, write(cache, chance.randint(1, 9), number), strict=True):
                    row += more
            elif what == "reorder":
                parents = [chance.randrange(len(rows)) for _ in range(chance.randint(2, 5))]
                cache.reorder(parents)
                rows = [list(rows[parent]) for parent in parents]
            elif what == "keep":
                row, length = chance.randrange(len(rows)), chance.randint(0, len(rows[0]))
                kept += len(rows) > 1 and length > 0
                cache.keep(row, length)
                rows = [rows[row][:length]]
                assert cache.slots == 1
                assert not cache.table.any()
            else:
                cache.take_back()
                rows = [row[:-1] for row in rows]
        assert (cache.length, cache.rows) == (len(rows[0]), len(rows))
        assert cache.table.shape == (cache.rows, cache.capacity)
        assert cache.slots >= cache.rows
        assert [read(cache, row) for row in range(cache.rows)] == rows
    assert kept


def test_a_row_that_is_kept_takes_its_keys_out_of_several_slots():
    cache = cache_of()
    one = write(cache, 2, 1)[0]
    cache.reorder([0, 0, 0])
    two = write(cache, 2, 2)
    cache.reorder([2, 0, 2])
    three = write(cache, 2, 3)
    cache.reorder([1, 0, 2])
    four = write(cache, 1, 4)
    text = [*one, *two[2], *three[0], *four[1]]
    assert read(cache, 1) == text
    assert cache.table[1, :7].tolist() == [0, 0, 2, 2, 0, 0, 1]
    cache.keep(1, 6)
    assert read(cache, 0) == text[:6]


class TestStores:
    def test_of_recorded_steps_two_take_turns(self):
        cache = cache_of(16, is_recorded=True)
        write(cache, 3, 1)
        alone = cache.store
        cache.reorder([0, 0, 0])
        several = cache.store
        assert cache.slots == 3
        assert several is not alone
        cache.keep(2, 3)
        assert cache.store is alone
        cache.reorder([0, 0, 0])
        assert cache.store is several
        cache.keep(0, 3)
        cache.reorder([0, 0])
        assert cache.store is not several, "two rows have one of their own size"
        cache.keep(0, 3)
        assert cache.store is alone
        write(cache, 20, 2)
        assert cache.store is not alone, "it has grown"

    def test_the_spare_one_is_left_where_it_has_too_little_room(self):
        cache = cache_of(16, is_recorded=True)
        write(cache, 3, 1)
        alone = cache.store
        cache.reorder([0, 0])
        several = cache.store
        write(cache, 20, 2)
        expected = read(cache, 1)
        cache.keep(1, 23)
        assert cache.store is not alone
        assert cache.capacity == 32
        assert read(cache, 0) == expected
        cache.reorder([0, 0])
        assert cache.store is several

    def test_among_several_rows_none_is_kept(self):
        cache = cache_of(16, is_recorded=True)
        write(cache, 3, 1)
        alone = cache.store
        cache.reorder([0, 0])
        cache.reorder([0, 1, 0])
        cache.keep(0, 3)
        assert cache.store is not alone, "it was spare until the rows became more"

    def test_elsewhere_none_is_kept(self):
        cache = cache_of()
        write(cache, 3, 1)
        alone = cache.store
        cache.reorder([0, 0])
        cache.keep(0, 3)
        assert cache.store is not alone

    @pytest.mark.parametrize("is_recorded", [False, True])
    def test_clearing_gives_all_back(self, is_recorded):
        cache = cache_of(16, is_recorded=is_recorded)
        write(cache, 3, 1)
        alone = cache.store
        cache.reorder([0, 0])
        cache.clear()
        assert (cache.length, cache.rows, cache.slots, cache.capacity) == (0, 1, 1, 0)
        assert cache.store.numel() == 0
        write(cache, 3, 2)
        assert cache.store is not alone
        assert cache.table.shape == (1, cache.capacity)

    def test_fewer_rows_stay_where_they_are(self):
        cache = cache_of()
        write(cache, 3, 1)
        cache.reorder([0, 0, 0])
        write(cache, 1, 2)
        store = cache.store
        cache.reorder([2, 1])
        assert (cache.store is store, cache.rows, cache.slots) == (True, 2, 3)

    def test_one_row_with_no_key_elsewhere_stays_where_it_is(self):
        cache = cache_of()
        write(cache, 5, 1)
        store = cache.store
        cache.keep(0, 3)
        assert cache.store is store
        assert cache.length == 3


class TestRoom:
    @pytest.mark.parametrize(
        ("count", "room"), [(1, 16), (16, 16), (17, 32), (33, 64), (129, 256), (257, POSITIONS)]
    )
    def test_of_recorded_steps_it_doubles(self, count, room):
        cache = cache_of(16, is_recorded=True)
        cache.make_room(count)
        assert cache.capacity == room
        assert not cache.store.any(), "what is free is read too"

    @pytest.mark.parametrize(("count", "room"), [(1, 128), (128, 128), (129, 256)])
    def test_several_rows_have_no_less_at_first(self, count, room):
        cache = cache_of(16, is_recorded=True)
        cache.make_room(1)
        cache.reorder([0, 0])
        cache.make_room(count)
        assert cache.capacity == room

    def test_it_grows_only_where_it_must(self):
        cache = cache_of(16, is_recorded=True)
        write(cache, 10, 1)
        store = cache.store
        cache.make_room(6)
        assert cache.store is store
        cache.make_room(7)
        assert cache.capacity == 32
        assert len(read(cache, 0)) == 10

    def test_what_a_row_could_take_decides_whether_all_is_asked_for(self, monkeypatch):
        config = gpt2_config(random_module(n_positions=POSITIONS).config.to_dict())
        most = 2 * config.n_layer * config.n_head * config.head_size * 2 * POSITIONS
        for limit, room in ((most, POSITIONS), (most - 1, 128)):
            monkeypatch.setattr("core.models.gpt2.cache._MOST_UNTOUCHED", limit)
            cache = cache_of(dtype=torch.bfloat16)
            cache.make_room(1)
            assert cache.capacity == room

    def test_nothing_is_asked_for_before_the_first_token(self):
        cache = cache_of()
        assert (cache.length, cache.rows, cache.capacity, cache.slots) == (0, 1, 0, 1)
        assert cache.table.shape == (1, 0)
        cache.make_room(0)
        assert cache.capacity == 0

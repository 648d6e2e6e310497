"""The dice: the race that is told is the one that ``torch.multinomial`` runs."""

from __future__ import annotations

import math

import pytest
import torch

from core.decoding.engine import generate
from core.decoding.recording import record_step
from core.looking_back.dice import Dice, explain_draw, race_winner
from core.looking_back.logits_store import LogitsStore
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper
from core.models.any.model import TransformersModel
from core.records.request import Request
from core.records.settings import Settings
from tests.core.looking_back.recorded import recorded, run_of
from tests.reference import byte_codec, tiny_gpt2

FORCED = (31, 45, 60)
SAMPLING = Settings(do_sample=True, top_k=0, max_new_tokens=30, seed=8)


@pytest.mark.parametrize("vocabulary_size", [2, 24, 2000, 50_257])
@pytest.mark.parametrize("is_cut", [False, True])
def test_the_race_picks_what_multinomial_picks(vocabulary_size, is_cut):
    """Over many seeds, draw after draw, and the generator ends in the same state."""
    for seed in range(40):
        theirs = torch.Generator().manual_seed(seed)
        ours = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        scores = torch.randn(1, vocabulary_size) * 4
        if is_cut:
            scores[scores < scores.max() - 6] = -math.inf
        probabilities = torch.softmax(scores, dim=-1)
        for _ in range(3):
            drawn = torch.multinomial(probabilities, num_samples=1, generator=theirs)
            times = torch.empty(1, vocabulary_size).exponential_(1, generator=ours)
            assert race_winner(scores[0], times[0]) == int(drawn)
            assert torch.equal(theirs.get_state(), ours.get_state())


def test_a_recorded_run_is_replayed_draw_by_draw(demo):
    for seed in range(5):
        settings = SAMPLING.replace(seed=seed, top_p=0.95, temperature=1.2)
        run, _ = recorded(demo.model, demo.codec, settings, "A long long time ago, ")
        dice = Dice(run)
        for index in range(len(run.steps)):
            draw = explain_draw(run, index, dice)
            assert draw.is_replayed
            assert draw.finishers[0] == draw.winner
            assert draw.winner.token_id == run.token_ids[index]


def test_dice_replayed_from_the_seed_are_those_of_the_run():
    """A greedy run is given the dice that sampling under its seed would have had."""
    model = TransformersModel(tiny_gpt2(4, eos_token_id=None))
    sampled, _ = recorded(model, byte_codec(), SAMPLING, context=(1, 2))
    greedy, _ = recorded(
        model, byte_codec(), Settings(max_new_tokens=30, seed=SAMPLING.seed), context=(1, 2)
    )
    for index in (17, 3, 29, 0):
        assert torch.equal(Dice(sampled).times(index), Dice(greedy).times(index))


def test_luck_and_need_by_hand():
    """Winner of probability 0.25 at time t; the rivals' best arrival decides what it needed."""
    row = [math.log(0.75), math.log(0.25)]
    for seed in range(60):
        generator = torch.Generator().manual_seed(seed)
        times = torch.empty(1, 2).exponential_(1, generator=torch.Generator().manual_seed(seed))[0]
        winner = 0 if times[0] / 0.75 < times[1] / 0.25 else 1
        run = run_of([row], [winner], SAMPLING, generator=generator)
        draw = explain_draw(run, 0)
        assert draw.is_replayed
        assert draw.favourite.token_id == 0
        assert draw.winner.luck == pytest.approx(1 - math.exp(-float(times[winner])), abs=1e-6)
        assert draw.winner.luck <= draw.needed
        rival = 1 - winner
        arrival = float(times[rival]) / (0.25, 0.75)[winner]
        assert draw.needed == pytest.approx(1 - math.exp(-(0.75, 0.25)[winner] * arrival), abs=1e-5)
        assert [one.token_id for one in draw.finishers] == [winner, rival]


def test_a_token_wins_with_its_probability():
    """The share of draws that a token wins is what is called its probability."""
    scores = torch.tensor([0.6, 0.3, 0.1]).log()
    generator = torch.Generator().manual_seed(0)
    wins = [0, 0, 0]
    for _ in range(4000):
        wins[race_winner(scores, torch.empty(3).exponential_(1, generator=generator))] += 1
    assert [one / 4000 for one in wins] == pytest.approx([0.6, 0.3, 0.1], abs=0.03)


def test_a_single_survivor_needs_no_luck():
    run = run_of([[3.0, 1.0, 0.0]], [0], SAMPLING.replace(top_k=1))
    draw = explain_draw(run, 0)
    assert draw.needed == 1.0
    assert [one.token_id for one in draw.finishers] == [0]
    assert draw.winner.probability == 1.0


def test_a_token_that_could_not_have_won_is_told():
    """Where a GPU rounded otherwise, the recorded token stays the winner and that is said."""
    run = run_of([[0.0, 0.0]], [1], SAMPLING)
    loser = 1 - race_winner(torch.zeros(2), Dice(run).times(0))
    draw = explain_draw(run_of([[0.0, 0.0]], [loser], SAMPLING), 0)
    assert not draw.is_replayed
    assert draw.winner.token_id == loser


def test_greedy_throws_no_dice():
    """Temperature 0 of other programs: what is called greedy never draws."""
    assert explain_draw(run_of([[0.0, 1.0]], [1], Settings()), 0) is None


@pytest.mark.parametrize("put", [1, 3])
def test_nothing_is_drawn_for_what_a_person_chose(demo, put):
    """Scrubbing a fork of a greedy run is what sampling from the same fork does, also by dice."""

    def forked(settings):
        store = LogitsStore()
        request = Request(
            "Once upon a time", settings, forced=FORCED[:put], recorder=store.recorder("run")
        )
        list(generate(demo.model, demo.codec, request, lambda: False))
        return store.run("run")

    differs = 0
    for seed in range(6):
        greedy = forked(Settings(max_new_tokens=10, seed=seed))
        sampling = SAMPLING.replace(max_new_tokens=10, seed=seed)
        sampled, scrubbed = forked(sampling), scrub(Sweeper(greedy), sampling)
        pairs = zip(sampled.token_ids, greedy.token_ids, strict=True)
        first = next((at for at, (one, other) in enumerate(pairs) if one != other), None)
        assert scrubbed.first_divergence == first
        if first is not None:
            differs += 1
            assert scrubbed.steps[first].pick == sampled.token_ids[first]
            assert torch.equal(Dice(greedy).times(first), Dice(sampled).times(first))
    assert differs > 3


def test_who_chose_a_token_is_known_when_its_logits_are_gone():
    step = record_step(torch.tensor([[0.0, 1.0]]), 1, is_forced=True)
    store = LogitsStore(limit=step.size)
    recorder = store.recorder("run")
    recorder.begin(run_of([], []).start)
    recorder.add(step)
    recorder.add(record_step(torch.tensor([[0.0, 1.0]]), 0))
    run = store.run("run")
    assert (run.steps[0], run.forced) == (None, {0})
    first = torch.empty(1, 2).exponential_(1, generator=torch.Generator().manual_seed(0))
    assert torch.equal(Dice(run).times(1), first[0])

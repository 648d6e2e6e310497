"""A sweep over a long run takes little memory, and says the same on both sides of a piece's end."""

from __future__ import annotations

import dataclasses

import torch

from core.looking_back.dice import Dice
from core.looking_back.other_settings import sweep
from core.looking_back.other_settings.sweep import Sweeper, plain_step
from core.records.settings import Settings
from tests.core.looking_back.recorded import run_of

STEPS, SIZE = 150, 2048
BANNED = Settings(do_sample=True, top_k=0, no_repeat_ngram_size=1, min_new_tokens=70)
COLD = Settings(do_sample=True, top_k=40, temperature=0.7, top_p=0.9)


def long_run():
    generator = torch.Generator().manual_seed(2)
    rows = 3 * torch.randn(STEPS, SIZE, generator=generator)
    chosen = torch.randint(0, 40, (STEPS,), generator=generator).tolist()
    return run_of(rows, chosen, context=(1, 2, 3), eos=(5,), seed=4)


def bytes_of(one):
    parts = (getattr(one, field.name) for field in dataclasses.fields(one))
    return sum(part.nbytes if isinstance(part, torch.Tensor) else bytes_of(part) for part in parts)


def test_an_index_of_a_long_run_is_small_and_never_swept_as_a_whole(monkeypatch):
    built = []

    def build(*args, **more):
        built.append(made(*args, **more))
        return built[-1]

    made = sweep.build_index
    monkeypatch.setattr(sweep, "build_index", build)
    Sweeper(long_run()).sweep(COLD)
    assert sum(len(one.maxima) for one in built) == STEPS
    assert max(len(one.maxima) for one in built) <= 64  # what is computed of them goes by this
    assert sum(map(bytes_of, built)) / STEPS < 24 * 2**10


def test_steps_at_the_ends_of_pieces_as_the_plain_processors():
    run = long_run()
    sweeper, dice = Sweeper(run), Dice(run)
    for settings in (COLD, BANNED):
        swept = sweeper.sweep(settings)
        for at in (0, 62, 63, 64, 65, 69, 70, 127, 128, STEPS - 1):
            assert swept[at] == plain_step(run, at, settings, dice), (settings, at)

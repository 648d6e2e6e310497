"""Many seeds over a few recorded rows: a sweep names what ``multinomial`` would draw.

One row costs a model a second; the same row under other dice costs nothing. So rows are few, those
of a real model where there is one, and the dice are many.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from core.decoding.recording import record_step, recorded_logits
from core.looking_back.logits_store import LogitsStore
from core.looking_back.other_settings.index import HEADS
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper
from core.models.loading import load_model
from core.records.recorded_run import RunStart
from core.records.settings import Settings
from tests.core.looking_back.other_settings.test_sweep_large import HOT, SIZES, logits
from tests.core.looking_back.recorded import Letters, recorded

REAL = Path("~/.cache/gpt2-playground/smollm2").expanduser()
SEEDS = 60
DRAWN = Settings(do_sample=True, top_k=0, temperature=1.5)
DIALS = [
    {"temperature": 1.45},
    {"temperature": 1.0},
    {"temperature": 2.2},
    {"top_k": 2000},
    {"top_p": 0.97},
    {"min_p": 1e-4},
]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Rows of one vocabulary gain nothing from a second."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def warped(row, mapping):
    """The scores that transformers' own classes leave of ``row``, shape (1, vocabulary)."""
    scores = row[None]
    warpers = [TemperatureLogitsWarper(mapping.get("temperature", DRAWN.temperature))]
    warpers += [TopKLogitsWarper(mapping["top_k"])] if "top_k" in mapping else []
    warpers += [TopPLogitsWarper(mapping["top_p"])] if "top_p" in mapping else []
    warpers += [MinPLogitsWarper(mapping["min_p"])] if "min_p" in mapping else []
    for warper in warpers:
        scores = warper(None, scores)
    return scores


def assert_as_drawn(rows, seeds):
    """Hold every pick and cut of every dial against ``torch.multinomial`` under the same dice.

    Returns how many tokens were drawn from outside the heads of an index.
    """
    outside = 0
    for place, row in enumerate(rows):
        of_dials = [(one, warped(row, one)) for one in ({}, *DIALS)]
        chances = [scores.softmax(-1) for _, scores in of_dials]
        store = LogitsStore()
        for seed in seeds:
            generator = torch.Generator().manual_seed(1000 * place + seed)
            dice = generator.get_state()
            drawn = []
            for probabilities in chances:
                generator.set_state(dice)
                drawn.append(int(torch.multinomial(probabilities, 1, generator=generator)))
            chosen = drawn[0]
            outside += int((row > row[chosen]).sum()) >= HEADS
            recorder = store.recorder("run")
            recorder.begin(RunStart((), DRAWN, (), seed, "cpu", Letters()))
            recorder.add(record_step(row[None], chosen, dice))
            sweeper = Sweeper(store.run("run"))
            for (mapping, scores), pick in zip(of_dials, drawn, strict=True):
                scrubbed = scrub(sweeper, DRAWN.replace(**mapping))
                is_cut = scores[0, chosen] == -torch.inf
                told = scrubbed.steps[0].pick, scrubbed.steps[0].cut_by is not None
                assert told == (pick, bool(is_cut)), (place, seed, mapping)
                assert scrubbed.first_divergence == (None if pick == chosen else 0)
    return outside


@pytest.mark.parametrize(("place", "size"), enumerate(SIZES))
def test_many_seeds(place, size):
    """Others for each size."""
    seeds = range(place * SEEDS, (place + 1) * SEEDS)
    assert assert_as_drawn(logits(HOT, size, 1, seed=11), seeds) > SEEDS // 10


@pytest.mark.skipif(not REAL.is_dir(), reason="the real model is not on this machine")
@pytest.mark.timeout(300)
def test_a_real_model_and_what_it_would_have_written():
    """Picks over its own rows; and the first divergence is that of a run under those settings."""
    real = load_model(str(REAL), "cpu", "float32", lambda stage, share=None: None)
    prompt = "The capital of France is"
    hot = DRAWN.replace(max_new_tokens=20, seed=1)
    run, finished = recorded(real.model, real.codec, hot, prompt)
    cooler = hot.replace(temperature=1.45)
    scrubbed = scrub(Sweeper(run), cooler)
    # transformers' generate() under the same settings and seed parts there too, with that token.
    assert [one.index for one in scrubbed.steps if one.differs] == [6, 16]
    _, other = recorded(real.model, real.codec, cooler.replace(max_new_tokens=7), prompt)
    assert other.token_ids[:6] == finished.token_ids[:6]
    assert other.token_ids[6] == scrubbed.steps[6].pick != finished.token_ids[6]
    rows = [recorded_logits(step) for step in run.steps[1::9]]
    assert assert_as_drawn(rows, range(20)) > 0

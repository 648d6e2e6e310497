"""Recorded runs for the tests of what is told about them."""

from __future__ import annotations

import torch

from core.backends.base import Request
from core.engine import generate
from core.logits_store import LogitsStore, RecordedRun, RunStart
from core.recording import record_step
from core.settings import Settings
from core.steps import Finished


class Letters:
    """Token 0 is ``a``, token 1 is ``b``, and so on."""

    def token_text(self, token_id):
        return chr(ord("a") + token_id % 26)

    def encode(self, text, *, is_beginning):
        return [ord(one) - ord("a") for one in text.strip()]

    def extend(self, pending, token_id):
        return self.token_text(token_id), ()


def recorded(model, codec, settings, prompt="", context=()) -> tuple[RecordedRun, Finished]:
    store = LogitsStore()
    request = Request(prompt, settings, context, recorder=store.recorder("run"))
    *_, finished = generate(model, codec, request, lambda: False)
    run = store.run("run")
    assert run is not None
    return run, finished


def run_of(
    rows, chosen, settings=None, *, context=(), eos=(), seed=0, generator=None
) -> RecordedRun:
    """A run whose steps have these raw logits (lists of floats) and chosen tokens."""
    store = LogitsStore()
    recorder = store.recorder("run")
    recorder.begin(RunStart(context, settings or Settings(), eos, seed, "cpu", Letters()))
    for row, token_id in zip(rows, chosen, strict=True):
        dice = None if generator is None else generator.get_state()
        recorder.add(record_step(torch.as_tensor(row).float()[None], token_id, dice))
    run = store.run("run")
    assert run is not None
    return run

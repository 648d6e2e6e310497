"""Recorded runs for the tests of what is told about them."""

from __future__ import annotations

import dataclasses

import torch

from core.decoding.engine import generate
from core.decoding.recording import record_step
from core.looking_back.logits_store import LogitsStore
from core.records.decode_state import DecodeState
from core.records.recorded_run import RecordedRun, RunStart
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, TokenStep
from tests.reference import byte_codec

CODEC = byte_codec()
CONTEXT = (1, 2, 3)


class Without:
    """A model that lacks some of its methods."""

    def __init__(self, model, *names):
        self._model, self._names = model, names

    def __getattr__(self, name):
        if name in self._names:
            raise AttributeError(name)
        return getattr(self._model, name)


class Letters:
    """Token 0 is ``a``, token 1 is ``b``, and so on."""

    special_token_ids = frozenset()

    def token_text(self, token_id):
        return chr(ord("a") + token_id % 26)

    def encode(self, text, *, is_beginning):
        return [ord(one) - ord("a") for one in text.strip()]

    def state_after(self, token_ids):
        return DecodeState()

    def extend(self, state, token_id):
        return self.token_text(token_id), state


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


def whole_run(model, chosen, *, context=CONTEXT, cancel_after=None):
    """Return all that a run leaves behind, without times: its events, its record, the rows."""
    store = LogitsStore()
    told = 0

    def is_cancelled():
        return told == cancel_after

    events = []
    if chosen.seed is None:
        chosen = dataclasses.replace(chosen, seed=0)
    request = Request("", chosen, context, recorder=store.recorder("run"))
    for event in generate(model, CODEC, request, is_cancelled):
        told += isinstance(event, TokenStep)
        if isinstance(event, TokenStep):
            event = (event.index, event.token, event.distribution, event.text)
        elif isinstance(event, Finished):
            event = (event.reason, event.token_ids, event.text, event.score)
        events.append(event)
    rows = [list(row) for row in model.rows]
    return events, store.run("run").steps, rows, model._cache.length

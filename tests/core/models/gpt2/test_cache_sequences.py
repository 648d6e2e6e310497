"""One model through whatever a person does with it: each step is that of one without a past."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from core.backends.out_of_memory import guarded, guarded_scoring
from core.decoding.engine import generate
from core.decoding.recording import recorded_logits
from core.looking_back.given_text.scoring import score_tokens
from core.looking_back.logits_store import LogitsStore
from core.models.gpt2 import cache as gpt2_cache
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, TokenStep
from tests.core.looking_back.recorded import CODEC
from tests.core.models.gpt2.test_gpt2 import random_module
from tests.reference import NATIVE, behind

POSITIONS = 640
ROOMY, GROWING = 2**31, 0
"""What the cache asks for at once: on the processor all; elsewhere, as here, it grows."""

WAYS = [
    pytest.param("native", torch.float32, ROOMY, marks=NATIVE.marks),
    pytest.param("native", torch.bfloat16, ROOMY, marks=NATIVE.marks),
    pytest.param("native", torch.int8, ROOMY, marks=NATIVE.marks),
    pytest.param("native", torch.float32, GROWING, marks=NATIVE.marks),
    ("torch", torch.float32, ROOMY),
    ("torch", torch.float32, GROWING),
    ("torch", torch.bfloat16, GROWING),
    ("graph", torch.float32, GROWING),
    ("transformers", torch.float32, ROOMY),
]
TOLERANCES = {torch.float32: 1e-4, torch.bfloat16: 0.05, torch.int8: 0.1}
"""Of logits, relative to the greatest: what rounded weights make of them, and no more."""

MODULES = [random_module(seed, n_positions=POSITIONS, initializer_range=0.1) for seed in (0, 1)]


class Watched:
    """A model whose every call is held against what ``module``, which has no cache, makes of it.

    That is asked once for all calls of a rule: no token sees what follows, so that the logits of
    the longest texts hold those of all that they begin with.
    """

    def __init__(self, model, module, tolerance):
        self.model, self.module, self.tolerance = model, module, tolerance
        self.held = 0
        self.given, self.read = [], {}

    def __getattr__(self, name):
        return getattr(self.model, name)

    def prefill(self, token_ids):
        return self.hold(self.model.prefill(token_ids))

    def decode(self, token_ids):
        return self.hold(self.model.decode(token_ids))

    def hold(self, logits):
        self.given.append(([tuple(row) for row in self.model.rows], logits.clone()))
        return logits

    def hold_given(self):
        """Hold all that was given since the last time."""
        given, self.given = self.given, []
        for rows, logits in reversed(given):  # later ones are longer, as a rule
            expected = [self.all_logits_of(row)[-1] for row in rows]
            self.assert_close(logits, torch.stack(expected))
        self.read = {}

    def all_logits_of(self, row):
        """Return the logits after each token of ``row``, shape (n, vocabulary)."""
        for text, logits in self.read.items():
            if text[: len(row)] == row:
                return logits[: len(row)]
        with torch.no_grad():
            self.read[row] = self.module(torch.tensor([row])).logits[0]
        return self.read[row]

    def assert_close(self, ours, theirs):
        assert ours.shape == theirs.shape
        error = float((ours - theirs).abs().max() / theirs.abs().max())
        assert error <= self.tolerance
        self.held += 1


class Sequences(RuleBasedStateMachine):
    """What can be done, in any order; ``engine``, ``dtype`` and ``untouched`` are set below."""

    engine, dtype, untouched, held = "", torch.float32, ROOMY, 0

    def __init__(self):
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(gpt2_cache, "_MOST_UNTOUCHED", self.untouched)
        self.models = [self.watched(module) for module in MODULES]
        self.model, self.document = self.models[0], (1,)

    def watched(self, module):
        model = behind(self.engine, module, self.dtype)
        return Watched(model, module, TOLERANCES[self.dtype])

    def teardown(self):
        self.patch.undo()
        type(self).held += sum(one.held for one in self.models)

    @initialize(length=st.integers(1, 600), seed=st.integers(0, 96))
    def begin(self, length, seed):
        self.document = tuple((7 * at + seed) % 97 for at in range(length))

    @rule(length=st.integers(1, 600), seed=st.integers(0, 96))
    def another_document(self, length, seed):
        self.begin(length, seed)

    @rule(count=st.integers(1, 9))
    def greedy(self, count):
        self.run(Settings(max_new_tokens=count))

    @rule(count=st.integers(1, 9), seed=st.integers(0, 9))
    def sampling(self, count, seed):
        self.run(Settings(max_new_tokens=count, do_sample=True, seed=seed))

    @rule(count=st.integers(1, 5), beams=st.integers(2, 6))
    def beams(self, count, beams):
        self.run(Settings(max_new_tokens=count, num_beams=beams))

    @rule(choices=st.lists(st.integers(0, 96), min_size=1, max_size=4))
    def by_hand(self, choices):
        for choice in choices:
            self.run(Settings(max_new_tokens=1))
            self.document = (*self.document[:-1], choice)

    @rule(share=st.floats(0, 1), token_id=st.integers(0, 96), beams=st.sampled_from([1, 1, 3]))
    def fork(self, share, token_id, beams):
        self.document = (*self.document[: int(share * len(self.document))], token_id)
        self.run(Settings(max_new_tokens=3, num_beams=beams))

    @rule(share=st.floats(0, 1))
    def score(self, share):
        text = self.document[: 2 + int(share * len(self.document))]
        if len(text) < 2:
            return
        model = self.model
        scored = guarded_scoring(model, lambda: score_tokens(model, CODEC, (), text))
        expected = model.all_logits_of(text).log_softmax(dim=-1)
        assert len(scored.tokens) == len(text) - 1
        for at, one in enumerate(scored.tokens):
            off = abs(one.token.logprob - float(expected[at, text[at + 1]]))
            assert off < 30 * model.tolerance

    @rule()
    def another_model(self):
        self.model = self.models[self.model is self.models[0]]

    @rule(beams=st.integers(1, 5), at=st.integers(1, 3), is_memory=st.booleans())
    def step_that_breaks_off(self, beams, at, is_memory):
        """In the middle of a pass, when some layers have written their keys already."""
        error = RuntimeError("CUDA error: out of memory" if is_memory else "broken")
        steps = guarded(self.model, self.events(Settings(max_new_tokens=9, num_beams=beams)))
        with pytest.MonkeyPatch.context() as patch:
            given = []
            model = self.model.model
            for name in ("decode", "run_on", "decode_ahead"):
                work = getattr(model, name, None)
                if work is not None:

                    def failing(*arguments, work=work):
                        given.append(1)
                        if len(given) == (at if beams > 1 else 1):
                            work(*arguments)
                            raise error
                        return work(*arguments)

                    patch.setattr(model, name, failing, raising=False)
            with pytest.raises(PlaygroundError if is_memory else RuntimeError):
                list(steps)
        assert [list(row) for row in model.rows] == [[]]

    @invariant()
    def rows_are_of_one_length(self):
        for one in self.models:
            assert len({len(row) for row in one.model.rows}) == 1

    @invariant()
    def all_logits_are_those_of_one_without_a_past(self):
        for one in self.models:
            one.hold_given()

    def events(self, chosen):
        self.document = self.document[: POSITIONS - 10]
        request = Request("", chosen, self.document, recorder=self.new_recorder())
        return generate(self.model, CODEC, request, lambda: False)

    def new_recorder(self):
        self.store = LogitsStore()
        return self.store.recorder("run")

    def run(self, chosen):
        *events, finished = guarded(self.model, self.events(chosen))
        steps = [event for event in events if isinstance(event, TokenStep | BeamStep)]
        assert steps or chosen.num_beams > 1
        whole = (*self.document, *finished.token_ids)
        if chosen.num_beams == 1:
            assert finished.token_ids
            recorded = self.store.run("run").steps
            expected = self.model.all_logits_of(whole)[len(self.document) - 1 :]
            assert len(recorded) == len(finished.token_ids)
            ours = torch.stack([recorded_logits(step) for step in recorded])
            self.model.assert_close(ours, expected[: len(ours)])
        self.document = whole


@pytest.fixture(autouse=True)
def one_thread():
    """Threads of torch and of the kernel would wait for each other, awake."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("engine", "dtype", "untouched"), WAYS)
def test_no_step_knows_of_what_came_before(engine, dtype, untouched):
    kind = type("Sequences", (Sequences,), {})
    kind.engine, kind.dtype, kind.untouched = engine, dtype, untouched
    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=15,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert kind.held > 30

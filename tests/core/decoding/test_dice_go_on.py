"""What goes on with a run goes on with its dice: as one generator does that is seeded once."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decoding.draws import waiting_times
from core.decoding.engine import generate
from core.document.document import Document, Fork
from core.looking_back.dice import Dice
from core.looking_back.logits_store import LogitsStore
from core.models.any.model import TransformersModel
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import settings_from_mapping
from core.records.steps import Candidate
from core.text.token_ids import common_length
from tests.core.decoding.test_parity import (
    lengths,
    mappings,
    penalties,
    prompts,
    seeds,
    warpers,
    with_any,
)
from tests.reference import byte_codec, new_tokens, run_theirs, tiny_gpt2

CODEC = byte_codec()
SEED = 3
of_lengths = {
    "begin_suppress_tokens": with_any["begin_suppress_tokens"],
    "exponential_decay_length_penalty": with_any["exponential_decay_length_penalty"],
    "guidance_scale": with_any["guidance_scale"],
}
samples = mappings(
    {"do_sample": st.booleans(), **lengths}, {**warpers, **penalties, **of_lengths}, most=5
)


class Written:
    """A document that a small model in float64 writes."""

    def __init__(self, prompt, *, store=None):
        self.module = tiny_gpt2(5, eos_token_id=[0, 7], n_positions=160)
        self.model = TransformersModel(self.module)
        self.prompt, self.document, self.store = prompt, Document(), store

    def run(self, request, **more):
        if self.store is not None:
            key = self.document.turns[-1].key = str(len(self.document.turns))
            more["recorder"] = self.store.recorder(key)
        request = Request(
            **{name: getattr(request, name) for name in request.__dataclass_fields__} | more
        )
        for event in generate(self.model, CODEC, request, lambda: False):
            self.document.apply(event)
        return self.document.turns[-1]

    def begin(self, settings):
        prompt = {"context_token_ids": self.prompt, "prompt": ""}
        return self.run(self.document.begin("", "one", settings), **prompt)

    def theirs(self, settings, context=None):
        context = self.prompt if context is None else context
        return new_tokens(run_theirs(self.module, context, settings), context)

    def leave(self, step):
        self.document = self.document.before(step)


def of(mapping):
    """Settings, without what only sampling has where nothing is drawn."""
    if not mapping["do_sample"]:
        mapping = {name: one for name, one in mapping.items() if name not in warpers}
    return settings_from_mapping(mapping)


@settings(max_examples=15, deadline=None)
@given(samples, samples, prompts, seeds, st.integers(0, 20))
def test_a_scrubbed_run_is_what_generate_writes_from_the_start(first, other, prompt, seed, back):
    """Its settings count from the start too: what they ask of lengths, and what is guided."""
    one, own = Written(prompt), of(first)
    turn = one.begin(own.replace(seed=seed))
    assert turn.token_ids == tuple(one.theirs(own.replace(seed=seed)))
    scrubbed = of(other).replace(max_new_tokens=own.max_new_tokens)
    whole = one.theirs(scrubbed.replace(seed=seed))
    same = common_length(turn.token_ids, whole)
    if same == min(len(whole), len(turn.token_ids)):
        same -= 1
    step = max(0, same - back // 4)
    one.leave(step)
    again = one.run(one.document.rerun("one*", scrubbed, None))
    assert list(again.token_ids) == whole[step:]
    # And a scrubbed run is scrubbed like any other.
    if len(again.token_ids) > 2:
        one.leave(step + 2)
        third = one.run(one.document.rerun("one*", scrubbed, None))
        assert list(third.token_ids) == whole[step + 2 :]


@settings(max_examples=8, deadline=None)
@given(samples, samples, prompts, seeds)
def test_an_empty_prompt_writes_on_as_a_generator_that_nobody_seeds_again(
    first, other, prompt, seed
):
    one, own, later = Written(prompt), of(first | {"do_sample": True}), of(other)
    ours = [one.begin(own.replace(seed=seed)).token_ids]
    theirs = [tuple(one.theirs(own.replace(seed=seed)))]
    for now in (later, own):
        context = one.document.token_ids
        ours.append(one.run(one.document.begin("", "one", now)).token_ids)
        theirs.append(tuple(one.theirs(now, context)))
        if not now.do_sample:  # it leaves the draws that it would have made
            torch.manual_seed(seed)
            for _ in range(sum(map(len, ours))):
                torch.empty(1, 24).exponential_(1)
    assert ours == theirs


@settings(max_examples=8, deadline=None)
@given(samples, prompts, seeds, st.data())
def test_a_fork_draws_on_from_its_step(mapping, prompt, seed, data):
    one, own = Written(prompt), of(mapping | {"do_sample": True})
    drawn = 0
    turn = one.begin(own.replace(seed=seed))
    for _ in range(2):  # a fork of a fork too
        step = data.draw(st.integers(0, len(turn.token_ids) - 1))
        before = one.document.step_count() - len(turn.token_ids)
        put = data.draw(st.integers(1, 23))
        one.leave(before + step)
        drawn += step if not drawn and turn.fork is None else max(0, step - 1)
        chosen = Candidate(put, CODEC.token_text(put), -1.0, -1.0, 1)
        fork = Fork(step + 1, chosen.text)
        turn = one.run(one.document.fork(fork, chosen, "one", own))
        assert turn.started.seed == seed
        if len(turn.token_ids) == 1:
            return
        assert turn.started.drawn == drawn
        torch.manual_seed(seed)
        for _ in range(drawn):
            torch.empty(1, 24).exponential_(1)
        context = (*turn.started.context_token_ids, put)
        assert turn.token_ids[1:] == tuple(one.theirs(own, context))


def test_the_dice_of_a_fork_are_told_as_they_fell():
    """Recorded or not: a fork that draws nothing has those that sampling would have had."""
    own = settings_from_mapping({"do_sample": True, "max_new_tokens": 6, "top_k": 0})
    for later in (own, settings_from_mapping({"max_new_tokens": 6})):
        one = Written((1, 2), store=LogitsStore())
        one.begin(own.replace(seed=SEED))
        one.leave(4)
        turn = one.run(one.document.begin("", "one", later))
        assert turn.started.drawn == 4
        dice = Dice(one.store.run(turn.key))
        generator = torch.Generator().manual_seed(SEED)
        fell = [waiting_times(generator, 24) for _ in range(6)]
        assert torch.equal(dice.times(0), fell[4])
        assert torch.equal(dice.times(1), fell[5])


def test_other_dice_begin_anew():
    """Those of another seed, of a model with other tokens, and of a prompt."""
    own = settings_from_mapping({"do_sample": True, "max_new_tokens": 5})
    one = Written((1, 2))
    one.begin(own.replace(seed=SEED))
    asked = {
        "the same": ("", own.replace(seed=SEED)),
        "none": ("", own),
        "another": ("", own.replace(seed=4)),
        "a prompt": ("a", own),
    }
    requests = {}
    for name, (prompt, wanted) in asked.items():
        document = Document(one.document.turns)
        requests[name] = document.begin(prompt, "one", wanted)
    drawn = {name: (one.settings.seed, one.drawn) for name, one in requests.items()}
    assert drawn == {
        "the same": (SEED, 5), "none": (SEED, 5), "another": (4, 0), "a prompt": (None, 0),
    }  # fmt: skip


@pytest.mark.parametrize("told", ["drawn", "counted"])
def test_no_more_is_said_to_lie_behind_a_run_than_its_text_holds(told):
    """A file says how much: nobody waits for a billion draws."""
    one = Written((1, 2))
    own = settings_from_mapping({"do_sample": True, "max_new_tokens": 5})
    events = generate(one.model, CODEC, Request("", own, (1, 2), **{told: 10**12}), lambda: False)
    with pytest.raises(PlaygroundError, match="said to go on from 1,000,000,000,000 tokens"):
        next(itertools.islice(events, 0, 1))

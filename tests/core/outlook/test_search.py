"""What could be said: held against every text there is, and against runs that are forced to it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decoding.engine import generate
from core.decoding.weighing.processors import build_processors
from core.models.any.model import TransformersModel
from core.outlook.gathered import Outlook
from core.outlook.search import look_out
from core.records.errors import PlaygroundError
from core.records.outlook import Reach
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import TokenStep
from tests.core.looking_back.recorded import CODEC, CONTEXT
from tests.reference import ENGINES, behind, tiny_gpt2

SMALL = tiny_gpt2(3, vocab_size=5, eos_token_id=0)
MODES = {
    "sampling": Settings(do_sample=True, top_k=0),
    "nucleus": Settings(do_sample=True, top_k=0, top_p=0.8, temperature=1.3),
    "greedy": Settings(),
    "beams": Settings(num_beams=3, no_repeat_ngram_size=2),
    "reads": Settings(
        do_sample=True, repetition_penalty=1.4, min_new_tokens=2, sequence_bias=(((2, 3), 1.5),)
    ),
    "guided": Settings(do_sample=True, guidance_scale=1.5),
}


def gathered(model, request, reach, is_cancelled=lambda: False):
    outlook = Outlook()
    for growth in look_out(model, CODEC, request, reach, is_cancelled):
        outlook.add(growth)
    return outlook


def leaves(outlook):
    """Return the token ids of texts that have ended, with their probabilities."""
    return {
        tuple(one.token_id for one in outlook.way_to(prospect.index)): prospect.path_probability
        for prospect in outlook.prospects
        if prospect.end is not None
    }


def every_text(module, context, chosen, depth, written=(), probability=1.0):
    """Yield every text that ``chosen`` could write, read each by itself, with its probability."""
    processors = build_processors(chosen, len(context), (0,), torch.device("cpu"))
    document = torch.tensor([[*context, *written]])
    with torch.inference_mode():
        scores = module(document).logits[:, -1].float()
    for one in processors:
        scores = one.process(document, scores)
    probabilities = torch.softmax(scores[0].double(), dim=-1).tolist()
    for token_id, share in enumerate(probabilities):
        text = (*written, token_id)
        if share and (token_id == 0 or len(text) == depth):
            yield text, probability * share
        elif share:
            yield from every_text(module, context, chosen, depth, text, probability * share)


@settings(max_examples=12)
@given(
    context=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    depth=st.integers(1, 3),
    least=st.sampled_from([1e-6, 0.01, 0.05, 0.3]),
    temperature=st.sampled_from([0.5, 1.0, 1.7]),
    top_p=st.sampled_from([0.7, 1.0]),
    penalty=st.sampled_from([1.0, 1.3]),
    ngram=st.sampled_from([0, 2]),
    fewest=st.sampled_from([None, 2]),
)
def test_it_is_every_text_there_is(
    context, depth, least, temperature, top_p, penalty, ngram, fewest
):
    chosen = Settings(
        do_sample=True,
        top_k=0,
        temperature=temperature,
        top_p=top_p,
        repetition_penalty=penalty,
        no_repeat_ngram_size=ngram,
        min_new_tokens=fewest,
    )
    model = TransformersModel(SMALL)
    outlook = gathered(model, Request("", chosen, context), Reach(depth, least))
    expected = dict(every_text(SMALL, context, chosen, depth))
    found = leaves(outlook)

    assert found == {text: pytest.approx(expected[text], rel=1e-5) for text in found}
    missed = {one: share for one, share in expected.items() if one not in found}
    assert all(share < least * (1 + 1e-5) for share in missed.values())
    assert outlook.open == 0.0
    assert outlook.left_out == pytest.approx(sum(missed.values()), abs=1e-6)
    assert outlook.covered + outlook.left_out == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("engine", ENGINES)
def test_each_text_is_as_likely_as_the_run_that_is_forced_to_it(engine, mode):
    module = tiny_gpt2(5, eos_token_id=0)
    model = behind(engine, module, torch.float32 if engine == "native" else None)
    outlook = gathered(model, Request("", MODES[mode], CONTEXT), Reach(4, 0.002, 120))
    ended = [one for one in outlook.prospects if one.end is not None]

    assert outlook.covered + outlook.left_out + outlook.open == pytest.approx(1.0, abs=1e-9)
    assert len({one.depth for one in outlook.prospects}) > 2
    for leaf in ended[:3] + ended[-3:]:
        way = outlook.way_to(leaf.index)
        forced = tuple(one.token_id for one in way)
        request = Request("", MODES[mode], CONTEXT, forced=forced, most_drawn=0)
        steps = [one for one in generate(model, CODEC, request, bool) if isinstance(one, TokenStep)]
        finals = [one.token.final_logprob for one in steps]
        assert [one.logprob for one in way] == pytest.approx(finals, abs=2e-4)
        assert leaf.path_logprob == pytest.approx(math.fsum(finals), abs=5e-4)
        assert [one.token_text for one in way] == [one.token.text for one in steps]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_likeliest_come_first_and_are_read_together(engine, monkeypatch):
    module = tiny_gpt2(5, eos_token_id=None)
    model = behind(engine, module, torch.float32 if engine == "native" else None)
    passes = []
    kind = type(model)
    decode = kind.decode
    monkeypatch.setattr(
        kind, "decode", lambda self, ids: passes.append(len(ids)) or decode(self, ids)
    )
    outlook = gathered(model, Request("", MODES["sampling"], CONTEXT), Reach(3, 0.004))
    for parent in (0, *(one.index for one in outlook.prospects)):
        behind_it = outlook.behind(parent)
        assert all(a.logprob >= b.logprob for a, b in pairwise(behind_it))
    looked_behind = [one for one in outlook.prospects if one.end is None]
    assert max(passes) == 16
    assert len(passes) < len(looked_behind) / 2


def test_a_recorded_step_always_has_as_many_rows(monkeypatch):
    model = behind("graph", tiny_gpt2(5, eos_token_id=None))
    request, reach = Request("", MODES["sampling"], CONTEXT), Reach(3, 0.02)
    expected = leaves(gathered(model, request, reach))
    monkeypatch.setattr("core.outlook.search.is_recorded", lambda _model: True)
    kind, rows = type(model), []
    decode = kind.decode
    monkeypatch.setattr(
        kind, "decode", lambda self, ids: rows.append(len(ids)) or decode(self, ids)
    )
    assert leaves(gathered(model, request, reach)) == pytest.approx(expected)
    assert set(rows) == {16}


def test_lengths_and_stop_strings_end_a_text():
    model = TransformersModel(tiny_gpt2(5, vocab_size=256, eos_token_id=0, sharpness=0.2))
    sampled = Settings(do_sample=True, top_k=9, max_new_tokens=2, stop_strings=("~",))
    always = sampled.replace(sequence_bias=(((93,), 90.0),))  # "~"
    assert CODEC.token_text(93) == "~"
    (only,) = gathered(model, Request("", always, CONTEXT), Reach()).prospects
    assert (only.end, only.text, only.path_probability) == ("stop_string", "~", pytest.approx(1))
    ends = {one.end for one in gathered(model, Request("", sampled, CONTEXT), Reach()).prospects}
    assert ends >= {None, "length"}
    full = Request("", MODES["sampling"], CONTEXT * (47 // len(CONTEXT)))
    small = TransformersModel(tiny_gpt2(5, n_positions=len(full.context_token_ids) + 1))
    assert {one.end for one in gathered(small, full, Reach()).prospects} <= {
        "context_full",
        "end_of_text",
    }


def test_it_stops_when_told_and_keeps_what_it_has():
    model = TransformersModel(tiny_gpt2(5, eos_token_id=0))
    asked = []
    outlook = gathered(
        model,
        Request("", MODES["sampling"], CONTEXT),
        Reach(4, 1e-4),
        lambda: asked.append(1) or len(asked) > 3,
    )
    assert outlook.open > 0.1
    assert outlook.covered + outlook.left_out + outlook.open == pytest.approx(1.0, abs=1e-9)
    few = gathered(model, Request("", MODES["sampling"], CONTEXT), Reach(4, 1e-4, most=30))
    assert 30 <= len(few.prospects) < 60
    assert few.covered + few.left_out + few.open == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_generated_afterwards_is_the_same(engine):
    module = tiny_gpt2(5, eos_token_id=None)
    model = behind(engine, module, torch.float32 if engine == "native" else None)
    list(generate(model, CODEC, Request("", Settings(max_new_tokens=5), CONTEXT), bool))
    rows = [list(row) for row in model.rows]
    gathered(model, Request("", MODES["sampling"], CONTEXT[:2]), Reach(2, 0.05))
    assert [list(row) for row in model.rows] == rows


def test_what_cannot_be_looked_for_is_told():
    model = TransformersModel(tiny_gpt2(5))
    for depth, least in ((0, 0.1), (1001, 0.1), (3, 0.0), (3, 1.5), (3, math.nan)):
        with pytest.raises(PlaygroundError, match=r"must be from .* to .*, not"):
            Reach(depth, least)
    with pytest.raises(PlaygroundError, match="the text has 49 tokens"):
        gathered(model, Request("", Settings(), (1,) * 49), Reach())
    lost = Request("", Settings(suppress_tokens=tuple(range(24)), do_sample=True), CONTEXT)
    with pytest.raises(PlaygroundError, match="leave no probabilities"):
        gathered(model, lost, Reach())

"""Mistakes seen in other programs of this kind, each told by name.

Looking that changes later output is in ``test_recording``, a cache that scoring touches in
``test_scoring``.
"""

from __future__ import annotations

import math

import pytest
import torch

from core.document.tree import Tree
from core.document.tree_records import ROOT, Beginning, ModelRef, RunFacts
from core.looking_back.dice import explain_draw
from core.looking_back.explain import explain
from core.looking_back.given_text.scoring import score_tokens
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper
from core.models.any.model import TransformersModel
from core.presets.book import Preset
from core.records.settings import Settings, SettingsError
from tests.core.document.tree_forks import context_of, fork
from tests.core.looking_back.recorded import recorded, run_of
from tests.reference import byte_codec, run_ours, tiny_gpt2

PROMPT = "A long long time ago, "
CROSSED = [math.log(one) for one in (0.5, 0.25, 0.125, 0.0625, 0.0625)]


def test_candidates_beside_the_wrong_token(demo, demo_module):
    """The candidates of a step are those of the text before it, not of the text with it."""
    settings = Settings(do_sample=True, top_k=0, max_new_tokens=12, seed=1)
    ours = run_ours(demo.model, demo.codec, settings, prompt=PROMPT)
    run, _ = recorded(demo.model, demo.codec, settings, PROMPT)
    document = ours.started.context_token_ids + ours.finished.token_ids
    with torch.inference_mode():
        logits = demo_module(torch.tensor([document])).logits[0]
    start = len(ours.started.context_token_ids)
    assert len(ours.steps) == 12
    for step in ours.steps:
        before = logits[start + step.index - 1].topk(5).indices.tolist()
        after = logits[start + step.index].topk(5).indices.tolist()
        assert before != after
        assert [one.token_id for one in step.distribution.candidates] == before
        assert [one.token_id for one in explain(run, step.index).rows] == before


def test_temperature_0_that_still_samples(demo):
    """There is no such temperature here; greedy throws no dice, whatever the seed."""
    with pytest.raises(SettingsError, match="do_sample: false"):
        Settings(do_sample=True, temperature=0)
    texts = set()
    for seed in range(5):
        run, finished = recorded(
            demo.model, demo.codec, Settings(max_new_tokens=15, seed=seed), PROMPT
        )
        texts.add(finished.token_ids)
        assert all(step.dice is None for step in run.steps)
        assert explain_draw(run, 3) is None
        assert all(explain(run, index).final_rank == 1 for index in range(len(run.steps)))
    assert len(texts) == 1


@pytest.mark.parametrize(("top_p", "kept"), [(0.4, 1), (0.51, 2), (0.74, 2), (0.76, 3), (1.0, 5)])
def test_a_nucleus_that_drops_the_token_crossing_top_p(top_p, kept):
    """Of 0.5, 0.25, 0.125, …: the token that crosses stays, in a run, a scrub and a verdict."""
    settings = Settings(do_sample=True, top_k=0, top_p=top_p)
    run = run_of([CROSSED] * 5, range(5), settings)
    allowed = [token_id < kept for token_id in range(5)]
    assert [explain(run, at).token.cut_by is None for at in range(5)] == allowed
    assert [one.cut_by is None for one in scrub(Sweeper(run), settings).steps] == allowed
    told = [
        score_tokens(Fixed(), byte_codec(), (0,), (at,), [Preset("it", "", "", settings)])
        for at in range(5)
    ]
    assert [one.verdicts[0].is_reachable for one in told] == allowed


class Fixed:
    """Whatever it reads, it expects the same."""

    context_size = 9
    vocabulary_size = len(CROSSED)
    bos_token_id = 0
    eos_token_ids = ()

    def all_logits(self, token_ids):
        yield torch.tensor([CROSSED] * len(token_ids))


def test_a_chosen_token_outside_the_list_that_takes_anothers_probability(demo):
    settings = Settings(do_sample=True, top_k=0, temperature=2.5, max_new_tokens=30, seed=6)
    ours = run_ours(demo.model, demo.codec, settings, prompt=PROMPT)
    run, _ = recorded(demo.model, demo.codec, settings, PROMPT)
    outside = [step for step in ours.steps if step.token.rank > 5]
    assert len(outside) > 5
    for step in outside:
        listed = {one.token_id: one for one in step.distribution.candidates}
        assert step.token.token_id not in listed
        assert step.token.logprob < min(one.logprob for one in listed.values())
        told = explain(run, step.index, rows=5)
        assert told.token.logprob == pytest.approx(step.token.logprob, abs=1e-5)
        assert told.token.final_logprob == pytest.approx(step.token.final_logprob, abs=1e-4)
        wide = explain(run, step.index, rows=200)
        listed_mass = sum(one.probability for one in wide.rows[:5])
        assert told.rest == pytest.approx(1 - listed_mass, abs=1e-5)


def test_characters_that_a_fork_cuts_in_half():
    """A fork inside a character: its bytes are shown once, whole, or spelled out."""
    codec = byte_codec()
    model = TransformersModel(tiny_gpt2(3, vocab_size=256, eos_token_id=None, n_positions=64))
    first, second, third = codec.encode("世", is_beginning=True)
    letter = codec.encode("a", is_beginning=True)[0]
    tree = Tree()
    ref = ModelRef("tiny", "bytes")
    whole = RunFacts("x", Settings(), 0, ref, (letter, first, second, third), "a世", "length")
    tree.add(Beginning(ROOT, 0, (letter,), "a"), whole)
    context = context_of(tree, fork(tree, 1, 3))
    assert context == (letter, letter, first, second)
    assert codec.state_after(context).pending == (first, second)
    ours = run_ours(model, codec, Settings(max_new_tokens=1), context=context)
    expected = codec.decode((*context, ours.finished.token_ids[0]))
    assert ours.finished.text == expected.removeprefix("aa")
    text, state = codec.extend(codec.state_after(context), third)
    assert (text, state.pending) == ("世", ())
    scored = score_tokens(model, codec, (letter,), (first, second, third, letter))
    assert [one.text for one in scored.tokens] == ["", "", "世", "a"]
    assert [one.token.text for one in scored.tokens] == ["\\xe4", "\\xb8", "\\x96", "a"]

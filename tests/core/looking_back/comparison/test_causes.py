"""Why two columns part: what is told from their records is what the settings did."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from core.decoding.together import generate_together
from core.looking_back.comparison.causes import divergence_of, in_common
from core.looking_back.comparison.column import Column, Comparison
from core.looking_back.comparison.sentences import where_they_part, why_they_part
from core.looking_back.explain import applied_settings
from core.looking_back.logits_store import LogitsStore
from core.records.comparison import ColumnPlan
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Candidate, Distribution, Finished, Started, TokenStep
from tests.core.decoding.test_parity import DEPTH, penalties, warpers
from tests.reference import behind, byte_codec, tiny_gpt2

CODEC = byte_codec()
CONTEXT = (1, 2, 3)
LENGTH = {"max_new_tokens": 12}


def compared(model, *chosen):
    """Returns the columns under these settings, and what was recorded of each."""
    store = LogitsStore()
    requests = [
        Request("", one, CONTEXT, recorder=store.recorder(str(at))) for at, one in enumerate(chosen)
    ]
    plans = [ColumnPlan(f"column {at}", one) for at, one in enumerate(requests)]
    comparison = Comparison(plans)
    for told in generate_together(model, CODEC, dict(enumerate(requests)), lambda: False):
        comparison.columns[told.column].take(told.event)
    return comparison.columns, [store.run(str(at)) for at in range(len(chosen))]


some = st.fixed_dictionaries(
    {}, optional={**penalties, **warpers, "suppress_tokens": st.just((4,))}
)
seeds = st.integers(0, 2**31)


@settings(max_examples=60 * DEPTH, phases=[Phase.generate])
@given(seeds, st.integers(0, 9), some, some)
def test_the_cause_is_what_the_settings_did(seed, dice, one, other):
    model = behind("torch", tiny_gpt2(seed, eos_token_id=None))
    sampling = Settings(do_sample=True, seed=dice, **LENGTH)
    columns, runs = compared(model, sampling.replace(**one), sampling.replace(**other))
    baseline, column = columns
    found = divergence_of(column, baseline)
    common = in_common(column, baseline)
    if found is None:
        assert column.token_ids == baseline.token_ids
        return
    assert found.index == common
    if found.cause == "ended":
        assert None in (found.token, found.baseline)
        return
    assert (found.token.token_id, found.baseline.token_id) == (
        column.token_ids[common],
        baseline.token_ids[common],
    )
    here, there = (applied_settings(run, common)[0] for run in reversed(runs))
    cut_here = here.cut_by(found.baseline.token_id)
    cut_there = there.cut_by(found.token.token_id)
    if found.cause == "cut":
        assert cut_here is not None
        assert found.setting in (cut_here, "")
    elif found.cause == "cut_in_baseline":
        assert cut_there is not None
        assert found.setting in (cut_there, "")
    elif found.cause == "dice":
        assert (cut_here, cut_there) == (None, None)
    else:
        assert found.cause == "unseen"
        shown = [one.token_id for one in column.steps[common].distribution.candidates]
        others = [one.token_id for one in baseline.steps[common].distribution.candidates]
        assert found.baseline.token_id not in shown or found.token.token_id not in others


def column(tokens, chosen=None, *, reason="length", name="other", seed=1, **candidates):
    """A column whose steps chose ``tokens``; ``candidates`` of step n stand in ``at_n``."""
    chosen = chosen or Settings(do_sample=True, seed=seed)
    one = Column(ColumnPlan(name, Request("", chosen)))
    one.take(Started((1,), (), 9, None, seed))
    for index, token_id in enumerate(tokens):
        shown = candidates.get(f"at_{index}", (candidate(token_id),))
        token = next(one for one in shown if one.token_id == token_id)
        one.take(TokenStep(index, token, Distribution(shown, 1.0, 3), token.text, 0.1))
    if reason is not None:
        one.take(Finished(reason, tuple(tokens), "", 10.0))
    return one


def candidate(token_id, final=-1.0, cut_by=None, rank=1):
    return Candidate(token_id, chr(96 + token_id), -1.0, final, rank, cut_by)


def test_beams_part_where_their_texts_do():
    model = behind("torch", tiny_gpt2(5, eos_token_id=None))
    columns, _ = compared(model, Settings(**LENGTH), Settings(num_beams=4, **LENGTH))
    found = divergence_of(columns[1], columns[0])

    assert found is not None
    assert found.cause == "beams"
    assert "beams" in why_they_part(found, columns[1], columns[0])


def test_greedy_columns_part_by_rank():
    model = behind("torch", tiny_gpt2(5, eos_token_id=None))
    changed = Settings(repetition_penalty=1.8, **LENGTH)
    columns, _ = compared(model, Settings(**LENGTH), changed)

    assert divergence_of(columns[1], columns[0]).cause == "rank"


def test_without_the_same_dice_they_part_by_the_seed():
    found = divergence_of(column([1, 3], seed=2), column([1, 2]))

    assert (found.index, found.cause) == (1, "seed")


def test_what_merely_has_not_come_yet_parts_nothing():
    whole = column([1, 2, 3])

    assert divergence_of(column([1, 2], reason=None), whole) is None
    assert divergence_of(column([1, 2], reason="cancelled"), whole) is None
    assert divergence_of(whole, column([1, 2], reason=None)) is None
    assert divergence_of(column([1, 3], reason=None, seed=2), whole).cause == "seed"
    found = divergence_of(column([1, 2], reason="end_of_text"), whole)
    assert (found.cause, found.token, found.baseline.token_id) == ("ended", None, 3)


def test_each_cause_has_words_and_a_hostile_token_none_of_its_own():
    bad = Candidate(3, "\x1b[31m\n'", -1.0, -math.inf, 1)
    cut = Candidate(3, "\x1b[31m\n'", -1.0, None, 2, "top_p")
    baseline = column([3], at_0=(bad,), name="calm\x1b")
    other = column([5], at_0=(candidate(5), cut))
    found = divergence_of(other, baseline)

    assert found.cause == "cut"
    said = where_they_part(found, other, baseline)
    assert said.startswith("step 1: 'e' instead of ")
    assert "top_p cuts" in said
    assert said.isprintable()


@pytest.mark.parametrize(
    ("chosen", "others", "said"),
    [
        (Settings(), Settings(do_sample=True), "the likeliest, where base draws"),
        (Settings(do_sample=True), Settings(), "drawn, where base takes the likeliest"),
        (
            Settings(do_sample=True),
            Settings(do_sample=True),
            "the other side of the dice ('b' 36.8% there",
        ),
    ],
)
def test_dice_in_words(chosen, others, said):
    shown = (candidate(2), candidate(3))
    one = column([3], chosen, at_0=shown)
    baseline = column([2], others, name="base", at_0=shown)

    assert why_they_part(divergence_of(one, baseline), one, baseline).startswith(said)


def test_behind_another_text_no_setting_is_the_cause():
    baseline, one = column([2]), column([3], at_0=(candidate(3), candidate(2, None, "top_k")))
    one.started = dataclasses.replace(one.started, context_token_ids=(1, 9))

    assert divergence_of(one, baseline).cause == "context"
    assert "another text" in where_they_part(divergence_of(one, baseline), one, baseline)


def test_two_models_are_compared_by_their_texts():
    baseline = column([1, 2])
    one = column([1, 3])
    one.plan = dataclasses.replace(one.plan, model="another")

    assert divergence_of(one, baseline).cause == "model"

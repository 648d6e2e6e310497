"""Columns in one batch: each has the events that it has alone, whatever the others do."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from core.decoding.engine import generate
from core.decoding.together import generate_together
from core.looking_back.logits_store import LogitsStore
from core.records.comparison import InTurn
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, Started, TokenStep
from core.text.visible import unexpected
from tests.core.decoding.test_parity import DEPTH, ends, penalties, prompts, warpers, with_any
from tests.reference import NATIVE, behind, byte_codec, tiny_gpt2

CODEC = byte_codec()
CONTEXT = (1, 2, 3)

seeds = st.integers(0, 2**31)
lengths = {"max_new_tokens": st.integers(1, 12)}
stops = {"stop_strings": st.sampled_from([("%",), ("&", "*")])}
unguided = {name: one for name, one in with_any.items() if name != "guidance_scale"}

kinds = st.one_of(
    st.fixed_dictionaries({**lengths}, optional={**penalties, **unguided, **stops}),
    st.fixed_dictionaries(
        {**lengths, "do_sample": st.just(True), "seed": st.integers(0, 9)},
        optional={**penalties, **warpers, **unguided, **stops},
    ),
    st.fixed_dictionaries(
        {**lengths, "num_beams": st.integers(2, 4)},
        optional={
            **penalties,
            **stops,
            "length_penalty": st.sampled_from([-1.0, 0.0, 2.0]),
            "early_stopping": st.sampled_from([True, "never"]),
        },
    ),
    st.fixed_dictionaries(
        {
            **lengths,
            "num_beams": st.integers(2, 3),
            "do_sample": st.just(True),
            "seed": st.integers(0, 9),
        },
        optional={"temperature": st.sampled_from([0.7, 1.5])},
    ),
)
columns = st.lists(kinds, min_size=2, max_size=5)


def told(event):
    """An event without times."""
    if isinstance(event, Finished):
        return dataclasses.replace(
            event, tokens_per_second=0.0, drafted_tokens=0, accepted_tokens=0
        )
    return dataclasses.replace(event, elapsed=0.0) if hasattr(event, "elapsed") else event


def requests(mappings, context=CONTEXT, **more):
    chosen = [{**one, "min_new_tokens": None} if too_long(one) else one for one in mappings]
    return [
        Request("", Settings(**{"seed": 0, **without_none(one)}), context, **more) for one in chosen
    ]


def too_long(mapping):
    return (mapping.get("min_new_tokens") or 0) > mapping["max_new_tokens"]


def without_none(mapping):
    return {name: value for name, value in mapping.items() if value is not None}


def alone(model, request):
    events = []
    model.reset()
    try:
        events.extend(map(told, generate(model, CODEC, request, lambda: False)))
    except Exception as error:
        is_told = isinstance(error, PlaygroundError)
        detail = str(error) if is_told else unexpected("the run stopped", error)
        events.append(Finished("failed", (), "", 0.0, detail=detail))
    return events


def together(model, asked, is_cancelled=lambda: False):
    events = [[] for _ in asked]
    for one in generate_together(model, CODEC, dict(enumerate(asked)), is_cancelled):
        events[one.column].append(told(one.event))
    return events


def exact(events):
    """All of a run's events, to the bit; some settings leave what is no number."""
    return list(map(repr, events))


def rounded(events):
    """What rounding cannot change of a run's events, as far as it decides no tie."""
    return [
        (type(one), getattr(one, "token_ids", None) or chosen_of(one), getattr(one, "reason", None))
        for one in events
    ]


def chosen_of(event):
    if isinstance(event, TokenStep):
        return (
            event.token.token_id,
            event.text,
            [one.token_id for one in event.distribution.candidates],
        )
    return [one.token_ids for one in getattr(event, "hypotheses", ())]


@pytest.mark.parametrize(
    ("engine", "dtype", "compared"),
    [
        pytest.param("transformers", torch.float64, exact, id="transformers"),
        pytest.param("torch", torch.float64, exact, id="torch in float64"),
        pytest.param("native", torch.float32, exact, id="native", marks=NATIVE.marks),
        # Here rounding depends on how many rows there are, or who reads the figures.
        pytest.param("torch", torch.float32, rounded, id="torch in float32"),
        pytest.param("graph", torch.float64, rounded, id="graph"),
    ],
)
@settings(max_examples=12 * DEPTH, phases=[Phase.generate])
@given(seeds, ends, prompts, columns)
def test_each_column_is_the_run_alone(engine, dtype, compared, seed, eos, context, mappings):
    model = behind(engine, tiny_gpt2(seed, eos_token_id=eos), dtype)
    asked = requests(mappings, context)

    assert list(map(compared, together(model, asked))) == [
        compared(alone(model, one)) for one in asked
    ]


@NATIVE.marks[0]
@pytest.mark.parametrize("seed", range(10))
def test_of_ten_seeds_some_end_early_and_the_others_go_on(seed):
    model = behind("native", tiny_gpt2(seed, eos_token_id=[0, 5]), torch.float32)
    chosen = Settings(max_new_tokens=20, do_sample=True, temperature=3.0)
    asked = [Request("", chosen.replace(seed=10 * seed + one), CONTEXT) for one in range(6)]
    columns = together(model, asked)

    assert columns == [alone(model, one) for one in asked]
    assert {events[-1].reason for events in columns} <= {"end_of_text", "length"}
    assert len({len(events) for events in columns}) > 1


def test_a_fault_of_one_column_ends_that_one_alone():
    model = behind("transformers", tiny_gpt2(3, eos_token_id=None))
    good = Settings(max_new_tokens=5, seed=0)
    nothing_left = Settings(
        max_new_tokens=5, suppress_tokens=tuple(range(24)), do_sample=True, seed=1
    )
    asked = [
        Request("", good, CONTEXT),
        Request("", nothing_left, CONTEXT),
        Request("", good, (1,) * 48),
        Request("", good.replace(num_beams=2), CONTEXT),
    ]
    first, second, third, fourth = columns = together(model, asked)

    assert columns == [alone(model, one) for one in asked]
    assert [one.reason for one in (first[-1], fourth[-1])] == ["length", "length"]
    assert "leave no probabilities" in second[-1].detail
    assert third == [Finished("failed", (), "", 0.0, detail=third[-1].detail)]
    assert "at most 48" in third[-1].detail


def test_what_cannot_share_runs_after_the_others_and_says_so():
    model = behind("transformers", tiny_gpt2(3, eos_token_id=None))
    good = Settings(max_new_tokens=3)
    asked = [
        Request("", good.replace(guidance_scale=1.5), CONTEXT),
        Request("", good, CONTEXT),
        Request("", good, CONTEXT, forced=(7,)),
        Request("", good, (4, 5)),
        Request("", good.replace(repetition_penalty=1.8), CONTEXT),
        Request("", good.replace(guidance_scale=1.5, num_beams=2), CONTEXT),
    ]
    order, columns = [], [[] for _ in asked]
    for one in generate_together(model, CODEC, dict(enumerate(asked)), lambda: False):
        columns[one.column].append(told(one.event))
        if isinstance(one.event, Finished):
            order.append(one.column)

    reasons = {
        at: events.pop(0).reason
        for at, events in enumerate(columns)
        if isinstance(events[0], InTurn)
    }
    assert order == [1, 4, 3, 0, 2, 5]
    assert set(reasons) == {0, 2, 3, 5}
    assert "guidance_scale" in reasons[0]
    assert [list(map(without_seed, one)) for one in columns] == [
        list(map(without_seed, alone(model, one))) for one in asked
    ]


def without_seed(event):
    return dataclasses.replace(event, seed=0) if isinstance(event, Started) else event


@pytest.mark.parametrize("after", [0, 1, 7, 12])
def test_cancelled_in_the_middle_each_keeps_what_has_come(after):
    model = behind("transformers", tiny_gpt2(3, eos_token_id=None))
    asked = requests([{"max_new_tokens": 10}, {"max_new_tokens": 10, "num_beams": 3}] * 2)
    steps = 0

    def is_cancelled():
        return steps >= after

    columns = [[] for _ in asked]
    for one in generate_together(model, CODEC, dict(enumerate(asked)), is_cancelled):
        columns[one.column].append(told(one.event))
        steps += not isinstance(one.event, Started | Finished)

    for events, request in zip(columns, asked, strict=True):
        *came, end = events
        assert end.reason == "cancelled"
        assert came == alone(model, request)[: len(came)]
        assert len(end.token_ids) == len(came) - 1
    assert sum(map(len, columns)) - 2 * len(asked) == steps
    # The cache says what the rows say: the next run is the same as on a model that did nothing.
    going_on = Request("", Settings(max_new_tokens=4), (*model.rows[0], 5))
    ours = list(map(told, generate(model, CODEC, going_on, lambda: False)))
    assert list(map(without_seed, ours)) == list(map(without_seed, alone(model, going_on)))


def test_the_rows_that_are_left_go_through_one_pass_a_step(monkeypatch):
    model = behind("transformers", tiny_gpt2(3, eos_token_id=None))
    asked = requests(
        [{"max_new_tokens": 2}, {"max_new_tokens": 5, "num_beams": 3}, {"max_new_tokens": 4}]
    )
    rows, prefills = [], []
    decode, prefill = model.decode, model.prefill
    monkeypatch.setattr(model, "decode", lambda ids: rows.append(len(ids)) or decode(ids))
    monkeypatch.setattr(model, "prefill", lambda ids: prefills.append(len(ids)) or prefill(ids))
    together(model, asked)

    assert prefills == [len(CONTEXT)]
    assert rows == [5, 4, 4, 3]


def test_each_column_is_recorded_as_the_run_alone():
    model = behind("transformers", tiny_gpt2(3, eos_token_id=None))
    kept = {}
    for how in (together, lambda model, asked: [alone(model, one) for one in asked]):
        store = LogitsStore()
        asked = requests(
            [{"max_new_tokens": 4, "do_sample": True, "seed": 3, "top_k": k} for k in (2, 9)]
        )
        asked = [
            dataclasses.replace(one, recorder=store.recorder(str(at)))
            for at, one in enumerate(asked)
        ]
        how(model, asked)
        kept[how] = [store.run(str(at)).steps for at in range(2)]

    one, other = kept.values()
    assert one == other
    assert [step.dice for step in one[0]] == [step.dice for step in one[1]]

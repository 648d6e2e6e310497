"""A file of anywhere: whatever it says is told or harmless, and no field ends the program."""

from __future__ import annotations

import copy
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.document.conversation import messages
from core.document.tree_records import ROOT
from core.records.steps import BeamStep
from core.sessions.reading import read_contents
from core.sessions.summary import Summary
from core.sessions.to_json import line_of
from tests.core.sessions.test_restoring import afternoon

LINES = afternoon().bytes().splitlines()
RECORDS = [json.loads(line) for line in LINES]


def places(value, path=()):
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def look_through(state):
    """Ask all that a screen asks."""
    tree = state.tree
    Summary.of(state)
    for row in tree.rows():
        tree.document(row.node.node_id)
        tree.plan_removal(row.node.node_id)
        row.node.run.put_there.encode("utf-8", "replace")
    for _ in range(20):
        document = state.document()
        document.text.encode("utf-8", "replace")
        document.end(10)
        messages(document.turns)
        for position in range(document.step_count()):
            document.look_at(position)
            _, step = document.selected()
            weighed = step.distributions if isinstance(step, BeamStep) else [step.distribution]
            for candidate in (one for each in weighed for one in each.candidates):
                assert not candidate.probability < 0
                assert not candidate.final_probability < 0
            document.before(position)
        if not tree.undo():
            break
    tree.move(ROOT)


WRONG = st.sampled_from(
    [
        True,
        0,
        1,
        -1,
        3,
        2**63 - 1,
        2**70,
        0.5,
        1e308,
        "",
        "x",
        "Infinity",
        [],
        [0],
        [7] * 9,
        {},
        None,
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), WRONG)
def test_a_field_that_says_something_else_ends_nothing(random, wrong):
    number = random.randrange(1, len(RECORDS))
    record = copy.deepcopy(RECORDS[number])
    path = random.choice(list(places(record)))
    inner = record
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    lines = [line + b"\n" for line in LINES]
    lines[number] = line_of(record)
    contents = read_contents(b"".join(lines))
    assert contents.fault.isprintable()
    look_through(contents.state)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_lines_in_another_order_end_nothing(random):
    lines = [line + b"\n" for line in LINES]
    for _ in range(random.randrange(1, 4)):
        at, other = random.randrange(1, len(lines)), random.randrange(1, len(lines))
        match random.randrange(3):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[other])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
    contents = read_contents(b"".join(lines))
    assert contents.fault.isprintable()
    look_through(contents.state)


@pytest.mark.parametrize("name", ["logprob", "final_logprob"])
def test_a_probability_is_a_number(name):
    number = next(at for at, one in enumerate(RECORDS) if one.get("type") == "step")
    record = copy.deepcopy(RECORDS[number])
    record["token"][name] = 800.0
    with pytest.raises(OverflowError):
        math.exp(800.0)
    lines = [*LINES[:number], line_of(record).strip(), b""]
    assert f"{name!r} is too large" in read_contents(b"\n".join(lines)).fault

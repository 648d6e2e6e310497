"""CSV as other programs open it: by strict rules, every row as long as the header, each column of
one kind."""

from __future__ import annotations

import csv
import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decoding.engine import generate
from core.document.export.writers import make_writer
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Candidate, Distribution, Started, TokenStep
from core.text.visible import visible
from tests.core.document.event_strategies import BEAM_STEPS, ENDS, TOKEN_STEPS

STARTED = Started((1,), (1,), 9, None, 7)
TEXTS = ("text", "chosen_by", "cut_by")
WHOLE = ("index", "token_id", "rank", "beam", "parent", "kept")


def written(events):
    writer = make_writer("csv", "Once")
    return "".join(part for event in events for part in writer.write(event))


def rows_of(text):
    """Read it as a file is read, with its line ends as they are."""
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert len(header) == len(set(header))
    assert {len(row) for row in rows} <= {len(header)}
    return [dict(zip(header, row, strict=True)) for row in rows]


def check_kinds(row):
    for name, cell in row.items():
        if not name.endswith(TEXTS) and cell:
            assert math.isfinite(float(cell)), (name, cell)
            assert not name.endswith(WHOLE) or cell.isdecimal(), (name, cell)


@settings(max_examples=80)
@given(st.lists(TOKEN_STEPS, max_size=3), ENDS)
def test_every_step_is_a_row_that_gives_back_its_token(steps, end):
    rows = rows_of(written([STARTED, *steps, end]))

    assert [row["text"] for row in rows] == [visible(one.token.text, keep="") for one in steps]
    assert [row["token_id"] for row in rows] == [str(one.token.token_id) for one in steps]
    for row in rows:
        check_kinds(row)


@settings(max_examples=80)
@given(st.lists(BEAM_STEPS, min_size=1, max_size=2), ENDS)
def test_every_beam_is_a_row(steps, end):
    rows = rows_of(written([STARTED, *steps, end]))

    assert len(rows) == sum(len(one.hypotheses) for one in steps)
    for row in rows:
        check_kinds(row)


@pytest.mark.parametrize(
    "chosen",
    [{}, {"do_sample": True, "top_k": 0, "seed": 3}, {"num_beams": 3}],
    ids=["greedy", "sampling", "beams"],
)
def test_pandas_opens_it_without_options(demo, tmp_path, chosen):
    pandas = pytest.importorskip("pandas")
    request = Request("Once upon", Settings(max_new_tokens=5, **chosen))
    file = tmp_path / "run.csv"
    file.write_text(written(generate(demo.model, demo.codec, request, lambda: False)), "utf-8")
    table = pandas.read_csv(file)

    rows = rows_of(file.read_text("utf-8"))
    assert table["text"].tolist() == [row["text"] for row in rows]
    assert table["token_id"].tolist() == [int(row["token_id"]) for row in rows]
    for name in table.columns:
        if not name.endswith(TEXTS):
            assert pandas.api.types.is_numeric_dtype(table[name]), name


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A1", "=1+1", "+1", "-1", "@SUM(1)", "\t=1"])
def test_what_a_spreadsheet_takes_for_a_formula_is_left_as_it_was_written(text):
    """pandas and others would else read another text than the model wrote; the README says so."""
    token = Candidate(5, text, -0.5, -0.5, 1)
    step = TokenStep(0, token, Distribution((token,), 1.0, 1), text, 0.1)
    (row,) = rows_of(written([STARTED, step]))
    assert row["text"] == visible(text, keep="")

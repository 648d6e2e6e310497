"""Dials, looks and rows of scrubbing, as functions."""

from __future__ import annotations

import math
import threading
import time

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from rich.cells import cell_len

from core.backends.newest_call import NewestCall
from core.decoding.recording import record_step
from core.looking_back.dice import Dice
from core.looking_back.logits_store import LogitsStore
from core.looking_back.other_settings.dial_table import DIALS, PER_STEP, position, scale, shown
from core.looking_back.other_settings.dials import Dials
from core.looking_back.other_settings.look import Looker
from core.looking_back.other_settings.scrub import Scrubbed, ScrubbedStep
from core.looking_back.other_settings.sweep import plain_step
from core.records.errors import PlaygroundError
from core.records.settings import SETTING_NAMES, Settings
from tests.core.looking_back.recorded import Letters, recorded, run_of
from tests.reference import byte_codec
from tests.tui.scrub.scrubbed import story_run
from tui.common.dials import compared
from tui.common.dials.rows import dial_rows
from tui.scrub.rows import (
    legend_row,
    map_row,
    run_texts,
    summary_row,
    text_pieces,
)

NAMES = [dial.name for dial in DIALS]
THIRDS = [math.log(one) for one in (0.5, 0.3, 0.2)]
SAMPLED = Settings(do_sample=True, top_k=0, max_new_tokens=9, seed=3)


def step_rows(look, *where):
    at = None if look is None else look.at
    divergence = None if look is None else look.scrubbed.first_divergence
    return compared.step_rows(at, *where, divergence=divergence)


def text_of(rows):
    return ["".join(text for text, _ in row) for row in rows]


def dial(name):
    return DIALS[NAMES.index(name)]


def moved(dials, name, offset, *, is_large=False, vocabulary_size=50_257):
    return dials.moved(dial(name), offset, vocabulary_size, is_large=is_large)


# The dials


def test_the_dials_are_those_promised():
    assert NAMES == [
        "temperature",
        "top_k",
        "top_p",
        "min_p",
        "typical_p",
        "repetition_penalty",
        "no_repeat_ngram_size",
        "do_sample",
        "top_h",
        "epsilon_cutoff",
        "eta_cutoff",
        "guidance_scale",
        "min_length",
        "min_new_tokens",
        "exponential_decay_length_penalty",
        "bad_words_ids",
        "sequence_bias",
        "suppress_tokens",
        "begin_suppress_tokens",
        "forced_eos_token_id",
    ]
    assert set(NAMES) - set(PER_STEP) == {"min_length", "min_new_tokens"}
    assert set(PER_STEP) < set(SETTING_NAMES)


@pytest.mark.parametrize("one", DIALS, ids=NAMES)
def test_every_value_of_a_dial_can_be_set_and_they_rise(one):
    for values in (one.values, one.large):
        places = [position(one.name, values, value) for value in values]
        assert places == list(range(len(values)))
        for value in values:
            Settings(**{"do_sample": True, one.name: value})


@pytest.mark.parametrize(
    ("settings", "name", "offset", "is_large", "value"),
    [
        (SAMPLED, "temperature", -1, False, 0.95),
        (SAMPLED, "temperature", 1, True, 1.25),
        (SAMPLED.replace(temperature=0.73), "temperature", 1, False, 0.75),
        (SAMPLED, "top_k", -1, False, 20_000),
        (SAMPLED, "top_k", 1, False, 0),
        (SAMPLED.replace(top_k=20_000), "top_k", 1, False, 0),
        (SAMPLED, "top_p", -1, False, 0.999),
        (SAMPLED.replace(top_p=0.005), "top_p", -1, False, 0.005),
        (SAMPLED, "min_p", 1, False, 0.001),
        (SAMPLED.replace(min_p=0.001), "min_p", -1, False, None),
        (SAMPLED, "typical_p", -1, True, 0.99),
        (SAMPLED, "repetition_penalty", 1, False, 1.05),
        (SAMPLED, "no_repeat_ngram_size", 1, True, 3),
        (SAMPLED, "top_h", -1, False, 1.0),
        (SAMPLED, "eta_cutoff", 1, True, 3e-4),
        (SAMPLED, "guidance_scale", 1, False, 1.1),
        (SAMPLED, "guidance_scale", -1, True, 0.5),
        (SAMPLED, "min_length", 1, True, 10),
        (SAMPLED, "min_new_tokens", 1, True, None),  # 10 would be more than max_new_tokens
        (SAMPLED, "exponential_decay_length_penalty", 1, False, (0, 1.001)),
        (
            SAMPLED.replace(exponential_decay_length_penalty=(5, 1.2)),
            "exponential_decay_length_penalty",
            *(-1, False, (5, 1.1)),
        ),
        (SAMPLED, "suppress_tokens", 1, False, ()),
        (SAMPLED.replace(suppress_tokens=("x",)), "suppress_tokens", -1, True, ()),
        (SAMPLED, "do_sample", -1, False, False),
        (SAMPLED, "do_sample", 1, False, True),
    ],
)
def test_a_dial_moves_to_the_next_value(settings, name, offset, is_large, value):
    assert moved(Dials.of(settings), name, offset, is_large=is_large).value(name) == value


def test_the_runs_own_value_is_passed_on_the_way():
    dials = Dials.of(SAMPLED.replace(temperature=0.73))
    there = moved(moved(dials, "temperature", 1), "temperature", -1)
    assert there == dials


def test_a_small_vocabulary_has_no_large_top_k():
    dials = Dials.of(SAMPLED)
    assert moved(dials, "top_k", -1, vocabulary_size=24).value("top_k") == 20
    assert moved(dials, "top_k", -1, is_large=True, vocabulary_size=24).value("top_k") == 20
    assert scale(dial("top_k"), 0, 4) == (1, 2, 3, 0)


def test_sampling_is_turned_on_for_what_needs_it_and_remembered_without():
    greedy = Dials.of(Settings(max_new_tokens=9))
    assert greedy.why_idle(dial("temperature"))
    warm = moved(greedy, "temperature", 1)
    assert warm.settings == Settings(max_new_tokens=9, do_sample=True, temperature=1.05)
    off = moved(warm, "do_sample", -1)
    assert off.settings == greedy.own
    assert off.is_own
    assert moved(off, "do_sample", 1) == warm
    assert not moved(greedy, "repetition_penalty", 1).do_sample


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.sampled_from(DIALS), st.sampled_from((-1, 1)), st.booleans()),
        st.tuples(st.just("reset"), st.sampled_from(NAMES)),
        st.tuples(
            st.just("preset"),
            st.sampled_from(
                (
                    Settings(),
                    Settings(do_sample=True, top_p=0.5, epsilon_cutoff=0.1),
                    Settings(min_new_tokens=500, repetition_penalty=7.0),
                    Settings(guidance_scale=2.0, negative_prompt_ids="No", suppress_tokens="x"),
                )
            ),
        ),
    ),
    max_size=40,
)
OWN = st.sampled_from(
    (
        Settings(),
        SAMPLED,
        Settings(do_sample=True, eta_cutoff=0.01, temperature=9.0, max_new_tokens=3),
        Settings(stop_strings=("x",), repetition_penalty=0.123, no_repeat_ngram_size=77),
        Settings(max_length=30, min_length=20, guidance_scale=1.7, negative_prompt_ids=(3,)),
        Settings(forced_eos_token_id=("x", "."), suppress_tokens=".", bad_words_ids="no"),
        Settings(exponential_decay_length_penalty=(7, 1.04), sequence_bias={"x": 2.0}),
    )
)


@examples(max_examples=150)
@given(OWN, MOVES)
def test_no_way_of_turning_contradicts_itself(own, moves):
    dials = Dials.of(own)
    for move, *arguments in moves:
        if move == "move":
            one, offset, is_large = arguments
            dials = dials.moved(one, offset, 100, is_large=is_large)
        else:
            dials = dials.reset(*arguments) if move == "reset" else dials.with_preset(*arguments)
        assert dials.settings.do_sample == dials.do_sample
        assert dials.settings.seed == own.seed
        assert dials.settings.max_new_tokens == own.max_new_tokens
    for name in NAMES:
        dials = dials.reset(name)
        assert dials.value(name) == dials.own_value(name)
    assert dials.with_preset(own).settings == own


def test_a_presets_settings_are_taken_over_but_for_lengths_and_seed():
    preset = Settings(do_sample=True, top_p=0.5, eta_cutoff=0.1, max_new_tokens=500, seed=8)
    dials = Dials.of(SAMPLED.replace(temperature=0.5)).with_preset(preset)
    assert dials.settings == preset.replace(max_new_tokens=9, seed=3)
    assert dials.agrees_with(preset)
    assert not dials.agrees_with(preset.replace(top_p=0.6))


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("top_k", 0, "all"),
        ("top_k", 50, "50"),
        ("min_p", None, "off"),
        ("min_p", 0.05, "0.05"),
        ("no_repeat_ngram_size", 0, "off"),
        ("top_h", None, "off"),
        ("guidance_scale", None, "off"),
        ("guidance_scale", 0.0, "0"),
        ("exponential_decay_length_penalty", (3, 1.05), "1.05"),
        ("exponential_decay_length_penalty", None, "off"),
        ("bad_words_ids", ("x",), "on"),
        ("bad_words_ids", (), "off"),
        ("temperature", 1.0, "1"),
        ("do_sample", False, "false"),
    ],
)
def test_values_as_a_person_reads_them(name, value, text):
    assert shown(name, value) == text


@pytest.mark.parametrize("selected", range(len(DIALS)), ids=NAMES)
@pytest.mark.parametrize(
    "settings", [Settings(), SAMPLED.replace(top_p=0.123456)], ids=("greedy", "sampled")
)
def test_the_rows_of_dials_fit(settings, selected):
    dials = Dials.of(settings)
    for changed in (dials, moved(dials, NAMES[selected], -1)):
        for height in (12, len(DIALS) + 4):
            rows = text_of(dial_rows(DIALS, changed, selected, 50_257, 38, height, own="run"))
            assert len(rows) == height
            assert max(map(cell_len, rows)) <= 38
            (at,) = (at for at, row in enumerate(rows) if row.startswith("▸"))
            assert NAMES[selected].startswith(rows[at].split()[1].rstrip("…"))
            assert rows[-3].count("●") == 1
            assert all("…" not in row[22:] for row in rows)


def test_a_moved_dial_shows_both_values():
    dials = moved(Dials.of(SAMPLED), "top_p", -1, is_large=True)
    rows = text_of(dial_rows(DIALS, dials, 2, 9, 38, 12, own="run"))
    assert rows[3].split() == ["▸", "top_p", "◂", "0.99▸", "1"]


# The look


def test_a_look_is_what_the_plain_processors_do(demo):
    settings = SAMPLED.replace(max_new_tokens=25)
    run, _ = recorded(demo.model, demo.codec, settings, "A long long time ago, ")
    looker, dice = Looker(run), Dice(run)
    other = settings.replace(temperature=0.5, top_p=0.8)
    first = looker.look(other, 0, follows=True).scrubbed.first_divergence
    for index in range(25):
        look = looker.look(other, index, follows=False)
        step, plain = look.at.step, plain_step(run, index, other, dice)
        assert (look.index, step.pick, step.cut_by) == (index, plain.pick, plain.cut_by)
        ids = [one.token_id for one in look.at.rows]
        assert len(ids) == len(set(ids)) >= 40
        assert {step.pick, run.token_ids[index]} <= set(ids)
        assert all(one.scrubbed.token_id == one.own.token_id for one in look.at.rows)
        raw = [one.own.logprob for one in look.at.rows]
        assert raw == sorted(raw, reverse=True)
    assert looker.look(other, 3, follows=True).index == first
    assert looker.look(settings, 3, follows=True).index == 3


def test_a_look_by_hand():
    """Greedy takes the first of 0.5, 0.3, 0.2; a nucleus of 0.6 cuts the third."""
    run = run_of([THIRDS] * 3, [0, 0, 0])
    look = Looker(run).look(Settings(do_sample=True, top_k=0, top_p=0.6), 1, follows=False)
    assert [round(one.own.final_probability, 3) for one in look.at.rows] == [0.5, 0.3, 0.2]
    assert [round(one.scrubbed.final_probability, 3) for one in look.at.rows] == [0.625, 0.375, 0.0]
    assert [one.scrubbed.cut_by for one in look.at.rows] == [None, None, "top_p"]


def test_a_step_that_was_dropped_is_told():
    step = record_step(run_tensor([0.0, 1.0]), 1)
    store = LogitsStore(limit=step.size)
    recorder = store.recorder("run")
    recorder.begin(run_of([], []).start)
    recorder.add(step)
    recorder.add(step)
    look = Looker(store.run("run")).look(Settings(), 0, follows=True)
    assert look.at.rows == ()
    assert "dropped to save memory" in look.at.fault
    rows = text_of(step_rows(look, 0, 2, Letters(), 30, 9))
    assert rows[0] == "step 1 of 2"
    assert " ".join(rows[1:]) == look.at.fault
    assert "· 1 step no longer kept" in text_of([summary_row(look.scrubbed, 99, is_own=False)])[0]
    assert "".join(text for text, _ in map_row(look.scrubbed, 1, 2)) == "·●"


def run_tensor(row):
    import torch

    return torch.tensor([row])


def test_beams_are_refused_in_a_sentence():
    with pytest.raises(PlaygroundError, match="beams"):
        Looker(run_of([THIRDS], [0])).look(Settings(num_beams=2), 0, follows=False)


def test_a_run_without_steps_is_told():
    look = Looker(run_of([], [])).look(Settings(), 0, follows=True)
    assert (look.at.step, look.at.rows, look.at.fault) == (None, (), "the run has no steps")


# The rows


def steps(*made, divergence=None):
    """Steps from (pick, cut_by), where token 0 was recorded; ``None`` for one that is unknown."""
    return Scrubbed(
        Settings(),
        tuple(
            None
            if one is None
            else ScrubbedStep(at, 0, *one, divergence is not None and at > divergence)
            for at, one in enumerate(made)
        ),
        divergence,
    )


MIXED = steps((0, None), (1, None), (2, "top_p"), None, (0, None), divergence=1)


def test_characters_in_parts_come_whole():
    codec = byte_codec()
    ids = codec.encode("a🦄é", is_beginning=False)
    assert run_texts(ids, codec) == ["a", "", "", "", "🦄", "", "é"]
    assert run_texts(ids[:4], codec) == ["a", "", "", "\\xf0\\x9f\\xa6"]
    assert run_texts([], codec) == []


def test_the_text_tells_each_token_and_the_divergence():
    pieces = text_pieces("so ", list("vwxyz"), MIXED, Letters(), 40)
    assert [(one.text, one.kind, one.step) for one in pieces] == [
        ("so ", "prompt", -1),
        ("v", "same", 0),
        ("w", "other", 1),
        ("→b", "picked", 1),
        ("\n── hypothetical from here on ──\n", "rule", -1),
        ("x", "later cut", 2),
        ("y", "unknown", 3),
        ("z", "later same", 4),
    ]
    assert [one.kind for one in text_pieces("", ["a"], None, Letters(), 40)] == ["prompt", "same"]


def test_a_step_that_leaves_nothing_is_spelled_out():
    pieces = text_pieces("", ["a"], steps((None, "top_k"), divergence=0), Letters(), 40)
    assert [one.text for one in pieces] == ["", "a", "→nothing"]


@pytest.mark.parametrize(
    ("width", "expected"),
    [(5, "─●█·─"), (3, "─●·"), (10, "──●◆██··──"), (1, "●")],
)
def test_the_map(width, expected):
    assert "".join(text for text, _ in map_row(MIXED, 1, width)) == expected


def test_the_map_marks_the_divergence_and_the_worst_of_a_cell():
    assert "".join(text for text, _ in map_row(MIXED, 4, 5)) == "─◆█·●"
    many = steps(*[(0, None)] * 50, (1, None), (2, "top_k"), *[(0, None)] * 48, divergence=50)
    assert "".join(text for text, _ in map_row(many, 0, 4)) == "●─◆─"
    assert "".join(text for text, _ in map_row(many, 50, 20)) == "─" * 10 + "●" + "─" * 9
    assert "".join(text for text, _ in map_row(None, 0, 4)) == "────"


@pytest.mark.parametrize(
    ("scrubbed", "is_own", "width", "sentence"),
    [
        (
            MIXED,
            False,
            99,
            "2 of 5 steps would differ, 1 token cut; first at step 2 · 1 step no longer kept",
        ),
        (
            steps((1, "x"), divergence=0),
            False,
            30,
            "1 of 1 step differ, 1 token cut; first at step 1",
        ),
        (
            steps((1, "x"), (2, "x"), divergence=0),
            False,
            99,
            "2 of 2 steps would differ, 2 tokens cut; first at step 1",
        ),
        (steps((0, None)), False, 99, "none of 1 step would differ"),
        (
            steps((0, None)),
            True,
            99,
            "the run's own settings: ←→ changes one and shows what it would do",
        ),
    ],
)
def test_the_summary(scrubbed, is_own, width, sentence):
    assert text_of([summary_row(scrubbed, width, is_own=is_own)]) == [sentence]


@pytest.mark.parametrize("width", [20, 36, 60])
@pytest.mark.parametrize("height", [3, 5, 7, 30])
def test_a_step_in_detail_shows_both_tokens_and_fits(width, height):
    run = story_run(None, "[/b][@click=app.quit]\x1b]0;owned\x07\u202e漢字" * 9)
    settings = Settings(no_repeat_ngram_size=1)
    index = 3
    look = Looker(run).look(settings, index, follows=False)
    rows = text_of(step_rows(look, index, 99, run.start.texts, width, height))
    assert len(rows) <= max(height, 5)
    assert rows[0].startswith("step 4 of 99")
    assert "\x1b" not in "".join(rows)
    assert sum(row.startswith("▸ ") for row in rows) == 1
    assert sum(row.startswith("→ ") for row in rows) == (1 if look.at.step.differs else 0)
    assert all(cell_len(row) <= max(width, 34) for row in rows[2:])


def test_a_step_that_is_being_computed_says_so():
    look = Looker(run_of([THIRDS] * 2, [0, 0])).look(Settings(), 0, follows=False)
    for one in (look, None):
        assert text_of(step_rows(one, 1, 2, Letters(), 40, 9)) == ["step 2 of 2", "…"]
    assert text_of(step_rows(look, 0, 2, Letters(), 40, 9))[:2] == [
        "step 1 of 2",
        "a would be the same",
    ]


def test_the_verdict_names_what_cut():
    run = run_of([THIRDS], [2])
    look = Looker(run).look(Settings(do_sample=True, top_k=1), 0, follows=True)
    rows = text_of(step_rows(look, 0, 1, Letters(), 40, 9))
    assert rows[0] == "step 1 of 1 · ◆ the first divergence"
    assert rows[1] == "c (top_k cuts) → a"
    assert rows[-1].split()[:2] == ["▸", "c"]
    assert rows[-1].endswith("top_k")
    assert cell_len(text_of([legend_row()])[0]) <= 36


# The newest call


def finished(calls):
    deadline = time.monotonic() + 10
    while (call := calls.finished()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return call.result()


def test_of_calls_that_wait_the_newest_is_made():
    gate, made = threading.Event(), []

    def call(name):
        def work():
            gate.wait(10)
            made.append(name)
            return name

        return work

    calls: NewestCall[str] = NewestCall("it failed")
    assert not calls.is_busy
    for name in "abcd":
        calls.ask(call(name))
    assert calls.finished() is None
    gate.set()
    assert finished(calls) == "a"
    assert calls.is_busy
    assert finished(calls) == "d"
    assert not calls.is_busy
    assert made == ["a", "d"]


def test_a_call_that_fails_makes_way_for_the_next():
    calls: NewestCall[int] = NewestCall("it failed")
    calls.ask(lambda: 1 // 0)
    calls.ask(lambda: 5)
    with pytest.raises(PlaygroundError, match="it failed: ZeroDivisionError"):
        finished(calls)
    assert finished(calls) == 5


def test_a_special_token_is_drawn_as_its_mark(demo):
    token_ids = demo.codec.encode("The end.<|endoftext|>The", is_beginning=False)
    assert "".join(run_texts(token_ids, demo.codec)) == "The end.∎The"

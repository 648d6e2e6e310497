"""A session opened again: logits as they were, and tokens as they would have been."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from core.backends.local import LocalBackend
from core.looking_back.dice import explain_draw
from core.looking_back.explain import explain
from core.looking_back.other_settings.sweep import Sweeper
from core.playground.looking.lookup import READING
from core.presets.book import Preset, PresetBook
from core.records.settings import Settings
from core.records.steps import TokenStep
from core.sessions.opening import open_session
from tests.core.playground.played import Played

GREEDY = Preset("greedy", "f1", "", Settings(max_new_tokens=6))
NUCLEUS = Preset(
    "nucleus",
    "f2",
    "",
    Settings(do_sample=True, top_p=0.9, temperature=0.8, max_new_tokens=6, seed=5),
)
PENALTY = Preset(
    "penalty",
    "f3",
    "",
    Settings(
        do_sample=True,
        repetition_penalty=1.4,
        no_repeat_ngram_size=2,
        min_new_tokens=3,
        max_new_tokens=6,
        seed=8,
    ),
)
BEAM = Preset("beam", "f4", "", Settings(num_beams=2, max_new_tokens=4))
BOOK = PresetBook(Path("presets.yaml"), (GREEDY, NUCLEUS, PENALTY, BEAM))


def opened(path, dtype="auto", **more):
    backend = LocalBackend("demo", device="cpu", dtype=dtype)
    return Played(backend, book=BOOK, session=open_session(path), **more)


def written(one):
    """Runs of all kinds, with forks and by hand, one behind another."""
    playground = one.playground
    one.run("A long long time ago, ", GREEDY)
    one.run("", NUCLEUS)
    playground.cursor.look_at(8)
    playground.by_hand.take(3)
    one.settle()
    one.run(" and", PENALTY)
    one.run(" so", BEAM)
    playground.next_run.pick(NUCLEUS)
    playground.by_hand.toggle()
    one.run(" then")
    for number in (2, 1):
        playground.by_hand.choose(number)
        one.settle()
    one.run("")


def gone_on(one):
    one.run("")
    one.playground.by_hand.choose(2)
    one.settle()
    one.run("")
    one.playground.by_hand.toggle()
    for preset in (PENALTY, NUCLEUS, GREEDY):
        one.run("", preset)
    one.playground.cursor.look_at(2)
    one.playground.by_hand.take(2)
    one.settle()


def left(tmp_path):
    """A playground, and the file of its session as a program that is killed leaves it."""
    one = opened(tmp_path / "one.jsonl")
    written(one)
    assert one.playground.keeping.session.journal.flush(9)
    return one, shutil.copy(tmp_path / "one.jsonl", tmp_path / "again.jsonl")


def positions(one):
    steps = [step for turn in one.document.turns for step in turn.steps]
    return [at for at, step in enumerate(steps) if isinstance(step, TokenStep)]


def asked(one, position):
    """Have the step's run read again, if it was not, and return it."""
    lookup = one.playground.lookup
    one.playground.cursor.look_at(position)
    if lookup.recorded() is None:
        assert lookup.ask() == READING
        one.settle()
        assert not lookup.is_reading
    assert lookup.ask() == ""
    return lookup.recorded()


def assert_same_step(first, second):
    one, other = explain(*first, rows=30), explain(*second, rows=30)
    assert [row.token_id for row in one.rows] == [row.token_id for row in other.rows]
    for row, again in zip(one.rows, other.rows, strict=True):
        assert again.probability == pytest.approx(row.probability, abs=1e-4)
        assert again.final_probability == pytest.approx(row.final_probability, abs=1e-4)
        assert again.cut_by == row.cut_by
    assert [effect.name for effect in one.effects] == [effect.name for effect in other.effects]
    assert (one.token.token_id, one.token.rank) == (other.token.token_id, other.token.rank)
    draws = explain_draw(*first), explain_draw(*second)
    assert (draws[0] is None) == (draws[1] is None)
    if draws[0] is not None:
        assert draws[1].is_replayed
        assert draws[1].winner.luck == draws[0].winner.luck


def test_logits_are_those_of_the_run(tmp_path):
    one, path = left(tmp_path)
    again = opened(path)
    assert again.notice == ""
    turn = again.document.turns[0]
    assert again.playground.documents.store.run(turn.key) is None
    found = positions(again)
    assert found == positions(one)
    for position in found:
        one.playground.cursor.look_at(position)
        first, second = one.playground.lookup.recorded(), asked(again, position)
        assert_same_step(first, second)
        assert again.playground.lookup.note() == ""
        assert again.playground.lookup.weighed(9)[5:] != ()
    assert {first[0].forced == second[0].forced, first[0].start.forced_tokens == 0} == {True}
    for preset in (NUCLEUS, PENALTY):
        swept = [Sweeper(run).sweep(preset.settings) for run in (first[0], second[0])]
        assert swept[0] == swept[1]
    for played in (one, again):
        played.playground.close()


def test_going_on_gives_the_tokens_that_it_would_have_given(tmp_path):
    one, path = left(tmp_path)
    again = opened(path)
    assert again.document.next_token is not None, "by hand, the next token is weighed at once"
    for played in (one, again):
        gone_on(played)
    nodes = [played.playground.documents.tree.nodes for played in (one, again)]
    assert [node.run.token_ids for node in nodes[0]] == [node.run.token_ids for node in nodes[1]]
    assert [node.beginning for node in nodes[0]] == [node.beginning for node in nodes[1]]
    assert one.document.text == again.document.text
    for played in (one, again):
        played.playground.close()


def test_steps_behind_a_run_that_was_gone_on_with_are_all_read(tmp_path):
    one, path = left(tmp_path)
    again = opened(path)
    for played in (one, again):
        played.run("")  # by hand, the run of before grows
    position = positions(one)[-1]
    one.playground.cursor.look_at(position - 1)
    first = one.playground.lookup.recorded()
    assert_same_step(first, asked(again, position - 1))
    for played in (one, again):
        played.playground.close()


def test_beams_need_no_logits_and_are_not_read(tmp_path):
    one, path = left(tmp_path)
    again = opened(path)
    beams = set(range(again.document.step_count())) - set(positions(again))
    again.playground.cursor.look_at(min(beams))
    assert again.playground.lookup.ask() == ""
    assert not again.playground.lookup.is_reading
    for played in (one, again):
        played.playground.close()


def test_another_model_reads_it_with_a_word_on_that(tmp_path):
    one, path = left(tmp_path)
    one.playground.close()
    again = opened(path, dtype="bfloat16")
    assert "float32 then, bfloat16 now" in again.notice
    asked(again, 0)
    assert again.playground.lookup.note().startswith("float32 then, bfloat16 now")
    again.playground.close()


def test_a_model_with_other_tokens_does_not_read_it(tmp_path):
    one, path = left(tmp_path)
    one.playground.close()
    again = Played(book=BOOK, session=open_session(path))
    again.playground.by_hand.toggle()
    again.playground.cursor.look_at(0)
    assert again.playground.lookup.ask() == (
        "the logits of this run are not kept, and 'scripted' cannot read the tokens of 'demo';"
        " load that model to look closer"
    )
    assert not again.playground.lookup.is_reading
    again.playground.close()


def test_a_run_that_begins_does_not_wait_for_a_reading(tmp_path):
    one, path = left(tmp_path)
    one.playground.close()
    begun, may_end = threading.Event(), threading.Event()

    class Slow(LocalBackend):
        def read_again(self, run, recorder, is_cancelled):
            def is_over():
                begun.set()
                may_end.wait(9)
                return is_cancelled()

            return super().read_again(run, recorder, is_over)

    again = Played(Slow("demo", device="cpu"), book=BOOK, session=open_session(path))
    playground = again.playground
    playground.by_hand.toggle()
    playground.cursor.look_at(1)
    assert playground.lookup.ask() == READING
    assert begun.wait(9)
    assert playground.prompts.send("")
    may_end.set()
    again.settle()
    assert len(playground.document.turns[-1].token_ids) == 6
    playground.cursor.look_at(1)
    assert playground.lookup.recorded() is None
    asked(again, 1)
    playground.close()


def test_a_reading_that_fails_says_why_and_can_be_asked_for_again(tmp_path):
    path = tmp_path / "one.jsonl"
    one = Played(book=BOOK, session=open_session(path))
    one.run("Once")
    one.playground.close()
    again = Played(book=BOOK, session=open_session(path))
    lookup = again.playground.lookup
    for _ in range(2):
        assert lookup.ask() == READING
        again.settle()
        assert lookup.ask() == "a script has no logits"
    again.playground.close()

"""Every run becomes a node with its document, and is recorded under a key of its own."""

from __future__ import annotations

import pytest

from core.document.document import Fork
from core.document.tree_records import ROOT, Branch, ModelRef, RunFacts
from core.document.turn import Turn
from core.playground.branches import Branches
from core.records.recorded_run import RunStart
from core.records.steps import Finished
from tests.core.playground.branched import (
    MODEL,
    OTHER,
    PROMPT_IDS,
    SETTINGS,
    begun,
    ended,
    recorded,
    run,
    shown,
    steps_of,
)
from tests.reference import byte_codec
from tests.tui.written import beam_step, finished, hypothesis, started, token, token_step


class TestAdding:
    def test_a_run_is_a_node_with_all_that_it_was(self):
        branches = Branches()
        begun(branches)
        steps = steps_of(" a", " cat")
        ended(branches, steps)
        turn = branches.document.turns[-1]
        (node,) = branches.tree.nodes
        assert turn.node_id == node.node_id == branches.tree.cursor == 1
        assert node.branch == Branch(ROOT, 0, PROMPT_IDS, "Once")
        expected = RunFacts(
            "sample",
            SETTINGS,
            7,  # the one that it was drawn with
            ModelRef("demo", "letters"),
            (10, 11),
            " a cat",
            "length",
        )
        assert node.run == expected
        assert node.run.steps == tuple(steps)

    def test_the_next_one_begins_where_it_ends(self):
        branches = Branches()
        run(branches, "Once", " a", " cat")
        run(branches, " sat", " down")
        assert branches.tree.node(2).branch == Branch(1, 4, PROMPT_IDS, " sat")
        assert shown(branches) == "Once a cat sat down"

    def test_nothing_is_kept_of_what_has_not_begun_or_not_ended(self):
        branches = Branches()
        begun(branches)
        branches.add()
        branches.document.apply(started())
        branches.add()
        assert branches.tree.nodes == ()
        branches.document.turns[-1].started = None
        branches.document.turns[-1].finished = Finished("length", (), "", 0.0)
        branches.add()
        assert branches.tree.nodes == ()

    def test_a_fork_keeps_its_step_and_what_another_beam_had_written(self):
        branches = Branches()
        run(branches, "Once", " a", " cat", " sat")
        branches.leave(1)
        fork = Fork(2, " dog", " cat", " lacking")
        branches.document.branch(fork, token(50, " dog"), "sample", SETTINGS, MODEL)
        branches.begin()
        ended(branches, [token_step(0, 50, " dog")], context=(1, 2, 10))
        branch = branches.tree.node(2).branch
        assert branch == Branch(1, 3, (), " lacking", step=2)
        assert shown(branches) == "Once a dog"

    def test_a_message_says_that_it_is_one(self):
        branches = Branches()
        begun(branches, "Hello")
        branches.document.turns[-1].message = "first"
        ended(branches, steps_of(" Hi"))
        assert branches.tree.node(1).branch.message == "first"

    @pytest.mark.parametrize(("model", "kept"), [(OTHER, 0), (MODEL, 4)])
    def test_ids_of_another_vocabulary_are_kept_in_common_with_none(self, model, kept):
        """Even where all first ids are the same numbers."""
        branches = Branches()
        run(branches, "Once", " a", " cat")
        context = (1, 2, 10, 11, 1)
        begun(branches, " sat", model)
        ended(branches, steps_of(" down"), context=context)
        assert branches.tree.node(2).branch == Branch(1, kept, context[kept:], " sat")

    def test_another_vocabulary_at_the_beginning_is_no_matter(self):
        branches = Branches()
        run(branches, "Once", " a")
        branches.clear()
        run(branches, "Twice", " b", model=OTHER)
        assert branches.tree.node(2).branch == Branch(ROOT, 0, PROMPT_IDS, "Twice")

    def test_a_run_by_hand_is_one_node_that_grows(self):
        branches = Branches()
        begun(branches, "Once", is_by_hand=True)
        ended(branches, [], reason="by_hand")
        lengths = []
        for text in (" a", " cat"):
            branches.document.write(token(50, text), "sample", SETTINGS, MODEL)
            branches.begin()
            count = len(branches.document.turns[-1].steps)
            ended(branches, steps_of(text, first=count), reason="by_hand")
            lengths.append(len(branches.tree.node(1).run.token_ids))
        assert lengths == [1, 2]
        assert len(branches.tree.nodes) == 1
        assert branches.document.turns[-1].key == "run 1"
        for text in ("Once a", "Once"):
            assert branches.undo()
            assert shown(branches) == text
        assert branches.redo()
        assert branches.redo()
        assert shown(branches) == "Once a cat"


class TestKeysAndNames:
    def test_each_run_is_recorded_under_a_key_of_its_own(self):
        branches = Branches()
        run(branches, "Once", " a")
        recorder = begun(branches, " more")
        assert [turn.key for turn in branches.document.turns] == ["run 1", "run 2"]
        recorder.begin(RunStart((9,), SETTINGS, (), 3, "cpu", byte_codec()))
        assert branches.store.run("run 2").start.context_token_ids == (9,)

    def test_a_run_is_called_by_its_number_until_it_has_a_name(self):
        branches = Branches()
        begun(branches)
        assert branches.name_of(branches.document.turns[-1]) == ""
        ended(branches, steps_of(" a"))
        turn = branches.document.turns[-1]
        assert branches.name_of(turn) == "run 1"
        branches.tree.rename(1, "the cat")
        assert branches.name_of(turn) == "the cat"


class TestContextUsed:
    def test_counts_what_is_read_and_what_was_written(self):
        branches = Branches()
        assert branches.context_used == 0
        begun(branches)
        assert branches.context_used == 0
        branches.document.apply(started((1, 2, 3)))
        assert branches.context_used == 3
        for step in steps_of(" a", " cat"):
            branches.document.apply(step)
        assert branches.context_used == 5
        branches.document.apply(finished("length", branches.document.turns[-1].steps))
        assert branches.context_used == 5

    def test_stays_while_the_next_run_has_not_begun(self):
        branches = Branches()
        run(branches, "Once", " a", " cat")
        begun(branches, " sat")
        assert branches.context_used == 4
        branches.document.apply(started((1, 2, 10, 11, 3, 4, 5)))
        assert branches.context_used == 7

    def test_the_winner_counts_where_beams_have_ended(self):
        branches = Branches()
        begun(branches)
        branches.document.apply(started((1, 2)))
        for at in range(3):
            branches.document.apply(beam_step(at, hypothesis(range(at + 1), " a", " a")))
        assert branches.context_used == 5
        branches.document.apply(Finished("end_of_text", (7,), " b", 9.0))
        assert branches.context_used == 3

    @pytest.mark.parametrize(("token_ids", "count"), [((), 4), ((10,), 3)])
    def test_a_run_that_failed_has_what_came_of_it(self, token_ids, count):
        branches = Branches()
        begun(branches)
        branches.document.apply(started((1, 2)))
        for step in steps_of(" a", " cat"):
            branches.document.apply(step)
        branches.document.apply(Finished("failed", token_ids, "", 0.0))
        assert branches.context_used == count

    def test_one_that_ended_before_its_first_token_has_none(self):
        branches = Branches()
        begun(branches)
        branches.document.apply(started((1, 2)))
        branches.document.apply(Finished("cancelled", (), "", 0.0))
        assert branches.context_used == 2


class TestRecorded:
    def test_is_the_run_of_the_selected_step_and_its_place_in_it(self):
        branches = Branches()
        assert branches.recorded() is None
        run(branches, "Once", " a", " cat")
        assert branches.recorded() is None, "nobody has recorded it"
        for turn in branches.document.turns:
            recorded(branches, turn.key, 10, 11)
        run(branches, " sat", " down", " here")
        recorded(branches, "run 2", 10, 11)
        found = []
        for cursor in (0, 1, 2, None):
            branches.document.cursor = cursor
            one, index = branches.recorded()
            found.append((one.key, index))
        assert found == [("run 1", 0), ("run 1", 1), ("run 2", 0), ("run 2", 1)]

    def test_beams_are_not_recorded(self):
        branches = Branches()
        begun(branches)
        recorded(branches, "run 1", 10)
        branches.document.apply(started())
        branches.document.apply(beam_step(0, hypothesis((5,), " a", " a")))
        assert branches.recorded() is None


def test_a_new_one_is_empty():
    branches = Branches()
    assert branches.tree.nodes == ()
    assert branches.undo() is False
    assert branches.redo() is False
    assert branches.name_of(Turn("", "sample", SETTINGS)) == ""

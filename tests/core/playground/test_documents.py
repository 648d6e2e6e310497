"""Every run becomes a node with its document, and is recorded under a key of its own."""

from __future__ import annotations

import pytest

from core.document.document import Fork
from core.document.tree_records import ROOT, Beginning, ModelRef, RunFacts
from core.document.turn import Turn
from core.playground.documents import Documents
from core.records.recorded_run import RunStart
from core.records.steps import Finished
from tests.core.playground.kept import (
    MODEL,
    OTHER,
    PROMPT_IDS,
    SETTINGS,
    begun,
    ended,
    lookup,
    recorded,
    run,
    shown,
    steps_of,
)
from tests.reference import byte_codec
from tests.tui.written import beam_step, finished, hypothesis, started, token, token_step


class TestAdding:
    def test_a_run_is_a_node_with_all_that_it_was(self):
        documents = Documents()
        begun(documents)
        steps = steps_of(" a", " cat")
        ended(documents, steps)
        turn = documents.at_hand.turns[-1]
        (node,) = documents.tree.nodes
        assert turn.node_id == node.node_id == documents.tree.cursor == 1
        assert node.beginning == Beginning(ROOT, 0, PROMPT_IDS, "Once")
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
        assert tuple(node.run.steps) == tuple(steps)

    def test_the_next_one_begins_where_it_ends(self):
        documents = Documents()
        run(documents, "Once", " a", " cat")
        run(documents, " sat", " down")
        assert documents.tree.node(2).beginning == Beginning(1, 4, PROMPT_IDS, " sat")
        assert shown(documents) == "Once a cat sat down"

    def test_nothing_is_kept_of_what_has_not_begun_or_not_ended(self):
        documents = Documents()
        begun(documents)
        documents.add()
        documents.at_hand.apply(started())
        documents.add()
        assert documents.tree.nodes == ()
        documents.at_hand.turns[-1].started = None
        documents.at_hand.turns[-1].finished = Finished("length", (), "", 0.0)
        documents.add()
        assert documents.tree.nodes == ()

    def test_a_fork_keeps_its_step_and_what_another_beam_had_written(self):
        documents = Documents()
        run(documents, "Once", " a", " cat", " sat")
        documents.leave(1)
        fork = Fork(2, " dog", " cat", " lacking")
        documents.at_hand.fork(fork, token(50, " dog"), "sample", SETTINGS, MODEL)
        documents.begin()
        ended(documents, [token_step(0, 50, " dog")], context=(1, 2, 10))
        branch = documents.tree.node(2).beginning
        assert branch == Beginning(1, 3, (), " lacking", step=2)
        assert shown(documents) == "Once a dog"

    def test_a_message_says_that_it_is_one(self):
        documents = Documents()
        begun(documents, "Hello")
        documents.at_hand.turns[-1].message = "first"
        ended(documents, steps_of(" Hi"))
        assert documents.tree.node(1).beginning.message == "first"

    @pytest.mark.parametrize(("model", "kept"), [(OTHER, 0), (MODEL, 4)])
    def test_ids_of_another_vocabulary_are_kept_in_common_with_none(self, model, kept):
        """Even where all first ids are the same numbers."""
        documents = Documents()
        run(documents, "Once", " a", " cat")
        context = (1, 2, 10, 11, 1)
        begun(documents, " sat", model)
        ended(documents, steps_of(" down"), context=context)
        assert documents.tree.node(2).beginning == Beginning(1, kept, context[kept:], " sat")

    def test_another_vocabulary_at_the_beginning_is_no_matter(self):
        documents = Documents()
        run(documents, "Once", " a")
        documents.clear()
        run(documents, "Twice", " b", model=OTHER)
        assert documents.tree.node(2).beginning == Beginning(ROOT, 0, PROMPT_IDS, "Twice")

    def test_a_run_by_hand_is_one_node_that_grows(self):
        documents = Documents()
        begun(documents, "Once", is_by_hand=True)
        ended(documents, [], reason="by_hand")
        lengths = []
        for text in (" a", " cat"):
            documents.at_hand.write(token(50, text), "sample", SETTINGS, MODEL)
            documents.begin()
            count = len(documents.at_hand.turns[-1].steps)
            ended(documents, steps_of(text, first=count), reason="by_hand")
            lengths.append(len(documents.tree.node(1).run.token_ids))
        assert lengths == [1, 2]
        assert len(documents.tree.nodes) == 1
        assert documents.at_hand.turns[-1].key == "run 1"
        for text in ("Once a", "Once"):
            assert documents.undo()
            assert shown(documents) == text
        assert documents.redo()
        assert documents.redo()
        assert shown(documents) == "Once a cat"


class TestKeysAndNames:
    def test_each_run_is_recorded_under_a_key_of_its_own(self):
        documents = Documents()
        run(documents, "Once", " a")
        recorder = begun(documents, " more")
        assert [turn.key for turn in documents.at_hand.turns] == ["run 1", "run 2"]
        recorder.begin(RunStart((9,), SETTINGS, (), 3, "cpu", byte_codec()))
        assert documents.store.run("run 2").start.context_token_ids == (9,)

    def test_a_run_is_called_by_its_number_until_it_has_a_name(self):
        documents = Documents()
        begun(documents)
        assert documents.name_of(documents.at_hand.turns[-1]) == ""
        ended(documents, steps_of(" a"))
        turn = documents.at_hand.turns[-1]
        assert documents.name_of(turn) == "run 1"
        documents.tree.rename(1, "the cat")
        assert documents.name_of(turn) == "the cat"


class TestContextUsed:
    def test_counts_what_is_read_and_what_was_written(self):
        documents = Documents()
        assert documents.context_used == 0
        begun(documents)
        assert documents.context_used == 0
        documents.at_hand.apply(started((1, 2, 3)))
        assert documents.context_used == 3
        for step in steps_of(" a", " cat"):
            documents.at_hand.apply(step)
        assert documents.context_used == 5
        documents.at_hand.apply(finished("length", documents.at_hand.turns[-1].steps))
        assert documents.context_used == 5

    def test_stays_while_the_next_run_has_not_begun(self):
        documents = Documents()
        run(documents, "Once", " a", " cat")
        begun(documents, " sat")
        assert documents.context_used == 4
        documents.at_hand.apply(started((1, 2, 10, 11, 3, 4, 5)))
        assert documents.context_used == 7

    def test_the_winner_counts_where_beams_have_ended(self):
        documents = Documents()
        begun(documents)
        documents.at_hand.apply(started((1, 2)))
        for at in range(3):
            documents.at_hand.apply(beam_step(at, hypothesis(range(at + 1), " a", " a")))
        assert documents.context_used == 5
        documents.at_hand.apply(Finished("end_of_text", (7,), " b", 9.0))
        assert documents.context_used == 3

    @pytest.mark.parametrize(("token_ids", "count"), [((), 4), ((10,), 3)])
    def test_a_run_that_failed_has_what_came_of_it(self, token_ids, count):
        documents = Documents()
        begun(documents)
        documents.at_hand.apply(started((1, 2)))
        for step in steps_of(" a", " cat"):
            documents.at_hand.apply(step)
        documents.at_hand.apply(Finished("failed", token_ids, "", 0.0))
        assert documents.context_used == count

    def test_one_that_ended_before_its_first_token_has_none(self):
        documents = Documents()
        begun(documents)
        documents.at_hand.apply(started((1, 2)))
        documents.at_hand.apply(Finished("cancelled", (), "", 0.0))
        assert documents.context_used == 2


class TestRecorded:
    def test_is_the_run_of_the_selected_step_and_its_place_in_it(self):
        documents = Documents()
        assert lookup(documents).recorded() is None
        run(documents, "Once", " a", " cat")
        assert lookup(documents).recorded() is None, "nobody has recorded it"
        for turn in documents.at_hand.turns:
            recorded(documents, turn.key, 10, 11)
        run(documents, " sat", " down", " here")
        recorded(documents, "run 2", 10, 11)
        found = []
        for cursor in (0, 1, 2, None):
            documents.at_hand.cursor = cursor
            one, index = lookup(documents).recorded()
            found.append((one.key, index))
        assert found == [("run 1", 0), ("run 1", 1), ("run 2", 0), ("run 2", 1)]

    def test_beams_are_not_recorded(self):
        documents = Documents()
        begun(documents)
        recorded(documents, "run 1", 10)
        documents.at_hand.apply(started())
        documents.at_hand.apply(beam_step(0, hypothesis((5,), " a", " a")))
        assert lookup(documents).recorded() is None


def test_a_new_one_is_empty():
    documents = Documents()
    assert documents.tree.nodes == ()
    assert documents.undo() is False
    assert documents.redo() is False
    assert documents.name_of(Turn("", "sample", SETTINGS)) == ""

"""Going from document to document, leaving one for a fork, and what is removed."""

from __future__ import annotations

import dataclasses

import pytest

from core.document.tree_records import ROOT
from core.playground.documents import Documents
from core.records.errors import PlaygroundError
from core.records.steps import Finished
from tests.core.playground.kept import begun, lookup, recorded, run, shown
from tests.reference import byte_codec
from tests.tui.written import beam_step, hypothesis, started, token, token_step


class TestGoing:
    def test_to_any_run_and_back_and_forth(self):
        documents = Documents()
        run(documents, "Once", " a", " cat")
        run(documents, " sat", " down")
        documents.go(1)
        assert (shown(documents), documents.tree.cursor) == ("Once a cat", 1)
        documents.go(ROOT)
        assert (shown(documents), documents.at_hand.turns) == ("", [])
        with pytest.raises(PlaygroundError, match="there is no run 9"):
            documents.go(9)
        seen = []
        while documents.undo():
            seen.append(shown(documents))
        assert seen == ["Once a cat", "Once a cat sat down", "Once a cat", ""]
        assert documents.undo() is False
        seen = []
        while documents.redo():
            seen.append(shown(documents))
        assert seen == ["Once a cat", "Once a cat sat down", "Once a cat", ""]
        assert documents.redo() is False

    def test_a_run_that_never_began_leaves_what_was_shown(self):
        documents = Documents()
        run(documents, "Once", " a", " cat", " sat")
        documents.leave(1)
        assert shown(documents) == "Once a"
        begun(documents, "")
        documents.at_hand.apply(Finished("failed", (), "", 0.0))
        documents.stay()
        assert shown(documents) == "Once a cat sat"
        assert documents.tree.cursor == 1

    def test_a_cleared_document_comes_back_once_until_another_begins(self):
        documents = Documents()
        documents.clear()
        assert not documents.can_restore, "there was none"
        run(documents, "Once", " a")
        assert not documents.can_restore, "it is here"
        documents.clear()
        assert documents.can_restore
        assert shown(documents) == ""
        documents.restore()
        assert shown(documents) == "Once a"
        assert not documents.can_restore
        documents.restore()
        assert shown(documents) == "Once a"
        documents.clear()
        run(documents, "Twice", " b")
        documents.restore()
        assert shown(documents) == "Twice b"
        documents.go(ROOT)
        assert not documents.can_restore, "it was not cleared"


class TestLeaving:
    @pytest.mark.parametrize(
        ("position", "text", "node"),
        [(0, "Once", 1), (1, "Once a", 1), (2, "Once a cat sat", 2), (3, "Once a cat sat a", 2)],
    )
    def test_the_next_run_branches_from_the_one_of_the_step(self, position, text, node):
        documents = Documents()
        run(documents, "Once", " a", " cat")
        run(documents, " sat", " a", " cat")
        documents.leave(position)
        assert shown(documents) == text
        assert documents.tree.cursor == node
        run(documents, " and", " more")
        assert documents.tree.node(3).beginning.parent == node
        assert documents.undo()
        assert shown(documents) == "Once a cat sat a cat", "undo leads to what was looked at"

    def test_a_beam_of_the_step_before_is_what_is_kept(self):
        documents = Documents()
        begun(documents)
        first = beam_step(0, hypothesis((5,), " a", " a"), hypothesis((6,), " the", " the"))
        second = beam_step(1, hypothesis((5, 7), " a b", " b", 0))
        documents.at_hand.apply(started())
        for step in (first, second):
            documents.at_hand.apply(step)
        documents.at_hand.apply(Finished("length", (5, 7), " a b", 9.0))
        documents.add()
        documents.leave(1, first.hypotheses[1])
        assert shown(documents) == "Once the"
        assert documents.at_hand.token_ids == (1, 2, 6)

    def test_behind_the_last_step_nothing_is_left(self):
        documents = Documents()
        run(documents, "Once", " a")
        run(documents, " and", " b")
        documents.go(1)
        documents.leave(1)
        assert shown(documents) == "Once a"
        assert documents.tree.cursor == 1

    def test_a_run_that_is_no_node_yet_is_no_place_to_branch_from(self):
        documents = Documents()
        run(documents, "Once", " a")
        begun(documents, " and")
        documents.at_hand.apply(started((1, 2, 10, 3)))
        documents.at_hand.apply(token_step(0, 10, " b"))
        documents.leave(1)
        assert documents.tree.cursor == 1


class TestPlaced:
    """What the tests of forked text leave: where no text comes of a token."""

    def test_a_token_without_text_of_its_own_stays_as_it_is(self):
        documents = Documents()
        run(documents, "Once", " a")
        turn = documents.at_hand.turns[-1]
        codec = byte_codec()
        first = codec.encode("世", is_beginning=True)[0]
        recorded(documents, turn.key, 10)
        half = token(first, codec.token_text(first))
        assert half.text == "\\xe4"
        assert lookup(documents).placed(half, turn, ()) == half

    def test_only_the_text_changes(self):
        documents = Documents()
        run(documents, "Once", " a")
        turn = documents.at_hand.turns[-1]
        recorded(documents, turn.key, 10)
        letter = dataclasses.replace(token(ord("a"), "?"), rank=4, cut_by="top_k")
        codec = byte_codec()
        placed = lookup(documents).placed(
            dataclasses.replace(letter, token_id=codec.encode("a", is_beginning=True)[0]), turn, ()
        )
        assert (placed.text, placed.rank, placed.cut_by) == ("a", 4, "top_k")


class TestFollowing:
    def removed(self, documents, node_id):
        documents.remove(documents.tree.plan_removal(node_id))

    def grown(self):
        documents = Documents()
        run(documents, "Once", " a")
        run(documents, " and", " b")
        documents.go(1)
        run(documents, " or", " c")
        for number in (1, 2, 3):
            recorded(documents, f"run {number}", 10)
        return documents

    def test_what_is_removed_is_forgotten_and_its_parent_shown(self):
        documents = self.grown()
        self.removed(documents, 3)
        assert shown(documents) == "Once a"
        assert documents.store.run("run 3") is None
        assert documents.store.run("run 1") is not None
        assert documents.store.run("run 2") is not None
        documents.go(2)
        assert shown(documents) == "Once a and b"

    def test_what_is_shown_stays_where_something_else_is_removed(self):
        documents = self.grown()
        document = documents.at_hand
        document.cursor = 0
        self.removed(documents, 2)
        assert documents.at_hand is document
        assert documents.store.run("run 2") is None
        assert documents.store.run("run 3") is not None

    def test_all_of_a_tree_goes(self):
        documents = self.grown()
        self.removed(documents, 1)
        assert shown(documents) == ""
        assert [documents.store.run(f"run {number}") for number in (1, 2, 3)] == [None] * 3

    def test_an_empty_document_stays(self):
        documents = self.grown()
        documents.go(ROOT)
        document = documents.at_hand
        self.removed(documents, 1)
        assert documents.at_hand is document

    def test_nothing_is_removed_while_a_run_goes_on(self):
        documents = self.grown()
        begun(documents)
        with pytest.raises(PlaygroundError, match="a run goes on"):
            self.removed(documents, 2)
        assert len(documents.tree.nodes) == 3

    def test_tokens_are_named_by_the_model_of_the_run(self):
        documents = self.grown()
        assert lookup(documents).token_text_of(1)(65) == byte_codec().token_text(65)
        documents.store.forget("run 1")
        assert lookup(documents).token_text_of(1) is None

"""Going from document to document, leaving one for a fork, and what is pruned."""

from __future__ import annotations

import dataclasses

import pytest

from core.document.tree_records import ROOT
from core.playground.branches import Branches
from core.records.errors import PlaygroundError
from core.records.steps import Finished
from tests.core.playground.branched import begun, recorded, run, shown
from tests.reference import byte_codec
from tests.tui.written import beam_step, hypothesis, started, token, token_step


class TestGoing:
    def test_to_any_run_and_back_and_forth(self):
        branches = Branches()
        run(branches, "Once", " a", " cat")
        run(branches, " sat", " down")
        branches.go(1)
        assert (shown(branches), branches.tree.cursor) == ("Once a cat", 1)
        branches.go(ROOT)
        assert (shown(branches), branches.document.turns) == ("", [])
        with pytest.raises(PlaygroundError, match="there is no run 9"):
            branches.go(9)
        seen = []
        while branches.undo():
            seen.append(shown(branches))
        assert seen == ["Once a cat", "Once a cat sat down", "Once a cat", ""]
        assert branches.undo() is False
        seen = []
        while branches.redo():
            seen.append(shown(branches))
        assert seen == ["Once a cat", "Once a cat sat down", "Once a cat", ""]
        assert branches.redo() is False

    def test_a_run_that_never_began_leaves_what_was_shown(self):
        branches = Branches()
        run(branches, "Once", " a", " cat", " sat")
        branches.leave(1)
        assert shown(branches) == "Once a"
        begun(branches, "")
        branches.document.apply(Finished("failed", (), "", 0.0))
        branches.stay()
        assert shown(branches) == "Once a cat sat"
        assert branches.tree.cursor == 1

    def test_a_cleared_document_comes_back_once_until_another_begins(self):
        branches = Branches()
        branches.clear()
        assert not branches.can_restore, "there was none"
        run(branches, "Once", " a")
        assert not branches.can_restore, "it is here"
        branches.clear()
        assert branches.can_restore
        assert shown(branches) == ""
        branches.restore()
        assert shown(branches) == "Once a"
        assert not branches.can_restore
        branches.restore()
        assert shown(branches) == "Once a"
        branches.clear()
        run(branches, "Twice", " b")
        branches.restore()
        assert shown(branches) == "Twice b"
        branches.go(ROOT)
        assert not branches.can_restore, "it was not cleared"


class TestLeaving:
    @pytest.mark.parametrize(
        ("position", "text", "node"),
        [(0, "Once", 1), (1, "Once a", 1), (2, "Once a cat sat", 2), (3, "Once a cat sat a", 2)],
    )
    def test_the_next_run_branches_from_the_one_of_the_step(self, position, text, node):
        branches = Branches()
        run(branches, "Once", " a", " cat")
        run(branches, " sat", " a", " cat")
        branches.leave(position)
        assert shown(branches) == text
        assert branches.tree.cursor == node
        run(branches, " and", " more")
        assert branches.tree.node(3).branch.parent == node
        assert branches.undo()
        assert shown(branches) == "Once a cat sat a cat", "undo leads to what was looked at"

    def test_a_beam_of_the_step_before_is_what_is_kept(self):
        branches = Branches()
        begun(branches)
        first = beam_step(0, hypothesis((5,), " a", " a"), hypothesis((6,), " the", " the"))
        second = beam_step(1, hypothesis((5, 7), " a b", " b", 0))
        branches.document.apply(started())
        for step in (first, second):
            branches.document.apply(step)
        branches.document.apply(Finished("length", (5, 7), " a b", 9.0))
        branches.add()
        branches.leave(1, first.hypotheses[1])
        assert shown(branches) == "Once the"
        assert branches.document.token_ids == (1, 2, 6)

    def test_behind_the_last_step_nothing_is_left(self):
        branches = Branches()
        run(branches, "Once", " a")
        run(branches, " and", " b")
        branches.go(1)
        branches.leave(1)
        assert shown(branches) == "Once a"
        assert branches.tree.cursor == 1

    def test_a_run_that_is_no_node_yet_is_no_place_to_branch_from(self):
        branches = Branches()
        run(branches, "Once", " a")
        begun(branches, " and")
        branches.document.apply(started((1, 2, 10, 3)))
        branches.document.apply(token_step(0, 10, " b"))
        branches.leave(1)
        assert branches.tree.cursor == 1


class TestPlaced:
    """What the tests of forked text leave: where no text comes of a token."""

    def test_a_token_without_text_of_its_own_stays_as_it_is(self):
        branches = Branches()
        run(branches, "Once", " a")
        turn = branches.document.turns[-1]
        codec = byte_codec()
        first = codec.encode("世", is_beginning=True)[0]
        recorded(branches, turn.key, 10)
        half = token(first, codec.token_text(first))
        assert half.text == "\\xe4"
        assert branches.placed(half, turn, ()) == half

    def test_only_the_text_changes(self):
        branches = Branches()
        run(branches, "Once", " a")
        turn = branches.document.turns[-1]
        recorded(branches, turn.key, 10)
        letter = dataclasses.replace(token(ord("a"), "?"), rank=4, cut_by="top_k")
        codec = byte_codec()
        placed = branches.placed(
            dataclasses.replace(letter, token_id=codec.encode("a", is_beginning=True)[0]), turn, ()
        )
        assert (placed.text, placed.rank, placed.cut_by) == ("a", 4, "top_k")


class TestFollowing:
    def pruned(self, branches, node_id):
        branches.tree.prune(branches.tree.plan_pruning(node_id))
        branches.follow()

    def grown(self):
        branches = Branches()
        run(branches, "Once", " a")
        run(branches, " and", " b")
        branches.go(1)
        run(branches, " or", " c")
        for number in (1, 2, 3):
            recorded(branches, f"run {number}", 10)
        return branches

    def test_what_is_pruned_is_forgotten_and_its_parent_shown(self):
        branches = self.grown()
        self.pruned(branches, 3)
        assert shown(branches) == "Once a"
        assert branches.store.run("run 3") is None
        assert branches.store.run("run 1") is not None
        assert branches.store.run("run 2") is not None
        branches.go(2)
        assert shown(branches) == "Once a and b"

    def test_what_is_shown_stays_where_something_else_is_pruned(self):
        branches = self.grown()
        document = branches.document
        document.cursor = 0
        self.pruned(branches, 2)
        assert branches.document is document
        assert branches.store.run("run 2") is None
        assert branches.store.run("run 3") is not None

    def test_all_of_a_tree_goes(self):
        branches = self.grown()
        self.pruned(branches, 1)
        assert shown(branches) == ""
        assert [branches.store.run(f"run {number}") for number in (1, 2, 3)] == [None] * 3
        document = branches.document
        branches.follow()
        assert branches.document is document, "an empty document stays as well"

    def test_tokens_are_named_by_the_model_of_the_run(self):
        branches = self.grown()
        assert branches.token_text_of(1)(65) == byte_codec().token_text(65)
        branches.store.forget("run 1")
        assert branches.token_text_of(1) is None

"""The tree of runs: forks, undo, names, comparing, removal."""

from __future__ import annotations

import pytest

from core.document.tree import Tree
from core.document.tree_records import ROOT, Beginning, ModelRef, RunFacts
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from tests.core.document.tree_forks import context_of, fork

GPT2 = ModelRef("gpt2", "fingerprint")


def run(*token_ids, settings=None, model=GPT2, text="text"):
    return RunFacts("greedy", settings or Settings(), 7, model, token_ids, text, "length")


def grown():
    """1: [10 11 | 20 21 22]; 2 forks its step 1 with 90: [10 11 20 90 | 30]; 3 continues 1."""
    tree = Tree()
    tree.add(Beginning(ROOT, 0, (10, 11), "once"), run(20, 21, 22))
    tree.add(fork(tree, 1, 1, (90,), " cat"), run(30))
    tree.move(1)
    tree.add(tree.beginning_from(1, (10, 11, 20, 21, 22, 40), "then"), run(50, 51))
    return tree


def test_documents_keep_their_tokens():
    tree = grown()
    assert tree.document(ROOT) == ()
    assert tree.document(1) == (10, 11, 20, 21, 22)
    assert tree.document(2) == (10, 11, 20, 90, 30)
    assert tree.document(3) == (10, 11, 20, 21, 22, 40, 50, 51)
    assert tree.path(3) == (1, 3)
    assert tree.children(1) == (2, 3)
    assert tree.node(3).beginning == Beginning(1, 5, (40,), "then")
    assert tree.cursor == 3


def test_the_context_of_a_fork_is_what_the_next_request_continues():
    tree = grown()
    assert context_of(tree, fork(tree, 2, 0, (77, 78), "typed")) == (10, 11, 20, 90, 77, 78)
    assert context_of(tree, fork(tree, 2, 1, (77,))) == (10, 11, 20, 90, 30, 77)
    assert context_of(tree, fork(tree, 1, 2)) == (10, 11, 20, 21)
    with pytest.raises(PlaygroundError, match="ends after 5 tokens; 6 cannot be kept"):
        tree.add(Beginning(1, 6), run(1))
    with pytest.raises(PlaygroundError, match="no run 9"):
        tree.add(Beginning(9, 0), run(1))
    assert len(tree.nodes) == 3


def test_a_fork_of_a_fork_leaves_what_the_first_one_kept():
    tree = grown()
    beginning = tree.beginning_from(2, (10, 5), "x")
    assert beginning == Beginning(2, 1, (5,), "x")
    tree.add(beginning, run(6))
    assert tree.document(4) == (10, 5, 6)
    assert tree.document(2) == (10, 11, 20, 90, 30)


def ways(tree, go):
    """Where the cursor comes to as long as ``go`` leads anywhere."""
    found = []
    while go():
        found.append(tree.cursor)
    return found


def test_undo_and_redo_walk_the_way_that_was_taken():
    """Guards an undo that went to the parent of a fork, not to the text before the fork."""
    tree = grown()  # run 1, run 2 after it, then back to 1, and run 3 after that
    tree.begin_from(1)
    tree.add(Beginning(1, 0, (7,), "x"), run(8))
    assert ways(tree, tree.undo) == [3, 1, 2, 1, ROOT]
    assert not tree.undo()
    assert ways(tree, tree.redo) == [1, 2, 1, 3, 4]
    tree.undo()
    tree.move(2)
    assert not tree.redo(), "another way was taken"
    assert ways(tree, tree.undo) == [3, 1, 2, 1, ROOT]
    tree.move(2)
    with pytest.raises(PlaygroundError, match="no run 8"):
        tree.move(8)
    assert tree.cursor == 2


def test_a_message_is_no_fork_whatever_it_keeps():
    tree = grown()
    tree.add(Beginning(3, 2, (60,), "first message", "first"), run(61))
    tree.add(Beginning(4, 1, (62,), "later message", "later"), run(63))
    *_, first, later = tree.rows()

    assert (first.is_fork, later.is_fork) == (False, False)
    assert first.node.beginning.begins_conversation
    assert not later.node.beginning.begins_conversation
    assert not Beginning(ROOT, 0, (1,), "a", "first").begins_conversation, "nothing stood before"


def test_step_mode_is_one_run_a_key():
    """A person who picks every token makes a chain of runs, undone one by one."""
    tree = Tree()
    tree.add(Beginning(ROOT, 0, (1,), "A"), run())
    for token_id in (2, 3, 4):
        length = len(tree.document(tree.cursor))
        tree.add(Beginning(tree.cursor, length, (token_id,), "t"), run())
    assert tree.document(tree.cursor) == (1, 2, 3, 4)
    tree.undo()
    assert tree.document(tree.cursor) == (1, 2, 3)
    assert not any(row.is_fork for row in tree.rows())


def test_rows_are_the_tree_from_the_root_down():
    tree = grown()
    tree.rename(2, " the cat ")
    tree.add(fork(tree, 2, 0, (91,)), run())
    tree.move(3)
    rows = list(tree.rows())
    assert [(row.node.node_id, row.depth) for row in rows] == [(1, 0), (2, 1), (4, 2), (3, 1)]
    assert [row.is_fork for row in rows] == [False, True, True, False]
    assert [row.is_on_path for row in rows] == [True, False, False, True]
    assert [row.is_cursor for row in rows] == [False, False, False, True]
    assert rows[1].name == "the cat"


def test_names():
    tree = grown()
    for bad in ("x" * 61, "a\nb", "\x1b[2J"):
        with pytest.raises(PlaygroundError, match="a name is one line"):
            tree.rename(1, bad)
    with pytest.raises(PlaygroundError, match="no run 8"):
        tree.rename(8, "x")
    tree.rename(1, "first")
    tree.rename(1, "")
    assert tree.name(1) == ""


def test_comparing_two_branches():
    tree = Tree()
    tree.add(Beginning(ROOT, 0, (1,)), run(2, 3, settings=Settings()))
    warm = Settings(do_sample=True, top_p=0.9)
    tree.add(fork(tree, 1, 1, (9,)), run(8, settings=warm))
    compared = tree.compare(1, 2)
    assert compared.common == 2
    assert compared.first_token_ids == (3,)
    assert compared.second_token_ids == (9, 8)
    assert compared.settings == (("do_sample", False, True), ("top_p", None, 0.9))
    assert tree.compare(2, 1).settings == (("do_sample", True, False), ("top_p", 0.9, None))
    assert tree.compare(1, 1).settings == ()
    tree.add(fork(tree, 1, 1), run(8, settings=Settings(seed=4)))
    assert tree.compare(1, 3).settings == (), "without dice neither has a use for it"
    tree.add(fork(tree, 1, 1), run(8, settings=Settings(num_beams=2, length_penalty=2.0)))
    assert tree.compare(1, 4).settings == (
        ("num_beams", 1, 2),
        ("length_penalty", None, 2.0),
    )


def test_tokens_of_another_tokenizer_are_not_mixed():
    tree = grown()
    other = ModelRef("other", "another fingerprint")
    with pytest.raises(PlaygroundError, match="'gpt2', whose tokens are not those of 'other'"):
        tree.add(fork(tree, 1, 1, (1,)), run(2, model=other))
    tree.add(Beginning(ROOT, 0, (1,)), run(2, model=other))
    with pytest.raises(PlaygroundError, match="whose tokens are not those"):
        tree.compare(1, 4)
    tree.add(fork(tree, 1, 1, (1,)), run(2, model=ModelRef("gpt2-xl", "fingerprint")))


def test_removal_asks_first_and_removes_what_it_said():
    tree = grown()
    tree.rename(3, "ending")
    tree.add(Beginning(3, 8), run(60))
    plan = tree.plan_removal(3)
    assert plan.node_ids == (3, 4)
    assert plan.question == "remove 2 runs with 3 generated tokens, among them ending?"
    assert len(tree.nodes) == 4
    tree.remove(plan)
    assert [node.node_id for node in tree.nodes] == [1, 2]
    assert tree.cursor == 1
    assert tree.children(1) == (2,)
    assert not tree.redo()
    with pytest.raises(PlaygroundError, match="has changed meanwhile"):
        tree.remove(plan)
    tree.move(2)
    tree.remove(tree.plan_removal(2))
    assert tree.add(Beginning(1, 5), run(1)).node_id == 5


def test_a_plan_that_is_out_of_date_removes_nothing():
    tree = grown()
    plan = tree.plan_removal(1)
    tree.add(Beginning(3, 8), run(60))
    with pytest.raises(PlaygroundError, match="has changed meanwhile"):
        tree.remove(plan)
    assert len(tree.nodes) == 4


def test_undo_passes_over_what_was_removed():
    tree = grown()
    tree.move(2)
    tree.move(3)
    tree.remove(tree.plan_removal(2))
    assert ways(tree, tree.undo) == [1, ROOT]
    assert ways(tree, tree.redo) == [1, 3]
    tree.remove(tree.plan_removal(3))
    assert tree.cursor == 1
    assert ways(tree, tree.undo) == [ROOT]

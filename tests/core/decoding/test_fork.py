"""A fork reuses the cache of what it keeps: the model reads the replaced token and nothing else."""

from __future__ import annotations

import pytest

from core.document.tree import Tree
from core.document.tree_records import ROOT, Beginning, ModelRef, RunFacts
from core.models.any.model import TransformersModel
from core.records.settings import Settings
from tests.core.document.tree_forks import context_of, fork
from tests.reference import byte_codec, new_tokens, run_ours, run_theirs, tiny_gpt2

MODEL = ModelRef("tiny", "bytes")
LONG = Settings(max_new_tokens=560, seed=3, do_sample=True)


def model():
    return TransformersModel(tiny_gpt2(5, n_positions=640, eos_token_id=None))


def facts(settings, finished):
    return RunFacts("one", settings, 3, MODEL, finished.token_ids, finished.text, finished.reason)


@pytest.mark.parametrize("step", [500, 0, 559])
def test_a_fork_reads_only_what_is_new(step, monkeypatch):
    ours = model()
    first = run_ours(ours, byte_codec(), LONG, context=(1, 2, 3))
    tree = Tree()
    tree.add(Beginning(ROOT, 0, (1, 2, 3)), facts(LONG, first.finished))
    other = (first.finished.token_ids[step] + 1) % 24
    branch = fork(tree, 1, step, (other,))
    context = context_of(tree, branch)
    assert len(context) == 3 + step + 1

    prefilled = []
    prefill = ours.prefill
    monkeypatch.setattr(ours, "prefill", lambda ids: prefilled.append(tuple(ids)) or prefill(ids))
    greedy = Settings(max_new_tokens=12)
    forked = run_ours(ours, byte_codec(), greedy, context=context)
    assert prefilled == [(other,)]
    fresh = run_theirs(ours.module, context, greedy)
    assert list(forked.finished.token_ids) == new_tokens(fresh, context)
    assert forked.started.prompt_token_ids == ()
    tree.add(branch, facts(greedy, forked.finished))
    assert tree.document(2) == context + forked.finished.token_ids


def test_going_back_and_forth_keeps_the_tokens(monkeypatch):
    """Undo, another branch, redo: ids stay as generated, though their text would encode anew."""
    ours = model()
    tree = Tree()
    short = Settings(max_new_tokens=20, do_sample=True, seed=1)
    first = run_ours(ours, byte_codec(), short, context=(1,))
    tree.add(Beginning(ROOT, 0, (1,)), facts(short, first.finished))
    before = tree.document(1)
    codec = byte_codec()
    monkeypatch.setattr(codec, "encode", None)
    for token_id in (4, 5):
        branch = fork(tree, 1, 10, (token_id,))
        run = run_ours(ours, codec, short, context=context_of(tree, branch))
        tree.add(branch, facts(short, run.finished))
        tree.undo()
    assert tree.cursor == 1
    assert tree.document(1) == before == (1, *first.finished.token_ids)
    # The same fork again is the same text: what ran in between has left nothing behind.
    context = context_of(tree, fork(tree, 1, 10, (4,)))
    again = run_ours(ours, codec, short, context=context)
    assert tree.document(2) == context + again.finished.token_ids

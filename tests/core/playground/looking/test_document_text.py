"""Token texts of a document: what was recorded is believed, a foreign tokenizer is not."""

from __future__ import annotations

import dataclasses

import pytest

from core.document.tree import Tree
from core.document.tree_records import ROOT, Beginning
from core.playground.looking.document_text import document_texts, joined
from core.records.errors import PlaygroundError
from core.records.steps import Candidate, Distribution, TokenStep
from tests.tui.screen_app import VOCABULARY, facts, grown
from tui.tree.comparison_rows import side_pieces

token_text = VOCABULARY.__getitem__


def test_the_document_token_by_token():
    tree = grown()
    assert document_texts(tree, 4, token_text) == [
        *("A", " long", " time", " ago", " a", " dragon", " slept", " lived")
    ]
    assert "".join(document_texts(tree, 2, token_text)).endswith(" cat lived. It purred")
    assert document_texts(tree, ROOT, token_text) == []
    with pytest.raises(PlaygroundError, match="no run 9"):
        document_texts(tree, 9, token_text)


@pytest.mark.parametrize("foreign", [None, lambda _: "wrong"])
def test_what_nobody_can_tell_stands_as_ids(foreign):
    texts = document_texts(grown(), 3, foreign)
    assert texts == ["⟨1⟩", "⟨2⟩", "⟨3⟩", "⟨4⟩", "⟨10⟩", " dragon", "⟨21⟩", "⟨13⟩"]


@pytest.mark.parametrize(
    ("typed", "is_told"), [(" dragon", True), (".\n", True), (" dog", False), ("", False)]
)
def test_separators_and_templates_around_a_prompt_are_told(typed, is_told):
    tree = grown()
    tree.add(Beginning(1, 8, (13, 20, 13), typed), facts(" slept", 21))
    expected = [".", " dragon", "."] if is_told else ["⟨13⟩", "⟨20⟩", "⟨13⟩"]
    assert document_texts(tree, 6, token_text)[8:11] == expected


def test_a_model_that_is_gone_is_no_fault():
    def gone(_):
        raise PlaygroundError("no model is loaded")

    tree = grown()
    assert document_texts(tree, 3, gone)[-1] == "⟨13⟩"
    tree.add(Beginning(ROOT, 0, (13, 20), ""), facts("", 21))
    assert document_texts(tree, 6, gone) == ["⟨13⟩", "⟨20⟩", ""]


def test_steps_are_believed_before_a_tokenizer():
    def step(index, token_id, text):
        token = Candidate(token_id, "?", -1.0, -1.0, 1)
        return TokenStep(index, token, Distribution((token,), 1.0, 1), text, 0.0)

    tree = Tree()
    run = facts(" a🦄", 10, 40, 41, 42)
    texts = [" a", " ", "", "🦄"]
    steps = tuple(
        step(at, token_id, text)
        for at, (token_id, text) in enumerate(zip(run.token_ids, texts, strict=True))
    )
    tree.add(Beginning(ROOT, 0), dataclasses.replace(run, steps=steps))
    assert document_texts(tree, 1, None) == texts


def test_a_split_character_is_whole_again():
    tree = Tree()
    tree.add(Beginning(ROOT, 0), facts(" a 🦄.", 10, 40, 41, 42, 13))
    texts = document_texts(tree, 1, token_text)
    assert texts == [" a", " \\xf0\\x9f", "\\xa6", "\\x84", "."]
    assert joined(texts) == " a 🦄."
    assert joined(texts[:2]) == " a \\xf0\\x9f"
    assert [piece.text for piece in side_pieces(texts[1:])] == [" 🦄", "."]


def test_a_side_without_an_own_end_says_so():
    (piece,) = side_pieces([])
    assert "it ends here" in piece.text
    assert [piece.text for piece in side_pieces(["", " a"])] == [" a", ""]

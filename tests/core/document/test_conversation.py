"""Answers that are forked, gone on with or read by another model stay in their conversation."""

from __future__ import annotations

import dataclasses

import pytest

from core.backends.scripted import ScriptedBackend
from core.document.conversation import open_answer
from core.document.document import Document, Fork
from core.records.chat import ChatFormat, Message, render
from core.records.model_info import ModelInfo
from core.records.settings import Settings
from core.records.steps import BeamStep, Candidate, Finished, Hypothesis, Started

CHAT = ChatFormat("Once.\n\n", "Q: ", "A:", ("\nQ:",))
SETTINGS = Settings(max_new_tokens=3)
OTHER = Candidate(103, " near", -1.0, -1.0, 2, None)


def played(document, request, texts):
    for event in ScriptedBackend(texts=texts).generate(request, lambda: False):
        document.apply(event)


def talk(texts=(" two", " is", " far")):
    document = Document()
    played(document, document.begin("one", "chat", SETTINGS, chat=CHAT), texts)
    return document


def next_messages(document):
    return document.begin("next", "chat", SETTINGS, chat=CHAT).messages


def exchange(said):
    return (Message("user", "one"), Message("assistant", said), Message("user", "next"))


def test_a_fork_to_another_candidate_stays_in_its_conversation():
    document = talk().before(1)
    request = document.fork(Fork(2, " near", " is"), OTHER, "chat", SETTINGS)
    assert request.chat == CHAT
    assert request.messages == ()
    assert (request.context_token_ids[-1], request.forced) == (100, (103,))
    played(document, request, (" us", ".", "\nQ:", " near"))

    assert next_messages(document) == exchange("two near us.")


def test_typed_text_stays_in_its_conversation():
    document = talk().before(2)
    request = document.fork(Fork(3), " in [b]", "nucleus", SETTINGS)
    assert (request.prompt, request.forced, request.chat) == ("", " in [b]", CHAT)
    played(document, request, (" here", "\nQ:", " more"))

    assert next_messages(document) == exchange("two is in [b] here")


@pytest.mark.parametrize(
    ("stops", "said"), [((), "two is here"), ((" is",), "two"), (("here", " is"), "two")]
)
def test_an_answer_ends_before_a_stop_string_of_the_settings_too(stops, said):
    document = Document()
    settings = SETTINGS.replace(stop_strings=stops, max_new_tokens=5)
    request = document.begin("one", "chat", settings, chat=CHAT)
    played(document, request, (" two", " is", " here", "\nQ:", " more"))

    assert next_messages(document) == exchange(said)


def test_an_answer_that_has_not_ended_is_gone_on_with():
    document = talk()
    request = document.begin("", "nucleus", SETTINGS)
    assert request.chat == CHAT
    assert request.context_token_ids == (10, 100, 101, 102)
    played(document, request, (" away", ".", "\nQ:"))

    assert next_messages(document) == exchange("two is far away.")
    assert [turn.message for turn in document.turns] == ["first", "", "later"]


@pytest.mark.parametrize("reason", ["end_of_text", "stop_string", "context_full"])
def test_an_answer_that_has_ended_is_not(reason):
    document = talk()
    last = document.turns[-1]
    last.finished = dataclasses.replace(last.finished, reason=reason)
    assert open_answer(document.turns) is None
    assert document.begin("", "chat", SETTINGS, chat=CHAT).chat is None


def test_a_prompt_with_another_preset_ends_the_conversation():
    document = talk()
    played(document, document.begin("a story", "greedy", SETTINGS), (" a", " b", " c"))
    assert open_answer(document.turns) is None

    assert next_messages(document) == (Message("user", "next"),)
    assert document.turns[-1].message == "first"


def test_the_token_that_ends_a_text_is_no_part_of_the_message():
    document = talk((" two", "."))
    assert document.turns[0].finished.reason == "end_of_text"

    assert next_messages(document) == exchange("two")


def test_nor_is_it_after_a_beam_search():
    document = Document()
    document.begin("one", "chat", SETTINGS, chat=CHAT)
    ending = Candidate(9, "<end>", -1.0, -1.0, 1, None)
    won = Hypothesis((5, 9), " two<end>", -1.0, -0.5, 0, ending)
    document.apply(Started((1,), (1,), 3, 10, 0))
    document.apply(BeamStep(0, (won,), (won,), (), (), 0.1))
    document.apply(Finished("end_of_text", won.token_ids, won.text, 10.0))

    assert next_messages(document) == exchange("two")


def info(fingerprint):
    return ModelInfo("a model", "cpu", "float32", 1, 10, 10, tokenizer_fingerprint=fingerprint)


def test_a_model_of_other_tokens_goes_on_with_the_same_answer():
    document = talk().before(2)
    request = document.fork(Fork(3), OTHER, "chat", SETTINGS, info("b"))

    assert request.messages == (Message("user", "one"),)
    assert (request.prompt, request.forced, request.chat) == (" two is", " near", CHAT)
    assert request.context_token_ids == ()
    assert render(request.messages, CHAT) + request.prompt == "Once.\n\nQ: one\nA: two is"

"""Conversations: how they are written down, what is left out, and what an answer is."""

from __future__ import annotations

import dataclasses

import pytest

from core.backends.scripted import ScriptedBackend
from core.document.document import Document
from core.presets.finding import PresetsError, load_presets
from core.records.chat import ChatFormat, Message, answer, fit, render
from core.records.model_info import ModelInfo
from core.records.settings import Settings

PLAIN = ChatFormat("Once.\n\n", "Q: ", "A:", ("\nQ:",))
TALK = (Message("user", "one"), Message("assistant", "two"), Message("user", "three"))


def test_a_conversation_is_written_down():
    assert render(TALK, PLAIN) == "Once.\n\nQ: one\nA: two\nQ: three\nA:"
    assert render(TALK[:1], ChatFormat()) == "Person: one\nAssistant:"


def test_an_answer_ends_where_the_person_would_speak():
    assert ChatFormat(user="Me: ").stop_strings == ("\nMe:",)
    assert ChatFormat(stop_strings=("#",)).stop_strings == ("#",)
    assert answer(" I am.\nQ: and\nQ:", PLAIN.stop_strings) == "I am."
    assert answer(" I am.", ()) == "I am."


def encode(messages):
    return [len(message.content) for message in messages for _ in message.content]


@pytest.mark.parametrize(
    ("room", "length", "dropped"), [(11, 11, 0), (10, 5, 1), (5, 5, 1), (4, 5, 1)]
)
def test_whole_old_turns_are_left_out(room, length, dropped):
    token_ids, left_out = fit(TALK, encode, room)

    assert (len(token_ids), left_out) == (length, dropped)


def test_as_many_turns_as_needed_are_left_out():
    talk = (*TALK, Message("assistant", "four"), Message("user", "5"))

    assert fit(talk, encode, 10) == ([5] * 5 + [4] * 4 + [1], 1)
    assert fit(talk, encode, 9) == ([1], 2)


def play(document, prompt, texts=(" far", " away"), model=None, chat=None):
    request = document.begin(prompt, "chat", Settings(max_new_tokens=2), model, chat)
    for event in ScriptedBackend(texts=texts).generate(request, lambda: False):
        document.apply(event)
    return request


def test_a_request_carries_the_conversation_so_far():
    document = Document()
    play(document, "a story")
    first = play(document, "one", (" two", "\nQ:"), chat=PLAIN)
    second = play(document, "three", chat=PLAIN)

    assert first.messages == (Message("user", "one"),)
    assert second.messages == TALK
    assert second.chat == PLAIN


def test_a_prompt_after_a_conversation_continues_the_document():
    document = Document()
    play(document, "one", chat=PLAIN)
    request = play(document, "and then")

    assert (request.chat, request.messages) == (None, ())
    assert request.context_token_ids


def info(name, fingerprint):
    return ModelInfo(name, "cpu", "float32", 1, 10, 10, tokenizer_fingerprint=fingerprint)


def test_a_model_of_the_same_tokens_goes_on_with_the_ids():
    document = Document()
    play(document, "one", model=info("gpt2", "a"))
    ids = document.token_ids
    request = play(document, "two", model=info("gpt2-xl", "a"))

    assert request.context_token_ids == ids
    assert request.prompt == "two"


def test_a_model_of_other_tokens_reads_the_text_anew():
    document = Document()
    play(document, "one", model=info("gpt2", "a"))
    request = play(document, "two", model=info("demo", "b"))
    again = play(document, "", model=info("demo", "b"))

    assert request.context_token_ids == ()
    assert request.prompt == "one far awaytwo"
    assert again.prompt == ""
    assert again.context_token_ids
    assert document.text == "one far awaytwo far away far away"


HEAD = "presets:\n  one:\n"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("    chat: yes please\n", "3: preset 'one': 'chat' must be a mapping; there are opening"),
        ("    chat: {usr: a}\n", "unknown field 'usr'; did you mean 'user'?"),
        ("    chat:\n      user: 5\n", "4: preset 'one': 'user' of 'chat' must be a text; quote"),
        ("    chat: {stop_strings: [1]}\n", "'stop_strings' of 'chat' must be a text"),
        ("    chat: {stop_strings: ['']}\n", "must not be empty"),
        ('    chat: {user: "a\\eb"}\n', r"holds the character '\x1b'"),
        ("    chat: {opening: %s}\n" % ("a" * 10_001), "is longer than 10,000 characters"),
    ],
)
def test_chat_blocks_that_are_wrong(tmp_path, body, sentence):
    path = tmp_path / "presets.yaml"
    path.write_text(HEAD + body)

    with pytest.raises(PresetsError) as refused:
        load_presets(path)
    assert sentence in str(refused.value)


def test_a_chat_block_is_read_to_the_letter(tmp_path):
    path = tmp_path / "presets.yaml"
    path.write_text(HEAD + '    chat: {opening: "a\\n\\n", user: "U: ", stop_strings: "x"}\n')
    chat = load_presets(path).named("one").chat

    assert chat == dataclasses.replace(
        ChatFormat(), opening="a\n\n", user="U: ", stop_strings=("x",)
    )
    path.write_text(HEAD + "    chat: {}\n")
    assert load_presets(path).named("one").chat == ChatFormat()

"""Conversations before a real model: its chat template, a preset's texts, a full context."""

from __future__ import annotations

import shutil

import pytest
from transformers import AutoTokenizer

from core.backends.local import LocalBackend
from core.models.catalog import model_folder
from core.models.sandbox.tokenizer import has_template
from core.records.chat import ChatFormat, Message, render
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, Started

TEMPLATE = (
    "{% for one in messages %}<{{ one['role'] }}>{{ one['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
CHAT = ChatFormat("Once.\n", "Q: ", "A:")
SETTINGS = Settings(max_new_tokens=4)


def loaded(folder):
    backend = LocalBackend(str(folder), device="cpu")
    backend.load(lambda stage, share=None: None)
    return backend


@pytest.fixture(scope="module")
def with_template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chat") / "model"
    shutil.copytree(model_folder("demo"), folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


def run(backend, messages, settings=SETTINGS):
    request = Request("", settings, messages=messages, chat=CHAT)
    events = list(backend.generate(request, lambda: False))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    return events[0], events[-1]


def test_a_models_own_template_is_used(with_template):
    messages = (Message("user", "Hello {{ 7 * 7 }}"),)
    started, _ = run(loaded(with_template), messages)
    expected = AutoTokenizer.from_pretrained(with_template).apply_chat_template(
        [{"role": "user", "content": "Hello {{ 7 * 7 }}"}],
        tokenize=True,
        add_generation_prompt=True,
        return_dict=False,
    )

    assert list(started.context_token_ids) == list(expected)


def test_a_template_that_refuses_is_told_in_a_sentence(with_template, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(with_template, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = "{{ raise_exception('no [b]such[/b] talk') }}"
    tokenizer.save_pretrained(folder)

    with pytest.raises(PlaygroundError, match=r"refuses this conversation \(no \[b\]such"):
        run(loaded(folder), (Message("user", "a"),))


def test_without_a_template_the_presets_texts_are_used():
    backend = loaded("demo")
    messages = (Message("user", "Who are you?"),)
    started, _ = run(backend, messages)
    tokenizer = AutoTokenizer.from_pretrained(model_folder("demo"))

    assert list(started.context_token_ids) == tokenizer.encode(render(messages, CHAT))
    assert started.dropped_turns == 0


def test_an_answer_ends_at_a_stop_string():
    backend = loaded("demo")
    chat = ChatFormat(stop_strings=(" ",))
    request = Request("", Settings(max_new_tokens=50), messages=(Message("user", "a"),), chat=chat)
    *_, finished = backend.generate(request, lambda: False)

    assert isinstance(finished, Finished)
    assert finished.reason == "stop_string"


def test_a_long_conversation_loses_its_oldest_turns():
    backend = loaded("demo")
    turns = [
        Message(role, f"{role} {number} " + "word " * 60)
        for number in range(12)
        for role in ("user", "assistant")
    ]
    started, finished = run(backend, (*turns, Message("user", "the newest")))

    assert 0 < started.dropped_turns < 12
    assert len(started.context_token_ids) <= started.context_size - 4
    assert finished.reason == "length"
    kept = turns[2 * started.dropped_turns :]
    tokenizer = AutoTokenizer.from_pretrained(model_folder("demo"))
    assert tokenizer.decode(started.context_token_ids) == render(
        (*kept, Message("user", "the newest")), CHAT
    )


def test_a_begun_answer_is_gone_on_with(with_template):
    messages = (Message("user", "Who are you?"),)
    tokenizer = AutoTokenizer.from_pretrained(model_folder("demo"))
    request = Request(" I am the", SETTINGS, messages=messages, chat=CHAT)
    for folder, rendered in (
        ("demo", render(messages, CHAT)),
        (with_template, "<user>Who are you?\n<assistant>"),
    ):
        started, *_ = loaded(folder).generate(request, lambda: False)
        expected = tokenizer.encode(rendered) + tokenizer.encode(" I am the")
        assert list(started.context_token_ids) == expected


def test_an_answer_gone_on_with_ends_at_a_stop_string_too(with_template):
    settings = Settings(max_new_tokens=30)
    chat = ChatFormat(stop_strings=(" ",))
    request = Request("", settings, context_token_ids=(5, 6, 7), chat=chat)
    started, *_, finished = loaded("demo").generate(request, lambda: False)
    assert started.context_token_ids == (5, 6, 7)
    assert finished.reason == "stop_string"

    *_, finished = loaded(with_template).generate(request, lambda: False)
    assert finished.reason != "stop_string", "a template's answers end by themselves"


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[]"])
def test_settings_of_a_tokenizer_that_cannot_be_read_name_no_template(tmp_path, text):
    """Whether they can be used at all is for whoever loads the tokenizer to tell."""
    (tmp_path / "tokenizer_config.json").write_text(text)
    assert not has_template(tmp_path)

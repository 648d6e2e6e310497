"""What computes in a model's folder is stopped in time, and this process stays as it was."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time

import pytest
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from transformers import AutoTokenizer

from core.backends.local import LocalBackend
from core.models.catalog import DEMO, model_folder
from core.models.chat_prompt import ChatPrompts
from core.models.inspection.report import inspect_model
from core.models.loading import load_model
from core.models.sandbox import process as confined_module
from core.models.sandbox import tokenizer as folder_tokenizer
from core.models.sandbox.process import ConfinedError, confined
from core.records.chat import ChatFormat, Message
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished
from core.text.codec import TextCodec

MANY = "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}"
ENDS = "{% endfor %}" * 3
TEMPLATES = {
    "a power": "{{ 9**99999999 }}",
    "a power in a block": "{% set x = 9**9999999 %}{{ x }}",
    "nested ranges": MANY + ENDS,
    "nested ranges that write": MANY + "x" + ENDS,
    "a long string": "{{ 'a' * 99999999999 }}",
    "long strings kept": "{% set n = namespace(x='a') %}{% for a in range(60) %}"
    "{% set n.x = n.x ~ n.x %}{% endfor %}",
    "a wide field": "{{ '%999999999999d' % 3 }}",
    "a deep recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a list that grows": "{% set n = namespace(x=[1]) %}{% for a in range(60) %}"
    "{% set n.x = n.x + n.x %}{% endfor %}",
    "exits": "{{ ''.__class__.__mro__ }}{{ raise_exception('no') }}",
}
CHAT = ChatFormat("Once.\n", "Q: ", "A:")
REQUEST = Request("", Settings(max_new_tokens=2), messages=(Message("user", "Hi"),), chat=CHAT)
SLOW = 25.0
"""Seconds within which everything here must have come to its end, on a slow machine too."""


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    monkeypatch.setattr(folder_tokenizer, "_TEMPLATE_SECONDS", 0.4)
    monkeypatch.setattr(folder_tokenizer, "_TEXT_SECONDS", 0.4)
    monkeypatch.setattr(confined_module, "_MOST_MEMORY", 2**30)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SLOW


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model_folder(DEMO), folder)
    return folder


def loaded(folder, engine="auto"):
    backend = LocalBackend(str(folder), device="cpu", engine=engine)
    backend.load(lambda stage, share=None: None)
    return backend


def rewrite(folder, **parts):
    """Change parts of the folder's tokenizer, and keep transformers from making its own of it."""
    path = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.save(str(path))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def events_of(backend, request, is_cancelled=lambda: False):
    return list(backend.generate(request, is_cancelled))


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_without_end_is_told_and_the_next_one_works(folder, template):
    (folder / "chat_template.jinja").write_text(template)
    assert folder_tokenizer.has_template(folder)
    with pytest.raises(ConfinedError, match=r"was stopped|broke off|failed: "):
        folder_tokenizer.rendered(folder, REQUEST.messages)
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    assert folder_tokenizer.has_template(folder)
    assert folder_tokenizer.rendered(folder, REQUEST.messages) == "Hi"


def test_a_run_with_a_template_without_end_is_told_and_the_next_run_works(folder):
    (folder / "chat_template.jinja").write_text(TEMPLATES["a power"])
    backend = loaded(folder)
    with pytest.raises(PlaygroundError, match=r"the model's chat template was .*pick a preset"):
        events_of(backend, REQUEST)
    *_, finished = events_of(backend, Request("Once", Settings(max_new_tokens=2)))
    assert len(finished.token_ids) == 2


@pytest.mark.parametrize("name", ["a power", "nested ranges"])
def test_a_template_is_stopped_at_once_and_other_threads_go_on(folder, name, monkeypatch):
    monkeypatch.setattr(folder_tokenizer, "_TEMPLATE_SECONDS", 600.0)
    (folder / "chat_template.jinja").write_text(TEMPLATES[name])
    backend = loaded(folder)
    backend._chat_prompts(backend._ready())
    is_cancelled = threading.Event()
    threading.Timer(0.5, is_cancelled.set).start()
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.02):
            ticks.append(time.monotonic())

    threading.Thread(target=tick, daemon=True).start()
    began = time.monotonic()
    (finished,) = events_of(backend, REQUEST, is_cancelled.is_set)
    done.set()
    assert isinstance(finished, Finished)
    assert finished.reason == "cancelled"
    assert 0.4 < time.monotonic() - began < 5
    assert len(ticks) > 10, "the other threads waited as well"


GROWING = {"normalizer": normalizers.Sequence([normalizers.Replace("a", "aa")] * 60)}
BACKTRACKING = [
    {"pre_tokenizer": pre_tokenizers.Split(Regex("(a+)+$"), "isolated")},
    {"pre_tokenizer": pre_tokenizers.Split(Regex("(a|a|aa)*[bc]"), "isolated")},
    {"normalizer": normalizers.Replace(Regex("(a*)*[bc]"), "")},
]


@pytest.mark.parametrize("parts", BACKTRACKING)
def test_a_regular_expression_comes_to_an_end(folder, parts):
    """Whether by a sentence or by what it finds: its library may give up by itself."""
    rewrite(folder, **parts)
    backend = loaded(folder)
    with contextlib.suppress(PlaygroundError):
        backend.prompt_tokens("a" * 2000 + "!", is_beginning=True)
    assert len(events_of(backend, Request("!", Settings(max_new_tokens=2)))) > 2


@pytest.mark.parametrize("engine", ["fast", "transformers"])
def test_a_tokenizer_without_end_is_told(folder, engine):
    rewrite(folder, **GROWING)
    backend = loaded(folder, engine)
    for read in (
        lambda: events_of(backend, Request("a", Settings(max_new_tokens=2))),
        lambda: backend.score("a", (), lambda: False),
    ):
        with pytest.raises(PlaygroundError, match=r"model's tokenizer (was stopped|broke)"):
            read()
    *_, finished = events_of(backend, Request("b", Settings(max_new_tokens=2)))
    assert len(finished.token_ids) == 2


def test_a_tokenizer_is_stopped_at_once(folder, monkeypatch):
    monkeypatch.setattr(folder_tokenizer, "_TEXT_SECONDS", 600.0)
    monkeypatch.setattr(confined_module, "_MOST_MEMORY", 2**40)
    rewrite(folder, **GROWING)
    backend = loaded(folder)
    is_cancelled = threading.Event()
    threading.Timer(0.2, is_cancelled.set).start()
    request = Request("a", Settings(max_new_tokens=2))
    (finished,) = events_of(backend, request, is_cancelled.is_set)
    assert finished.reason == "cancelled"


def test_tokens_by_the_billion_are_told(folder, monkeypatch):
    monkeypatch.setattr(confined_module, "_OPEN_SECONDS", 1.5)
    settings = {"tokenizer_class": "T5Tokenizer", "extra_ids": 10**9}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(PlaygroundError, match=r"the tokenizer of "):
        load_model(str(folder), "cpu", "float32", lambda stage, share=None: None)
    report = inspect_model(folder, "it")
    assert report.tokenizer is None
    assert "the tokenizer cannot be read: " in report.tokenizer_note


@pytest.mark.parametrize(
    "decoder",
    [
        decoders.Sequence([decoders.Replace("a", "aa")] * 40),
        decoders.Sequence([decoders.Replace("a", "a" * 1000), decoders.Fuse()]),
        decoders.Replace(Regex("(a+)+$"), ""),
        decoders.Sequence([decoders.Sequence([decoders.Replace(Regex("x"), "y")])]),
    ],
)
@pytest.mark.parametrize("engine", ["auto", "transformers"])
def test_a_decoder_that_computes_is_refused(folder, decoder, engine):
    rewrite(folder, decoder=decoder)
    with pytest.raises(PlaygroundError, match="rewrites each token's text"):
        load_model(str(folder), "cpu", "float32", lambda stage, share=None: None, engine)


def test_ordinary_decoders_are_not_refused(folder):
    llama = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    rewrite(folder, decoder=decoders.Sequence([*llama, decoders.Strip(" ", 1, 0)]))
    loaded(folder)


def test_the_text_is_tokenised_as_in_this_process(folder):
    pattern = r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s+"
    rewrite(
        folder,
        pre_tokenizer=pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(pattern), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        ),
    )
    backend = loaded(folder)
    ours = AutoTokenizer.from_pretrained(folder)
    for text in ("Once upon a time", "  é\u3000世界 🦄\n\n12345", "\ufefft\u200d"):
        expected = ours(text, return_offsets_mapping=True)
        tokens = backend.prompt_tokens(text, is_beginning=True)
        assert [one.token_id for one in tokens] == expected["input_ids"]
        assert [(one.start, one.end) for one in tokens] == expected["offset_mapping"]


@pytest.mark.usefixtures("started_anew")
def test_nothing_of_the_working_directory_is_run(folder, tmp_path, monkeypatch):
    for name in ("transformers", "json", "core", "sitecustomize", "resource"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')\n")
    monkeypatch.chdir(tmp_path)
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    assert events_of(loaded(folder), REQUEST)
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("started_anew")
def test_the_child_ends_with_what_started_it(folder):
    (folder / "chat_template.jinja").write_text(TEMPLATES["nested ranges"])
    with pytest.raises(PlaygroundError):
        events_of(loaded(folder), REQUEST)
    confined().prepare()
    process = confined()._process
    process.stdin.close()  # as where the program is gone
    assert process.wait(20) == 0


@pytest.mark.usefixtures("started_anew")
def test_a_working_directory_that_is_removed_meanwhile(folder, tmp_path, monkeypatch):
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    monkeypatch.chdir(doomed)
    doomed.rmdir()
    encode = folder_tokenizer.read_tokenizer(folder).encode
    assert encode is not None
    assert encode("a", True).ids


@pytest.mark.usefixtures("started_anew")
def test_a_folder_named_from_the_working_directory(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert loaded(folder.name, "transformers").prompt_tokens("a", is_beginning=True)


def test_what_a_template_writes_and_no_token_spells(folder):
    """The sentence must not have a person look for it in what was typed."""
    codec = TextCodec(Tokenizer(BPE({"H": 0, "i": 1}, [])))
    with pytest.raises(PlaygroundError, match=r"as the preset's chat writes it, .* 'O' \(U\+004F"):
        ChatPrompts(folder, codec, None).request(REQUEST, CHAT)
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}-")
    with pytest.raises(
        PlaygroundError, match=r"as the model's chat template writes it, .* '-' \(U"
    ):
        ChatPrompts(folder, codec, None).request(REQUEST, CHAT)


def test_an_error_without_words_is_told_by_its_kind(folder):
    (folder / "chat_template.jinja").write_text("{{ 'a' * 10**10 }}")
    prompts = ChatPrompts(folder, TextCodec(Tokenizer(BPE({"a": 0}, []))), None)
    with pytest.raises(PlaygroundError, match=r"refuses this conversation \(MemoryError\)"):
        prompts.request(REQUEST, CHAT)


@pytest.mark.usefixtures("started_anew")
def test_what_one_thread_no_longer_wants_others_still_get(folder):
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    is_cancelled, may_end = threading.Event(), threading.Event()

    def give_up():
        with confined().while_wanted(is_cancelled.is_set):
            entered.set()
            may_end.wait(SLOW)

    entered = threading.Event()
    thread = threading.Thread(target=give_up)
    thread.start()
    entered.wait(SLOW)
    with confined().while_wanted(lambda: False):
        is_cancelled.set()
        may_end.set()
        thread.join()
        assert folder_tokenizer.has_template(folder)
    confined().close()  # started anew it takes a while, so that it is looked whether it is wanted
    assert folder_tokenizer.has_template(folder)
    runs = [
        loaded(folder).generate(REQUEST, cancel.is_set)
        for cancel in (threading.Event(), is_cancelled)
    ]
    assert [next(run) for run in runs]
    for run in runs:
        run.close()
    confined().close()
    assert folder_tokenizer.has_template(folder)

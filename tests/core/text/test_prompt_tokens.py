"""A prompt's tokens with ids, texts and bounds, from every thread and for every text."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from core.backends.local import LocalBackend
from core.backends.scripted import ScriptedBackend
from core.backends.worker import GenerationService
from core.records.errors import PlaygroundError
from core.records.loading import Ready
from core.records.prompt_tokens import PromptToken, ends_in_a_words_space
from core.records.request import Request
from core.records.settings import Settings
from core.text.codec import TextCodec
from tests.places import GPT2_TOKENIZER
from tests.reference import byte_codec

CODEC = byte_codec()


def silent(stage, share=None):
    pass


@pytest.fixture(scope="module")
def gpt2():
    if not (GPT2_TOKENIZER / "vocab.json").is_file():
        pytest.skip("GPT-2's vocab.json and merges.txt are not here")
    tokenizer = Tokenizer(
        BPE.from_file(str(GPT2_TOKENIZER / "vocab.json"), str(GPT2_TOKENIZER / "merges.txt"))
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return TextCodec(tokenizer)


def test_the_known_sentence(gpt2):
    tokens = gpt2.tokens("A long long time ago, ", is_beginning=True)
    assert [token.token_id for token in tokens] == [32, 890, 890, 640, 2084, 11, 220]
    assert [token.text for token in tokens] == ["A", " long", " long", " time", " ago", ",", " "]


def test_a_split_character_is_shown_as_its_bytes(gpt2):
    tokens = gpt2.tokens("a😀", is_beginning=True)
    assert [token.text for token in tokens] == ["a", r"\xf0\x9f\x98", r"\x80"]
    assert [(token.start, token.end) for token in tokens] == [(0, 1), (1, 2), (1, 2)]


@given(st.text())
def test_tokens_are_those_that_a_run_gets(text):
    tokens = CODEC.tokens(text, is_beginning=True)
    assert [token.token_id for token in tokens] == CODEC.encode(text, is_beginning=True)
    assert all("\ufffd" not in token.text for token in tokens)
    assert {at for token in tokens for at in range(token.start, token.end)} == set(range(len(text)))


def test_a_broken_character_is_told():
    with pytest.raises(PlaygroundError, match="broken character at position 2"):
        CODEC.tokens("a\ud83d", is_beginning=True)


def test_a_long_text_lets_other_threads_run(demo):
    """Guards against ``Tokenizer.encode``, which holds the interpreter's lock while it works."""
    text = "The quick brown fox jumps over the lazy dog. " * 20_000
    ticks = []
    is_done = threading.Event()

    def tick():
        while not is_done.wait(0.001):
            ticks.append(time.monotonic())

    ticker = threading.Thread(target=tick)
    ticker.start()
    tokens = demo.codec.tokens(text, is_beginning=True)
    is_done.set()
    ticker.join()
    assert len(tokens) > 100_000
    assert len(ticks) > 10


def test_the_local_backend_needs_a_model():
    backend = LocalBackend("demo", "cpu", "float32")
    with pytest.raises(PlaygroundError, match="no model is loaded"):
        backend.prompt_tokens("a", is_beginning=True)
    with pytest.raises(PlaygroundError, match="no model is loaded"):
        backend.inspect()


def test_the_local_backend_answers_while_it_generates():
    backend = LocalBackend("demo", "cpu", "float32")
    info = backend.load(silent)
    run = backend.generate(Request("Once upon", Settings(max_new_tokens=3)), lambda: False)
    started = next(run)
    tokens = backend.prompt_tokens("Once upon", is_beginning=True)
    assert tuple(token.token_id for token in tokens) == started.prompt_token_ids
    report = backend.inspect()
    assert report.name == "demo"
    assert report.totals.parameters == info.parameters
    assert len(list(run)) == 4
    backend.close()
    with pytest.raises(PlaygroundError, match="no model is loaded"):
        backend.prompt_tokens("a", is_beginning=True)


@pytest.mark.parametrize("prompt", ["", "  ", "a", " a  b\n", "a b c "])
def test_the_script_counts_as_it_runs(prompt):
    backend = ScriptedBackend()
    started = next(backend.generate(Request(prompt, Settings()), lambda: False))
    tokens = backend.prompt_tokens(prompt, is_beginning=True)
    assert tuple(token.token_id for token in tokens) == started.prompt_token_ids
    assert "".join(token.text for token in tokens) == (prompt if prompt.strip() else "")


def test_the_service_asks_the_model_that_answers():
    service = GenerationService()
    with pytest.raises(PlaygroundError, match="no model is loaded"):
        service.prompt_tokens("a", is_beginning=True)
    service.start(ScriptedBackend)
    deadline = time.monotonic() + 10
    events = []
    while not any(isinstance(event, Ready) for event in events):
        assert time.monotonic() < deadline
        events += service.drain()
        time.sleep(0.005)
    assert [token.text for token in service.prompt_tokens("a b", is_beginning=True)] == ["a", " b"]
    assert service.inspect().name == "scripted"
    service.close()
    with pytest.raises(PlaygroundError, match="no model is loaded"):
        service.inspect()


def tokens_of(*texts):
    return tuple(PromptToken(at, text, 0, 0) for at, text in enumerate(texts))


@pytest.mark.parametrize(
    ("text", "before", "behind", "is_told"),
    [
        ("ago, ", ("ago", ",", " "), ("ago", ",", " a"), True),
        ("ago  ", ("ago", "  "), ("ago", " ", " a"), True),
        ("ago,", ("ago", ","), ("ago", ",a"), False),
        ("ago, ", ("o", ",", " "), ("o", ",", " ", "a"), False),  # of a tokenizer of characters
        ("ago\n", ("ago", "\n"), ("ago", "\n", "a"), False),
        (" ", (), (), False),
    ],
)
def test_a_space_at_the_end_is_told_where_words_bring_their_own(text, before, behind, is_told):
    made = {text: tokens_of(*before), text + "a": tokens_of(*behind)}
    assert ends_in_a_words_space(text, made.__getitem__) is is_told

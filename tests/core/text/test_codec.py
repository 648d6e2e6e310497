"""Characters appear once, whole; tokens are named for what they are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from core.text.codec import TextCodec
from tests.places import GPT2_TOKENIZER
from tests.reference import byte_codec

CODEC = byte_codec()


def stream(codec, token_ids, context=()):
    state = codec.state_after(context)
    chunks = []
    for token_id in token_ids:
        text, state = codec.extend(state, token_id)
        chunks.append(text)
    return chunks, state.pending


@given(st.text())
def test_streamed_text_is_the_text_and_never_half_a_character(text):
    chunks, pending = stream(CODEC, CODEC.encode(text, is_beginning=True))
    assert "".join(chunks) == text
    assert pending == ()


@given(st.text(min_size=1), st.integers(0, 12))
def test_a_character_split_between_context_and_continuation(text, cut):
    token_ids = CODEC.encode(text, is_beginning=True)
    cut = min(cut, len(token_ids))
    before, _ = stream(CODEC, token_ids[:cut])
    after, pending = stream(CODEC, token_ids[cut:], context=token_ids[:cut])
    assert "".join(before) + "".join(after) + CODEC.decode(pending) == text


def test_partial_bytes_are_spelled_out():
    first, second, third = CODEC.encode("世", is_beginning=True)
    assert [CODEC.token_text(one) for one in (first, second, third)] == ["\\xe4", "\\xb8", "\\x96"]


def test_a_replacement_mark_is_a_character_like_any_other():
    """Behind a prompt that ends in one it must not come a second time."""
    prompt = CODEC.encode("a\ufffd", is_beginning=True)
    assert CODEC.state_after(prompt).pending == ()
    chunks, pending = stream(CODEC, CODEC.encode("b\ufffd", is_beginning=False), context=prompt)
    assert chunks == ["b", "", "", "\ufffd"]
    assert pending == ()


def test_bytes_that_no_other_can_complete_do_not_wait():
    (_first, second, _third) = CODEC.encode("世", is_beginning=True)
    chunks, pending = stream(CODEC, [second])
    assert chunks == ["\ufffd"]
    assert pending == ()


def test_invalid_bytes_wait_and_are_then_shown_once():
    (first, *_rest) = CODEC.encode("世", is_beginning=True)
    letter = CODEC.encode("a", is_beginning=True)[0]
    chunks, pending = stream(CODEC, [first, first, letter])
    assert chunks == ["", "", "\ufffd\ufffda"]
    assert pending == ()


@pytest.mark.skipif(
    not GPT2_TOKENIZER.is_dir(), reason="GPT-2's vocabulary is not beside the checkout"
)
def test_gpt2_vocabulary():
    files = [str(GPT2_TOKENIZER / name) for name in ("vocab.json", "merges.txt")]
    tokenizer = Tokenizer(BPE.from_file(*files))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    codec = TextCodec(tokenizer)
    assert codec.encode("A long long time ago, ", is_beginning=True) == [
        32,
        890,
        890,
        640,
        2084,
        11,
        220,
    ]
    assert len(json.loads((GPT2_TOKENIZER / "vocab.json").read_text())) == 50257
    assert codec.token_text(890) == " long"
    text = "naïve 世界 🦄 \t\n  def f(): pass"
    assert "".join(stream(codec, codec.encode(text, is_beginning=True))[0]) == text

"""Texts streamed token by token, put together, are what all tokens at once decode to."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from core.records.decode_state import DecodeState
from core.text.codec import TextCodec

CORPUS = [
    "Once upon a time there was a little girl who lived in a house with her mother.",
    "It's a nice day, isn't it? Don't stop! The robot said: hello world , hello again .",
    "naïve cafés, 世界 and 🦄  two spaces",
]
UNKNOWN = "<unk>"
SPECIAL = ["<s>", "</s>", UNKNOWN]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SPLIT = pre_tokenizers.BertPreTokenizer


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    return tokenizer, trainer


def words_that_end_in_a_mark():
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN, end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = SPLIT()
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    trainer = trainers.BpeTrainer(
        vocab_size=150,
        special_tokens=SPECIAL,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    return tokenizer, trainer


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = SPLIT()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=SPECIAL, show_progress=False)
    return tokenizer, trainer


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=SPECIAL, unk_token=UNKNOWN, show_progress=False
    )
    return tokenizer, trainer


def byte_fallback():
    """As Llama 2's: a space before the text, bytes for what the vocabulary lacks."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token=UNKNOWN, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=[*SPECIAL, *BYTES],
        limit_alphabet=26,
        show_progress=False,
    )
    return tokenizer, trainer


def characters():
    """Without a decoder: all tokens are joined by spaces."""
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    return tokenizer, trainers.BpeTrainer(
        vocab_size=70, special_tokens=SPECIAL, show_progress=False
    )


KINDS = (byte_level, words_that_end_in_a_mark, word_piece, unigram, byte_fallback, characters)


@cache
def codec_of(kind):
    tokenizer, trainer = kind()
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer, TextCodec(tokenizer)


def streamed(codec, token_ids, state=None):
    """The text of each token; what is pending at the end comes with the last one."""
    state = DecodeState() if state is None else state
    pieces = [""]
    for token_id in token_ids:
        text, state = codec.extend(state, token_id)
        pieces.append(text)
    return [*pieces[:-1], pieces[-1] + codec.rest(state)]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(data=st.data())
def test_any_tokens(kind, data):
    tokenizer, codec = codec_of(kind)
    known = [token_id for token, token_id in tokenizer.get_vocab().items() if token not in BYTES]
    known.append(100_000)  # as of a padded vocabulary
    token_ids = data.draw(st.lists(st.sampled_from(sorted(known)), max_size=12))
    cut = data.draw(st.integers(0, len(token_ids)))
    whole = tokenizer.decode(token_ids, skip_special_tokens=False)

    assert "".join(streamed(codec, token_ids)) == whole
    if kind is not byte_level or "\ufffd" not in codec.decode(token_ids[:cut]):
        before = codec.decode(token_ids[:cut])
        after = streamed(codec, token_ids[cut:], codec.state_after(token_ids[:cut]))
        assert before + "".join(after) == whole


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(text=st.lists(st.sampled_from([*"ab ,.é世🦄\n", "  ", "girl ", "don't "])).map("".join))
def test_any_text(kind, text):
    tokenizer, codec = codec_of(kind)
    token_ids = tokenizer.encode(text).ids

    assert "".join(streamed(codec, token_ids)) == codec.decode(token_ids)


def test_a_space_comes_with_the_word_behind_it():
    """BPEDecoder writes a word's own space only where another word follows."""
    tokenizer, codec = codec_of(words_that_end_in_a_mark)
    token_ids = tokenizer.encode("girl was in a house").ids
    pieces = streamed(codec, token_ids)

    assert "".join(pieces) == "girl was in a house"
    assert not any(piece.endswith(" ") for piece in pieces)
    state = codec.state_after(tokenizer.encode("Once upon").ids)
    inner, last = tokenizer.token_to_id("l"), tokenizer.token_to_id("l</w>")
    assert codec.extend(state, inner)[0] == " l"
    assert (codec.token_text(inner), codec.token_text(last)) == ("l", "l ")


def test_broken_fallback_bytes_are_marked_one_by_one():
    """The decoder marks every byte of a run with a broken one: also those already shown."""
    tokenizer, codec = codec_of(byte_fallback)
    broken = tokenizer.token_to_id("<0xFF>")
    whole = [tokenizer.token_to_id(f"<0x{byte:02X}>") for byte in "世".encode()]

    assert streamed(codec, [*whole, broken, *whole]) == ["", "", "", "世", "\ufffd", "", "", "世"]
    assert streamed(codec, whole[:2]) == ["", "", "\ufffd\ufffd"]

"""What a tokenizer cannot spell is told with the character; none is assumed to know any letter."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, Unigram, WordLevel, WordPiece

from core.looking_back.explain import tokens_of
from core.records.decode_state import DecodeState
from core.records.errors import PlaygroundError
from core.text.codec import TextCodec

LETTERS = "ACGT"
UNKNOWN = "[UNK]"
IDS = {letter: at for at, letter in enumerate(LETTERS)}


def letters(model):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken("<end>", special=True)])
    return tokenizer


def byte_level_of_few_bytes():
    tokenizer = Tokenizer(BPE(IDS, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def words(model):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


DNA = {
    "letters as words": letters(WordLevel(IDS)),
    "an unknown token that is not there": letters(WordLevel(IDS, unk_token=UNKNOWN)),
    "unigram": letters(Unigram([(one, -1.0) for one in LETTERS])),
    "unigram of bytes that are not there": letters(
        Unigram([(one, -1.0) for one in LETTERS], byte_fallback=True)
    ),
    "bpe": letters(BPE(IDS, [])),
    "bpe of bytes that are not there": letters(BPE(IDS, [], byte_fallback=True)),
    "bpe whose unknown token is not there": letters(BPE(IDS, [], unk_token=UNKNOWN)),
    "bpe in one piece": Tokenizer(BPE(IDS, [])),
    "bytes": byte_level_of_few_bytes(),
}


@pytest.mark.parametrize("tokenizer", DNA.values(), ids=DNA)
@pytest.mark.parametrize("unknown", ["a", "x", "é", "世", "🦄", " ", "\n", "\u200d", "\u3000"])
def test_the_character_is_told(tokenizer, unknown):
    codec = TextCodec(tokenizer)
    assert codec.encode("GAT", is_beginning=True) == [2, 0, 3]
    for read in (codec.encode, codec.tokens):
        with pytest.raises(
            PlaygroundError, match=rf"U\+{ord(unknown):04X}, character 3 of"
        ) as told:
            read(f"GA{unknown}T{unknown}", is_beginning=False)
        assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize("tokenizer", DNA.values(), ids=DNA)
def test_tokens_are_named_and_written_though_nothing_else_can_be(tokenizer):
    codec = TextCodec(tokenizer)
    assert [codec.token_text(one).strip() for one in range(4)] == list(LETTERS)
    texts, state = [], DecodeState()
    for token_id in (2, 0, 3):
        text, state = codec.extend(state, token_id)
        texts.append(text)
    assert "".join(texts) == tokenizer.decode([2, 0, 3])


@pytest.mark.parametrize("name", ["letters as words", "unigram", "bpe"])
def test_special_tokens_are_no_characters_that_are_missing(name):
    codec = TextCodec(DNA[name])
    assert codec.encode("<end>GA<end>", is_beginning=False) == [4, 2, 0, 4]
    with pytest.raises(PlaygroundError, match="character 8 of"):
        codec.encode("<end>GAx<end>", is_beginning=False)


@pytest.mark.parametrize("model", [WordLevel, WordPiece])
def test_of_a_list_of_words_the_word_is_told(model):
    codec = TextCodec(words(model({"the": 0, "cat": 1, "a": 2})))
    assert codec.encode("the cat", is_beginning=True) == [0, 1]
    with pytest.raises(PlaygroundError, match="cannot spell 'cart'"):
        codec.encode("the cart", is_beginning=True)


def test_what_a_normalizer_removes_on_purpose_is_not_missing():
    tokenizer = letters(BPE(IDS, []))
    tokenizer.normalizer = normalizers.Replace("-", "")
    assert TextCodec(tokenizer).encode("G-A", is_beginning=True) == [2, 0]


def test_ends_of_words_and_their_insides_are_spelled_where_they_stand():
    """``a`` is a token only at the end of a word, ``c`` only at its beginning."""
    tokenizer = words(BPE({"a</w>": 0, "c": 1}, [], end_of_word_suffix="</w>"))
    codec = TextCodec(tokenizer)
    assert codec.encode("ca", is_beginning=True) == [1, 0]
    with pytest.raises(PlaygroundError, match="cannot spell"):
        codec.encode("ac", is_beginning=True)


def test_a_tokenizer_that_spells_every_byte_is_not_asked_twice():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE({one: at for at, one in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    codec = TextCodec(tokenizer)
    assert codec.decode(codec.encode("é世🦄\u200d", is_beginning=True)) == "é世🦄\u200d"
    codec.check_stop_strings(("é世🦄",))


def test_a_stop_string_that_cannot_come_is_refused():
    codec = TextCodec(DNA["bpe"])
    codec.check_stop_strings(("GAT", "T"))
    with pytest.raises(PlaygroundError, match=r"'GAx' can never come.*'x' \(U\+0078\)"):
        codec.check_stop_strings(("GAT", "GAx"))


def test_part_of_a_word_may_be_a_stop_string():
    TextCodec(words(WordLevel({"the": 0, "cat": 1}))).check_stop_strings(("e ca",))


def test_a_token_is_looked_up_where_no_space_can_be_spelled():
    codec = TextCodec(DNA["letters as words"])
    assert [one.token_id for one in tokens_of(codec, "T")] == [3]
    assert [one.token_id for one in tokens_of(codec, "2")] == [2]
    with pytest.raises(PlaygroundError, match="cannot spell 'x'"):
        tokens_of(codec, "x")


def test_a_panic_of_the_tokenizer_is_a_sentence():
    class Panics:
        """Stands for a tokenizer that panics, which raises what is no ``Exception``."""

        def __getattr__(self, name):
            return getattr(DNA["bpe"], name)

        def encode_batch(self, *_texts, **_options):
            raise BaseException("index out of bounds")

    with pytest.raises(PlaygroundError, match=r"cannot read the text: .*index out of bounds"):
        TextCodec(Panics()).encode("GAT", is_beginning=True)


def test_rules_of_decoding_that_panic():
    tokenizer = letters(BPE(IDS, []))
    tokenizer.decoder = decoders.Strip("A", 1, 1)
    with pytest.raises(PlaygroundError, match="cannot write its tokens as text: PanicException"):
        TextCodec(tokenizer)

"""Texts among the settings: which tokens they mean, how they are told, and what is refused."""

from __future__ import annotations

import pytest

from core.decoding.token_texts import read_texts, told, with_token_ids
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from tests.reference import behind, byte_codec, run_ours, tiny_gpt2

CODEC = byte_codec()
A, B, SPACE = (CODEC.encode(one, is_beginning=False)[0] for one in "ab ")


def in_ids(**settings):
    return with_token_ids(Settings(**settings), CODEC, 256)


def test_a_word_counts_as_it_stands_and_behind_a_space():
    assert in_ids(bad_words_ids=["ab", " a", [7]]).bad_words_ids == (
        *((A, B), (SPACE, A, B)),
        *((SPACE, A), (7,)),
    )
    assert in_ids(sequence_bias={"a": 2.0}).sequence_bias == (((A,), 2.0), ((SPACE, A), 2.0))
    readings = [(A, B), (SPACE, A, B)]
    (read,) = read_texts(Settings(bad_words_ids=["ab", [7]]), CODEC)
    assert (read.name, read.text, list(read.readings)) == ("bad_words_ids", "ab", readings)


def test_a_token_is_taken_to_the_letter_and_must_be_one():
    assert in_ids(suppress_tokens=["a", 7, " "]).suppress_tokens == (A, 7, SPACE)
    with pytest.raises(PlaygroundError, match=r"'ab' is 2 to this model \('a' 'b'\)"):
        in_ids(suppress_tokens="ab")


def test_the_negative_prompt_is_read_as_a_prompt():
    assert in_ids(guidance_scale=2, negative_prompt_ids="ab").negative_prompt_ids == (A, B)


@pytest.mark.parametrize(
    "settings",
    [
        {"bad_words_ids": [[1, 256]]},
        {"sequence_bias": [[[256], 1.0]]},
        {"begin_suppress_tokens": 256},
        {"guidance_scale": 2, "negative_prompt_ids": [256]},
    ],
)
def test_an_id_that_the_model_has_not_is_refused(settings):
    with pytest.raises(PlaygroundError, match=r"names token 256, and this model's tokens are 0 to"):
        in_ids(**settings)


def test_they_are_told_as_tokens():
    settings = in_ids(bad_words_ids="ab", sequence_bias={" a": -2.5}, suppress_tokens=["a", B])
    assert told(settings, "bad_words_ids", CODEC) == "'a' 'b', ' ' 'a' 'b'"
    assert told(settings, "sequence_bias", CODEC) == "' ' 'a' -2.5"
    assert told(settings, "suppress_tokens", CODEC) == "'a' 'b'"
    decay = Settings(exponential_decay_length_penalty=(5, 1.1))
    assert told(decay, "exponential_decay_length_penalty", CODEC) == "1.1 from token 5 on"


def test_a_run_with_texts_is_the_run_with_their_ids():
    module = tiny_gpt2(3, vocab_size=256)
    given = {"bad_words_ids": ["a", "b"], "eos_token_id": "c", "max_new_tokens": 12}
    texts = run_ours(behind("torch", module), CODEC, Settings(**given), context=(1, 2))
    ids = run_ours(behind("torch", module), CODEC, in_ids(**given), context=(1, 2))
    assert texts.finished.token_ids == ids.finished.token_ids

"""Where settings remove every token: a sentence, or the tokens of ``generate()``; never a fault.

``generate()`` itself raises there where anything is drawn (``RuntimeError`` of multinomial, or
``ValueError`` of the entropy that ``top_h`` and ``eta_cutoff`` take), and greedily takes token 0.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.looking_back.explain import explain
from core.looking_back.given_text.scoring import score_tokens
from core.looking_back.other_settings.sweep import Sweeper
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from tests.core.decoding.test_parity import every_penalty, every_warper, mappings, seeds
from tests.core.looking_back.recorded import CODEC, recorded
from tests.reference import behind, run_ours, run_theirs, tiny_gpt2

VOCABULARY = 24
EVERY = tuple(range(VOCABULARY))
PROMPT = (3, 4, 5)
nothing = st.sampled_from(
    [
        {"suppress_tokens": EVERY},
        {"bad_words_ids": tuple((one,) for one in EVERY)},
        {"suppress_tokens": EVERY[1:], "min_new_tokens": 6},
        {"begin_suppress_tokens": EVERY},
    ]
)


@pytest.fixture(scope="module")
def model():
    return behind("torch", tiny_gpt2(7, vocab_size=VOCABULARY, eos_token_id=0).float())


@pytest.fixture(scope="module")
def plain(model):
    settings = Settings(max_new_tokens=6, min_new_tokens=6)
    return recorded(model, CODEC, settings, context=PROMPT)[0]


def sentence_of(call):
    """Return why ``call`` refused; empty where it did not. Anything else is a fault."""
    try:
        call()
    except PlaygroundError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["top_h", "eta_cutoff", "temperature"])
@pytest.mark.parametrize("num_beams", [1, 3])
def test_generate_fails_and_a_run_says_why(model, name, num_beams):
    mapping = {"suppress_tokens": EVERY, name: 0.5, "do_sample": True, "num_beams": num_beams}
    chosen = Settings(**mapping)
    with pytest.raises((ValueError, RuntimeError)):
        run_theirs(tiny_gpt2(7, vocab_size=VOCABULARY).float(), PROMPT, chosen)
    told = sentence_of(lambda: run_ours(model, CODEC, chosen, context=PROMPT))
    assert told.startswith("these settings leave no probabilities to draw from")
    assert "remove fewer tokens" in told


@settings(max_examples=60)
@given(seeds, nothing, mappings({}, every_penalty | every_warper, most=3), st.integers(1, 3))
def test_whatever_stands_beside_it_it_ends_in_a_sentence_at_most(
    model, plain, seed, banned, mapping, num_beams
):
    mapping = {**mapping, **banned, "do_sample": True, "seed": seed, "max_new_tokens": 8}
    mapping.pop("forced_eos_token_id", None)
    chosen = Settings(**mapping)
    beams = chosen.replace(num_beams=num_beams)
    told = sentence_of(lambda: run_ours(model, CODEC, beams, context=PROMPT))
    assert not told or "no probabilities" in told
    scored = score_tokens(model, CODEC, PROMPT, plain.token_ids, [Preset("one", "", "", chosen)])
    assert not scored.verdicts[0].is_reachable or chosen.remove_invalid_values
    told = sentence_of(lambda: Sweeper(plain).sweep(chosen))
    assert not told or chosen.is_guided
    assert sentence_of(lambda: explain(plain, 0, chosen)) == told

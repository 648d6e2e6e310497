"""Special tokens are no text: a mark on the screen, nothing in what is asked for as text."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from core.decoding.engine import generate
from core.document.turn import Turn
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, Finished
from core.text.codec import TextCodec
from core.text.visible import SPECIAL_TOKEN
from tests.reference import behind, new_tokens, run_theirs, tiny_gpt2
from tui.prose.marked_text import plain_text
from tui.prose.turn import SPECIAL, TurnProse, View

NAMES = ("<|im_end|>", "</s>", "<|im_start|>", "<pad>")
LETTERS = sorted(pre_tokenizers.ByteLevel.alphabet())[:20]


def made():
    tokenizer = Tokenizer(BPE({one: at for at, one in enumerate(LETTERS)}, []))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in NAMES])
    return tokenizer, TextCodec(tokenizer)


TOKENIZER, CODEC = made()
EOS = [20, 21]
KINDS = {
    "greedy": {"max_new_tokens": 24},
    "sample": {"do_sample": True, "max_new_tokens": 24, "top_k": 0},
    "beams": {"num_beams": 4, "max_new_tokens": 12},
}


def run(kind, seed, *, skips, stop_strings=()):
    model = behind("transformers", tiny_gpt2(seed, eos_token_id=EOS, n_positions=64))
    settings = Settings(**KINDS[kind], seed=seed, stop_strings=stop_strings)
    request = Request("", settings, (1, 2, 3), skip_special_tokens=skips)
    return list(generate(model, CODEC, request, lambda: False))


def turn_of(events):
    turn = Turn("", "preset", Settings())
    turn.started, *turn.steps, turn.finished = events
    return turn


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_is_that_of_decode(kind):
    """As ``decode(skip_special_tokens=True)`` and ``False``; which tokens come is the same."""
    ended = inside = 0
    for seed in range(12):
        without, spelled = run(kind, seed, skips=True)[-1], run(kind, seed, skips=False)[-1]
        ids = list(without.token_ids)
        assert spelled.token_ids == without.token_ids
        assert without.text == TOKENIZER.decode(ids, skip_special_tokens=True)
        assert spelled.text == TOKENIZER.decode(ids, skip_special_tokens=False)
        ended += without.reason == "end_of_text"
        inside += any(one >= len(LETTERS) for one in ids[:-1])
    assert ended
    assert inside or kind == "beams"


@pytest.mark.parametrize("kind", KINDS)
def test_the_screen_has_one_sign_for_each_and_a_copy_none(kind):
    seen = 0
    for seed in range(12):
        turn = turn_of(run(kind, seed, skips=True))
        prose = TurnProse(turn, first_step=0, before=None, width=200)
        prose.sync(View())
        pieces = [piece for line in prose.lines for piece in line]
        marks = [piece for piece in pieces if piece.kind == SPECIAL]
        special = sum(one >= len(LETTERS) for one in turn.token_ids)
        assert [piece.text for piece in marks] == [SPECIAL_TOKEN] * special
        assert plain_text(pieces) == turn.text
        assert not any(name in plain_text(pieces) for name in (*NAMES, "<|endoftext|>"))
        seen += special
    assert seen


def test_a_stop_string_may_be_a_special_token_s_name_as_in_generate():
    """``generate()`` matches stop strings in what it spells out."""
    found = 0
    for seed in range(30):
        module = tiny_gpt2(seed, eos_token_id=EOS, n_positions=64)
        settings = Settings(**KINDS["greedy"], stop_strings=("<|im_start|>",))
        request = Request("", settings, (1, 2, 3))
        finished = list(generate(behind("transformers", module), CODEC, request, lambda: False))[-1]
        assert isinstance(finished, Finished)
        free = run_theirs(module, (1, 2, 3), Settings(**KINDS["greedy"]))
        if finished.reason == "stop_string":
            found += 1
            assert finished.token_ids[-1] == 22
            assert "<|im_start|>" not in finished.text
        ids = tuple(new_tokens(free, (1, 2, 3)))
        cut = ids.index(22) + 1 if 22 in ids else len(ids)
        assert finished.token_ids == ids[:cut]
    assert found


def test_beams_tell_which_of_them_end_in_one():
    hypotheses = [
        one
        for seed in range(6)
        for step in run("beams", seed, skips=True)
        if isinstance(step, BeamStep)
        for one in (*step.hypotheses, *step.finished)
    ]
    assert any(one.is_special for one in hypotheses)
    for one in hypotheses:
        assert one.is_special == (one.token_ids[-1] >= len(LETTERS))
        assert one.text == TOKENIZER.decode(list(one.token_ids), skip_special_tokens=True)

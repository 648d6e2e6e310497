"""A model of 16 bit is never said to forbid what it wrote itself, however close a choice was."""

from __future__ import annotations

import pytest
import torch

from core.looking_back.given_text.scoring import score_tokens
from core.models.any import model as transformers_model
from core.models.gpt2 import prefill as gpt2_reading
from core.presets.book import Preset
from core.records.settings import Settings
from tests.core.looking_back.recorded import CODEC, Without
from tests.reference import NATIVE, behind, run_ours, tiny_gpt2

ENGINES = pytest.mark.parametrize("engine", ["transformers", "torch", "graph", NATIVE])
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
PRESETS = (
    Preset("greedy", "", "", Settings(max_new_tokens=30)),
    Preset("sample", "", "", Settings(max_new_tokens=30, do_sample=True, top_k=3, seed=1)),
    Preset("nucleus", "", "", Settings(max_new_tokens=30, do_sample=True, top_p=0.5, seed=1)),
)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """So small models gain nothing from a second."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def close_choices(seed):
    """A model whose likeliest tokens hardly differ."""
    return tiny_gpt2(seed, vocab_size=250, sharpness=0.15, n_embd=64, eos_token_id=None)


def refusals(model, presets=PRESETS, context=(1, 2, 3, 4, 5, 6, 7, 8, 9)):
    """Which presets are said to forbid the text that they wrote."""
    found = []
    for preset in presets:
        written = run_ours(model, CODEC, preset.settings, context=context).finished.token_ids
        assert len(written) == 30
        scored = score_tokens(model, CODEC, context, written, [preset])
        found += [preset.name] * (scored.verdicts[0].is_reachable is not True)
    return found


@ENGINES
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_a_preset_wrote_it_could_write(engine, dtype):
    if engine == "native" and dtype == "float16":
        pytest.skip("the kernel has no float16")
    for seed in range(2):
        module = close_choices(seed).to(DTYPES[dtype])
        assert refusals(behind(engine, module, DTYPES[dtype])) == []


def test_pieces_alone_would_say_otherwise():
    """Where a model cannot read by steps beside its cache, or these tests would prove nothing."""
    found = []
    for seed in range(4):
        model = behind("transformers", close_choices(seed).bfloat16())
        found += refusals(Without(model, "logits_by_steps", "is_rounded"))
    assert found


@ENGINES
@pytest.mark.parametrize("place", [0, 9, 29])
def test_what_it_would_not_write_is_still_forbidden(engine, place):
    model = behind(engine, close_choices(0).bfloat16(), torch.bfloat16)
    context = (1, 2, 3)
    written = run_ours(model, CODEC, PRESETS[0].settings, context=context).finished.token_ids
    other = (*written[:place], (written[place] + 100) % 250, *written[place + 1 :])
    rows = [list(row) for row in model.rows]
    (verdict,) = score_tokens(model, CODEC, context, other, PRESETS[:1]).verdicts
    assert (verdict.is_reachable, verdict.forbidden.index) == (False, place)
    assert verdict.forbidden.instead.token_id == written[place]
    assert [list(row) for row in model.rows] == rows


@pytest.mark.parametrize("after", [0, 5, 32])
def test_it_can_be_cancelled_while_it_reads_again(after):
    """The model's rows are as they were, and what is generated afterwards is the same."""
    model = behind("transformers", close_choices(0).bfloat16())
    context, asked = (1, 2, 3), iter(range(1000))
    first = run_ours(model, CODEC, PRESETS[0].settings, context=context).finished.token_ids
    rows = [list(row) for row in model.rows]
    text = tuple(reversed(first))
    scored = score_tokens(
        model, CODEC, context, text, PRESETS, is_cancelled=lambda: next(asked) >= after
    )
    assert scored.verdicts == ()
    assert [list(row) for row in model.rows] == rows


def test_only_what_is_rounded_is_read_twice(monkeypatch):
    def refuse(*given):
        raise AssertionError("once is enough")

    for owner, name in (
        (gpt2_reading.Gpt2Reader, "by_steps"),
        (transformers_model.TransformersModel, "logits_by_steps"),
    ):
        monkeypatch.setattr(owner, name, refuse)
    for engine in ("transformers", "torch"):
        model = behind(engine, close_choices(0).float(), torch.float32)
        assert score_tokens(model, CODEC, (1, 2), (3, 4, 5), PRESETS).verdicts

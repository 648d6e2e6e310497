"""The fast path against transformers: the same logits, whatever the shape and whatever was done."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel

from core.models.any.model import TransformersModel
from core.models.gpt2.config import ACTIVATIONS, gpt2_config
from core.models.gpt2.forward import head
from core.models.gpt2.model import Gpt2Model
from tests.reference import NATIVE, behind

TOLERANCE = 1e-4
FAST = ("torch", "graph", NATIVE)


def random_module(seed=0, **config):
    torch.manual_seed(seed)
    shape = {"vocab_size": 97, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2}
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    config = GPT2Config(**{**shape, **ends, "initializer_range": 0.3, **config})
    module = GPT2LMHeadModel(config).eval()
    for name, parameter in module.named_parameters():
        if name.endswith("bias") or "ln_" in name:  # else all of them are 0 or 1
            torch.nn.init.normal_(parameter, std=0.3)
    return module


def assert_close(ours, theirs):
    assert ours.dtype == torch.float32
    assert ours.shape == theirs.shape
    error = (ours - theirs).abs().max() / theirs.abs().max()
    assert float(error) <= TOLERANCE


def tokens(count, vocabulary=97, offset=0):
    return [(7 * at + offset) % vocabulary for at in range(count)]


def assert_alike_in_rows(ours, theirs, rows):
    """The same logits for as many rows that begin alike and go on differently."""
    for model in (ours, theirs):
        model.prefill(tokens(5))
        model.reorder([0] * rows)
    for step in range(3):
        new = tokens(rows, offset=step)
        assert_close(ours.decode(new), theirs.decode(new))


def assert_alike_through(ours, theirs, actions, data, vocabulary):
    """The same rows and logits whatever is done to both, one thing after the other."""
    for model in (ours, theirs):
        model.prefill(tokens(3, vocabulary))
    for action, number in zip(actions, data, strict=False):
        if not ours.rows[0] and action == "decode":
            continue
        results = [play(model, action, number) for model in (ours, theirs)]
        assert ours.rows == theirs.rows
        if results[0] is not None:
            assert_close(*results)


@pytest.fixture(scope="module")
def long_module():
    return random_module(n_positions=1024, n_embd=48, n_head=3, initializer_range=0.1)


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("length", [1, 7, 511, 1023, 1024])
@pytest.mark.parametrize("at_once", [True, False])
def test_every_length(long_module, engine, length, at_once):
    """A prompt in one pass, and the same text with its end token by token."""
    ours, theirs = behind(engine, long_module), TransformersModel(long_module)
    document = tokens(length)
    begin = length if at_once else max(1, length - 9)
    for model in (ours, theirs):
        model.prefill(document[:begin])
    for at in range(begin, length):
        assert_close(ours.decode([document[at]]), theirs.decode([document[at]]))
    ours.rewind(begin - 1)
    theirs.rewind(begin - 1)
    assert_close(ours.prefill(document[begin - 1 :]), theirs.prefill(document[begin - 1 :]))


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("rows", range(1, 17))
def test_every_batch(long_module, engine, rows):
    ours, theirs = behind(engine, long_module), TransformersModel(long_module)
    assert_alike_in_rows(ours, theirs, rows)


@pytest.mark.parametrize("engine", [NATIVE])
@pytest.mark.parametrize("threads", [2, 3, 5])
def test_any_number_of_threads(long_module, engine, threads):
    """All other tests have one."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        ours, theirs = behind(engine, long_module), TransformersModel(long_module)
        for rows in (1, 7):
            assert_alike_in_rows(ours, theirs, rows)
            for model in (ours, theirs):
                model.rewind(0)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("engine", FAST)
def test_a_cache_that_grows_under_beams(long_module, engine):
    """Room for positions runs out at 128 and 256, while five rows look at each other's past."""
    ours, theirs = behind(engine, long_module), TransformersModel(long_module)
    for model in (ours, theirs):
        model.prefill(tokens(120))
        model.reorder([0] * 5)
    for step in range(150):
        new = tokens(5, offset=step)
        assert_close(ours.decode(new), theirs.decode(new))
        parents = [(step * at) % 5 for at in (1, 2, 3, 4, 5)]
        ours.reorder(parents)
        theirs.reorder(parents)
    assert ours.rows == theirs.rows


shapes = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1000),
        "n_head": st.integers(1, 4),
        "n_layer": st.integers(1, 3),
        "vocab_size": st.integers(2, 130),
        "n_inner": st.none() | st.integers(1, 90),
        "activation_function": st.sampled_from(ACTIVATIONS),
        "scale_attn_weights": st.booleans(),
        "scale_attn_by_inverse_layer_idx": st.booleans(),
        "reorder_and_upcast_attn": st.booleans(),
        "tie_word_embeddings": st.booleans(),
        "layer_norm_epsilon": st.sampled_from([1e-5, 1e-3]),
    }
)
actions = st.lists(
    st.sampled_from(["decode", "decode", "reorder", "rewind", "prefill"]), min_size=1, max_size=8
)


def play(model, action, data):
    """Do one thing that the contract allows, the same for every model; return logits, if any."""
    vocabulary, length, rows = model.vocabulary_size, len(model.rows[0]), len(model.rows)
    if action == "decode":
        return model.decode([(data + row) % vocabulary for row in range(rows)])
    if action == "reorder":
        model.reorder([(data // (at + 1)) % rows for at in range(1 + data % 6)])
        return None
    model.rewind(data % (length + 1), data % rows)
    return model.prefill([data % vocabulary] * (1 + data % 3)) if action == "prefill" else None


@pytest.mark.parametrize("engine", FAST)
@settings(max_examples=60)
@given(
    shape=shapes,
    head_size=st.integers(1, 40),
    actions=actions,
    data=st.lists(st.integers(0, 10_000), min_size=8, max_size=8),
)
def test_random_shapes_and_doings(engine, shape, head_size, actions, data):
    # The kernel has fewer activations; what it lacks is for torch to run.
    if engine == "native" and shape["activation_function"] not in ("gelu", "relu"):
        shape = {**shape, "activation_function": "gelu_new"}
    module = random_module(**{**shape, "n_embd": shape["n_head"] * head_size})
    ours, theirs = behind(engine, module), TransformersModel(module)
    assert_alike_through(ours, theirs, actions, data, shape["vocab_size"])


@pytest.mark.parametrize("engine", FAST)
def test_what_a_row_cannot_hold_is_refused(engine):
    """The kernel would read and write past its tensors."""
    model = behind(engine, random_module())
    for wrong in ([], [97], [-1]):
        with pytest.raises(ValueError, match="token ids"):
            model.prefill(wrong)
    model.prefill(tokens(64))
    with pytest.raises(ValueError, match="at most 64"):
        model.decode([1])


def test_logits_of_equal_tokens_are_equal_to_the_bit():
    """A run repeated after another one gives the same bits, so the same draws."""
    model = behind("torch", random_module())
    first = model.prefill(tokens(9)).clone()
    model.reorder([0] * 4)
    model.decode([1, 2, 3, 4])
    model.rewind(0)
    assert torch.equal(model.prefill(tokens(9)), first)


def test_a_step_that_cannot_be_recorded_runs_without_a_graph():
    module = random_module()
    config = gpt2_config(module.config.to_dict())
    weights = behind("torch", module)._weights

    def refuse(step):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    model = Gpt2Model(weights, config, is_native=False, capture=refuse)
    reason = "operation not permitted when stream is capturing"
    assert model.kernel == f"torch (no CUDA graph: {reason})"
    theirs = TransformersModel(module)
    for one in (model, theirs):
        one.prefill([1, 2, 3])
    assert_close(model.decode([4]), theirs.decode([4]))


def test_steps_are_recorded_once_for_each_place_of_the_cache():
    module = random_module(n_positions=200)
    recorded = []

    def capture(step):
        recorded.append(step)
        return step

    weights = behind("torch", module)._weights
    config = gpt2_config(module.config.to_dict())
    model = Gpt2Model(weights, config, is_native=False, capture=capture)
    model.prefill([1, 2, 3])
    for _ in range(100):
        model.decode([1])
    assert len(recorded) == 1
    for _ in range(60):  # the cache grows behind position 128
        model.decode([1])
    assert len(recorded) == 2
    model.reorder([0] * 3)
    model.decode([1, 2, 3])
    model.reorder([2, 2, 0])
    model.decode([1, 2, 3])
    assert len(recorded) == 3
    for _ in range(2):  # one row and several take turns
        model.rewind(5)
        model.decode([1])
        model.reorder([0] * 3)
        model.decode([1, 2, 3])
    assert len(recorded) == 3


@pytest.mark.parametrize("engine", FAST)
def test_reorder_copies_no_key(engine):
    model = behind(engine, random_module())
    model.prefill(tokens(9))
    model.reorder([0] * 4)
    model.decode([1, 2, 3, 4])
    store = model._cache.store
    before = store.clone()
    model.reorder([3, 3, 0, 1])
    assert model._cache.store is store
    assert torch.equal(store.nan_to_num(), before.nan_to_num())


@pytest.mark.parametrize(
    ("engine", "steps", "least"),
    [pytest.param("native", 500, 0.99, marks=NATIVE.marks), ("torch", 50, 0.99)],
)
def test_bfloat16_agrees_with_float32(engine, steps, least, demo, demo_module):
    """Over 2,000 steps of the bundled model: the same first choice in at least 99%.

    The fast path writes, and transformers reads what it wrote at once: 2,000 steps take it long.
    """
    writer, rounded = behind(engine, demo_module), behind(engine, demo_module, torch.bfloat16)
    openings = ("A long long time ago, ", "Once upon a time", "The fox said", "One winter")
    agreed, worst = 0, 0.0
    for opening in openings:
        document = demo.codec.encode(opening, is_beginning=True)
        begin = len(document)
        logits, found = writer.prefill(document), [rounded.prefill(document)[0].clone()]
        for _ in range(steps - 1):
            document = [*document, int(logits[0].argmax())]
            logits = writer.decode(document[-1:])
            found.append(rounded.decode(document[-1:])[0].clone())
        with torch.inference_mode():
            exact = demo_module(torch.tensor([document])).logits[0, begin - 1 :]
        assert_close(logits, exact[-1:])
        for expected, got in zip(exact.softmax(-1), torch.stack(found).softmax(-1), strict=True):
            top = expected.topk(5)
            worst = max(worst, float((top.values - got[top.indices]).abs().max()))
            agreed += int(expected.argmax()) == int(got.argmax())
        writer.rewind(0)
        rounded.rewind(0)
    share = agreed / (len(openings) * steps)
    print(f"{engine}: {share:.2%} agree, worst difference of a top five {worst:.4f}")
    assert share >= least
    assert worst < 0.2


@pytest.mark.parametrize("engine", [NATIVE])
def test_torch_has_its_threads_for_long_prompts_alone(engine, monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        model = behind(engine, random_module())
        model.release_threads()
        assert torch.get_num_threads() == 1
        during = []
        monkeypatch.setattr(
            "core.models.gpt2.torch_steps.head",
            lambda *given: during.append(torch.get_num_threads()) or head(*given),
        )
        model.prefill(tokens(40))
        assert (during, torch.get_num_threads()) == ([2], 1)
    finally:
        torch.set_num_threads(before)

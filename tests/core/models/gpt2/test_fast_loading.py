"""Which engine runs a model, what it says where it cannot, and what it loads."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from core.models.any.model import TransformersModel
from core.models.catalog import DEMO, model_folder
from core.models.gpt2.kernel.build import SWITCH, native_library
from core.models.gpt2.model import Gpt2Model
from core.models.loading import load_model
from core.records.errors import PlaygroundError
from tests.around.test_imports import loaded_after

SHAPE = {"vocab_size": 2048, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 4}

NEEDS_KERNEL = pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-")

LLAMA = {
    "vocab_size": 2048,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}


def load(folder, engine="auto", dtype="float32", assistant="none"):
    return load_model(str(folder), "cpu", dtype, lambda stage, share=None: None, engine, assistant)


@pytest.fixture
def save(tmp_path):
    def saved(module, **more):
        module.save_pretrained(tmp_path, **more)
        for file in model_folder(DEMO).glob("tokenizer*.json"):
            shutil.copy(file, tmp_path)
        return tmp_path

    return saved


@pytest.fixture
def gpt2(save):
    return save(GPT2LMHeadModel(GPT2Config(**SHAPE, bos_token_id=0, eos_token_id=0)))


def change(folder, name, **values):
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**content, **values}))


def test_gpt2_is_fast_by_itself_and_others_are_not(gpt2, tmp_path_factory):
    assert isinstance(load(gpt2).model, Gpt2Model)
    assert load(gpt2).engine.startswith("fast")
    general = load(gpt2, "transformers")
    assert isinstance(general.model, TransformersModel)
    assert general.engine == "transformers"
    folder = tmp_path_factory.mktemp("llama")
    LlamaForCausalLM(LlamaConfig(**LLAMA)).save_pretrained(folder)
    for file in model_folder(DEMO).glob("tokenizer*.json"):
        shutil.copy(file, folder)
    assert load(folder).engine == "transformers"
    with pytest.raises(PlaygroundError, match=r"--engine fast cannot run .* the model is a llama"):
        load(folder, "fast")


def test_an_unknown_engine_is_told(gpt2):
    with pytest.raises(PlaygroundError, match="unknown engine 'slow'; use one of auto, fast, tr"):
        load(gpt2, "slow")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"activation_function": "mish"}, "does not know the activation 'mish'"),
        ({"add_cross_attention": True}, "does not know add_cross_attention"),
        ({"architectures": ["GPT2ForTokenClassification"]}, "not a GPT2LMHeadModel"),
        ({"n_head": 5}, "32 channels cannot be shared by 5 heads"),
        ({"n_layer": "two"}, "sets n_layer to 'two'"),
        ({"layer_norm_epsilon": None}, "sets layer_norm_epsilon to None"),
        ({"layer_norm_epsilon": "x"}, "sets layer_norm_epsilon to 'x'"),
        ({"architectures": 5}, "sets architectures to what is no list"),
        ({"n_layer": 3}, "has no transformer.h.2.attn.c_attn.weight"),
        ({"n_inner": 99}, "has the shape"),
    ],
)
def test_what_the_fast_engine_cannot_run_is_told_in_a_sentence(gpt2, values, reason):
    change(gpt2, "config.json", **values)
    with pytest.raises(PlaygroundError) as error:
        load(gpt2, "fast")
    sentence = str(error.value)
    assert reason in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("architectures", [5, {"a": 1}, "GPT2LMHeadModel"])
def test_odd_architectures_do_as_little_harm_as_in_transformers(gpt2, architectures):
    change(gpt2, "config.json", architectures=architectures)
    theirs = GPT2LMHeadModel.from_pretrained(gpt2)(torch.tensor([[5, 6]])).logits[:, -1]
    loaded = load(gpt2)
    assert loaded.engine == "transformers"
    assert torch.allclose(loaded.model.prefill([5, 6]), theirs, atol=1e-5)


def test_without_the_kernel_torch_runs_it(gpt2, monkeypatch):
    native_library.cache_clear()
    monkeypatch.setenv(SWITCH, "0")
    from core.models.gpt2.kernel import steps as gpt2_native

    gpt2_native.open_library.cache_clear()
    try:
        assert load(gpt2).engine == f"fast, torch ({SWITCH} is 0)"
    finally:
        native_library.cache_clear()
        gpt2_native.open_library.cache_clear()


@pytest.mark.parametrize("is_tied", [True, False])
@pytest.mark.parametrize("shards", [{}, {"max_shard_size": "40KB"}])
def test_the_same_model_from_either_engine(save, is_tied, shards):
    torch.manual_seed(1)
    config = GPT2Config(**SHAPE, tie_word_embeddings=is_tied, eos_token_id=[3, 4])
    folder = save(GPT2LMHeadModel(config), **shards)
    one, other = load(folder, "fast"), load(folder, "transformers")
    assert one.parameters == other.parameters
    assert one.tokenizer_fingerprint == other.tokenizer_fingerprint
    for name in ("context_size", "vocabulary_size", "eos_token_ids", "bos_token_id"):
        assert getattr(one.model, name) == getattr(other.model, name), name
    ours, theirs = (loaded.model.prefill([5, 6, 7]) for loaded in (one, other))
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("generation", [{"eos_token_id": 9, "bos_token_id": None}, {}, None])
def test_the_ends_of_text_are_those_of_transformers(gpt2, generation):
    path = gpt2 / "generation_config.json"
    if generation is None:
        path.unlink()
    else:
        path.write_text(json.dumps(generation))
    one, other = load(gpt2, "fast").model, load(gpt2, "transformers").model
    assert one.eos_token_ids == other.eos_token_ids
    assert one.bos_token_id == other.bos_token_id


@pytest.mark.parametrize("is_sharded", [True, False])
@pytest.mark.parametrize("is_different", [True, False])
def test_a_stored_head_is_tied_only_where_it_is_the_embedding(gpt2, is_sharded, is_different):
    """transformers goes by the weights, whatever config.json says."""
    tensors = load_file(gpt2 / "model.safetensors")
    tokens = tensors["transformer.wte.weight"]
    head = tokens.clone()
    if is_different:
        head[-1] = 0.5
    if is_sharded:
        save_file({"lm_head.weight": head}, gpt2 / "b.safetensors", metadata={"format": "pt"})
        (gpt2 / "model.safetensors").rename(gpt2 / "a.safetensors")
        weight_map = {**dict.fromkeys(tensors, "a.safetensors"), "lm_head.weight": "b.safetensors"}
        index = {"metadata": {}, "weight_map": weight_map}
        (gpt2 / "model.safetensors.index.json").write_text(json.dumps(index))
    else:
        tensors["lm_head.weight"] = head
        save_file(tensors, gpt2 / "model.safetensors", metadata={"format": "pt"})
    one, other = load(gpt2, "fast"), load(gpt2, "transformers")
    assert (one.model._weights.head is one.model._weights.tokens) is not is_different
    assert one.parameters == other.parameters
    ours, theirs = (loaded.model.prefill([5, 6, 7]) for loaded in (one, other))
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_openais_own_names(gpt2):
    """The checkpoints of 2019 name no transformer, and hold the masks of attention too."""
    expected = load(gpt2).model.prefill([1, 2]).clone()
    tensors = load_file(gpt2 / "model.safetensors")
    renamed = {name.removeprefix("transformer."): one for name, one in tensors.items()}
    renamed["h.0.attn.bias"] = torch.ones(1, 1, 64, 64)
    save_file(renamed, gpt2 / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(load(gpt2, "fast").model.prefill([1, 2]), expected)


def test_a_tokenizer_that_only_transformers_reads_right(gpt2):
    change(gpt2, "tokenizer_config.json", add_prefix_space=True)
    theirs = AutoTokenizer.from_pretrained(gpt2)
    ours = load(gpt2, "fast").codec.encode("once upon", is_beginning=True)
    assert ours == theirs("once upon").input_ids


@pytest.mark.parametrize("engine", ["fast", "transformers"])
def test_a_tokenizer_that_was_saved_while_it_cut_and_padded(gpt2, engine):
    """Many fine-tuned models come so; the middle of a prompt must not get lost."""
    plain = load(gpt2, engine)
    file = str(gpt2 / "tokenizer.json")
    tokenizer = Tokenizer.from_file(file)
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    tokenizer.save(file)
    loaded = load(gpt2, engine)
    for text in ("once", "once upon a time there was a tokenizer"):
        theirs = AutoTokenizer.from_pretrained(gpt2)(text).input_ids
        assert loaded.codec.encode(text, is_beginning=True) == theirs
        tokens = loaded.codec.tokens(text, is_beginning=True)
        assert [one.token_id for one in tokens] == theirs
    assert loaded.tokenizer_fingerprint == plain.tokenizer_fingerprint


@NEEDS_KERNEL
@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("is_tied", [True, False])
def test_int8_from_any_checkpoint(save, stored, is_tied):
    torch.manual_seed(1)
    config = GPT2Config(**SHAPE, tie_word_embeddings=is_tied, initializer_range=0.1)
    module = GPT2LMHeadModel(config).to(torch.bfloat16)
    exact = load(save(module.to(stored)), "fast")
    loaded = load(save(module.to(stored)), "auto", "int8")
    assert loaded.placement.dtype == torch.int8
    assert loaded.parameters == exact.parameters
    assert loaded.engine == "fast, native"
    ours, theirs = (one.model.prefill([5, 6, 7]) for one in (loaded, exact))
    assert 0 < (ours - theirs).abs().max() < 0.05 * theirs.abs().max()


@pytest.mark.parametrize(
    ("engine", "values", "sentence"),
    [
        ("transformers", {}, "--engine transformers has no int8 weights; use --dtype bfloat16 or"),
        ("auto", {"model_type": "llama"}, "int8 weights are for the fast engine, which cannot run"),
        (
            "auto",
            {"activation_function": "silu"},
            "int8 weights need the native kernel, and it has",
        ),
    ],
)
def test_int8_where_it_cannot_run(gpt2, engine, values, sentence):
    change(gpt2, "config.json", **values)
    with pytest.raises(PlaygroundError, match=sentence):
        load(gpt2, engine, "int8")


def test_int8_without_a_kernel(gpt2, monkeypatch):
    monkeypatch.setenv(SWITCH, "0")
    native_library.cache_clear()
    try:
        with pytest.raises(PlaygroundError, match=f"native kernel, and {SWITCH} is 0; use --dtype"):
            load(gpt2, "auto", "int8")
    finally:
        native_library.cache_clear()


@NEEDS_KERNEL
def test_an_assistant_by_name_and_by_itself(gpt2, monkeypatch):
    model = load(gpt2, assistant="int8")
    assert model.engine == "fast, native, int8 assistant"
    assert model.model.most_guesses > 0
    assert load(gpt2, dtype="bfloat16", assistant="int8").engine.endswith("int8 assistant")
    assert load(gpt2, assistant="none").engine == "fast, native"
    assert load(gpt2, assistant="auto").engine == "fast, native"  # the model is small
    monkeypatch.setattr("core.models.gpt2.assistant._LEAST_BYTES", 0)
    for gain, engine in ((float("inf"), "fast, native, int8 assistant"), (0.0, "fast, native")):
        monkeypatch.setattr("core.models.gpt2.assistant._GAIN", gain)
        assert load(gpt2, assistant="auto").engine == engine
    assert load(gpt2, dtype="int8", assistant="auto").engine == "fast, native"


@pytest.mark.parametrize(
    ("engine", "dtype", "values", "reason"),
    [
        ("transformers", "float32", {}, "--engine transformers does not ask one"),
        ("auto", "float32", {"model_type": "llama"}, "the fast engine cannot run it: the model is"),
        (
            "auto",
            "float32",
            {"activation_function": "silu"},
            "it needs the native kernel, and torch",
        ),
        pytest.param("auto", "int8", {}, "the model itself is in int8", marks=NEEDS_KERNEL),
    ],
)
def test_an_assistant_that_cannot_be_had(gpt2, engine, dtype, values, reason):
    change(gpt2, "config.json", **values)
    with pytest.raises(PlaygroundError, match=reason) as error:
        load(gpt2, engine, dtype, "int8")
    assert str(error.value).endswith("; leave --assistant int8 out")


def test_an_unknown_assistant_is_told(gpt2):
    with pytest.raises(PlaygroundError, match="unknown assistant 'gpt2'; use one of auto, int8"):
        load(gpt2, assistant="gpt2")


def test_the_weights_are_in_memory_once(gpt2):
    """Tied weights are one tensor, and none of them lies in the checkpoint any more."""
    model = load(gpt2, dtype="bfloat16").model
    assert model._weights.head is model._weights.tokens
    assert model._weights.tokens.dtype == torch.bfloat16
    (gpt2 / "model.safetensors").write_bytes(b"")
    assert torch.isfinite(model.prefill([1, 2, 3])).all()


def test_transformers_models_are_not_imported():
    loaded = loaded_after(
        "import core.decoding.engine\n"
        "from core.models.loading import load_model\n"
        "load_model('demo', 'cpu', 'float32', lambda *_: None).model.prefill([1])"
    )
    assert "core.models.gpt2.model" in loaded
    assert not [name for name in loaded if name.startswith("transformers.models.gpt2.modeling")]


@pytest.mark.parametrize("engine", ["auto", "fast", "transformers"])
@pytest.mark.parametrize("value", ["x", 1.5, True, [0, "a"], {"a": 1}])
def test_an_end_of_text_that_is_no_token_is_told(gpt2, engine, value):
    change(gpt2, "generation_config.json", eos_token_id=value)
    with pytest.raises(PlaygroundError, match=r"eos_token_id"):
        load(gpt2, engine)

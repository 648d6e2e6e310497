"""Models saved to a folder and loaded again, of several families, and folders that are none."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    DeepseekV3Config,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GPTJConfig,
    GPTNeoXConfig,
    LlamaConfig,
    Qwen2Config,
    Qwen3Config,
    T5Config,
    T5ForConditionalGeneration,
)

from core.backends.local import LocalBackend
from core.models.any.model import TransformersModel
from core.models.catalog import DEMO, model_folder
from core.models.device import placement
from core.models.loading import load_model
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished
from tests.reference import new_tokens, run_ours, run_theirs

PROMPT = "A long long time ago, "
SHAPE = {
    "vocab_size": 2048,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
FAMILIES = {
    "gpt2": GPT2Config(
        vocab_size=2048, n_positions=128, n_embd=32, n_layer=2, n_head=4, initializer_range=0.3
    ),
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=2),
    "llama-tied": LlamaConfig(**SHAPE, tie_word_embeddings=True),
    "qwen2": Qwen2Config(**SHAPE, num_key_value_heads=2),
    "qwen3": Qwen3Config(**SHAPE, num_key_value_heads=2, head_dim=8),
    "gpt-neox": GPTNeoXConfig(**SHAPE),
}
MODES = [
    Settings(max_new_tokens=12),
    Settings(max_new_tokens=12, do_sample=True, top_p=0.9, top_k=0, seed=3),
    Settings(max_new_tokens=12, num_beams=4, no_repeat_ngram_size=2),
    Settings(max_new_tokens=12, num_beams=3, do_sample=True, top_k=0, seed=4),
]


def quiet(stage, share=None):
    pass


@pytest.fixture
def save(tmp_path):
    """Save a random model of a configuration, with the bundled tokenizer, in float64."""

    def saved(config, name="model", dtype=torch.float64):
        torch.manual_seed(1)
        folder = tmp_path / name
        AutoModelForCausalLM.from_config(config).to(dtype).save_pretrained(folder)
        for file in model_folder(DEMO).glob("tokenizer*.json"):
            shutil.copy(file, folder)
        return folder

    return saved


def change_config(folder, **values):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **values}))


def change_weights(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_in_every_mode(save, family, monkeypatch):
    folder = save(FAMILIES[family])
    # Where rounding could decide a tie, float64 does not.
    monkeypatch.setitem(placement.DTYPES, "float32", torch.float64)
    loaded = load_model(str(folder), "cpu", "float32", quiet)
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    for settings in MODES:
        ours = run_ours(loaded.model, loaded.codec, settings, prompt=PROMPT)
        prompt = ours.started.context_token_ids
        expected = new_tokens(run_theirs(theirs, prompt, settings), prompt)
        assert list(ours.finished.token_ids) == expected, settings.mode
        more = run_ours(
            loaded.model,
            loaded.codec,
            MODES[0],
            prompt=" Then",
            context=prompt + ours.finished.token_ids,
        )
        context = more.started.context_token_ids
        again = new_tokens(run_theirs(theirs, context, MODES[0]), context)
        assert list(more.finished.token_ids) == again, f"continued after {settings.mode}"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtype_is_what_was_asked_for_and_weights_are_the_same(save, dtype):
    folder = save(FAMILIES["gpt2"], dtype=torch.float32)
    shares = []
    loaded = load_model(
        str(folder),
        "cpu",
        dtype,
        lambda stage, share=None: shares.append(share),
        "transformers",
    )
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    for name, weight in theirs.state_dict().items():
        assert torch.equal(weight, loaded.model.module.state_dict()[name]), name
    told = [share for share in shares if share is not None]
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


LONG = {
    "llama": LlamaConfig(**{**SHAPE, "max_position_embeddings": 4096}),
    "gemma3": Gemma3TextConfig(**SHAPE, num_key_value_heads=2, head_dim=8),
    "gptj": GPTJConfig(
        vocab_size=2048, n_positions=256, n_embd=32, n_layer=1, n_head=4, rotary_dim=8
    ),
}


@pytest.mark.parametrize("family", LONG)
@pytest.mark.parametrize(
    ("stored", "dtype"),
    [("float32", "bfloat16"), ("float32", "float16"), ("bfloat16", "float32")],
)
def test_every_tensor_and_logit_as_from_pretrained_has_them(save, family, stored, dtype):
    """Rotary buffers stay in float32, whose error would grow with the position."""
    folder = save(LONG[family], dtype=getattr(torch, stored))
    model = load_model(str(folder), "cpu", dtype, quiet).model
    module = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    assert_same_tensors(model.module, module)
    theirs = TransformersModel(module)
    token_ids = torch.arange(1, 2 + 4 * (theirs.context_size // 5)).remainder(2048).tolist()
    for length in (7, len(token_ids)):
        for one in (model, theirs):
            one.rewind(0)
        assert torch.equal(model.prefill(token_ids[:length]), theirs.prefill(token_ids[:length]))


def assert_same_tensors(ours, theirs):
    ours, theirs = (
        {**dict(module.named_parameters()), **dict(module.named_buffers())}
        for module in (ours, theirs)
    )
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype, name
        assert torch.equal(ours[name], tensor), name


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("finest", ["all", "norms", "embeddings"])
def test_weights_are_rounded_no_more_than_asked_for(save, dtype, finest):
    """Whatever dtype config.json names, and where a checkpoint mixes them."""
    folder = save(FAMILIES["llama"], dtype=torch.float32)
    wide = {"all": "", "norms": "norm", "embeddings": "embed_tokens"}[finest]

    def mix(tensors):
        tensors.update({name: one.bfloat16() for name, one in tensors.items() if wide not in name})

    change_weights(folder, mix)
    change_config(folder, dtype="float16")
    module = load_model(str(folder), "cpu", dtype, quiet).model.module
    assert_same_tensors(
        module, AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    )


def test_tensors_that_transformers_keeps_in_float32(save):
    config = DeepseekV3Config(
        **SHAPE,
        num_key_value_heads=4,
        n_routed_experts=4,
        moe_intermediate_size=8,
        n_group=2,
        topk_group=1,
        num_experts_per_tok=2,
        first_k_dense_replace=1,
        q_lora_rank=8,
        kv_lora_rank=8,
        qk_rope_head_dim=8,
        qk_nope_head_dim=8,
        v_head_dim=8,
    )
    folder = save(config, dtype=torch.float32)
    module = load_model(str(folder), "cpu", "bfloat16", quiet).model.module
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    assert_same_tensors(module, theirs)
    assert module.model.layers[1].mlp.gate.e_score_correction_bias.dtype == torch.float32


def test_tied_weights_stay_one(save):
    module = load_model(
        str(save(FAMILIES["gpt2"])), "cpu", "bfloat16", quiet, "transformers"
    ).model.module
    assert module.lm_head.weight.data_ptr() == module.transformer.wte.weight.data_ptr()


def test_tokenizers_that_differ_in_their_last_ids_alone_are_two(save):
    folder = save(FAMILIES["gpt2"])
    mine = load_model(str(folder), "cpu", "float32", quiet)
    again = load_model(str(folder), "cpu", "float32", quiet)
    path = folder / "tokenizer.json"
    stored = json.loads(path.read_text("utf-8"))
    vocabulary = stored["model"]["vocab"]
    one, other = sorted(vocabulary, key=vocabulary.get)[-2:]
    vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]
    path.write_text(json.dumps(stored), "utf-8")
    theirs = load_model(str(folder), "cpu", "float32", quiet)
    assert mine.tokenizer_fingerprint == again.tokenizer_fingerprint
    assert mine.tokenizer_fingerprint != theirs.tokenizer_fingerprint


def test_the_local_backend_tells_what_runs(save):
    backend = LocalBackend(str(save(FAMILIES["llama"])), device="cpu")
    info = backend.load(quiet)
    assert (info.device, info.dtype, info.vocabulary_size) == ("cpu", "float32", 2048)
    assert info.context_size == 128
    assert info.placement == "cpu as asked for; float32 suits it"
    assert info.parameters == sum(
        one.numel() for one in AutoModelForCausalLM.from_config(FAMILIES["llama"]).parameters()
    )
    *_, finished = backend.generate(Request("Hello", Settings(max_new_tokens=3)), lambda: False)
    assert isinstance(finished, Finished)
    backend.close()


def test_the_bundled_model_stands_in_for_gpt2_xl(monkeypatch):
    monkeypatch.setattr("core.models.catalog.find_cached", lambda name: None)
    info = LocalBackend(device="cpu").load(quiet)
    assert (info.name, info.stands_in_for) == ("demo", "gpt2-xl")
    assert "gpt2-xl is not on this machine" in info.note


def refused(name):
    with pytest.raises(PlaygroundError) as error:
        load_model(str(name), "cpu", "auto", quiet)
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


def test_a_name_that_is_nowhere(monkeypatch):
    monkeypatch.setattr("core.models.catalog.find_cached", lambda name: None)
    assert "gpt2-playground download gpt2-large" in refused("gpt2-large")
    assert "there is no folder './nowhere'" in refused("./nowhere")


def test_a_folder_without_a_model(tmp_path):
    assert "holds no config.json" in refused(tmp_path)


def test_pickled_weights_are_never_read(save):
    folder = save(FAMILIES["gpt2"])
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "holds no safetensors weights" in refused(folder)


def test_an_encoder_decoder_is_refused(tmp_path):
    config = T5Config(vocab_size=64, d_model=8, d_ff=8, d_kv=4, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(config).save_pretrained(tmp_path)
    for file in model_folder(DEMO).glob("tokenizer*.json"):
        shutil.copy(file, tmp_path)
    assert "(T5ForConditionalGeneration) is no causal language model" in refused(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "garbage", "config", "no tokenizer", "remote code"])
def test_damaged_folders_are_told_in_a_sentence(save, damage, tmp_path):
    folder = save(FAMILIES["gpt2"])
    weights = folder / "model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif damage == "garbage":
        weights.write_bytes(b"\xff" * 5000)
    elif damage == "config":
        (folder / "config.json").write_text("{not json")
    elif damage == "no tokenizer":
        for file in folder.glob("tokenizer*"):
            file.unlink()
    else:
        (folder / "evil.py").write_text("raise SystemExit('remote code ran')")
        config = json.loads((folder / "config.json").read_text())
        config.update(
            model_type="evil", auto_map={"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}
        )
        (folder / "config.json").write_text(json.dumps(config))
    assert str(folder) in refused(folder)


@pytest.mark.parametrize(
    ("family", "values", "said"),
    [
        ("gpt2", {"layer_norm_epsilon": None}, "Validation error for field 'layer_norm_epsilon'"),
        ("gpt2", {"layer_norm_epsilon": "x"}, "expected float, got str (value: 'x')"),
        ("gpt2", {"n_layer": 10**12}, "sets n_layer to 1,000,000,000,000; at most 1,024"),
        ("llama", {"num_hidden_layers": 3_000_000}, "at most 1,024 is believed"),
        ("llama", {"rms_norm_eps": "x"}, "expected float, got str (value: 'x')"),
        ("llama", {"max_position_embeddings": "x"}, "expected int, got str"),
    ],
)
def test_faults_of_a_configuration_are_told_as_its_own(save, family, values, said):
    folder = save(FAMILIES[family])
    change_config(folder, **values)
    sentence = refused(folder)
    assert said in sentence
    assert sentence.startswith("config.json of")


@pytest.mark.parametrize(
    ("family", "missing"),
    [
        ("gpt2", ["transformer.h.1.mlp.c_fc.weight"]),
        ("gpt2", ["transformer.wte.weight"]),
        ("llama", ["lm_head.weight"]),
        ("llama", ["model.layers.0.mlp.up_proj.weight", "model.norm.weight", "lm_head.weight"]),
    ],
)
def test_missing_weights_are_never_made_up(save, family, missing):
    folder = save(FAMILIES[family])
    change_weights(folder, lambda tensors: [tensors.pop(name) for name in missing])
    sentence = refused(folder)
    assert f"lack {', '.join(missing[:2])}" in sentence
    assert ("and 1 more" in sentence) == (len(missing) > 2)


def test_a_weight_of_another_shape_is_named(save):
    folder = save(FAMILIES["llama"])
    change_config(folder, vocab_size=2000)
    sentence = refused(folder)
    assert "lm_head.weight in" in sentence
    assert "has the shape (2048, 32), and config.json asks for (2000, 32) (1 more" in sentence


def test_weights_that_nobody_asks_for_do_no_harm(save):
    folder = save(FAMILIES["llama"])
    others = {"value_head": torch.ones(1), "vision.layers.9.norm.weight": torch.ones(1)}
    change_weights(folder, lambda tensors: tensors.update(others))
    loaded = load_model(str(folder), "cpu", "auto", quiet)
    assert (loaded.engine, loaded.note) == ("transformers", "")


@pytest.mark.parametrize(
    ("family", "engine", "name"),
    [
        ("gpt2", "fast", "n_layer"),
        ("gpt2", "transformers", "n_layer"),
        ("llama", "transformers", "num_hidden_layers"),
    ],
)
@pytest.mark.parametrize("prefix", ["transformer.", ""])
def test_layers_that_are_left_out_are_told(save, family, engine, name, prefix):
    """Such as a configuration for another size, in place of the checkpoint's own."""
    folder = save(FAMILIES[family])
    assert load_model(str(folder), "cpu", "auto", quiet, engine).note == ""
    change_weights(
        folder,
        lambda tensors: [
            tensors.update({one.replace("transformer.", prefix): tensors.pop(one)})
            for one in list(tensors)
        ],
    )
    change_config(folder, **{name: 1})
    note = load_model(str(folder), "cpu", "auto", quiet, engine).note
    assert note == "its config.json leaves out 1 layer that is stored with it"


def test_a_dtype_that_torch_has_not_is_told(save):
    folder = save(FAMILIES["llama"])
    change_config(folder, dtype="float33")
    assert "has the dtype 'float33', which torch does not know" in refused(folder)


def test_a_tokenizer_with_code_of_its_own_is_refused(save):
    folder = save(FAMILIES["llama"])
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.update(tokenizer_class="Evil", auto_map={"AutoTokenizer": ["evil.T", None]})
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('remote code ran')")
    assert "runs only with code of its own, which is never executed here" in refused(folder)


def test_too_little_memory_is_told_before_loading(save, monkeypatch):
    folder = save(FAMILIES["gpt2"])
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 1000}))
    assert "and cpu has 0.0 GB free" in refused(folder)


def test_gpt2_xl_is_a_config_away():
    """The shape that issues and README speak of, without its weights."""
    config = AutoConfig.for_model("gpt2", n_embd=1600, n_layer=48, n_head=25)
    with torch.device("meta"):
        module = GPT2LMHeadModel(config)
    assert module.num_parameters() == 1_557_611_200

"""Other causal models: the tree is torch's own, and every figure is held against a real model."""

from __future__ import annotations

import re

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    DynamicCache,
    FalconConfig,
    Gemma3TextConfig,
    GPT2Config,
    GPTBigCodeConfig,
    GPTNeoXConfig,
    LlamaConfig,
    Mamba2Config,
    MambaConfig,
    MixtralConfig,
    MptConfig,
    Qwen2Config,
    Qwen3Config,
    XLNetConfig,
)

from core.models.any.module_forward import ModuleForward
from core.models.inspection.cache_facts import facts_of, numbers_per_token
from core.models.inspection.module_tree import module_tree
from core.models.inspection.report import inspect_model
from core.models.inspection.report_text import module_lines, report_lines

SMALL = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 40,
}
GROUPED = {**SMALL, "num_key_value_heads": 2}

CONFIGS = {
    "gpt2": GPT2Config(vocab_size=64, n_embd=32, n_layer=3, n_head=4, n_positions=40),
    "llama": LlamaConfig(**GROUPED),
    "llama tied": LlamaConfig(**GROUPED, tie_word_embeddings=True),
    "qwen2": Qwen2Config(**GROUPED),
    "qwen3": Qwen3Config(**GROUPED, head_dim=16),
    "gpt_neox": GPTNeoXConfig(**SMALL),
    "mixtral": MixtralConfig(**GROUPED, num_local_experts=4),
    "falcon": FalconConfig(
        vocab_size=64, hidden_size=32, num_hidden_layers=3, num_attention_heads=4
    ),
    "gpt_bigcode": GPTBigCodeConfig(
        vocab_size=64, n_embd=32, n_layer=3, n_head=4, n_positions=40, multi_query=True
    ),
    "gemma3": Gemma3TextConfig(
        **{**GROUPED, "num_hidden_layers": 6}, head_dim=16, sliding_window=8
    ),
}


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda name: name.replace(" ", "-"))
def saved(request, tmp_path_factory):
    """A configuration's folder, the report on it, and the model with real weights."""
    config = CONFIGS[request.param]
    folder = tmp_path_factory.mktemp("model")
    config.save_pretrained(folder)
    torch.manual_seed(0)
    return inspect_model(folder, "it"), AutoModelForCausalLM.from_config(config).eval()


def test_tree_is_what_torch_prints(saved):
    report, model = saved
    printed = str(model).split("\n")
    lines = module_lines(report.modules)
    assert len(lines) == len(printed)
    for line, expected in zip(lines, printed, strict=True):
        assert line.startswith(expected)
        assert line[len(expected) :][:2] in ("", "  ")


def test_parameters_are_those_of_the_model(saved):
    report, model = saved
    parameters = list(model.parameters())
    assert report.totals.parameters == sum(one.numel() for one in parameters)
    assert report.modules.parameters == report.totals.parameters
    assert report.totals.bytes == sum(one.nbytes for one in parameters)
    assert report.totals.buffers == sum(one.numel() for one in model.buffers())
    assert bool(report.totals.tied) == bool(model.config.tie_word_embeddings)


def test_cache_is_what_a_forward_leaves(saved):
    report, model = saved
    cache = DynamicCache(config=model.config)
    length = 5
    ModuleForward(model)([list(range(1, length + 1))], cache)
    held = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert report.cache.bytes_per_token * length == held


def test_a_sliding_window_holds_no_more_than_its_tokens(tmp_path):
    CONFIGS["gemma3"].save_pretrained(tmp_path)
    cache = inspect_model(tmp_path, "it").cache
    per_layer = 2 * 2 * 16 * 4
    assert (cache.sliding_layers, cache.window) == (5, 8)
    assert cache.bytes_at_full_context == per_layer * (40 + 5 * 8)


class Scale(torch.nn.Module):
    """A module whose size torch does not write."""

    def __init__(self, size):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(size))


def test_only_identical_neighbours_fold():
    blocks = torch.nn.ModuleList([Scale(2), Scale(2), Scale(3), Scale(2), torch.nn.Linear(2, 2)])
    children = module_tree(blocks).children
    assert [(one.name, one.count, one.parameters) for one in children] == [
        ("0-1", 2, 2),
        ("2", 1, 3),
        ("3", 1, 2),
        ("4", 1, 6),
    ]


def test_a_part_that_is_left_out_and_an_empty_list_are_written_as_torch_does():
    module = torch.nn.Module()
    module.add_module("norm", None)
    module.add_module("layers", torch.nn.ModuleList())
    module.add_module("rest", torch.nn.Sequential(Scale(1), Scale(1)))
    lines = [line.split("  " * 4)[0].rstrip() for line in module_lines(module_tree(module))]
    assert [re.sub(r"  +[12] .*", "", line) for line in lines] == str(module).split("\n")


def test_a_model_without_keys_and_values_has_no_figure(tmp_path):
    MambaConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2).save_pretrained(tmp_path)
    report = inspect_model(tmp_path, "it")
    assert report.cache is None
    assert "mamba" in report.cache_note


def test_a_number_that_json_has_not_is_read_as_transformers_writes_it(tmp_path):
    config = Mamba2Config(
        vocab_size=64, hidden_size=32, num_hidden_layers=1, num_heads=4, head_dim=16, n_groups=1
    )
    config.save_pretrained(tmp_path)
    assert '"__float__": "Infinity"' in (tmp_path / "config.json").read_text()
    assert inspect_model(tmp_path, "it").architecture == "Mamba2ForCausalLM"


def test_layers_with_shapes_of_their_own_are_told_and_not_guessed():
    """transformers raises where one asks a configuration for a field that differs by layer."""

    class Uneven(LlamaConfig):
        @property
        def num_attention_heads(self):
            raise RuntimeError("varies across layers")

        @num_attention_heads.setter
        def num_attention_heads(self, value):
            pass

    config = Uneven.__new__(Uneven)
    config.__dict__.update(LlamaConfig(**SMALL).__dict__)
    assert facts_of(config).heads is None
    assert facts_of(config).layers == 3


def test_building_leaves_torch_as_it_was(tmp_path):
    """A model in bfloat16 is built while another thread may be generating in float32."""
    LlamaConfig(**GROUPED, dtype="bfloat16").save_pretrained(tmp_path)
    report = inspect_model(tmp_path, "it")
    assert (report.dtype, report.dtype_source) == ("bfloat16", "configuration")
    assert report.totals.bytes == 2 * report.totals.parameters
    assert report.modules.dtype == "bfloat16"
    assert torch.get_default_dtype() is torch.float32
    assert torch.empty(1).device.type == "cpu"


def test_weights_say_their_dtype_before_the_configuration_does(tmp_path):
    model = AutoModelForCausalLM.from_config(CONFIGS["gpt2"]).half()
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"float16"', '"float32"'))
    report = inspect_model(tmp_path, "it")
    assert (report.dtype, report.dtype_source) == ("float16", "weights")
    assert report.weights.files > 1
    assert report.weights.bytes == report.totals.bytes


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ({}, "no weights in the folder"),
        ({"model.safetensors": b"\xff" * 20}, "model.safetensors cannot be read: "),
        ({"pytorch_model.bin": b""}, "no safetensors in the folder; pickles are never read"),
        (
            {"model.safetensors.index.json": b'{"weight_map": {"a": "1.safetensors"}}'},
            "there is no 1.safetensors, which model.safetensors.index.json names",
        ),
        (
            {
                "model.safetensors.index.json": b'{"weight_map": {"a": "1.safetensors",'
                b' "b": "2.safetensors", "c": "3.safetensors"}}',
                "2.safetensors": b"",
            },
            "there is no 1.safetensors, which model.safetensors.index.json names, and 1 more",
        ),
    ],
)
def test_why_no_weights_can_be_read(tmp_path, files, note):
    CONFIGS["gpt2"].save_pretrained(tmp_path)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    report = inspect_model(tmp_path, "it")
    assert report.weights is None
    assert report.weights_note.startswith(note)
    assert any(one.split("stored")[-1].strip().startswith(note) for one in report_lines(report))


def test_every_name_of_the_context_size_is_read():
    assert facts_of(MptConfig(max_seq_len=77)).context_size == 77
    assert facts_of(LlamaConfig(max_position_embeddings=78)).context_size == 78
    assert facts_of(XLNetConfig()).context_size is None  # it says -1


def test_numbers_per_token_are_those_that_a_forward_leaves(saved):
    _, model = saved
    cache = DynamicCache(config=model.config)
    ModuleForward(model)([[1]], cache)
    held = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
    assert numbers_per_token(model.config) == held


def test_a_model_without_heads_keeps_nothing_of_a_token():
    assert numbers_per_token(MambaConfig()) == 0

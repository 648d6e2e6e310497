"""GPT-2's weights as a GGUF file, which llama.cpp reads: the same numbers under its names.

Must never round a weight, but where q8_0 is asked for: float32 stays float32, bfloat16 stays
bfloat16, and what llama.cpp wants in float32 (norms, biases, positions) is widened. Names and keys
are those of llama.cpp's ``gpt2`` architecture (``src/models/gpt2.cpp``); matrices lie there as
(outputs, inputs), where transformers' GPT-2 has them as (inputs, outputs).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import torch
from safetensors import safe_open

_WHOLE = {
    "wte.weight": "token_embd.weight",
    "wpe.weight": "position_embd.weight",
    "ln_f.weight": "output_norm.weight",
    "ln_f.bias": "output_norm.bias",
}
_LAYER = {
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
_TURNED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
_PREFIX = "transformer."
_UNUSED = (".attn.bias", ".attn.masked_bias", "lm_head.weight")
"""Masks that old files hold, and the head, which is the table of tokens once more."""


def write_gguf(folder: Path, path: Path, *, is_quantised: bool = False) -> None:
    """Write the model in ``folder`` (config.json, tokenizer.json, model.safetensors) to ``path``.

    With ``is_quantised``, matrices are rounded to llama.cpp's q8_0: 8 bits, a scale for each 32.

    Raises:
        ValueError: A tensor of the file has no place in a GPT-2.
    """
    config = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(path, "gpt2")
    _add_config(writer, config)
    _add_tokens(writer, json.loads((folder / "tokenizer.json").read_text())["model"])
    with safe_open(folder / "model.safetensors", framework="pt") as tensors:
        names = [name for name in tensors.keys() if not name.endswith(_UNUSED)]  # noqa: SIM118
        if is_quantised:
            writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
        elif any(tensors.get_tensor(name).dtype == torch.bfloat16 for name in names[:1]):
            writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
        else:
            writer.add_file_type(gguf.LlamaFileType.ALL_F32)
        for name in names:
            tensor = tensors.get_tensor(name)
            _add_tensor(writer, name.removeprefix(_PREFIX), tensor, is_quantised=is_quantised)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_name(name: str) -> str:
    """Return llama.cpp's name of the tensor that transformers' GPT-2 calls ``name``.

    Raises:
        ValueError: A GPT-2 has no such tensor.
    """
    if name in _WHOLE:
        return _WHOLE[name]
    head, _, rest = name.partition(".")
    number, _, part = rest.partition(".")
    module, _, kind = part.rpartition(".")
    if head != "h" or not number.isdecimal() or module not in _LAYER:
        raise ValueError(f"no part of a GPT-2: {name}")
    return f"blk.{number}.{_LAYER[module]}.{kind}"


def _add_config(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    writer.add_block_count(config["n_layer"])
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(config.get("n_inner") or 4 * config["n_embd"])
    writer.add_head_count(config["n_head"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])


def _add_tokens(writer: gguf.GGUFWriter, model: dict[str, Any]) -> None:
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = [one if isinstance(one, str) else " ".join(one) for one in model["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(tokens))
    writer.add_token_merges(merges)


def _add_tensor(
    writer: gguf.GGUFWriter, name: str, tensor: torch.Tensor, *, is_quantised: bool
) -> None:
    if name.endswith(_TURNED):
        tensor = tensor.T
    tensor = tensor.contiguous()
    is_matrix = tensor.ndim == 2 and name != "wpe.weight"
    if is_quantised and is_matrix:
        kind = gguf.GGMLQuantizationType.Q8_0
        data = gguf.quants.quantize(tensor.float().numpy(), kind)
        writer.add_tensor(gguf_name(name), data, raw_dtype=kind)
    elif tensor.dtype == torch.bfloat16 and is_matrix:
        data = tensor.view(torch.uint8).numpy()
        writer.add_tensor(gguf_name(name), data, raw_dtype=gguf.GGMLQuantizationType.BF16)
    else:
        writer.add_tensor(gguf_name(name), tensor.float().numpy())

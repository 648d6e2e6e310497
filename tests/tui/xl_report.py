"""What there is to know of gpt2-xl, written out: no library decides how a picture looks."""

from __future__ import annotations

import json

from core.records.model_info import ModelInfo
from core.records.model_report import (
    CacheFacts,
    Facts,
    ModelReport,
    ModuleNode,
    SpecialToken,
    StoredWeights,
    TiedWeight,
    TokenizerFacts,
    Totals,
)

XL = ModelInfo(
    "gpt2-xl", "cuda:0", "bfloat16", 1_557_611_200, 1024, 50257, "cuda:0 has the most free memory"
)

CONFIG = {
    "activation_function": "gelu_new",
    "architectures": ["GPT2LMHeadModel"],
    "attn_pdrop": 0.1,
    "bos_token_id": 50256,
    "embd_pdrop": 0.1,
    "eos_token_id": 50256,
    "layer_norm_epsilon": 1e-05,
    "model_type": "gpt2",
    "n_ctx": 1024,
    "n_embd": 1600,
    "n_head": 25,
    "n_layer": 48,
    "n_positions": 1024,
    "vocab_size": 50257,
}


def _node(name: str, kind: str, description: str, parameters: int, *children: ModuleNode, **more):  # type: ignore[no-untyped-def]
    dtype = "float32" if parameters else None
    return ModuleNode(
        name, kind, description, parameters, 0, dtype, 4 * parameters, children, **more
    )


def _norm(name: str) -> ModuleNode:
    return _node(name, "LayerNorm", "(1600,), eps=1e-05, elementwise_affine=True, bias=True", 3_200)


def _dropout(name: str) -> ModuleNode:
    return _node(name, "Dropout", "p=0.1, inplace=False", 0)


_ATTENTION = _node(
    "attn",
    "GPT2Attention",
    "",
    10_246_400,
    _node("c_attn", "Conv1D", "nf=4800, nx=1600", 7_684_800),
    _node("c_proj", "Conv1D", "nf=1600, nx=1600", 2_561_600),
    _dropout("attn_dropout"),
    _dropout("resid_dropout"),
)
_MLP = _node(
    "mlp",
    "GPT2MLP",
    "",
    20_488_000,
    _node("c_fc", "Conv1D", "nf=6400, nx=1600", 10_246_400),
    _node("c_proj", "Conv1D", "nf=1600, nx=6400", 10_241_600),
    _node("act", "NewGELUActivation", "", 0),
    _dropout("dropout"),
)
_BLOCK = _node(
    "0-47",
    "GPT2Block",
    "",
    30_740_800,
    _norm("ln_1"),
    _ATTENTION,
    _norm("ln_2"),
    _MLP,
    count=48,
)
_MODULES = _node(
    "",
    "GPT2LMHeadModel",
    "",
    1_557_611_200,
    _node(
        "transformer",
        "GPT2Model",
        "",
        1_557_611_200,
        _node("wte", "Embedding", "50257, 1600", 80_411_200),
        _node("wpe", "Embedding", "1024, 1600", 1_638_400),
        _dropout("drop"),
        _node("h", "ModuleList", "", 1_475_558_400, _BLOCK),
        _norm("ln_f"),
    ),
    _node(
        "lm_head",
        "Linear",
        "in_features=1600, out_features=50257, bias=False",
        80_411_200,
        tied_to="transformer.wte.weight",
    ),
)
_SIZE = 6_230_444_800

XL_REPORT = ModelReport(
    name="gpt2-xl",
    folder="/models/gpt2-xl",
    architecture="GPT2LMHeadModel",
    model_type="gpt2",
    facts=Facts(48, 25, 25, 1600, 1024, 50257),
    tokenizer=TokenizerFacts(
        "GPT2Tokenizer",
        50257,
        0,
        1024,
        "right",
        "right",
        tuple(
            SpecialToken(name, "<|endoftext|>", 50256)
            for name in ("bos_token", "eos_token", "unk_token")
        ),
    ),
    tokenizer_note="",
    config_json=json.dumps(CONFIG),
    modules=_MODULES,
    totals=Totals(
        1_557_611_200,
        1_638_022_400,
        (TiedWeight("lm_head.weight", "transformer.wte.weight", 80_411_200),),
        _SIZE,
        (("float32", _SIZE),),
        (("float32", _SIZE), ("bfloat16", _SIZE // 2)),
        0,
        0,
    ),
    dtype="float32",
    dtype_source="weights",
    cache=CacheFacts(
        48,
        25,
        64,
        "float32",
        614_400,
        "2 (keys, values) × 48 layers × 25 heads × 64 numbers × 4 bytes",
        1024,
        629_145_600,
    ),
    cache_note="",
    weights=StoredWeights(1, 580, _SIZE, (("float32", _SIZE),)),
    weights_note="",
    notes=("config.json names code of its own (auto_map), which is not run",),
)

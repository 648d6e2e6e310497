"""Small random models of many architectures, held against ``generate()`` and one whole forward."""

from __future__ import annotations

import inspect
import shutil

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from core.looking_back.given_text.scoring import score_tokens
from core.models.any.model import TransformersModel
from core.models.catalog import DEMO, model_folder
from core.models.loading import load_model
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from tests.core.decoding.test_together import alone, rounded, together
from tests.reference import byte_codec, new_tokens, run_ours, run_theirs

CODEC = byte_codec()
CONTEXT = 96
SHAPE = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "bos_token_id": 0,
    "eos_token_id": None,
    "pad_token_id": 1,
}
HEADS = {"head_dim": 16}
WINDOW = {"sliding_window": 4}
EXPERTS = {"num_local_experts": 2, "num_experts": 2, "num_experts_per_tok": 1}
STATES = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 4, "mamba_chunk_size": 8}
DECODER = {"is_decoder": True}
FAMILIES = {
    # Full attention.
    "gpt2": {},
    "gpt_neo": {
        "num_layers": 2,
        "num_heads": 2,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 4,
    },
    "gpt_neox": {},
    "gptj": {"rotary_dim": 8},
    "codegen": {"num_attention_heads": 4, "rotary_dim": 4},
    "gpt_bigcode": {},
    "bloom": {},
    "falcon": {},
    "mpt": {"max_seq_len": CONTEXT},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "biogpt": {},
    "ctrl": {"dff": 48},
    "llama": HEADS,
    "qwen2": {},
    "qwen3": HEADS,
    "stablelm": {},
    "olmo2": {},
    "granite": {},
    "qwen3_moe": {**EXPERTS, **HEADS, "moe_intermediate_size": 16},
    "deepseek_v3": {
        "kv_lora_rank": 8,
        "q_lora_rank": 8,
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 8,
        "v_head_dim": 8,
        "n_routed_experts": 4,
        "moe_intermediate_size": 16,
        "first_k_dense_replace": 1,
        "n_group": 1,
        "topk_group": 1,
        "num_experts_per_tok": 2,
    },
    "bert": DECODER,
    "electra": {**DECODER, "embedding_size": 32},
    "roberta": DECODER,
    # Sliding windows, shorter than what is read.
    "mistral": WINDOW,
    "mixtral": {**WINDOW, **EXPERTS},
    "phi3": WINDOW,
    "gemma2": {**WINDOW, **HEADS},
    "gemma3_text": {**WINDOW, **HEADS},
    "cohere2": WINDOW,
    "gpt_oss": {**WINDOW, **HEADS, **EXPERTS},
    "llama4_text": {**HEADS, **EXPERTS, "attention_chunk_size": 4, "intermediate_size_mlp": 48},
    # States, alone and beside attention.
    "mamba": {"state_size": 4},
    "falcon_mamba": {"state_size": 4},
    "mamba2": {"state_size": 4, "num_heads": 4, "head_dim": 16, "n_groups": 1, "chunk_size": 8},
    "bamba": {**STATES, "mamba_n_groups": 1, "attn_layer_indices": [1]},
    "falcon_h1": {**STATES, "mamba_d_ssm": 64},
    "granitemoehybrid": {
        **STATES,
        **EXPERTS,
        "layer_types": ["mamba", "attention"],
        "shared_intermediate_size": 16,
    },
    "jamba": {
        **EXPERTS,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "mamba_d_state": 4,
        "use_mamba_kernels": False,
    },
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "nemotron_h": {
        "num_hidden_layers": 3,
        "layers_block_type": ["mamba", "attention", "mlp"],
        "mamba_num_heads": 4,
        "mamba_head_dim": 16,
        "ssm_state_size": 4,
        "n_groups": 1,
        "chunk_size": 8,
    },
    "qwen3_next": {
        **HEADS,
        "num_experts": 0,
        "layer_types": ["linear_attention", "full_attention"],
        "linear_num_value_heads": 2,
        "linear_num_key_heads": 2,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
    },
    # Without a cache that transformers' own classes could hold.
    "openai-gpt": {},
    "rwkv": {"attention_hidden_size": 32, "context_length": CONTEXT},
    "recurrent_gemma": {
        "num_hidden_layers": 3,
        "num_key_value_heads": 1,
        "lru_width": 32,
        "attention_window_size": 4,
    },
    "reformer": {
        **DECODER,
        "attn_layers": ["local", "local"],
        "local_attn_chunk_length": 8,
        "attention_head_size": 16,
        "feed_forward_size": 48,
        "axial_pos_embds": False,
    },
    "minimax": {
        **EXPERTS,
        **HEADS,
        "layer_types": ["linear_attention", "full_attention"],
        "block_size": 4,
    },
}
WITHOUT_CACHE = ("openai-gpt", "rwkv", "recurrent_gemma", "reformer", "minimax")
NO_BEAMS = ("rwkv",)
"""For which ``generate()`` has none."""

REFUSED = {
    "xlm": {"causal": True, "emb_dim": 32},
    "xlnet": {"d_inner": 48, "d_head": 16},
    "cpmant": {"dim_head": 16, "dim_ff": 48, "prompt_length": 4},
}


def config_of(family, fields):
    default = AutoConfig.for_model(family)
    known = {name: value for name, value in SHAPE.items() if hasattr(default, name)}
    if family == "xlnet":  # whose limit cannot be set
        del known["max_position_embeddings"]
    return AutoConfig.for_model(family, **{**known, **fields})


def module_of(config):
    """A random model in float64, where rounding decides no tie."""
    torch.manual_seed(5)
    module = AutoModelForCausalLM.from_config(config, experts_implementation="eager")
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() > 1:
                parameter.mul_(8)
    return module.double().eval()


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """So small models gain nothing from a second, which beside other programs costs them a lot."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    module = module_of(config_of(request.param, FAMILIES[request.param]))
    assert module.num_parameters() < 200_000
    return request.param, module


def text(length):
    return tuple(torch.randint(2, 64, (length,), generator=torch.manual_seed(7)).tolist())


def test_same_tokens_as_generate(family):
    """Begun, continued from what was written, forked, and with beams; each on one cache."""
    name, module = family
    model = TransformersModel(module)
    assert model.has_cache == (name not in WITHOUT_CACHE)
    more = {} if model.has_cache else {"use_cache": False}
    greedy, beams = Settings(max_new_tokens=8), Settings(max_new_tokens=6, num_beams=3)

    def compare(context, settings):
        ours = run_ours(model, CODEC, settings, context=context).finished.token_ids
        if settings.num_beams == 1 or name not in NO_BEAMS:
            theirs = run_theirs(module, context, settings, **more)
            assert list(ours) == new_tokens(theirs, context)
        return context + ours

    document = compare(text(9), greedy)
    document = compare((*document, 5, 6, 7, 8), greedy)
    compare((*document[:-4], 9), greedy)
    document = compare(document, beams)
    compare((*document, 5, 6, 7), greedy)


def test_columns_in_one_batch_are_the_runs_alone(family):
    """Rows that share what was read, become more and end before the others, in any cache."""
    _, module = family
    model = TransformersModel(module)
    drawn = Settings(do_sample=True, seed=3, max_new_tokens=6)
    chosen = (drawn.replace(max_new_tokens=2), drawn, Settings(num_beams=2, max_new_tokens=4))
    asked = [Request("", one, text(9)) for one in chosen]

    assert list(map(rounded, together(model, asked))) == [
        rounded(alone(model, one)) for one in asked
    ]


def test_scores_are_those_of_one_forward(family):
    _, module = family
    token_ids = text(CONTEXT)
    model = TransformersModel(module)
    scored = score_tokens(model, CODEC, token_ids[:1], token_ids[1:]).tokens
    arguments = {}
    if model.has_cache and "position_ids" in inspect.signature(module.forward).parameters:
        arguments["position_ids"] = torch.arange(CONTEXT)[None]  # as generate() has them
    with torch.inference_mode():
        logits = module(torch.tensor([token_ids]), use_cache=False, **arguments).logits[0]
    logprobs = torch.log_softmax(logits[:-1].float(), dim=-1)
    expected = logprobs.gather(1, torch.tensor(token_ids[1:])[:, None])[:, 0]
    ours = torch.tensor([one.token.logprob for one in scored])
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-3)


def test_a_full_context_ends_a_run(family):
    name, module = family
    model = TransformersModel(module)
    if model.context_size is None:
        assert name in ("bloom", "mamba", "falcon_mamba", "mamba2", "recurrent_gemma")
        return
    assert model.context_size == CONTEXT
    ours = run_ours(model, CODEC, Settings(max_new_tokens=50), context=text(CONTEXT - 5))
    assert (len(ours.finished.token_ids), ours.finished.reason) == (5, "context_full")


def saved(folder, name, fields):
    config = config_of(name, {**fields, "vocab_size": 2048})
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    for file in model_folder(DEMO).glob("tokenizer*.json"):
        shutil.copy(file, folder)
    return str(folder)


@pytest.mark.parametrize("name", ["mamba", "mamba2", "rwkv", "mpt", "deepseek_v3"])
def test_a_folder_of_it_loads_and_runs(tmp_path, name):
    folder = saved(tmp_path, name, FAMILIES[name])
    loaded = load_model(folder, "cpu", "float32", lambda stage, share=None: None)
    ours = run_ours(loaded.model, loaded.codec, Settings(max_new_tokens=3), prompt="One day")
    assert len(ours.finished.token_ids) == 3
    assert loaded.engine == ("transformers, without a cache" if name == "rwkv" else "transformers")


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_on_from_a_text_is_refused(tmp_path, name):
    folder = saved(tmp_path, name, REFUSED[name])
    with pytest.raises(PlaygroundError, match=rf"this {name} model does not read a text from"):
        load_model(folder, "cpu", "float32", lambda stage, share=None: None)


def test_what_transformers_itself_cannot_run_is_refused():
    module = module_of(config_of("gpt2", {}))
    module.transformer.wpe = torch.nn.Linear(1, 1)
    with pytest.raises(PlaygroundError, match="transformers cannot run this gpt2 model"):
        TransformersModel(module)

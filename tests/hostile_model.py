"""A folder with a model that attacks the terminal: all its tokens but single bytes are attacks."""

from __future__ import annotations

import json
import re

from tests.attacks import ATTACKS

TOKENS = tuple(
    one.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for one in ATTACKS.values()
)
"""What its tokens stand for: no tokenizer holds halves of characters."""

_WIDTH, _LAYERS, _POSITIONS = 16, 1, 512


def hostile_name(text: str) -> str:
    """Return as much of ``text`` as a file's name may have."""
    name = re.sub("[/\0\ud800-\udfff]", "_", text).encode()[:250].decode(errors="ignore")
    return name.strip(". \r\n")


def make_hostile_model(folder):
    """Write one to ``folder``: each of its files has the attacks wherever it holds a text."""
    from safetensors.torch import save_file
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    every = "".join(TOKENS)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({one: at for at, one in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([AddedToken(one, normalized=False, special=False) for one in TOKENS])
    end = AddedToken("<|end\x1b]0;owned\x07|>", normalized=False, special=True)
    tokenizer.add_special_tokens([end])
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    count = tokenizer.get_vocab_size()
    files = {
        "config": {
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            "n_embd": _WIDTH,
            "n_layer": _LAYERS,
            "n_head": 2,
            "n_positions": _POSITIONS,
            "vocab_size": count,
            "bos_token_id": count - 1,
            "eos_token_id": count - 1,
            "_name_or_path": every,
            "transformers_version": every,
            every: {every: [every]},
        },
        "tokenizer_config": {
            "tokenizer_class": "GPT2Tokenizer",
            "bos_token": end.content,
            "eos_token": end.content,
            "unk_token": end.content,
            "chat_template": f"{every}{{{{ messages[0]['content'] }}}}",
            every: every,
        },
        "generation_config": {"temperature": 0.5, "cache_implementation": every, every: every},
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    save_file(_weights(len(alphabet), count), folder / "model.safetensors", {every: every})


def _weights(letters, count):
    """Return weights by which attacks are about equally likely, and single bytes hardly so."""
    import torch

    draw = torch.Generator().manual_seed(0)

    def tensor(*shape):
        return torch.randn(shape, generator=draw) * 0.1

    embedding = tensor(count, _WIDTH)
    embedding[:, 0] = 1.0
    embedding[:letters, 0] = embedding[-1, 0] = -1.0
    last = torch.zeros(_WIDTH)
    last[0] = 9.0
    weights = {
        "wte.weight": embedding,
        "wpe.weight": tensor(_POSITIONS, _WIDTH),
        "ln_f.weight": torch.ones(_WIDTH),
        "ln_f.bias": last,
    }
    for layer in range(_LAYERS):
        shapes = {
            "ln_1": None,
            "attn.c_attn": (_WIDTH, 3 * _WIDTH),
            "attn.c_proj": (_WIDTH, _WIDTH),
            "ln_2": None,
            "mlp.c_fc": (_WIDTH, 4 * _WIDTH),
            "mlp.c_proj": (4 * _WIDTH, _WIDTH),
        }
        for name, shape in shapes.items():
            stem = f"h.{layer}.{name}"
            weights[f"{stem}.weight"] = torch.ones(_WIDTH) if shape is None else tensor(*shape)
            weights[f"{stem}.bias"] = torch.zeros(_WIDTH if shape is None else shape[1])
    return {f"transformer.{name}": one for name, one in weights.items()}

"""Models to measure: the bundled one, and GPT-2 shapes with random weights in a temporary folder.

Must never download anything. Random weights cost what real ones cost; only their text means
nothing. Their last LayerNorm is scaled, so that a nucleus holds some tokens and not most of them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from core.models.catalog import DEMO, model_folder

SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 768, "n_layer": 12, "n_head": 12},
    "gpt2-xl": {"n_embd": 1600, "n_layer": 48, "n_head": 25},
}
MODELS = (DEMO, *SHAPES)

_VOCABULARY = 50_257
_SHARPNESS = 8.0


def make_model(name: str, dtype: str, folder: Path) -> Path:
    """Save the model ``name`` in ``dtype`` under ``folder``; no token ends its text."""
    place = folder / f"{name}-{dtype}"
    if place.exists():
        return place
    shutil.copytree(model_folder(DEMO), place)
    if name in SHAPES:
        _save_random(name, getattr(torch, dtype), place)
        name_more_tokens(place / "tokenizer.json")
    for file in ("config.json", "generation_config.json"):
        content = json.loads((place / file).read_text())
        content["eos_token_id"] = None
        (place / file).write_text(json.dumps(content))
    return place


def _save_random(name: str, dtype: torch.dtype, place: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        config = GPT2Config(bos_token_id=0, eos_token_id=0, dtype=dtype, **SHAPES[name])
        module = GPT2LMHeadModel(config)
    finally:
        torch.set_default_dtype(before)
    torch.nn.init.constant_(module.transformer.ln_f.weight, _SHARPNESS)
    module.save_pretrained(place)


def name_more_tokens(path: Path) -> None:
    """Give the bundled tokenizer as many tokens as the random model has."""
    content = json.loads(path.read_text())
    vocabulary = content["model"]["vocab"]
    for token_id in range(len(vocabulary), _VOCABULARY):
        vocabulary[f"Ġword{token_id}"] = token_id
    path.write_text(json.dumps(content))

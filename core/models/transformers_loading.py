"""Tokenizers and models of any architecture, as transformers reads them.

Must never run code that came with a model, read a pickle, or download anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from core.errors import PlaygroundError
from core.models.cache_facts import facts_of, numbers_per_token
from core.models.placement import ModelSize


def keep_quiet() -> None:
    """Keep transformers' progress bars and warnings from being drawn over the app."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]


_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "tokenizer.model", "vocab.txt")


def read_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer in ``folder``.

    Raises:
        PlaygroundError: There is none, or only one that transformers runs in Python.
    """
    # Without any file, transformers would make up an empty tokenizer.
    if not any((folder / file).is_file() for file in _TOKENIZER_FILES):
        raise PlaygroundError(f"{str(folder)!r} holds no tokenizer; save the model's beside it")
    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise PlaygroundError(
            f"the tokenizer in {str(folder)!r} has no fast form; save it once with"
            " AutoTokenizer.from_pretrained(...).save_pretrained(...)"
        )
    return tokenizer.backend_tokenizer


def mapped_module(folder: Path) -> Any:  # noqa: ANN401
    """Return the model with memory-mapped weights, in the dtype in which they are stored.

    Raises:
        PlaygroundError: It has no safetensors weights.
    """
    if not any(folder.glob("*.safetensors")):
        raise PlaygroundError(
            f"{str(folder)!r} holds no safetensors weights; convert them with"
            " save_pretrained(), since other formats can run code"
        )
    return AutoModelForCausalLM.from_pretrained(
        folder,
        dtype="auto",
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
    )


def module_size(name: str, module: Any) -> ModelSize:  # noqa: ANN401
    """Return what decides how much memory ``module``, called ``name``, takes."""
    context = facts_of(module.config).context_size or 1024
    # A cache grows as it is filled, and very long contexts are seldom filled.
    cache = numbers_per_token(module.config) * min(context, 4096)
    return ModelSize(name, module.num_parameters(), cache)

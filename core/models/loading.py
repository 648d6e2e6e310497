"""From a name or folder to a model on its device.

Must never run code that came with a model, read a pickle, or download anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from core.backends.base import Report
from core.errors import PlaygroundError
from core.models.catalog import model_folder
from core.models.placement import ModelSize, Placement, check_names, place
from core.models.transformers_model import TransformersModel
from core.models.weights import move_weights
from core.text import TextCodec


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready, with the codec of its tokenizer and why it is where it is.

    ``tokenizer_fingerprint`` is alike for two models whose token ids mean the same text.
    """

    name: str
    model: TransformersModel
    codec: TextCodec
    placement: Placement
    tokenizer_fingerprint: str


def load_model(name: str, device: str, dtype: str, report: Report) -> LoadedModel:
    """Load the model ``name``: ``demo``, a folder, or a name in the Hugging Face cache.

    Weights go straight from a memory map to their device and dtype: beside the model itself,
    there is never more than one tensor of it in memory.

    Raises:
        PlaygroundError: It is not there, is no causal language model, cannot be read, or is too
            large; one sentence says which and what to do.
    """
    check_names(device, dtype)
    folder = model_folder(name)
    # Their progress bars would be drawn over the app.
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    report("reading the tokenizer")
    tokenizer = _reading(name, "tokenizer", lambda: _tokenizer(folder))
    report("mapping the weights")
    module = _reading(name, "model", lambda: _mapped_module(folder))
    placement = place(_size(name, module), device, dtype)
    try:
        move_weights(
            module,
            placement.device,
            placement.dtype,
            lambda share: report("reading the weights", share),
        )
    except torch.OutOfMemoryError:
        raise PlaygroundError(
            f"{placement.device} ran out of memory while {name} was loaded; close other programs"
            " that use it, or choose --dtype bfloat16, --device cpu or a smaller model"
        ) from None
    if placement.device.type == "cpu":
        _set_threads(module.num_parameters())
    fingerprint = hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
    return LoadedModel(
        name, TransformersModel(module), TextCodec(tokenizer), placement, fingerprint
    )


_ALL_THREADS = torch.get_num_threads()

_SMALL_PARAMETERS = 20_000_000
"""Below this, threads wait for each other longer than they work."""


def _set_threads(parameters: int) -> None:
    torch.set_num_threads(1 if parameters < _SMALL_PARAMETERS else _ALL_THREADS)


def _reading(name: str, what: str, read: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        return read()
    except PlaygroundError:
        raise
    except ImportError as error:
        raise PlaygroundError(f"{name!r} needs a package that is not here: {error}") from error
    except Exception as error:
        # A damaged or foreign file can raise anything; the person needs to know which one it was.
        reason = (str(error).strip().splitlines() or [""])[0][:300]
        raise PlaygroundError(
            f"the {what} of {name!r} cannot be loaded ({type(error).__name__}: {reason});"
            " check that the folder was written by save_pretrained()"
        ) from error


_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "tokenizer.model", "vocab.txt")


def _tokenizer(folder: Path) -> Tokenizer:
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


def _mapped_module(folder: Path) -> Any:  # noqa: ANN401
    """Return the model with memory-mapped weights, in the dtype in which they are stored."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if config.is_encoder_decoder:
        raise PlaygroundError(
            f"{str(folder)!r} holds an encoder-decoder model ({config.model_type}); the playground"
            " runs causal language models"
        )
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


def _size(name: str, module: Any) -> ModelSize:  # noqa: ANN401
    config = module.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or (
        config.hidden_size // config.num_attention_heads
    )
    context = getattr(config, "max_position_embeddings", None) or 1024
    # A cache grows as it is filled, and very long contexts are seldom filled.
    cache = 2 * config.num_hidden_layers * heads * head_size * min(context, 4096)
    return ModelSize(name, module.num_parameters(), cache)

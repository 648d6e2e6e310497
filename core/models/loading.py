"""From a name or folder to a model on its device: what is looked up where, and in which dtype.

Must never run code that came with a model, read a pickle, or download without being asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.errors import PlaygroundError
from core.models.transformers_model import TransformersModel
from core.text import TextCodec

DEMO = "demo"
"""The name of the bundled model."""

DEMO_FOLDER = Path(__file__).parent / "demo"

DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready, with the codec of its tokenizer."""

    name: str
    model: TransformersModel
    codec: TextCodec


def load_model(name: str, device: str, dtype: str, report: Callable[[str], None]) -> LoadedModel:
    """Load the model ``name`` (``demo``, a folder, or a name in the Hugging Face cache).

    Raises:
        PlaygroundError: It is not there, is no causal language model, or cannot be read.
    """
    source = _source(name)
    report("reading the tokenizer")
    tokenizer = _read(name, "tokenizer", lambda: _tokenizer(source))
    place = choose_device(device)
    report("reading the weights")
    module = _read(name, "model", lambda: _module(source, place, _dtype(dtype, place)))
    return LoadedModel(name, TransformersModel(module), TextCodec(tokenizer))


def choose_device(device: str) -> torch.device:
    """Return the device meant by ``device``; ``auto`` is the first GPU, else the processor.

    Raises:
        PlaygroundError: The device is unknown or not on this machine.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind = device.partition(":")[0]
    if kind not in DEVICES:
        raise PlaygroundError(f"unknown device {device!r}; use one of {', '.join(DEVICES)}")
    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not present[kind]:
        raise PlaygroundError(f"there is no {kind} device on this machine; use --device cpu")
    try:
        return torch.device(device)
    except RuntimeError:
        raise PlaygroundError(f"unknown device {device!r}; use for example cuda:0") from None


def _dtype(dtype: str, device: torch.device) -> torch.dtype:
    if dtype == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if dtype not in DTYPES:
        raise PlaygroundError(f"unknown dtype {dtype!r}; use one of auto, {', '.join(DTYPES)}")
    return DTYPES[dtype]


def _source(name: str) -> str:
    if name == DEMO:
        return str(DEMO_FOLDER)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return str(folder)
    if name.startswith((".", "/", "~")):
        raise PlaygroundError(f"there is no folder {name!r}; name a folder with a saved model")
    return name


def _read(name: str, what: str, read: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        return read()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PlaygroundError(f"the {what} of {name!r} cannot be loaded: {reason}") from error


def _tokenizer(source: str) -> Tokenizer:
    tokenizer = AutoTokenizer.from_pretrained(
        source, local_files_only=True, trust_remote_code=False
    )
    return tokenizer.backend_tokenizer


def _module(source: str, device: torch.device, dtype: torch.dtype) -> Any:  # noqa: ANN401
    model: Any = AutoModelForCausalLM.from_pretrained(
        source,
        dtype=dtype,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
    )
    return model.to(device)

"""A model's tokenizer alone, for whoever asks what a text is to it and needs no weights.

Must never import torch, nor transformers where the tokenizer's own file says all.
"""

from __future__ import annotations

from pathlib import Path

from core.files.reading import FileError, read_json_object
from core.models.gpt2.fast_tokenizer import gpt2_tokenizer
from core.models.sandbox.tokenizer import read_tokenizer
from core.text.codec import TextCodec

_LARGEST_CONFIG = 2**20


def codec_of(folder: Path) -> TextCodec:
    """Return what turns texts into tokens of the model in ``folder``, and back.

    Raises:
        PlaygroundError: There is no tokenizer, or it cannot be used.
    """
    try:
        is_gpt2 = read_json_object(folder / "config.json", _LARGEST_CONFIG)["model_type"] == "gpt2"
    except (FileError, KeyError):
        is_gpt2 = False
    opened = gpt2_tokenizer(folder) if is_gpt2 else read_tokenizer(folder)
    return TextCodec(opened.tokenizer, opened.encode)

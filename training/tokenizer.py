"""The bundled model's tokenizer: byte-level BPE like GPT-2's, with a small vocabulary of its own.

All 256 bytes are in its alphabet, so any text has tokens and comes back exactly; it must never
have an unknown token, a prefix space or a normaliser.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Tokenizer

END = "<|endoftext|>"
VOCABULARY = 2048
CONTEXT = 1024


def train_tokenizer(texts: Iterable[str], size: int = VOCABULARY) -> GPT2Tokenizer:
    """Learn merges from texts and wrap them as the class that GPT-2 checkpoints use."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return wrap(backend)


def wrap(backend: Tokenizer) -> GPT2Tokenizer:
    """A trained backend as a GPT-2 tokenizer that ``save_pretrained`` can write."""
    model: dict[str, Any] = json.loads(backend.to_str())["model"]
    merges: Any = [tuple(merge) for merge in model["merges"]]
    return GPT2Tokenizer(
        vocab=model["vocab"],
        merges=merges,
        bos_token=END,
        eos_token=END,
        unk_token=END,
        add_prefix_space=False,
        clean_up_tokenization_spaces=False,
        model_max_length=CONTEXT,
    )

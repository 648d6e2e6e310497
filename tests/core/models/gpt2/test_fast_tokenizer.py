"""A GPT-2's tokenizer makes the tokens that transformers' makes, whatever its files say."""

from __future__ import annotations

import json
import shutil

import pytest
from transformers import AutoTokenizer

from core.models.catalog import DEMO, model_folder
from core.models.gpt2 import fast_tokenizer
from core.models.gpt2.fast_tokenizer import gpt2_tokenizer
from core.records.errors import PlaygroundError
from core.text.codec import TextCodec

TEXTS = (
    "Once upon a time",
    "  two  spaces\n",
    "<|user|> hi <|endoftext|>x",
    "<|user|>\n  a [PAD] [PAD]b",
    "don't \ufb01 é e\u0301",
)

USER = {"content": "<|user|>", "lstrip": False, "rstrip": False, "single_word": False}
END = {"content": "<|endoftext|>", "lstrip": False, "rstrip": False, "single_word": False}
DECODER = {"0": {**END, "special": True}, "2048": {**USER, "special": True, "normalized": False}}

XL = {"tokenizer_config.json": {"model_max_length": 1024}}
"""What lies beside ``tokenizer.json`` in gpt2-xl's folder."""

PLAIN = {
    "as it is": {},
    "no settings": {"tokenizer_config.json": None},
    "gpt2-xl": XL,
    "beginning asked for": {"tokenizer_config.json": {"add_bos_token": True}},
    "named with traits": {"special_tokens_map.json": {"eos_token": {**END, "normalized": True}}},
    "listed as in tokenizer.json": {
        "tokenizer_config.json": {"added_tokens_decoder": {"0": DECODER["0"]}}
    },
    "an older class": {"tokenizer_config.json": {"tokenizer_class": "GPT2TokenizerFast"}},
}

OTHERS = {
    "pad token": {"tokenizer_config.json": {"pad_token": "[PAD]"}},
    "pad token with traits": {
        "special_tokens_map.json": {"pad_token": {**END, "content": "[PAD]", "lstrip": True}}
    },
    "end that takes spaces": {"special_tokens_map.json": {"eos_token": {**END, "lstrip": True}}},
    "other end": {"tokenizer_config.json": {"eos_token": "<|user|>"}},
    "token of its own": {"tokenizer_config.json": {"user_token": "<|user|>"}},
    "listed in settings": {"tokenizer_config.json": {"added_tokens_decoder": DECODER}},
    "additional": {"tokenizer_config.json": {"additional_special_tokens": ["<|user|>"]}},
    "extra": {"tokenizer_config.json": {"extra_special_tokens": ["<|user|>"]}},
    "extra by name": {"tokenizer_config.json": {"extra_special_tokens": {"user": "<|user|>"}}},
    "added_tokens.json": {"added_tokens.json": {"<|user|>": 2048}},
    "special_tokens_map.json": {
        "special_tokens_map.json": {"pad_token": "[PAD]", "additional_special_tokens": ["<|user|>"]}
    },
    "normalizer": {"tokenizer.json": {"normalizer": {"type": "NFC"}}},
    "prefix space": {
        "tokenizer.json": {
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}
        }
    },
    "prefix space in settings": {"tokenizer_config.json": {"add_prefix_space": True}},
    "other splitting": {"tokenizer.json": {"pre_tokenizer": {"type": "Whitespace"}}},
    "no added token": {"tokenizer.json": {"added_tokens": []}},
    "other class": {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"}},
}


@pytest.fixture
def folder(tmp_path):
    for file in model_folder(DEMO).glob("tokenizer*.json"):
        shutil.copy(file, tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    return tmp_path


def change(folder, changes):
    """Give files other values; all of a file is replaced where it is gpt2-xl's, or is ``None``."""
    for name, values in changes.items():
        file = folder / name
        if values is None:
            file.unlink()
            continue
        old = json.loads(file.read_text()) if file.is_file() and changes is not XL else {}
        file.write_text(json.dumps({**old, **values}))


def add_vocabulary(folder):
    """Lay vocab.json and merges.txt beside tokenizer.json, as gpt2-xl's folder has them."""
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = [one if isinstance(one, str) else " ".join(one) for one in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")


def check_like_transformers(folder):
    theirs = AutoTokenizer.from_pretrained(folder)
    opened = gpt2_tokenizer(folder)
    ours = TextCodec(opened.tokenizer, opened.encode)
    for text in TEXTS:
        token_ids = theirs(text).input_ids
        assert ours.encode(text, is_beginning=True) == token_ids
        assert ours.decode(token_ids) == theirs.decode(token_ids)


@pytest.mark.parametrize("changes", PLAIN.values(), ids=PLAIN)
@pytest.mark.parametrize("has_vocabulary", [False, True])
def test_plain_tokenizers_do_without_transformers(folder, changes, has_vocabulary, monkeypatch):
    change(folder, changes)
    if has_vocabulary:
        add_vocabulary(folder)
    monkeypatch.setattr(fast_tokenizer, "read_tokenizer", None)
    check_like_transformers(folder)


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS)
def test_other_tokenizers_are_as_transformers_reads_them(folder, changes):
    change(folder, changes)
    check_like_transformers(folder)


@pytest.mark.parametrize(
    "name", ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
)
def test_a_damaged_file_is_told(folder, name):
    (folder / name).write_text("{")
    with pytest.raises(PlaygroundError, match=rf"{name} is no JSON; download the model again"):
        gpt2_tokenizer(folder)

"""Folders with nothing but a configuration, as small as they can be."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.places import GPT2_TOKENIZER


@pytest.fixture
def folder_of(tmp_path):
    """Write a config.json: the fields given, or any text or bytes in its place."""

    def write(content=None, **fields):
        path = tmp_path / "config.json"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            path.write_text(json.dumps(content if content is not None else fields))
        return tmp_path

    return write


@pytest.fixture(scope="session")
def gpt2_xl(tmp_path_factory):
    """The shape of gpt2-xl: a config.json alone."""
    from transformers import GPT2Config

    folder = tmp_path_factory.mktemp("gpt2-xl")
    GPT2Config(n_embd=1600, n_layer=48, n_head=25).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def gpt2_xl_report(gpt2_xl):
    from core.models.inspection.report import inspect_model

    return inspect_model(gpt2_xl, "gpt2-xl")


@pytest.fixture(scope="session")
def gpt2_xl_with_tokenizer(gpt2_xl, tmp_path_factory):
    """The same beside GPT-2's own vocabulary, where that is on this machine."""
    if not (GPT2_TOKENIZER / "vocab.json").is_file():
        pytest.skip("GPT-2's vocab.json and merges.txt are not here")
    folder = tmp_path_factory.mktemp("gpt2-xl-tokenizer")
    shutil.copy(gpt2_xl / "config.json", folder)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(GPT2_TOKENIZER / name, folder / name)
    return folder

"""A hub on loopback, an empty cache, and small models made by hand."""

from __future__ import annotations

import json
import os

import pytest

from tests.core.models.hub.server import COMMIT, Hub

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def safetensors(shapes, padding=b""):
    """A safetensors file of float32 zeros with the given shapes."""
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode() + padding
    return len(text).to_bytes(8, "little") + text + bytes(at)


def model_files(architecture="GPT2LMHeadModel", shapes=None, **config):
    """The files of a model that is complete but cannot be run."""
    config = {"architectures": [architecture], **config}
    return {
        "config.json": json.dumps(config).encode(),
        "tokenizer.json": b"{}",
        "model.safetensors": safetensors(shapes or {"wte": (3, 5), "h.0.attn.bias": (1, 1, 4, 4)}),
    }


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty Hugging Face cache; nothing of the environment shines through."""
    for name in (*PROXIES, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no-token"))
    return tmp_path / "hf" / "hub"


@pytest.fixture
def online(monkeypatch):
    """The library as it is without HF_HUB_OFFLINE, which conftest sets for all other tests."""
    from huggingface_hub import close_session, constants

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    close_session()
    yield
    close_session()


@pytest.fixture
def hub(cache, online, monkeypatch):
    """A hub that HF_ENDPOINT names."""
    server = Hub()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    yield server
    server.close()


@pytest.fixture
def put(cache):
    """Write a repository into the cache as the library would."""

    def put(repository, files, commit=COMMIT, main=True):
        folder = cache / f"models--{repository.replace('/', '--')}"
        snapshot = folder / "snapshots" / commit
        snapshot.mkdir(parents=True)
        (folder / "blobs").mkdir(exist_ok=True)
        for number, (name, content) in enumerate(files.items()):
            blob = folder / "blobs" / f"{commit[:8]}{number}"
            blob.write_bytes(content)
            (snapshot / name).symlink_to(os.path.relpath(blob, snapshot))
        if main:
            (folder / "refs").mkdir(exist_ok=True)
            (folder / "refs" / "main").write_text(commit)
        return snapshot

    return put


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A GPT-2 of random weights, about 6 MB, as files and as its folder."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=256,
        n_positions=64,
        n_embd=160,
        n_layer=5,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(256)}, "w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def impatient(monkeypatch):
    """A connection that breaks twice in a row is given up."""
    from core.models.hub import transfer as hub_transfer

    monkeypatch.setattr(hub_transfer, "_FRUITLESS_TRIES", 2)

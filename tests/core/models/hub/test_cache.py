"""What the cache holds: only whole models, only causal ones, and nothing damaged in the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.models.hub.cache import cache_folder, cached_models, find_cached, folder_size
from core.models.hub.weights import read_header, safetensors_parameters
from core.records.errors import PlaygroundError
from tests.core.models.hub.conftest import model_files, safetensors

OTHER_COMMIT = "f" * 40
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def sharded_files():
    files = model_files()
    del files["model.safetensors"]
    index = {"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}
    return {
        **files,
        "model.safetensors.index.json": json.dumps(index).encode(),
        SHARDS[0]: safetensors({"a": (4, 4)}),
        SHARDS[1]: safetensors({"b": (2, 2)}),
    }


@pytest.mark.parametrize("repository", ["gpt2-xl", "openai-community/gpt2-xl"])
@pytest.mark.parametrize("name", ["gpt2-xl", "openai-community/gpt2-xl"])
def test_a_model_is_found_under_both_its_names(put, repository, name):
    assert find_cached(name) is None

    snapshot = put(repository, model_files())

    assert find_cached(name) == snapshot


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_model_without_a_file_is_not_complete(put, missing):
    files = model_files()
    del files[missing]
    put("owner/tiny", files)

    assert find_cached("owner/tiny") is None
    assert cached_models() == ()


def test_other_tokenizers_do_too(put):
    files = model_files()
    del files["tokenizer.json"]

    assert find_cached(put("owner/a", files) and "owner/a") is None
    put("owner/b", {**files, "vocab.json": b"{}", "merges.txt": b""})
    put("owner/c", {**files, "tokenizer.model": b""})

    assert find_cached("owner/b")
    assert find_cached("owner/c")


def test_shards_must_all_be_there(put):
    files = sharded_files()
    snapshot = put("owner/tiny", files)
    assert find_cached("owner/tiny") == snapshot

    (snapshot / SHARDS[1]).resolve().unlink()

    assert find_cached("owner/tiny") is None


def test_a_truncated_file_is_not_whole(put):
    files = model_files()
    files["model.safetensors"] = files["model.safetensors"][:-1]
    put("owner/tiny", files)

    assert find_cached("owner/tiny") is None


def test_an_older_complete_snapshot_is_better_than_none(put):
    put("owner/tiny", {"config.json": b"{}"})
    older = put("owner/tiny", model_files(), commit=OTHER_COMMIT, main=False)

    assert find_cached("owner/tiny") == older


@pytest.mark.parametrize("content", ["../../elsewhere", "", "\xff", "not a commit"])
def test_a_damaged_reference_leads_nowhere(put, cache, content):
    snapshot = put("owner/tiny", model_files())
    (cache / "models--owner--tiny/refs/main").write_text(content, encoding="latin-1")

    assert find_cached("owner/tiny") == snapshot


@pytest.mark.parametrize("name", ["", "..", "../../etc", "/etc", "a b", "demo", "a/b/c"])
def test_what_is_no_name_is_not_found(cache, name):
    assert find_cached(name) is None


def test_only_causal_models_are_listed(put):
    put("openai-community/gpt2", model_files())
    put("owner/llama", model_files("LlamaForCausalLM", {"wte": (7, 7)}))
    put("owner/bert", model_files("BertForMaskedLM"))
    put("owner/t5", model_files("T5ForConditionalGeneration"))
    put("owner/old-t5", model_files("T5WithLMHeadModel"))
    put("owner/bart", model_files("BartForCausalLM", is_encoder_decoder=True))
    put("owner/nothing", {**model_files(), "config.json": b"{}"})

    models = cached_models()

    assert [model.name for model in models] == ["gpt2", "owner/llama"]
    assert [model.architecture for model in models] == ["GPT2LMHeadModel", "LlamaForCausalLM"]
    assert [model.parameters for model in models] == [15, 49]
    assert models[0].size_on_disk == sum(map(len, model_files().values()))
    assert models[0].folder == find_cached("gpt2")


@pytest.mark.parametrize(
    "damage",
    [
        {"config.json": b"{"},
        {"config.json": b"[" * 100_000},
        {"config.json": b"[]"},
        {"config.json": b'{"architectures": 3}'},
        {"config.json": b'{"architectures": [3, null]}'},
        {"config.json": b"\xff\xfe"},
        {"model.safetensors": b""},
        {"model.safetensors": b"abc"},
        {"model.safetensors": b"\xff" * 8 + b"{}"},
        {"model.safetensors": (2).to_bytes(8, "little") + b"[]"},
        {"model.safetensors": (4).to_bytes(8, "little") + b'{"a"'},
    ],
)
def test_damaged_models_are_left_out(put, damage):
    put("owner/damaged", {**model_files(), **damage})
    put("owner/whole", model_files())

    assert [model.name for model in cached_models()] == ["owner/whole"]


def test_strange_things_in_the_cache_are_no_models(put, cache):
    put("owner/whole", model_files())
    put("a/b/c", model_files())
    (cache / "models--file").write_text("")
    (cache / "models--").mkdir()
    (cache / "datasets--owner--tiny").mkdir()
    (cache / "models--owner--loop").symlink_to(cache / "models--owner--loop")

    assert [model.name for model in cached_models()] == ["owner/whole"]


@pytest.mark.parametrize(
    "shard", ["../other/model.safetensors", "/etc/passwd", "a/b.safetensors", 3]
)
def test_an_index_cannot_lead_out_of_its_folder(tmp_path, shard):
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": shard}}))

    with pytest.raises(PlaygroundError, match="which is no safetensors file beside it"):
        safetensors_parameters(tmp_path)


def test_a_lying_length_costs_no_memory(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}")

    with pytest.raises(PlaygroundError, match="header is longer than it may be"):
        read_header(path)


@pytest.mark.parametrize(
    "entry",
    [
        '{"dtype": "F32", "shape": [2, -2], "data_offsets": [0, 16]}',
        '{"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}',
        '{"dtype": "F32", "shape": "ab", "data_offsets": [0, 8]}',
        '{"shape": [2]}',
        "3",
    ],
)
def test_a_header_that_makes_no_sense(tmp_path, entry):
    text = f'{{"a": {entry}}}'.encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(16))

    with pytest.raises(PlaygroundError, match="is damaged"):
        read_header(path)


def test_parameters_are_those_of_the_model(tiny_model, tmp_path):
    from transformers import AutoModelForCausalLM

    for name, content in tiny_model.items():
        (tmp_path / name).write_bytes(content)

    counted = safetensors_parameters(tmp_path)

    assert counted == AutoModelForCausalLM.from_pretrained(tmp_path).num_parameters()


def test_links_count_once(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "c").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()

    assert folder_size(tmp_path) == 5


@pytest.mark.parametrize(
    "environment",
    [
        {"HF_HOME": "/x"},
        {"HF_HUB_CACHE": "/y/$HOME/z", "HF_HOME": "/x"},
        {"HUGGINGFACE_HUB_CACHE": "/w", "HF_HOME": "/x"},
        {"HF_HUB_CACHE": "~/y"},
        {"XDG_CACHE_HOME": "/xdg"},
        {},
    ],
)
def test_the_cache_is_where_the_library_has_it(monkeypatch, environment):
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    program = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    theirs = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert cache_folder() == Path(theirs.stdout.strip())


def test_looking_imports_no_library(cache):
    program = (
        "import sys; from core.models.hub.download import cached_models, find_cached;"
        "import core.backends.downloads;"
        "cached_models(), find_cached('gpt2-xl');"
        "print(*{'torch', 'transformers', 'huggingface_hub', 'numpy', 'httpx2'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stdout.strip() == ""
    assert done.returncode == 0

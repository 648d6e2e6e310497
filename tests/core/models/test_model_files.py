"""Folders of anywhere: what is no file is refused, and weights lie in the model's folder."""

from __future__ import annotations

import json
import os
import shutil
import signal

import pytest

from core.models.catalog import DEMO, model_folder
from core.models.files.own_settings import own_settings
from core.models.hub.cache import is_complete
from core.models.hub.weights import INDEX_FILE, SINGLE_FILE, safetensors_parameters, weight_files
from core.models.inspection.report import inspect_model
from core.models.loading import load_model
from core.records.errors import PlaygroundError

SECONDS = 20


@pytest.fixture(autouse=True)
def in_time():
    """Fail where something is waited for."""

    def late(_number, _frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "outer" / "model"
    shutil.copytree(model_folder(DEMO), folder)
    return folder


def load(folder, engine):
    return load_model(str(folder), "cpu", "float32", lambda stage, share=None: None, engine)


def put(kind, path):
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(2**34)  # takes no place on the disk


@pytest.mark.parametrize("engine", ["fast", "transformers"])
@pytest.mark.parametrize("kind", ["pipe", "device", "huge"])
@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "chat_template.jinja",
        "additional_chat_templates/other.jinja",
        "vocab.json",
        "merges.txt",
    ],
)
def test_what_is_no_file_in_a_folder_is_refused(folder, engine, kind, name):
    (folder / name).parent.mkdir(exist_ok=True)
    put(kind, folder / name)
    with pytest.raises(PlaygroundError) as caught:
        load(folder, engine)
    assert (folder / name).name in str(caught.value)
    assert own_settings(folder) == ()
    if name == "config.json":
        with pytest.raises(PlaygroundError, match=r"config\.json"):
            inspect_model(folder, "it")
    else:  # a report tells of it, and goes on
        report = inspect_model(folder, "it")
        assert report.tokenizer is None
        assert (folder / name).name in report.tokenizer_note


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("name", [SINGLE_FILE, INDEX_FILE])
def test_weights_that_are_no_files(folder, kind, name):
    if name == INDEX_FILE:
        (folder / SINGLE_FILE).unlink()
    put(kind, folder / name)
    for engine in ("fast", "transformers"):
        with pytest.raises(PlaygroundError):
            load(folder, engine)
    assert inspect_model(folder, "it").weights is None
    assert not is_complete(folder)


def outside(folder, way):
    """Have the folder's weights lie elsewhere; return what an index calls them, if there is one."""
    elsewhere = folder.parent / "base" / SINGLE_FILE
    elsewhere.parent.mkdir()
    (folder / SINGLE_FILE).rename(elsewhere)
    match way:
        case "above":
            return f"../base/{SINGLE_FILE}"
        case "through a folder":
            (folder / "sub").mkdir()
            return f"sub/../../base/{SINGLE_FILE}"
        case "absolute":
            return str(elsewhere)
        case "backslashes":
            return f"..\\base\\{SINGLE_FILE}"
        case "folder that is a link":
            (folder / "sub").symlink_to(elsewhere.parent)
            return f"sub/{SINGLE_FILE}"
        case "shard that is a link":
            (folder / "shard.safetensors").symlink_to(elsewhere)
            return "shard.safetensors"
        case "link to a link":
            (folder / "one.safetensors").symlink_to(folder / "two.safetensors")
            (folder / "two.safetensors").symlink_to(f"../base/{SINGLE_FILE}")
            return "one.safetensors"
    (folder / SINGLE_FILE).symlink_to(elsewhere)
    return ""


WAYS = [
    "above",
    "through a folder",
    "absolute",
    "backslashes",
    "folder that is a link",
    "shard that is a link",
    "link to a link",
    "single link",
]


def write_index(folder, weight_map):
    content = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (folder / INDEX_FILE).write_text(json.dumps(content))


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_out_of_the_folder(folder, way):
    name = outside(folder, way)
    if name:
        write_index(folder, {"transformer.wte.weight": name})
    for engine in ("auto", "fast", "transformers"):
        with pytest.raises(PlaygroundError):
            load(folder, engine)
    for reader in (weight_files, safetensors_parameters):
        with pytest.raises(PlaygroundError):
            reader(folder)
    assert inspect_model(folder, "it").weights is None
    assert not is_complete(folder)


@pytest.mark.parametrize(
    "weight_map",
    [{}, [], None, "a", {"a": None}, {"a": 3}, {"a": ["w"]}, {"a": ""}, {"a": "."}, {"a": "w.bin"}],
)
@pytest.mark.parametrize("engine", ["fast", "transformers"])
def test_an_index_without_safetensors_is_a_sentence(folder, engine, weight_map):
    (folder / SINGLE_FILE).rename(folder / "other.safetensors")
    write_index(folder, weight_map)
    with pytest.raises(PlaygroundError, match=r"index\.json names "):
        load(folder, engine)
    assert "index.json names " in inspect_model(folder, "it").weights_note


@pytest.mark.parametrize(
    "name", ["../base/model.safetensors", "other.safetensors", "other.safetensors.index.json"]
)
def test_a_configuration_names_no_other_weights(folder, name):
    outside(folder, "single link")
    (folder / SINGLE_FILE).unlink()
    (folder / "other.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": {"a": "../base/model.safetensors"}})
    )
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "transformers_weights": name}))
    for engine in ("auto", "fast", "transformers"):
        with pytest.raises(PlaygroundError):
            load(folder, engine)


def test_an_adapter_leads_to_no_other_model(folder):
    adapter = {"base_model_name_or_path": "../base", "peft_type": "LORA"}
    (folder / "adapter_config.json").write_text(json.dumps(adapter))
    for engine in ("auto", "fast", "transformers"):
        with pytest.raises(PlaygroundError, match="adapter"):
            load(folder, engine)


@pytest.mark.parametrize("engine", ["fast", "transformers"])
def test_the_hugging_face_cache_links_to_its_blobs(tmp_path, engine):
    repository = tmp_path / "hub" / "models--someone--model"
    snapshot, blobs = repository / "snapshots" / ("a" * 40), repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, file in enumerate(model_folder(DEMO).iterdir()):
        shutil.copy(file, blobs / str(number))
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    (tmp_path / "moved").symlink_to(tmp_path / "hub")
    snapshot = tmp_path / "moved" / snapshot.relative_to(tmp_path / "hub")
    assert load(snapshot, engine).parameters > 0
    assert inspect_model(snapshot, "it").weights is not None
    assert is_complete(snapshot)


def test_shards_and_links_within_the_folder_are_fine(folder):
    (folder / "sub").mkdir()
    (folder / SINGLE_FILE).rename(folder / "sub" / SINGLE_FILE)
    (folder / "one.safetensors").symlink_to(f"sub/{SINGLE_FILE}")
    write_index(folder, {"transformer.wte.weight": "one.safetensors"})
    assert [file.name for file in weight_files(folder)] == ["one.safetensors"]
    assert load(folder, "fast").parameters > 0

"""Folders of anywhere: each fault is one sentence, nothing hangs, nothing is executed."""

from __future__ import annotations

import json
import os

import pytest
from transformers import BertConfig, GPT2Config, GPT2LMHeadModel

from core.models.inspection import module_tree
from core.models.inspection.report import inspect_model
from core.records.errors import PlaygroundError

SMALL = {"model_type": "gpt2", "vocab_size": 9, "n_embd": 4, "n_layer": 2, "n_head": 2}


@pytest.fixture
def refused():
    def refused(folder):
        with pytest.raises(PlaygroundError) as caught:
            inspect_model(folder, "it")
        sentence = str(caught.value)
        assert "\n" not in sentence
        assert len(sentence) < 400
        return sentence

    return refused


def test_no_folder(tmp_path, refused):
    assert "there is no folder" in refused(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert "there is no folder" in refused(tmp_path / "file")


def test_no_config(tmp_path, refused):
    assert "no config.json" in refused(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "broken JSON", id="empty"),
        pytest.param("{", "broken JSON", id="cut off"),
        pytest.param('{"n_layer": ' + "9" * 5000 + "}", "broken JSON", id="endless number"),
        pytest.param("[" * 100_000, "broken JSON", id="endless nesting"),
        pytest.param(b'{"model_type": "\xff"}', "not UTF-8", id="no text"),
        pytest.param(b" " * (8 * 2**20 + 1), "has more than 8,388,608 bytes", id="huge"),
        pytest.param("[1, 2]", "no JSON object", id="a list"),
        pytest.param("{}", "names no model_type", id="no type"),
        pytest.param('{"model_type": 3}', "names no model_type", id="type is a number"),
        pytest.param(
            '{"model_type": "gpt2", "a": ' + "[" * 100 + "]" * 100 + "}",
            "nested more than",
            id="nested",
        ),
    ],
)
def test_no_configuration(folder_of, refused, content, said):
    assert said in refused(folder_of(content))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model_type": "gpt99"}, "does not know the model_type 'gpt99'"),
        ({"model_type": "\x1b[31mred"}, "does not know the model_type"),
        ({"model_type": "t5"}, "no causal language model"),
        ({"model_type": "bart"}, "encoder-decoder"),
        ({"model_type": "gpt2", "is_encoder_decoder": True}, "encoder-decoder"),
        ({"model_type": "vit"}, "no causal language model"),
        ({"model_type": "bert"}, "an encoder that fills gaps"),
        ({"model_type": "xlm"}, "an encoder that fills gaps"),
        (
            {**SMALL, "architectures": ["GPT2ForSequenceClassification"]},
            "(GPT2ForSequenceClassification) is no causal language model",
        ),
        ({**SMALL, "n_layer": "many"}, "refuses: Validation error for field 'n_layer'"),
        ({**SMALL, "n_layer": None}, "n_layer"),
        ({**SMALL, "n_layer": 0}, "has 0 layers"),
        ({**SMALL, "n_layer": -1}, "has -1 layers"),
        ({**SMALL, "n_head": 3}, "must be divisible"),
        ({**SMALL, "n_embd": -4}, "no model can be built"),
        ({**SMALL, "activation_function": "nope"}, "no model can be built"),
        ({**SMALL, "id2label": 3}, "refuses"),
    ],
)
def test_not_a_model_that_continues_a_text(folder_of, refused, fields, said):
    sentence = refused(folder_of(fields))
    assert said in sentence
    assert "\x1b" not in sentence


@pytest.mark.parametrize(
    "size",
    [
        {"n_layer": 10**9},
        {"num_hidden_layers": 10**9},
        {"n_layer": 1_025},
        {"num_labels": 10**9},
        {"text_config": {"num_hidden_layers": 10**9}},
        {"vocab_size": 10**18},
        {"n_embd": 10**30},
        {"n_head": -(10**9)},
    ],
)
def test_absurd_sizes_are_refused_before_anything_is_built(folder_of, refused, size):
    (name,) = size
    inner = name if name != "text_config" else "num_hidden_layers"
    sentence = refused(folder_of({**SMALL, **size}))
    assert f"sets {inner} to " in sentence
    assert "is believed" in sentence


def test_sizes_that_only_multiply_to_the_absurd(folder_of, refused):
    assert "no model can be built" in refused(
        folder_of({**SMALL, "vocab_size": 2**39, "n_embd": 2**38})
    )


def test_modules_are_counted_while_they_are_made(folder_of, refused, monkeypatch):
    """Whatever an architecture calls its counts, building ends."""
    monkeypatch.setattr(module_tree, "_MOST_MODULES", 50)
    assert "more than 50 modules" in refused(folder_of({**SMALL, "n_layer": 1_024}))
    GPT2LMHeadModel(GPT2Config(n_layer=3, n_embd=4, n_head=2, vocab_size=9))  # elsewhere: no limit


def test_code_that_comes_with_a_model_is_never_run(folder_of, refused, tmp_path):
    ran = tmp_path / "ran"
    code = f"import pathlib\npathlib.Path({str(ran)!r}).touch()\nclass C: ...\n"
    for name in ("configuration_own.py", "modeling_own.py", "tokenization_own.py"):
        (tmp_path / name).write_text(code)
    auto_map = {
        "AutoConfig": "configuration_own.C",
        "AutoModelForCausalLM": "modeling_own.C",
        "AutoTokenizer": ["tokenization_own.C", "tokenization_own.C"],
    }
    (tmp_path / "vocab.txt").write_text("a\n")
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"auto_map": auto_map, "tokenizer_class": "Own"})
    )
    sentence = refused(folder_of({"model_type": "own", "auto_map": auto_map}))
    assert "code of its own, which is never executed" in sentence
    # Known to transformers, it needs no code of its own, and none is run.
    report = inspect_model(folder_of({**SMALL, "auto_map": auto_map}), "it")
    assert report.architecture == "GPT2LMHeadModel"
    assert report.notes == ("config.json names code of its own (auto_map), which is not run",)
    assert report.tokenizer is None
    assert not ran.exists()


@pytest.mark.parametrize("kind", ["loop", "dangling", "pipe", "folder", "device"])
def test_a_config_that_is_no_file(tmp_path, refused, kind):
    path = tmp_path / "config.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        targets = {"loop": path, "dangling": tmp_path / "gone", "device": "/dev/zero"}
        path.symlink_to(targets[kind])
    faults = {
        "loop": "cannot be read",
        "dangling": "is a broken link",
        "pipe": "is not a file but a pipe",
        "folder": "is not a file but a folder",
        "device": "is not a file but a device",
    }
    assert f"config.json of 'it' {faults[kind]}" in refused(tmp_path)


def test_links_into_another_folder_work_as_in_the_hugging_face_cache(tmp_path):
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    (blobs / "abc").write_text(json.dumps(SMALL))
    (snapshot / "config.json").symlink_to("../blobs/abc")
    assert inspect_model(snapshot, "it").facts.layers == 2


@pytest.mark.parametrize("name", ["tokenizer.json", "merges.txt", "tokenizer_config.json"])
def test_a_pipe_among_the_tokenizer_files_is_not_waited_for(folder_of, name):
    folder = folder_of(SMALL)
    (folder / "vocab.json").write_text("{}")
    os.mkfifo(folder / name)
    report = inspect_model(folder, "it")
    assert report.tokenizer is None
    assert name in report.tokenizer_note


@pytest.mark.parametrize("content", ["{", "{}", "[]"])
def test_a_broken_tokenizer_is_a_remark(folder_of, content):
    folder = folder_of(SMALL)
    (folder / "tokenizer.json").write_text(content)
    report = inspect_model(folder, "it")
    assert report.tokenizer is None
    assert report.tokenizer_note


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "gone.safetensors", 3])
def test_an_index_leads_nowhere_else(folder_of, name):
    folder = folder_of(SMALL)
    (folder.parent / "outside.safetensors").touch()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    assert inspect_model(folder, "it").weights is None


def test_decoders_of_an_encoder_family_are_fine(tmp_path):
    BertConfig(
        vocab_size=9,
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=4,
        is_decoder=True,
    ).save_pretrained(tmp_path)
    assert inspect_model(tmp_path, "it").architecture == "BertLMHeadModel"


@pytest.mark.parametrize("dtype", ["float7", "float8_e4m3fn", 3, {"a": "b"}])
def test_an_unknown_dtype_is_a_note(folder_of, dtype):
    report = inspect_model(folder_of({**SMALL, "dtype": dtype}), "it")
    assert (report.dtype, report.dtype_source) == ("float32", "default")
    assert report.notes == ("config.json names an unknown dtype; float32 is assumed",)


def test_quantized_weights_are_a_note(folder_of):
    fields = {**SMALL, "quantization_config": {"quant_method": "gptq", "bits": 4}}
    assert "stored quantized" in inspect_model(folder_of(fields), "it").notes[0]

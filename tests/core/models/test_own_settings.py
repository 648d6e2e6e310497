"""What a model's generation_config.json asks for is named, since nobody uses it."""

from __future__ import annotations

import json
import shutil

import pytest
from transformers import GenerationConfig

from core.backends.local import LocalBackend
from core.models.catalog import DEMO, model_folder
from core.models.files.own_settings import own_settings
from core.models.inspection.report import inspect_model
from tui.cli.commands import run

WRITTEN = {
    "bos_token_id": 0,
    "do_sample": True,
    "temperature": 0.6,
    "top_k": 50,
    "repetition_penalty": 1.0,
    "suppress_tokens": list(range(100)),
    "max_length": 20,
    "top_p": None,
    "use_cache": False,
    "transformers_version": "4.0",
    "nonsense": 1,
}
NOTE = (
    "generation_config.json sets do_sample=true, temperature=0.6, suppress_tokens: not used, since"
    " presets decide the settings"
)


@pytest.fixture
def folder(tmp_path):
    """The bundled model with settings of its own."""
    folder = shutil.copytree(model_folder(DEMO), tmp_path / "model")
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | WRITTEN))
    return folder


def test_generate_and_the_report_name_them(folder, capfd):
    assert (
        run(["generate", "a", "--model", str(folder), "--steps", "1", "--assistant", "none"]) == 0
    )

    assert f"the model's {NOTE}\n" in capfd.readouterr().err
    assert inspect_model(folder, "own").notes[-1] == NOTE


def test_long_values_are_whole_where_they_are_taken_over(folder):
    ids = list(range(100))
    assert own_settings(folder)[-1] == f"suppress_tokens={ids}"
    (folder / "generation_config.json").write_text(json.dumps({"suppress_tokens": ids * 100}))
    assert own_settings(folder) == ("suppress_tokens",)


def test_the_bundled_model_has_none():
    backend = LocalBackend(DEMO, "cpu", "float32", assistant="none")
    assert backend.load(lambda *_: None).own_settings == ()
    backend.close()
    assert inspect_model(model_folder(DEMO), DEMO).notes == ()


def test_what_transformers_writes_by_default_is_not_named(tmp_path):
    GenerationConfig(eos_token_id=3, pad_token_id=0).save_pretrained(tmp_path)
    assert own_settings(tmp_path) == ()
    defaults = {"top_k": 50, "num_beams": 1, "min_length": 0, "diversity_penalty": 0}
    GenerationConfig(**defaults, repetition_penalty=1.5).save_pretrained(tmp_path)
    assert own_settings(tmp_path) == ("repetition_penalty=1.5",)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00", "[" * 100_000, '{"temperature": null}'])
def test_a_broken_file_asks_for_nothing(tmp_path, text):
    (tmp_path / "generation_config.json").write_text(text)

    assert own_settings(tmp_path) == ()
    assert own_settings(tmp_path / "nowhere") == ()

"""What a file says that it was made by, and which files are refused."""

from __future__ import annotations

import importlib.metadata
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.document.export.about import FORMAT_VERSION, about_run, check_format
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.settings import SETTING_NAMES, Settings, settings_from_mapping

INFO = ModelInfo("gpt2", "cuda:0", "bfloat16", 1, 1024, 2000, engine="fast", revision="abc")


def test_all_that_had_a_part_is_named():
    about = about_run(INFO, "nucleus", Settings(do_sample=True, stop_strings=(" a", "b")))

    assert {name: about[name] for name in list(about)[:2]} == {
        "format": "gpt2-playground",
        "format_version": FORMAT_VERSION,
    }
    for name in ("torch", "transformers"):
        assert about[name] == importlib.metadata.version(name)
    assert about["program_version"]
    assert [about[name] for name in ("model", "revision", "engine", "device", "dtype")] == [
        *("gpt2", "abc", "fast", "cuda:0", "bfloat16")
    ]
    assert (about["origin"], about["preset"]) == (None, "nucleus")
    assert tuple(about["settings"]) == SETTING_NAMES
    assert (about["settings"]["top_k"], about["settings"]["stop_strings"]) == (50, [" a", "b"])
    assert about_run(None, "", Settings())["model"] is None


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(do_sample=True, top_k=0, min_p=0.1, seed=3),
        Settings(num_beams=3, early_stopping="never", length_penalty=-1.0, max_length=9),
        Settings(min_new_tokens=1, max_new_tokens=2, stop_strings=("\n",)),
    ],
)
def test_settings_that_were_written_come_back(settings):
    written = json.loads(json.dumps(about_run(INFO, "x", settings)))["settings"]

    assert settings_from_mapping(written) == settings


@pytest.mark.parametrize("record", [{}, {"type": "started"}, about_run(INFO, "x", Settings())])
def test_a_file_of_this_format_or_of_none_yet_is_read(record):
    check_format(record)


@given(st.integers(0, 10**6))
def test_another_minor_is_read_and_a_later_major_is_not(number):
    check_format({"format_version": f"1.{number}"})
    with pytest.raises(PlaygroundError, match=rf"has format {number + 2}\.0, and .*; update"):
        check_format({"format_version": f"{number + 2}.0"})


@pytest.mark.parametrize(
    "record",
    [
        {"format": "another"},
        *({"format_version": value} for value in (None, 1, 1.0, "", "1", "x.1", "1.0.0", "-1.0")),
        *({"format_version": value} for value in ("\u0661.0", "1.0\n", ["1.0"], "9" * 5000 + ".0")),
    ],
)
def test_what_names_no_version_is_refused(record):
    with pytest.raises(PlaygroundError, match="this is no file of gpt2-playground"):
        check_format(record)

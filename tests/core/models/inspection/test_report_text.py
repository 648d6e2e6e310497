"""The report as lines and as JSON: aligned, complete, and harmless whatever a file says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from core.models.inspection.report import inspect_model
from core.models.inspection.report_text import (
    module_lines,
    readable_bytes,
    report_dict,
    report_lines,
)
from core.text.visible import cell_width

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202e\nred"


def test_figures_stand_in_columns(gpt2_xl_report):
    lines = [line for line in module_lines(gpt2_xl_report.modules) if " float32 " in line]
    assert len({line.index(" float32 ") for line in lines}) == 1
    assert all(line == line.rstrip() for line in report_lines(gpt2_xl_report))


@pytest.fixture
def hostile(folder_of):
    fields = {"model_type": "gpt2", "vocab_size": 9, "n_embd": 4, "n_layer": 2, "n_head": 2}
    folder = folder_of({**fields, HOSTILE: [HOSTILE, float("inf")], "wide": "漢字"})
    (folder / "vocab.json").write_text(json.dumps({"a": 0, HOSTILE: 1}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": HOSTILE}))
    return inspect_model(folder, HOSTILE)


def test_no_control_character_gets_through(hostile):
    lines = report_lines(hostile)
    assert all(line.isprintable() for line in lines)
    text = "\n".join(lines)
    assert "\\x1b]0;owned\\x07\\x9b31m\\u202e" in text
    (pad_token,) = [line for line in lines if "pad_token " in line]
    assert pad_token.strip().endswith("\\nred = 1")
    assert "漢字" in text


def test_json_says_what_the_file_says(hostile):
    mapping = json.loads(json.dumps(report_dict(hostile), allow_nan=False))
    assert list(mapping["config"])[:2] == ["model_type", "vocab_size"]
    assert mapping["config"][HOSTILE] == [HOSTILE, "Infinity"]
    assert mapping["name"] == HOSTILE
    assert mapping["facts"]["layers"] == 2
    blocks = mapping["modules"]["children"][0]["children"][3]["children"]
    assert [(block["name"], block["count"]) for block in blocks] == [("0-1", 2)]


def test_every_field_of_the_report_is_in_the_json(gpt2_xl_report):
    mapping = report_dict(gpt2_xl_report)
    assert "config_json" not in mapping
    assert len(mapping) == len(type(gpt2_xl_report).__dataclass_fields__)
    assert mapping["totals"]["parameters"] == 1_557_611_200
    assert mapping["cache"]["bytes_per_token"] == 614_400
    json.dumps(mapping, allow_nan=False)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (12_345, "12.3 kB"),
        (614_400, "614 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (6_230_444_800, "6.23 GB"),
        (5 * 10**18, "5,000 PB"),
    ],
)
def test_sizes_as_people_write_them(size, shown):
    assert readable_bytes(size) == shown


def test_wide_characters_keep_the_columns():
    from core.models.inspection.report_text import _aligned

    lines = _aligned([("漢", "a"), ("xxx", "b")])
    assert [cell_width(line[: line.index(end)]) for line, end in zip(lines, "ab", strict=True)] == [
        5,
        5,
    ]


def test_a_report_is_shown_without_a_model_library():
    code = (
        "import sys, core.models.inspection.report_text\n"
        "assert not {'torch', 'transformers', 'textual'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

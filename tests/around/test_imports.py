"""What each part loads: the first paint, ``--help`` and complaints wait for no model library."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODEL_LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "safetensors")
INTERFACES = ("textual", "rich", "typer", "tui")


def loaded_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('LOADED', *sorted(sys.modules), file=sys.__stderr__)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    line = done.stderr.splitlines()[-1]
    assert line.startswith("LOADED"), done.stderr
    return set(line.split())


@pytest.mark.parametrize(
    "module",
    [
        "core.backends.base",
        "core.backends.local",
        "core.backends.scripted",
        "core.document.export.writers",
        "core.document.tree",
        "core.looking_back.logits_store",
        "core.presets.finding",
        "core.records.scores",
        "core.backends.service",
        "core.document.document",
        "core.records.settings",
        "core.records.steps",
    ],
)
def test_core_without_model_libraries_or_interfaces(module):
    loaded = loaded_after(f"import {module}")

    assert module in loaded
    assert loaded.isdisjoint((*MODEL_LIBRARIES, *INTERFACES))


def test_core_with_a_model_has_no_interface():
    loaded = loaded_after("import core.decoding.engine, core.models.loading")

    assert "torch" in loaded
    assert loaded.isdisjoint(("tui", "textual", "typer"))


def test_the_views_load_no_model_library():
    loaded = loaded_after("import tui.models.inspector, tui.main.prompt.tokens")

    assert "tui.models.report_rows" in loaded
    assert loaded.isdisjoint(MODEL_LIBRARIES)


@pytest.mark.parametrize(
    "code",
    [
        "import tui.cli.commands",
        "from tui.cli.commands import run; run(['--help'])",
        "from tui.cli.commands import run; run(['generate', '--help'])",
        "from tui.cli.commands import run; run(['presets'])",
        "from tui.cli.commands import run; run(['keys'])",
        "from tui.cli.commands import run; run(['generate', 'a', '--set', 'topk=1'])",
        "from tui.cli.commands import run; run(['generate', 'a', '--stps', '1'])",
        "from tui.cli.commands import run; run([])",
    ],
)
def test_the_command_line_loads_neither_models_nor_textual(code):
    loaded = loaded_after(code)

    assert "tui.cli.commands" in loaded
    assert loaded.isdisjoint((*MODEL_LIBRARIES, "textual", "rich"))


def test_torch_imports_its_compiler_only_where_there_is_a_gpu():
    code = """
from core.models.loading import load_model
import core.decoding.engine
load_model("demo", "cpu", "float32", lambda stage, share=None: None).model.prefill([1])
"""
    loaded = loaded_after(code)

    assert "core.models.gpt2.graph.compiled" in loaded
    assert loaded.isdisjoint(("torch._inductor.compile_fx", "torch._dynamo.eval_frame"))

"""What each part loads: the first paint, ``--help`` and complaints wait for no model library."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from tui.cli.commands import app

COMMANDS = sorted(typer.main.get_command(app).commands)
MODEL_LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "safetensors")
INTERFACES = ("textual", "rich", "typer", "tui")


def loaded_after(code: str) -> set[str]:
    """Return the modules that are there after ``code``, or those that it puts into ``loaded``."""
    program = f"""
import sys
{code}
print('LOADED', *sorted(globals().get('loaded', sys.modules)), file=sys.__stderr__)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    line = done.stderr.splitlines()[-1]
    assert line.startswith("LOADED"), done.stderr
    return set(line.split())


def test_the_records_load_the_standard_library_alone():
    code = """
import pkgutil
before = set(sys.modules)
import core.records
for one in pkgutil.iter_modules(core.records.__path__):
    __import__(f"core.records.{one.name}")
if "core.records.settings" not in sys.modules:
    sys.exit("nothing was imported")
loaded = set(sys.modules) - before
"""
    loaded = {name.partition(".")[0] for name in loaded_after(code)} - {"LOADED"}

    assert loaded <= {"core", *sys.stdlib_module_names}


MODULES = [
    "core.backends.base",
    "core.backends.local",
    "core.backends.scripted",
    "core.document.export.writers",
    "core.document.tree",
    "core.looking_back.logits_store",
    "core.presets.finding",
    "core.records.scores",
    "core.backends.worker",
    "core.document.document",
    "core.records.settings",
    "core.records.steps",
]


def test_core_without_model_libraries_or_interfaces():
    loaded = loaded_after(f"import {', '.join(MODULES)}")

    assert loaded.issuperset(MODULES)
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
    "commands",
    [
        [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)],
        [["presets"], ["keys"], ["export", "pyproject.toml", "--format", "html"]],
        [["generate", "a", "--set", "topk=1"], ["generate", "a", "--stps", "1"]],
        [["tree", "a", "--least", "2"], ["tree", "a", "--set", "topk=1"]],
        [[one, "--model", "./nowhere"] for one in ("info", "verify")],
        [
            ["compare", "a", "--presets", "greedy,no"],
            ["compare", "a", "--models", "./nowhere,demo"],
            ["compare", "a", "--preset", "nucleus", "--sweep", "top_k=a,b"],
        ],
        [["score", "./nowhere"], ["download", "demo"], ["info", "--model", "demo"], []],
    ],
    ids=[
        "help",
        "without a model",
        "bad settings",
        "bad reach",
        "no such model",
        "wrong columns",
        "in another process",
    ],
)
def test_the_command_line_loads_neither_models_nor_textual(commands):
    """One after the other: what one of them loads would still be there after the last."""
    loaded = loaded_after(f"from tui.cli.commands import run\nfor one in {commands!r}: run(one)")

    assert "tui.cli.commands" in loaded
    assert loaded.isdisjoint((*MODEL_LIBRARIES, "textual", "rich"))


def test_commands_with_a_model_load_no_interface():
    code = """
import io, os
from tui.cli.commands import run
sys.stdout = open(os.devnull, "w")
commands = (["generate", "a", "--steps", "1"], ["tree", "a", "--depth", "1"], ["score", "-"])
for command in (*commands, ["verify"]):
    sys.stdin = io.TextIOWrapper(io.BytesIO(b"Once upon a time"))
    if code := run([*command, "--model", "demo"]):
        sys.exit(f"{command} ended with {code}")
"""
    loaded = loaded_after(code)

    assert "torch" in loaded
    assert loaded.isdisjoint(("textual", "rich", "tui.app"))


def test_the_first_paint_waits_for_no_model_library():
    """The backend is made and loads on a thread of its own, after the screen was painted."""
    code = """
import asyncio, os, tempfile, threading
home = tempfile.TemporaryDirectory()
for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
    os.environ[name] = home.name
from core.presets.finding import find_presets_file, load_presets
from core.records.errors import PlaygroundError
from core.sessions.folder import SessionsFolder
from core.sessions.starting import start_session
from tui.app.playground import PlaygroundApp
from tui.look.appearance import AppearanceFile

is_over = threading.Event()

def backend(name):
    is_over.wait()
    raise PlaygroundError("no model is wanted")

async def main():
    book = load_presets(find_presets_file(None))
    preset, file = book.presets[0].name, AppearanceFile()
    session = start_session(SessionsFolder())
    app = PlaygroundApp(
        backend, book, preset_name=preset, appearance_file=file, session=session
    )
    async with app.run_test() as pilot:
        await pilot.pause()
        painted = set(sys.modules)
        is_over.set()
    return painted

loaded = asyncio.run(main())
"""
    loaded = loaded_after(code)

    assert {"textual", "tui.main.screen"} <= loaded
    assert loaded.isdisjoint(MODEL_LIBRARIES)


def test_torch_imports_its_compiler_only_where_there_is_a_gpu():
    code = """
from core.models.loading import load_model
import core.decoding.engine
load_model("demo", "cpu", "float32", lambda stage, share=None: None).model.prefill([1])
"""
    loaded = loaded_after(code)

    assert "core.models.gpt2.graph.compiled" in loaded
    assert loaded.isdisjoint(("torch._inductor.compile_fx", "torch._dynamo.eval_frame"))

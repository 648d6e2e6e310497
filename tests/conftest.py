"""What all tests share. No test may reach a network or a model hub."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from textual import constants

from tests.forking import FOR_MODELS, FOR_TOKENIZERS, Forking
from tests.places import REPOSITORY

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# The models of the tests are so small that torch's threads would only wait for each other, busily.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("NO_COLOR", None)

# Pictures and colours are the same whatever terminal the tests are started from; textual has read
# its environment by now, since its plugin for pytest is loaded first.
constants.COLOR_SYSTEM = "truecolor"

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


def pytest_configure(config):
    """Keep what the program remembers out of the home folder, in one that goes at the end.

    A worker's lies in that of the process which began it: a worker may be ended before it tidies.
    """
    outer = os.environ["XDG_STATE_HOME"] if "PYTEST_XDIST_WORKER" in os.environ else None
    remembered = tempfile.TemporaryDirectory(prefix="gpt2-playground-tests-", dir=outer)
    config.add_cleanup(remembered.cleanup)
    os.environ["XDG_STATE_HOME"] = os.environ["XDG_DATA_HOME"] = remembered.name


def pytest_xdist_auto_num_workers(config):
    """Workers for the whole suite; whoever names some tests waits for no worker to begin.

    They are more than there are processors, since many tests wait more than they compute.
    """
    options = config.option
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    chosen = options.keyword or options.markexpr or getattr(options, "lf", False)
    if not is_whole or chosen or options.collectonly:  # without pytest's cache there is no --lf
        return 0
    return (os.cpu_count() or 1) + 2


def pytest_sessionstart(session):
    """Have the kernel compiled before workers begin, lest each of them compiles it."""
    from core.models.gpt2.kernel.build import native_library

    if "PYTEST_XDIST_WORKER" not in os.environ:
        native_library()


def pytest_collection():
    """Have each worker begin with another part of the tests: else all compile all, side by side.

    What one of them has compiled, the others only read.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    share = -(-len(files) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    begin = share * int(worker.removeprefix("gw"))
    for file in files[begin : begin + share]:
        name = ".".join(file.relative_to(REPOSITORY).with_suffix("").parts)
        with contextlib.suppress(Exception, pytest.skip.Exception):  # told when it is collected
            importlib.import_module(name)


def pytest_collection_finish():
    """Spare the garbage collector what stays, libraries and tests: it is most of its work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 50)  # so many old objects are looked at seldom: 10 is the default


@pytest.fixture(scope="session", autouse=True)
def forked_programs():
    """Have the program's processes forked: else each of some hundred imports its libraries anew.

    Only where forking is safe. The fixture ``started_anew`` keeps a test from it.
    """
    from core.models.inspection import apart
    from core.models.sandbox import process

    as_the_program_does = (process.start_program, apart.run_program)
    if sys.platform != "linux":
        yield as_the_program_does
        return
    for_tokenizers = Forking(FOR_TOKENIZERS, process.ENVIRONMENT)
    for_models = Forking(FOR_MODELS, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "start_program", for_tokenizers.start)
        patch.setattr(apart, "run_program", for_models.run)
        yield as_the_program_does
        process.confined().close()
    for_tokenizers.close()
    for_models.close()


@pytest.fixture
def started_anew(forked_programs, monkeypatch):
    """Have the program's processes started as the program does it."""
    from core.models.inspection import apart
    from core.models.sandbox import process

    start_program, run_program = forked_programs
    monkeypatch.setattr(process, "start_program", start_program)
    monkeypatch.setattr(apart, "run_program", run_program)
    process.confined().close()
    yield
    process.confined().close()


@pytest.fixture(scope="session")
def demo():
    """The bundled model, loaded once, in float32 on the processor."""
    from core.models.loading import load_model

    return load_model("demo", "cpu", "float32", lambda stage, share=None: None)


@pytest.fixture(scope="session")
def demo_module():
    """The bundled model as transformers loads it, in float32."""
    from transformers import AutoModelForCausalLM

    from core.models.catalog import DEMO, model_folder

    return AutoModelForCausalLM.from_pretrained(model_folder(DEMO)).eval()

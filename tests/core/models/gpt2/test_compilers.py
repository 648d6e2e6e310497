"""The kernel from each compiler that is here, for processors new and old: the same logits from all.

At -O2, which warns of less than it checks; no compiler may lack what another one has.
"""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest
import torch

from core.decoding.weighing import figures
from core.models.any.model import TransformersModel
from core.models.gpt2.kernel import build as native_build
from core.models.gpt2.kernel import steps as gpt2_native
from tests.core.models.gpt2.test_gpt2 import assert_close, random_module, tokens
from tests.core.models.gpt2.test_tiles import rounded
from tests.reference import behind

COMPILERS = ("gcc-9", "gcc-10", "gcc-11", "gcc-12", "gcc-13", "gcc-14", "clang")
TUNING = {"native": "-march=native", "v3": "-march=x86-64-v3", "baseline": "-march=x86-64"}
DTYPES = (torch.float32, torch.bfloat16, torch.int8)

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="these are the names of x86-64's processors"
)


def forget():
    for found in (gpt2_native.open_library, gpt2_native.has_tiles, figures._native):
        found.cache_clear()


@pytest.fixture(params=COMPILERS)
def compiler(request):
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param}")
    return request.param


def same_program(compiler, command):
    """Whether a command is that compiler and no more: what CC adds may be anything."""
    return [Path(shutil.which(compiler)).resolve()] == [Path(one).resolve() for one in command]


def built(folder, compiler, tuning):
    """The kernel, kept from an earlier run of the tests where all that it is made of is the same.

    What the program itself has compiled for this processor, by the same compiler, is that one.
    """
    if tuning == "native" and same_program(compiler, native_build._compiler()):
        library, why_not = native_build.native_library()
        assert library, why_not
        return library
    command = [compiler, *native_build._FLAGS, TUNING[tuning]]
    library = folder / f"{compiler}-{tuning}-{native_build._fingerprint(command)}.so"
    if not library.exists():
        for older in folder.glob(f"{compiler}-{tuning}-*"):
            older.unlink()
        part = library.with_suffix(".part")
        assert native_build._compiles(command, part)
        part.replace(library)
    return library


@pytest.fixture(params=TUNING)
def compiled(request, compiler, pytestconfig, monkeypatch):
    """The program with the kernel of that compiler, for that processor."""
    if request.param == "v3" and "avx2" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor is older")
    assert "-O2" in native_build._FLAGS
    library = built(pytestconfig.cache.mkdir("kernels"), compiler, request.param)
    forget()
    monkeypatch.setattr(gpt2_native, "native_library", lambda: (library, ""))
    yield
    forget()


def test_what_is_compiled_is_right(compiled, monkeypatch):
    """Prompts, one row and several, in every dtype, and the figures of what comes out."""
    monkeypatch.setattr("core.models.gpt2.weights.Gpt2Weights.cache_dtype", torch.float32)
    module = random_module(n_embd=128, n_head=2, n_positions=96, initializer_range=0.1)
    for dtype in DTYPES:
        ours, theirs = behind("native", module, dtype), TransformersModel(rounded(module, dtype))
        for model in (ours, theirs):
            model.rewind(0)
        assert_close(ours.prefill(tokens(23)), theirs.prefill(tokens(23)))
        for rows in (1, 5, 9):
            for model in (ours, theirs):
                model.reorder([0] * rows)
            new = tokens(rows, offset=rows)
            logits = ours.decode(new)
            assert_close(logits, theirs.decode(new))
        native = figures.row_figures(logits, 5)
        by_torch = figures._by_torch(logits, 5)
        assert [one.token_ids for one in native] == [one.token_ids for one in by_torch]
        for one, other in zip(native, by_torch, strict=True):
            assert one.entropy == pytest.approx(other.entropy, abs=1e-4)
            assert one.logsumexp == pytest.approx(other.logsumexp, abs=1e-4)

"""The kernel's compilation: once, whole or not at all, and never from where others can write."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat

import pytest

from core.models import native_build
from core.models.native_build import SWITCH, native_library

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A user's cache folder of our own, and no memory of what was found before."""
    native_library.cache_clear()
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    yield tmp_path / "gpt2-playground" / "native"
    native_library.cache_clear()


def fake_compiler(tmp_path, monkeypatch, script):
    compiler = tmp_path / "compiler"
    compiler.write_text(f"#!/bin/sh\n{script}\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))


@needs_compiler
def test_it_is_compiled_once(cache, monkeypatch):
    library, obstacle = native_library()
    assert (library.parent, obstacle) == (cache, "")
    assert ctypes.CDLL(str(library)).gpt2_step
    assert [path.name for path in cache.iterdir()] == [library.name]
    for path in (library, cache):
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    native_library.cache_clear()
    monkeypatch.setattr(native_build, "_compile", None)  # calling it would fail
    assert native_library() == (library, "")


@needs_compiler
def test_another_source_flag_or_processor_is_another_library(cache, monkeypatch, tmp_path):
    names = {native_library()[0].name}
    for name, value in (
        ("_FLAGS", (*native_build._FLAGS, "-g")),
        ("_processor", lambda: "flags: other"),
    ):
        native_library.cache_clear()
        with monkeypatch.context() as changed:
            changed.setattr(native_build, name, value)
            names.add(native_library()[0].name)
    sources = shutil.copytree(native_build._SOURCES, tmp_path / "native")
    monkeypatch.setattr(native_build, "_SOURCES", sources)
    for name in ("gpt2.c", "tiles.h"):
        with (sources / name).open("a") as source:
            source.write("\n")
        native_library.cache_clear()
        names.add(native_library()[0].name)
    assert len(names) == 5


def test_the_switch(cache, monkeypatch):
    monkeypatch.setenv(SWITCH, "0")
    assert native_library() == (None, "GPT2_PLAYGROUND_NATIVE is 0")
    assert not cache.exists()


def test_without_a_compiler(cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert native_library() == (None, "there is no C compiler")
    monkeypatch.setenv("CC", "no-such-compiler")
    native_library.cache_clear()
    assert native_library() == (None, "there is no C compiler")


@pytest.mark.parametrize("script", ["exit 1", 'while [ "$1" != -o ]; do shift; done; echo > "$2"'])
def test_a_compiler_that_fails_leaves_nothing(cache, tmp_path, monkeypatch, script):
    """It stops, or it writes what is no library."""
    fake_compiler(tmp_path, monkeypatch, script)
    library, obstacle = native_library()
    assert library is None
    assert obstacle
    assert list(cache.iterdir()) == []


@needs_compiler
@pytest.mark.parametrize("known", ["-mcpu=native", ""])
def test_a_compiler_that_does_not_know_the_processor_by_march(cache, tmp_path, monkeypatch, known):
    refusal = f'for one; do case "$one" in {known or "-"}) ;; -m*=native) exit 1;; esac; done'
    rest = 'for one; do shift; [ "$one" = -mcpu=native ] || set -- "$@" "$one"; done'
    fake_compiler(tmp_path, monkeypatch, f'{refusal}\n{rest}\nexec cc "$@"')
    library, obstacle = native_library()
    assert (library.parent, obstacle) == (cache, "")
    assert ctypes.CDLL(str(library)).gpt2_step


@needs_compiler
@pytest.mark.parametrize("what", ["folder", "library"])
def test_what_others_can_write_is_not_loaded(cache, what):
    library = native_library()[0]
    (cache if what == "folder" else library).chmod(0o777)
    native_library.cache_clear()
    found, obstacle = native_library()
    assert found is None
    assert "others can write to" in obstacle


@needs_compiler
def test_what_belongs_to_others_is_not_loaded(cache, monkeypatch):
    native_library()
    native_library.cache_clear()
    other = os.getuid() + 1
    monkeypatch.setattr("os.getuid", lambda: other)
    assert "belongs to somebody else" in native_library()[1]


@needs_compiler
def test_a_link_is_not_followed(cache, tmp_path):
    library = native_library()[0]
    library.rename(tmp_path / "elsewhere.so")
    library.symlink_to(tmp_path / "elsewhere.so")
    native_library.cache_clear()
    assert native_library()[0] is None


def test_a_folder_that_cannot_be_made(cache):
    cache.parent.parent.joinpath("gpt2-playground").write_text("a file")
    library, obstacle = native_library()
    assert library is None
    assert obstacle

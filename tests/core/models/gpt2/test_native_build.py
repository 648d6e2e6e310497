"""The kernel's compilation: once, whole or not at all, and never from where others can write."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.models.gpt2.kernel import build as native_build
from core.models.gpt2.kernel.build import SWITCH, native_library

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


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A kernel that takes no time to compile."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "gpt2.c").write_text('#include "tiles.h"\nint gpt2_step(void) { return 0; }\n')
    (sources / "tiles.h").touch()
    monkeypatch.setattr(native_build, "_SOURCES", sources)


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
def test_another_source_flag_or_processor_is_another_library(tiny, cache, monkeypatch, tmp_path):
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
def test_a_compiler_that_does_not_know_the_processor_by_march(
    tiny, cache, tmp_path, monkeypatch, known
):
    refusal = f'for one; do case "$one" in {known or "-"}) ;; -m*=native) exit 1;; esac; done'
    rest = 'for one; do shift; [ "$one" = -mcpu=native ] || set -- "$@" "$one"; done'
    fake_compiler(tmp_path, monkeypatch, f'{refusal}\n{rest}\nexec cc "$@"')
    library, obstacle = native_library()
    assert (library.parent, obstacle) == (cache, "")
    assert ctypes.CDLL(str(library)).gpt2_step


@needs_compiler
@pytest.mark.parametrize("what", ["folder", "library"])
def test_what_others_can_write_is_not_loaded(tiny, cache, what):
    library = native_library()[0]
    (cache if what == "folder" else library).chmod(0o777)
    native_library.cache_clear()
    found, obstacle = native_library()
    assert found is None
    assert "others can write to" in obstacle


@needs_compiler
def test_what_belongs_to_others_is_not_loaded(tiny, cache, monkeypatch):
    native_library()
    native_library.cache_clear()
    other = os.getuid() + 1
    monkeypatch.setattr("os.getuid", lambda: other)
    assert "belongs to somebody else" in native_library()[1]


@needs_compiler
def test_a_link_is_not_followed(tiny, cache, tmp_path):
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


def of_another_machine(content):
    """The same library for a processor that nobody has."""
    return content[:18] + b"\xff\xfe" + content[20:]


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "cut by a byte": lambda content: content[:-1],
    "zeroed": lambda content: bytes(len(content)),
    "zeroed at the end": lambda content: content[:4096] + bytes(len(content) - 4096),
    "text": lambda content: b"not found\n",
    "one bit": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "another machine": of_another_machine,
}


@needs_compiler
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_library_is_compiled_anew_and_never_loaded(cache, tiny, monkeypatch, damage):
    """Loaded, half of one ends the process: by SIGBUS, or zeroed by SIGSEGV."""
    library = native_library()[0]
    content = library.read_bytes()
    library.unlink()  # in this process it is loaded
    library.write_bytes(DAMAGES[damage](content))
    library.chmod(0o700)
    native_library.cache_clear()
    loaded = []
    load = ctypes.CDLL
    monkeypatch.setattr(ctypes, "CDLL", lambda name: loaded.append(Path(name)) or load(name))
    assert native_library() == (library, "")
    assert library.read_bytes() == content
    assert list(cache.iterdir()) == [library]
    assert loaded
    assert all(path.suffix == ".part" for path in loaded)


@needs_compiler
def test_a_whole_library_that_this_system_refuses_is_compiled_anew(cache, tiny):
    """As from a home folder that is shared with another system."""
    library = native_library()[0]
    refused = cache / "content"
    refused.write_bytes(of_another_machine(library.read_bytes()))
    library.unlink()
    refused.chmod(0o700)
    refused.replace(cache / native_build._name(library.name.rpartition("-")[0], refused))
    native_library.cache_clear()
    assert native_library() == (library, "")
    assert list(cache.iterdir()) == [library]


@needs_compiler
@pytest.mark.parametrize("what", ["pipe", "folder"])
def test_what_is_no_file_is_not_waited_for(cache, tiny, what):
    library = native_library()[0]
    library.unlink()
    make = {"pipe": os.mkfifo, "folder": os.mkdir}[what]
    make(library, 0o700)
    native_library.cache_clear()
    found, obstacle = native_library()
    assert (found == library) if what == "pipe" else (found is None and obstacle)


@needs_compiler
def test_it_is_on_the_disk_before_it_has_its_name(cache, tiny, monkeypatch):
    done = []
    sync, rename = os.fsync, Path.replace
    monkeypatch.setattr("os.fsync", lambda handle: done.append("fsync") or sync(handle))
    monkeypatch.setattr(
        Path, "replace", lambda one, other: done.append("rename") or rename(one, other)
    )
    assert native_library()[0]
    assert done == ["fsync", "rename", "fsync"]


@needs_compiler
def test_several_processes_compile_at_once(cache, tiny):
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: native_build._built(cache), range(8)))
    assert set(cache.iterdir()) == found
    assert native_library()[0] in found


@needs_compiler
def test_what_killed_compilations_left_is_removed(cache, tiny):
    cache.mkdir(parents=True, mode=0o700)
    old, new = cache / "a.part", cache / "b.part"
    for part in (old, new):
        part.touch()
    os.utime(old, (0, time.time() - 86_400))
    library = native_library()[0]
    assert set(cache.iterdir()) == {library, new}


@needs_compiler
@pytest.mark.parametrize("is_damaged", [True, False])
def test_a_folder_that_cannot_be_written_to(cache, tiny, monkeypatch, is_damaged):
    """A good library there serves; without one the model runs by torch."""
    library = native_library()[0]
    if is_damaged:
        library.unlink()
        library.write_bytes(b"")
        library.chmod(0o700)
    native_library.cache_clear()

    def refuse(*given, **named):
        raise PermissionError(13, "Permission denied", str(cache))

    for name in ("pathlib.Path.unlink", "tempfile.mkstemp", "pathlib.Path.replace"):
        monkeypatch.setattr(name, refuse)
    found, obstacle = native_library()
    assert (found, bool(obstacle)) == ((None, True) if is_damaged else (library, False))


@needs_compiler
def test_the_ways_to_name_a_compiler(cache, tiny, tmp_path, monkeypatch):
    real = shutil.which("cc")
    spaced = tmp_path / "my tools" / "cc"
    spaced.parent.mkdir()
    spaced.write_text(f'#!/bin/sh\nexec {real} "$@"\n')
    spaced.chmod(0o755)
    ways = ["cc", real, "cc -O1", "env cc", f"{spaced}", f"{shlex.quote(str(spaced))} -g", "  "]
    ways += ["ccache cc"] if shutil.which("ccache") else []
    monkeypatch.setenv("CCACHE_DIR", str(tmp_path / "ccache"))
    for way in ways:
        native_library.cache_clear()
        monkeypatch.setenv("CC", way)
        assert native_library()[1] == "", way
    monkeypatch.setenv("CC", "cc 'half")
    native_library.cache_clear()
    assert native_library() == (None, "CC is no command: No closing quotation")


@needs_compiler
def test_a_compiler_behind_another_command_is_part_of_the_name(cache, tiny, tmp_path, monkeypatch):
    fake_compiler(tmp_path, monkeypatch, 'exec cc "$@"')
    compiler = tmp_path / "compiler"
    monkeypatch.setenv("CC", f"env {compiler}")
    before = native_library()[0]
    os.utime(compiler, (0, 0))
    native_library.cache_clear()
    assert native_library()[0] != before


def test_another_name_of_a_compiler_serves(cache, tiny, tmp_path, monkeypatch):
    real = shutil.which("cc")
    if real is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path / "bin"
    folder.mkdir()
    # Compilers find their own parts by the search path.
    (folder / "clang").write_text(f'#!/bin/sh\nPATH={os.environ["PATH"]} exec {real} "$@"\n')
    (folder / "clang").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    assert native_library()[1] == ""

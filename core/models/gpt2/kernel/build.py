"""The native kernel: compiled by this machine's own C compiler, once, into the user's cache.

A library's name says what it was made of and what is in it, by checksum: what a full disk or a
power cut left of one ends a process that loads it, so it is compiled anew. Must never load a
library that another user could have written, nor stop a model from running: where there is no
compiler, the reason is kept and plain torch does the work.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sysconfig
import tempfile
import time
from functools import cache
from pathlib import Path

import platformdirs

SWITCH = "GPT2_PLAYGROUND_NATIVE"
"""Set to 0, this environment variable keeps the kernel from being compiled or loaded."""

_SOURCES = Path(__file__).parent / "source"
"""Its gpt2.c includes all the others."""

_FLAGS = (
    "-std=gnu11",
    "-O2",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fPIC",
    "-shared",
)
_TUNING = (("-march=native",), ("-mcpu=native",), ())
"""For this very processor, by the first of these that the compiler knows: not all know both on all
processors, such as Apple's on arm64, whose vectors are there without being asked for."""

_LIBRARIES = ("-lpthread", "-lm")
_LONGEST_COMPILATION = 120.0
_COMPILERS = ("cc", "gcc", "clang")
"""The first of these that there is compiles, unless ``CC`` says otherwise."""


class NativeError(Exception):
    """The kernel cannot be had; the message is a phrase that says why."""


@cache
def native_library() -> tuple[Path | None, str]:
    """Return the compiled kernel, or ``None`` and a phrase that says why there is none."""
    if os.environ.get(SWITCH) == "0":
        return None, f"{SWITCH} is 0"
    try:
        return _built(platformdirs.user_cache_path("gpt2-playground") / "native"), ""
    except (NativeError, OSError) as error:
        return None, str(error)


def _built(folder: Path) -> Path:
    compiler = _compiler()
    _own_folder(folder)
    made_of = f"gpt2-{_fingerprint(compiler)}"
    for library in sorted(folder.glob(f"{made_of}-*.so")):
        _check_owner(library)
        if library.is_file() and library.name == _name(made_of, library) and _loads(library):
            return library
        library.unlink(missing_ok=True)
    return _compile(compiler, folder, made_of)


def _compiler() -> list[str]:
    """Return the words that call the compiler: those of ``CC``, as make reads it, come first."""
    wanted = os.environ.get("CC", "").strip()
    try:
        words = [wanted] if shutil.which(wanted) else shlex.split(wanted)
    except ValueError as error:
        raise NativeError(f"CC is no command: {error}") from None
    words = words or [next(filter(shutil.which, _COMPILERS), "")]
    found = shutil.which(words[0])
    if not found:
        raise NativeError("there is no C compiler")
    return [found, *words[1:]]


def _own_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_owner(folder)


def _check_owner(path: Path) -> None:
    """Refuse what others can write: loading a library runs it."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.getuid():
        raise NativeError(f"{path} belongs to somebody else")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NativeError(f"others can write to {path}")


def _fingerprint(compiler: list[str]) -> str:
    """Return a name for what would be compiled here: source, flags, compiler and processor."""
    digest = hashlib.sha256()
    for source in sorted(_SOURCES.glob("*.[ch]")):
        digest.update(source.read_bytes())
    flags = (*_FLAGS, *(flag for tuning in _TUNING for flag in tuning))
    # What CC calls may call another compiler, as ccache does.
    programs = [Path(found).resolve() for found in map(shutil.which, compiler) if found]
    dated = [f"{program} {program.stat().st_mtime_ns}" for program in programs]
    machine = (platform.machine(), _processor(), str(sysconfig.get_config_var("SOABI")))
    digest.update("\0".join((*flags, *compiler, *dated, *machine)).encode())
    return digest.hexdigest()[:24]


def _name(made_of: str, library: Path) -> str:
    """Return the name of a library of this content, which nothing damaged bears."""
    with library.open("rb") as content:
        return f"{made_of}-{hashlib.file_digest(content, 'sha256').hexdigest()[:24]}.so"


def _loads(library: Path) -> bool:
    """Whether the system loads a whole library; one from another system may be refused."""
    try:
        return hasattr(ctypes.CDLL(str(library)), "gpt2_step")
    except OSError:
        return False


def _processor() -> str:
    """Return what tells this processor's instructions; a home folder may be shared."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _compile(compiler: list[str], folder: Path, made_of: str) -> Path:
    """Compile into ``folder`` under another name and rename, so that nobody ever sees half of it.

    Processes that do so at once each rename a whole one.
    """
    _sweep(folder)
    handle, name = tempfile.mkstemp(suffix=".part", dir=folder)
    os.close(handle)
    part = Path(name)
    try:
        _compile_into(part, compiler)
        _write_through(part)
        library = folder / _name(made_of, part)
        part.replace(library)
    finally:
        part.unlink(missing_ok=True)
    _write_through(folder)
    return library


def _compile_into(part: Path, compiler: list[str]) -> None:
    command = shlex.join(compiler)
    try:
        if not any(_compiles([*compiler, *_FLAGS, *tuning], part) for tuning in _TUNING):
            raise NativeError(f"{command} cannot compile the kernel")
    except subprocess.TimeoutExpired:
        raise NativeError(f"{command} took more than {_LONGEST_COMPILATION:.0f} s") from None
    part.chmod(0o700)
    if not _loads(part):
        raise NativeError(f"what {command} compiles cannot be loaded")


def _sweep(folder: Path) -> None:
    """Remove what compilations left that were killed."""
    oldest = time.time() - 2 * len(_TUNING) * _LONGEST_COMPILATION
    for part in folder.glob("*.part"):
        if part.stat().st_mtime < oldest:
            part.unlink(missing_ok=True)


def _write_through(path: Path) -> None:
    """Have the system write a file, or a folder's names, to the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _compiles(command: list[str], library: Path) -> bool:
    """Try to compile the kernel into ``library``; return whether it went well."""
    command = [*command, "-o", str(library), str(_SOURCES / "gpt2.c"), *_LIBRARIES]
    done = subprocess.run(  # noqa: S603 (the user's own compiler on our own file)
        command, capture_output=True, timeout=_LONGEST_COMPILATION, check=False
    )
    return done.returncode == 0

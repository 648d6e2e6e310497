"""The native kernel: compiled by this machine's own C compiler, once, into the user's cache.

Must never load a library that another user could have written, nor stop a model from running:
where there is no compiler, the reason is kept and plain torch does the work.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

SWITCH = "GPT2_PLAYGROUND_NATIVE"
"""Set to 0, this environment variable keeps the kernel from being compiled or loaded."""

_SOURCES = Path(__file__).parent / "native"
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
    compiler = os.environ.get("CC") or shutil.which("cc")
    if not compiler or not shutil.which(compiler):
        raise NativeError("there is no C compiler")
    _own_folder(folder)
    library = folder / f"gpt2-{_fingerprint(compiler)}.so"
    if not library.exists():
        _compile(compiler, library)
    _check_owner(library)
    return library


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


def _fingerprint(compiler: str) -> str:
    """Return a name for what would be compiled here: source, flags, compiler and processor."""
    found = Path(shutil.which(compiler) or compiler)
    flags = (*_FLAGS, *(flag for tuning in _TUNING for flag in tuning))
    facts = (*flags, str(found.resolve()), str(found.stat().st_mtime_ns), platform.machine())
    digest = hashlib.sha256()
    for source in sorted(_SOURCES.glob("*.[ch]")):
        digest.update(source.read_bytes())
    digest.update("\0".join((*facts, _processor())).encode())
    return digest.hexdigest()[:24]


def _processor() -> str:
    """Return what tells this processor's instructions; a home folder may be shared."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _compile(compiler: str, library: Path) -> None:
    """Compile beside ``library`` and rename, so that nobody ever sees half of it."""
    handle, name = tempfile.mkstemp(suffix=".part", dir=library.parent)
    os.close(handle)
    part = Path(name)
    try:
        if not any(_compiles([compiler, *_FLAGS, *tuning], part) for tuning in _TUNING):
            raise NativeError(f"{compiler} cannot compile the kernel")
        part.chmod(0o700)
        ctypes.CDLL(str(part))  # one that does not load is never kept
        part.replace(library)
    except subprocess.TimeoutExpired:
        raise NativeError(f"{compiler} took more than {_LONGEST_COMPILATION:.0f} s") from None
    finally:
        part.unlink(missing_ok=True)


def _compiles(command: list[str], library: Path) -> bool:
    """Try to compile the kernel into ``library``; return whether it went well."""
    command = [*command, "-o", str(library), str(_SOURCES / "gpt2.c"), *_LIBRARIES]
    done = subprocess.run(  # noqa: S603 (the user's own compiler on our own file)
        command, capture_output=True, timeout=_LONGEST_COMPILATION, check=False
    )
    return done.returncode == 0

"""The report of a fault: versions, and which line of which file called which.

Must never hold a word of anyone's text. An exception's message may quote a prompt, a path or a key,
so that only its kind is written; a file's name stands without the home folder.
"""

from __future__ import annotations

import errno
import platform
import sys
import traceback
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from core.document.export.about import PROGRAM, installed_version
from core.faults.circumstances import known
from core.text.visible import one_line

_PACKAGES = (PROGRAM, "torch", "transformers", "tokenizers", "textual")
_MOST_FRAMES = 30
"""Of the beginning and of the end of a traceback, each; calls without end have thousands."""
_MOST_CAUSES = 10


def report_of(error: BaseException) -> str:
    """Return the report of ``error``, of what caused it, and of where the program ran."""
    lines = [
        f"{PROGRAM} broke off for a fault that it did not expect.",
        "This report holds versions and places in programs, and nobody's text.",
        "",
        *(f"{name} {installed_version(name) or '(not installed)'}" for name in _PACKAGES),
        f"python {platform.python_version()}",
        f"system {platform.system()} {platform.release()} {platform.machine()}",
        *(f"{name} {one_line(value, 120)}" for name, value in known().items()),
    ]
    for said, one in _chain(error):
        lines += ["", f"{said}{_kind(one)}", *_places(one)]
    return "\n".join(lines) + "\n"


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """Yield ``error`` and what was behind it, the newest first, each with how it comes in."""
    waiting: list[tuple[str, BaseException]] = [("fault: ", error)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_CAUSES:
        said, one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield said, one
        if one.__cause__ is not None:
            waiting.append(("caused by: ", one.__cause__))
        elif one.__context__ is not None and not one.__suppress_context__:
            waiting.append(("while handling: ", one.__context__))
        if isinstance(one, BaseExceptionGroup):
            waiting += [("one of its faults: ", part) for part in one.exceptions]


def _kind(error: BaseException) -> str:
    """Return the name of the kind of ``error``, and of a system's error which one it is."""
    kind = type(error)
    number = error.errno if isinstance(error, OSError) else None
    # Any text may stand in the number's place.
    known_number = errno.errorcode.get(number) if isinstance(number, int) else None
    code = f" ({known_number})" if known_number is not None else ""
    return one_line(f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."), 200) + code


def _places(error: BaseException) -> list[str]:
    """Return a line for every call that led to ``error``, the outermost first."""
    calls = (
        (frame.f_code.co_filename, line, frame.f_code.co_qualname)
        for frame, line in traceback.walk_tb(error.__traceback__)
    )
    lines = []
    for (file, line, name), same in groupby(calls):
        times = sum(1 for _ in same)
        again = f", {times:,} times" if times > 1 else ""
        lines.append(f"  {one_line(f'{_short(file)}:{line} in {name}', 300)}{again}")
    left_out = len(lines) - 2 * _MOST_FRAMES
    if left_out > 0:
        lines[_MOST_FRAMES:-_MOST_FRAMES] = [f"  … {left_out:,} calls more"]
    return lines


def _short(file: str) -> str:
    """Return the name of ``file`` from where Python found it, else with ``~`` for the home."""
    found = [one for one in sys.path if one and file.startswith(one.rstrip("/") + "/")]
    if found:
        return file[len(max(found, key=len).rstrip("/")) + 1 :]
    try:
        homes = {str(Path.home()), str(Path.home().resolve())}
    except (OSError, RuntimeError):  # whoever runs this has none
        return file
    for home in sorted(homes, key=len, reverse=True):
        if file.startswith(home + "/"):
            return "~" + file[len(home) :]
    return file

"""Where reports of faults are kept, and the sentence that says so.

Must never fail by itself: a report that cannot be written is told in the same sentence.
"""

from __future__ import annotations

import os
import time

import platformdirs

from core.faults.report import report_of
from core.files.writing import write_over
from core.text.visible import one_line

FAULT_CODE = 70
"""What the program exits with after a fault: ``EX_SOFTWARE`` of BSD's ``sysexits.h``."""

_MESSAGE = 120  # characters


def keep_report(error: BaseException) -> str:
    """Write the report of ``error`` and return a sentence that names it, and the fault."""
    message = one_line(str(error), _MESSAGE)
    kind = type(error).__name__
    return f"unexpected {f'{kind}: {message}' if message else kind}; {_written(report_of(error))}"


def _written(report: str) -> str:
    """Write ``report``, readable by this user alone, and say where it is or why it is nowhere."""
    folder = platformdirs.user_state_path("gpt2-playground")
    path = folder / f"fault-{time.strftime('%Y-%m-%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_over(path, report.encode("utf-8", "backslashreplace"), 0o600)
    except OSError as error:
        return f"no report could be written in {folder} ({error.strerror or 'it cannot be used'})"
    return f"what to send to whoever mends it, without any text of yours, is in {path}"

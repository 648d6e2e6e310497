"""The one exception that a person is meant to read, and what to say of all others.

Must never carry a traceback to the screen: whoever catches one shows a sentence and nothing else.
"""

from __future__ import annotations

from core.text.visible import one_line


class PlaygroundError(Exception):
    """Something the user can mend: one sentence that says what, where and what to do."""


def unexpected(what: str, error: BaseException) -> str:
    """Return a sentence on what a library raised: what failed, its kind, and its first line.

    A thread takes ``BaseException`` for such a fault: the panics of libraries in Rust, such as
    ``tokenizers``, are no ``Exception``, and a thread that they end is waited for in vain.
    """
    first_line = (str(error).strip().splitlines() or [""])[0]
    said = f"{type(error).__name__}: {one_line(first_line, 300)}" if first_line else ""
    return f"{what}: {said or type(error).__name__}"

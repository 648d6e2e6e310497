"""Threads whose fault nobody caught, brought before whoever waits for the program's end.

Must never let Python print such a fault: it would stand in the middle of the app's picture.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def faults_of_threads() -> Iterator[list[BaseException]]:
    """Give a list to which faults of threads are added; the first one ends what goes on.

    That is done as ctrl+c does it, so that what has come is kept and the terminal given back.
    """
    faults: list[BaseException] = []
    before = threading.excepthook

    def take(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is None or isinstance(found.exc_value, SystemExit):
            return
        faults.append(found.exc_value)
        if len(faults) == 1 and callable(signal.getsignal(signal.SIGINT)):
            main = threading.main_thread().ident
            if main is not None:
                signal.pthread_kill(main, signal.SIGINT)

    threading.excepthook = take
    try:
        yield faults
    finally:
        threading.excepthook = before

"""The program from its very start: ctrl+c is quiet even before the command line is there.

Must never import anything outside the standard library before ctrl+c has been seen to.
"""

from __future__ import annotations

import os
import signal

_INTERRUPTED_CODE = 130  # tui.cli.streams has it too, and is among what is imported below


def main() -> None:
    """Run the command line; see ``tui.cli.commands.main``."""
    previous = signal.getsignal(signal.SIGINT)
    if previous is signal.default_int_handler:  # else ctrl+c is meant for others
        # Nothing has begun that could be left undone; an exception would come out of an import.
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED_CODE))
    from tui.cli.commands import main as run_command_line

    signal.signal(signal.SIGINT, previous)
    run_command_line()


if __name__ == "__main__":
    main()

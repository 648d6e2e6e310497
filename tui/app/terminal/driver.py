"""textual's driver, but for a terminal that goes away and for bytes that are no text.

Must never leave a terminal as the app had it, nor wait for one that is gone.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import IO, Any, NoReturn

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.app.terminal.pastes import InputDecoder, as_pasted

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def driver_for(own: type[Driver]) -> type[Driver]:
    """Return the driver to use where textual would take ``own``."""
    return TerminalDriver if own is LinuxDriver else own


class TerminalDriver(LinuxDriver):
    """Ends the app on a signal as ctrl+q does, with 128 and the signal's number as exit code.

    A process that is stopped and continued leaves the terminal and takes it over again, whoever
    stopped it and however often, so that what is given back at the end is what was found.
    """

    def __init__(self, app: App[Any], **options: Any) -> None:  # noqa: ANN401 - textual's own
        super().__init__(app, **options)
        self._served = app
        self._file: Any = _Output(self._file)
        self._is_between = False
        for number in (signal.SIGTSTP, signal.SIGCONT):  # before there is anything to leave
            signal.signal(number, signal.SIG_DFL)

    def start_application_mode(self) -> None:
        """Take over the terminal; see ``LinuxDriver``."""
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has the app stay
                loop.add_signal_handler(number, self._end, number)
        # In the place of textual's, which interrupt anything, themselves too.
        loop.add_signal_handler(signal.SIGTSTP, self._stop)
        loop.add_signal_handler(signal.SIGCONT, self._continue)
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was found; see ``LinuxDriver``."""
        super().stop_application_mode()
        self.attrs_before = None
        if not self._is_between:  # else a signal could take the terminal again behind the app's end
            loop = asyncio.get_running_loop()
            loop.remove_signal_handler(signal.SIGTSTP)
            loop.remove_signal_handler(signal.SIGCONT)

    def _stop(self) -> None:
        """Stop the process, with the terminal as it was found."""
        self._leave()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _continue(self) -> None:
        """Take the terminal over anew: whoever had it meanwhile has written to it and set it."""
        if not self._is_in_foreground():
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        self._leave()  # a stop that no program is told of found the app still there
        self.resume_application_mode()
        self.send_message(self.SignalResume())
        self._served.refresh(layout=True)

    def _leave(self) -> None:
        if self.attrs_before is None:
            return
        self._is_between = True
        self.suspend_application_mode()
        self._is_between = False

    def _is_in_foreground(self) -> bool:
        """Return whether the terminal listens to this process; one that is gone counts as such."""
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True

    def run_input_thread(self) -> None:
        """Read keys until the app ends, or end it where the terminal does."""
        if hasattr(linux_driver, "getincrementaldecoder"):
            # textual makes its decoder in the midst of its loop; this is the one way to another.
            vars(linux_driver)["getincrementaldecoder"] = lambda _encoding: InputDecoder
        try:
            super().run_input_thread()
        except (OSError, EOFError):
            self._served.call_later(self._end, signal.SIGHUP)
        except Exception as error:  # else textual would draw it, with the values of variables
            self._served.call_later(_raise, error)

    def process_message(self, message: Message) -> None:
        """Hand on what came from the terminal; see ``Driver``."""
        if isinstance(message, events.Paste):
            message = events.Paste(as_pasted(message.text))
        super().process_message(message)

    def _end(self, number: signal.Signals) -> None:
        self._served.exit(return_code=128 + number)


def _raise(error: Exception) -> NoReturn:
    raise error


class _Output:
    """A terminal to write to, or nothing once it is gone: its writer would die, and be waited for.

    ``WriterThread`` needs no more than these.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._is_gone = False

    def write(self, text: str) -> None:
        try:
            if not self._is_gone:
                self._file.write(text)
        except OSError:
            self._is_gone = True

    def flush(self) -> None:
        try:
            if not self._is_gone:
                self._file.flush()
        except OSError:
            self._is_gone = True

    def fileno(self) -> int:
        return self._file.fileno()

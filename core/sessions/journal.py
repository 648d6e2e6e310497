"""The end of a session's file, to which entries are appended while a person works.

Must never make the caller wait for a disk, or write anything after a fault: what is in the file is
whole lines, and all that was told until then. One thread encodes and writes, so that a program that
is killed has left it to the system; another has it on the disk, which holds up no writing.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from core.records.steps import Finished
from core.sessions.appending import FullError, LineFile
from core.sessions.entries import Entry, StepLookedAt
from core.sessions.header import header_line, new_header, this_program
from core.sessions.summary import EVERY, Summary
from core.sessions.to_json import entry_record, line_of
from core.text.visible import unexpected

INTERVAL = 0.3
"""So many seconds, at most, pass until what was told is written, whatever the disk does meanwhile.

Where the program is killed, the system has it on the disk later; where the power is cut, all is
there that the disk had time for.
"""

MOST_WAITING = 200_000
"""So many entries may wait to be written, where not even that is answered."""

_AT_ONCE = 10  # entries that are encoded before they are written

_Waiting = Entry | Callable[[], None]


class Journal:
    """Appends entries to an open file, in the order they are told, by one thread at a time.

    ``summary`` is that of what the file has already; one that is empty is begun by its first entry.
    The file is closed by ``close``.
    """

    def __init__(self, file: LineFile, summary: Summary, interval: float = INTERVAL) -> None:
        self._file, self._summary, self._interval = file, summary, interval
        self._summed_up_at = file.size
        self._has_begun = False
        self._waiting: deque[_Waiting] = deque()
        self._once_on_disk: deque[Callable[[], None]] = deque()
        self._news, self._now, self._written = (threading.Event() for _ in range(3))
        self._is_closing = self._is_saving = self._is_syncing = self._is_whole = False
        self._fault, self._was_told = "", False
        self._writing = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._syncing = threading.Thread(target=self._sync_all, name="journal disk", daemon=True)
        self._writing.start()
        self._syncing.start()

    @property
    def fault(self) -> str:
        """Why nothing is written any more, in a sentence; empty where all is well."""
        return self._fault

    @property
    def has_news(self) -> bool:
        """Whether there is a fault that ``take_fault`` has not returned."""
        return bool(self._fault) and not self._was_told

    @property
    def is_writing(self) -> bool:
        """Whether something that was told is not on the disk yet; ``fault`` may still come."""
        # In the order in which it goes, so that nothing slips by.
        is_on_its_way = bool(self._waiting) or self._is_saving or self._written.is_set()
        return is_on_its_way or self._is_syncing

    def take_fault(self) -> str:
        """Return ``fault`` the first time that there is one, empty ever after."""
        if not self.has_news:
            return ""
        self._was_told = True
        return self._fault

    def write(self, entry: Entry) -> None:
        """Have ``entry`` appended; after a fault, and once it is closed, it goes nowhere."""
        if self._fault or self._is_closing:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._fail("the disk takes nothing")
            return
        self._put(entry, is_urgent=type(entry) is Finished)

    def flush(self, timeout: float) -> bool:
        """Wait until all that was told is on the disk; return whether it is, after ``timeout`` s.

        Never from the thread that paints.
        """
        done = threading.Event()
        self.once_on_disk(done.set)
        return done.wait(timeout) and not self._fault

    def then(self, call: Callable[[], None]) -> None:
        """Have ``call`` made by the thread that writes, behind all that was told, written or not.

        For what is as quick as to write a line; an ``OSError`` of it is nobody's.
        """
        self._put(call, is_urgent=True)

    def once_on_disk(self, call: Callable[[], None]) -> None:
        """Have ``call`` made once all that was told is on the disk, or cannot be.

        For what may wait for a disk itself; an ``OSError`` of it is nobody's.
        """
        self.then(partial(self._once_on_disk.append, call))

    def close(self, timeout: float) -> bool:
        """Write what waits and close the file; return whether all is on the disk in ``timeout`` s.

        A disk that does not answer for longer is left alone; whoever calls again waits again.
        """
        self._is_closing = True
        self._now.set()
        self._news.set()
        self._syncing.join(timeout)  # which is the last to end
        return not self._syncing.is_alive() and not self._fault

    def _put(self, one: _Waiting, *, is_urgent: bool) -> None:
        self._waiting.append(one)
        if is_urgent:
            self._now.set()
        if not self._news.is_set():
            self._news.set()

    def _write_all(self) -> None:
        is_last = False
        while not is_last:
            self._news.wait()
            # So that a fast run wakes this thread seldom; its end, and closing, do not wait.
            self._now.wait(self._interval)
            self._news.clear()
            self._now.clear()
            is_last = self._is_closing
            self._save(is_last=is_last)
        self._is_whole = True
        self._written.set()

    def _save(self, *, is_last: bool) -> None:
        """Write what waits, and leave it to the other thread to have it on the disk."""
        self._is_saving = True
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not self._fault:
            with self._faults_told():
                self._write([one for one in waiting if not callable(one)])
                if is_last and self._summed_up_at != self._file.size:
                    self._sum_up()
        _call(one for one in waiting if callable(one))
        self._written.set()
        self._is_saving = False

    def _sync_all(self) -> None:
        is_last = False
        while not is_last:
            self._written.wait()
            self._is_syncing = True
            self._written.clear()
            is_last = self._is_whole
            calls = [self._once_on_disk.popleft() for _ in range(len(self._once_on_disk))]
            if not self._fault:
                with self._faults_told():
                    self._file.sync()
                    if self._file.is_gone:
                        self._fail("its file was deleted")
            _call(calls)
            self._is_syncing = False
        self._file.close()

    @contextlib.contextmanager
    def _faults_told(self) -> Iterator[None]:
        try:
            yield
        except FullError as error:
            self._fail(f"{error}; begin a new one")
        except OSError as error:
            self._fail(error.strerror or str(error))
        except Exception as error:  # else the thread would end without a word
            self._fail(unexpected("it cannot be written", error))

    def _write(self, entries: Sequence[Entry]) -> None:
        if entries and not self._has_begun:
            self._has_begun = True
            self._begin()
        kept = [
            one for one, later in pairwise((*entries, None)) if one and not _is_passed(one, later)
        ]
        for start in range(0, len(kept), _AT_ONCE):
            at_once = kept[start : start + _AT_ONCE]
            self._file.append(b"".join(map(line_of, map(entry_record, at_once))))
            for one in at_once:
                self._summary.take(one)
            # Whoever waits for the interpreter, a step above all, has it now: else this thread
            # would keep it for sys.getswitchinterval(), five steps of a fast run.
            time.sleep(0)
            if self._file.size - self._summed_up_at >= EVERY:
                self._sum_up()

    def _begin(self) -> None:
        """Say what writes from here on: here, for to find out the versions takes its time."""
        if not self._file.size:
            self._file.append(header_line(new_header()))
        self._file.append(line_of(entry_record(this_program())))

    def _sum_up(self) -> None:
        self._file.append(line_of(self._summary.record()))
        self._summed_up_at = self._file.size

    def _fail(self, why: str) -> None:
        self._fault = self._fault or f"the session is no longer saved: {why}"


def _call(calls: Iterable[Callable[[], None]]) -> None:
    for one in calls:
        with contextlib.suppress(OSError):
            one()


def _is_passed(entry: Entry, later: Entry | None) -> bool:
    """Whether ``later`` makes ``entry`` a place that was only passed by."""
    return isinstance(entry, StepLookedAt) and isinstance(later, StepLookedAt)

"""Programs that come with a model, run where they can be stopped: in a child process with limits.

Must never run one of them in this process, nor wait for one longer than said or than is wanted.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import psutil

from core.records.errors import PlaygroundError

_LOOK_SECONDS = 0.05
"""How long is waited before it is looked whether the answer is still wanted, and still may come."""

_START_SECONDS = 60.0
_OPEN_SECONDS = 60.0
_MOST_MEMORY = 3 * 2**30
"""Bytes that the child may hold; the largest tokenizers published take 0.5 GB there."""

_LONGEST_ANSWER = 512 * 2**20
_BLOCK = 2**20

_PROGRAM = Path(__file__).with_name("program.py")
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


class ConfinedError(PlaygroundError):
    """There is no answer; ``fault`` says why, to stand behind what was asked."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"what came with the model {fault}")
        self.fault = fault


class StoppedError(ConfinedError):
    """Nobody wanted the answer any more."""


class RaisedError(ConfinedError):
    """It raised; ``kinds`` are the names of what that was, the closest first."""

    def __init__(self, said: str, kinds: tuple[str, ...]) -> None:
        super().__init__(f"failed: {said or kinds[0]}")
        self.said = said
        self.kinds = kinds


class Confined:
    """Asks the child process, which is started when first needed and again after it was stopped.

    Any thread may ask; one answer is waited for at a time.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._wishes = threading.local()

    @contextlib.contextmanager
    def while_wanted(self, is_cancelled: Callable[[], bool]) -> Iterator[None]:
        """Stop what this thread waits for in here as soon as ``is_cancelled`` says so."""
        before = getattr(self._wishes, "is_unwanted", None)
        self._wishes.is_unwanted = is_cancelled
        try:
            yield
        finally:
            self._wishes.is_unwanted = before

    def _is_unwanted(self) -> bool:
        is_unwanted: Callable[[], bool] | None = getattr(self._wishes, "is_unwanted", None)
        return is_unwanted is not None and is_unwanted()

    def prepare(self) -> None:
        """Start the child, which takes a second, without waiting for it."""
        with self._turn():
            self._started()

    def open(self, folder: Path) -> Any:  # noqa: ANN401 - JSON
        """Read the tokenizer in ``folder`` anew, and return what ``program`` says of it.

        Raises:
            ConfinedError: It cannot be read, or not within the limits of time and memory.
        """
        with self._turn():
            return self._opened(folder.absolute())

    def ask(self, folder: Path, do: str, seconds: float, **question: Any) -> Any:  # noqa: ANN401
        """Return the answer to a question about the tokenizer in ``folder``.

        Args:
            folder: Where it lies.
            do: The question, by its name in ``program``.
            seconds: How long the answer may take; reading the tokenizer is not counted.
            question: What else is asked.

        Raises:
            ConfinedError: There is no answer.
        """
        folder = folder.absolute()
        with self._turn():
            if self._process is None or self._folder != folder:
                self._opened(folder)
            return self._answer({"do": do, "folder": str(folder), **question}, seconds)

    def close(self) -> None:
        """End the child; it starts anew should something be asked."""
        with self._lock:
            self._end()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        while not self._lock.acquire(timeout=_LOOK_SECONDS):
            if self._is_unwanted():
                raise StoppedError("was stopped")
        try:
            yield
        finally:
            self._lock.release()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = start_program(_PROGRAM)
            self._is_ready, self._folder = False, None
        return self._process

    def _opened(self, folder: Path) -> Any:  # noqa: ANN401
        opened = self._answer({"do": "open", "folder": str(folder)}, _OPEN_SECONDS)
        self._folder = folder
        return opened

    def _answer(self, question: dict[str, Any], seconds: float) -> Any:  # noqa: ANN401
        try:
            process = self._started()
            if not self._is_ready:
                self._read(process, _START_SECONDS)
                self._is_ready = True
            questions = cast("IO[bytes]", process.stdin)
            questions.write(json.dumps({**question, "seconds": seconds}).encode() + b"\n")
            questions.flush()
            answer = json.loads(self._read(process, seconds))
        except ConfinedError:
            self._end()
            raise
        except (OSError, ValueError) as error:
            self._end()
            raise ConfinedError(f"ended without an answer ({error})") from error
        except BaseException:
            self._end()
            raise
        if "error" in answer:
            raise RaisedError(str(answer["error"]), tuple(answer["kinds"]))
        return answer["answer"]

    def _read(self, process: subprocess.Popen[bytes], seconds: float) -> bytes:
        """Return the next line that the child writes, which has ``seconds`` for it."""
        until = time.monotonic() + seconds
        descriptor = cast("IO[bytes]", process.stdout).fileno()
        watched = psutil.Process(process.pid)
        line = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if selector.select(_LOOK_SECONDS):
                    block = os.read(descriptor, _BLOCK)
                    if not block:
                        raise ConfinedError("broke off: it took too much time or memory")
                    line += block
                elif self._is_unwanted():
                    raise StoppedError("was stopped")
                elif time.monotonic() > until:
                    raise ConfinedError(f"was stopped: it took more than {seconds:.0f} seconds")
                elif _memory(watched) > _MOST_MEMORY:
                    raise ConfinedError(f"was stopped: it took more than {_MOST_MEMORY:,} bytes")
                if len(line) > _LONGEST_ANSWER:
                    raise ConfinedError("was stopped: it said too much")
        return bytes(line)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):  # what is still to be written
                        stream.close()
            process.wait()


def start_program(program: Path) -> subprocess.Popen[bytes]:
    """Start a child process, in a session of its own and with streams from and to this one."""
    # -P, not -m: no "core" or "transformers" in the working directory may be found.
    return subprocess.Popen(  # noqa: S603 (this Python, with a file of the program's own)
        [sys.executable, "-P", str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ENVIRONMENT},
        start_new_session=True,  # ctrl+c is meant for this process
        cwd="/",  # the working directory may be removed, without which torch ends a process
    )


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has ended, as reading will tell
        return 0


@functools.cache
def confined() -> Confined:
    """Return the one child of this program."""
    return Confined()

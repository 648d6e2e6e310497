"""A headless Chromium, told by its DevTools protocol over two pipes; none where it is missing.

Source of the protocol: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE = 60.0


def found() -> str | None:
    """Return the program, ``None`` where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


class Browser:
    """One page of a browser, and all that happened in it since it was opened.

    ``dialogs`` and ``requests`` are what pages asked for: messages, and addresses.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._received = b""
        self._number = 0
        self._session = ""
        self.dialogs: list[str] = []
        self.requests: list[str] = []
        self.said: list[str] = []

    def attach(self) -> None:
        """Open a page of its own, and listen to it."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = session
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a file and wait until it is loaded."""
        self.ask("Page.navigate", url=page.as_uri() + fragment)
        deadline = time.monotonic() + PATIENCE
        while self.value("document.readyState") != "complete":
            assert time.monotonic() < deadline, "the page was not loaded"
            time.sleep(0.02)

    def resize(self, width: int, height: int) -> None:
        """Show pages so large, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression is worth in the page."""
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release one key, by its name in DOM events."""
        codes = {"Tab": 9, "Escape": 27, "End": 35, "Home": 36, "Enter": 13}
        codes |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=codes[key])

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self._heard(answer)

    def _heard(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        if event["method"] == "Page.javascriptDialogOpening":
            self.dialogs.append(told["message"])
        elif event["method"] == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif event["method"] == "Log.entryAdded":
            self.said.append(told["entry"]["text"])

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._from], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            block = os.read(self._from, 2**20)
            assert block, "the browser has ended"
            self._received += block
        message, _, self._received = self._received.partition(b"\0")
        return dict(json.loads(message))


@contextlib.contextmanager
def browser(program: str, folder: Path) -> Iterator[Browser]:
    """Run ``program`` with a profile in ``folder``, and end all of it."""
    (their_in, to_browser), (from_browser, their_out) = os.pipe(), os.pipe()
    # Away from 3 and 4, where the browser looks for them.
    theirs = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for one in (their_in, their_out)]
    os.close(their_in)
    os.close(their_out)

    def place() -> None:
        os.dup2(theirs[0], 3)
        os.dup2(theirs[1], 4)

    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    options += ["--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}"]
    process = subprocess.Popen(
        [program, *options, "about:blank"],
        pass_fds=(3, 4),
        preexec_fn=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for one in theirs:
        os.close(one)
    try:
        page = Browser(to_browser, from_browser)
        page.attach()
        yield page
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(to_browser)
        os.close(from_browser)

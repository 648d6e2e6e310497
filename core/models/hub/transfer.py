"""A download in a thread of its own, so that a connection which says nothing holds up nobody.

Plain HTTP through huggingface_hub's client, one file after the other, each continued where it
stopped. Not through ``hf_hub_download``: it throws away what has come when it fails, and its
other transport (xet) cannot be stopped from outside nor continued by another process.
Must never fetch what could run code, nor write anything after ``abandon``.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

from core.models.hub.cache import is_complete, repository_folder
from core.models.hub.errors import (
    Abandoned,
    Attempt,
    CutShort,
    explain,
    is_passing,
    too_little_room,
    without_password,
)
from core.models.hub.files import Partial, RemoteFile, RepositoryFiles
from core.models.hub.listing import Listing, list_repository
from core.models.hub.requests import Requests
from core.models.hub.weights import INDEX_FILE
from core.records.errors import PlaygroundError
from core.text.visible import unexpected

_FRUITLESS_TRIES = 4  # in a row, after which a broken connection is given up
_ROOM_TO_SPARE = 1 << 27  # bytes that a download leaves free on the disk


class Transfer:
    """The download of one repository; made and watched by one thread, carried out by another."""

    def __init__(self, name: str, repository: str, revision: str, endpoint: str) -> None:
        self.bytes_total: int | None = None
        """Bytes of all files, ``None`` before they are known."""
        self.bytes_done = 0
        """Bytes that are on disk, those of earlier downloads included."""
        self.bytes_fetched = 0
        """Bytes that have come over the network."""
        self.file = ""
        """The file that is being fetched."""
        self.has_answer = False
        """Whether the endpoint has said anything of use."""
        self._name = name
        self._repository = repository
        self._revision = revision
        self._endpoint = endpoint
        self._files: RepositoryFiles | None = None
        self._requests = Requests()
        self._abandoned = threading.Event()
        self._finished = threading.Event()
        self._error: PlaygroundError | None = None
        self._thread = threading.Thread(target=self._work, name="download", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until all is done, at most ``seconds``; return whether it is."""
        return self._finished.wait(seconds)

    def abandon(self) -> None:
        """Let nothing be written or read any more: the connection is closed."""
        self._abandoned.set()
        self._requests.shut()
        files = self._files
        if files is not None:
            files.shut()

    def result(self) -> Path:
        """Return the folder of the finished download.

        Raises:
            PlaygroundError: It failed.
        """
        if self._error is not None:
            raise self._error
        if self._files is None:
            raise PlaygroundError(f"the download of {self._name!r} was not carried out")
        return self._files.snapshot

    @property
    def attempt(self) -> Attempt:
        """How far it has come, for a sentence about a failure."""
        return Attempt(
            self._name,
            without_password(self._endpoint),
            repository_folder(self._repository).parent,
            self.bytes_done,
            self.bytes_total,
        )

    def _work(self) -> None:
        try:
            self._fetch_all()
        except Abandoned:
            self._error = PlaygroundError(f"the download of {self._name!r} was abandoned")
        except Exception as error:
            self._error = explain(error, self.attempt)
        except BaseException as error:  # a panic of a library in Rust
            self._error = PlaygroundError(
                unexpected(f"the download of {self._name!r} failed", error)
            )
        finally:
            self._finished.set()

    def _fetch_all(self) -> None:
        listing = list_repository(
            self._name, self._repository, self._revision, self._endpoint, self._requests
        )
        self.has_answer = True
        files = RepositoryFiles(repository_folder(self._repository), listing.commit)
        self._files = files
        if self._abandoned.is_set():  # before there was anything that abandon could shut
            raise Abandoned
        if listing.is_sharded:
            self._fetch(files, listing.index(), listing)
        wanted = listing.files(files.snapshot / INDEX_FILE)
        self._take_stock(files, wanted)
        for file in wanted:
            self._fetch(files, file, listing)
        files.point(self._revision)
        if not is_complete(files.snapshot):
            raise PlaygroundError(
                f"what came of {self._name!r} is no complete model; it lies in {files.snapshot}"
            )

    def _take_stock(self, files: RepositoryFiles, wanted: list[RemoteFile]) -> None:
        """Set the totals and make sure that the disk has room for the rest.

        Raises:
            PlaygroundError: It has not.
        """
        self.bytes_done = sum(files.bytes_present(file) for file in wanted)
        self.bytes_total = sum(file.size for file in wanted)
        missing = self.bytes_total - self.bytes_done
        free = files.free_space()
        if missing and missing + _ROOM_TO_SPARE > free:
            raise too_little_room(self.attempt, missing, free)

    def _fetch(self, files: RepositoryFiles, file: RemoteFile, listing: Listing) -> None:
        self.file = file.name
        if files.is_there(file):
            return
        with files.writing(file) as partial:
            tries = 0
            while partial.size < file.size:
                before = partial.size
                try:
                    self._stream(listing.address(file.name), file.size, partial)
                except Exception as error:
                    tries = 1 if partial.size > before else tries + 1
                    if not is_passing(error) or tries >= _FRUITLESS_TRIES:
                        raise
                    if self._abandoned.wait(tries - 1):  # seconds
                        raise Abandoned from None
            partial.finish()

    def _stream(self, address: str, size: int, partial: Partial) -> None:
        """Fetch what is missing up to ``size`` bytes in one request.

        Raises:
            CutShort: The answer ended early, or did not begin where the file stopped.
        """
        from huggingface_hub import constants
        from huggingface_hub.errors import HfHubHTTPError

        headers = {"Range": f"bytes={partial.size}-"} if partial.size else {}
        timeout = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)
        try:
            with self._requests.answer("GET", address, timeout, headers) as response:
                if partial.size and not _continues(response, partial.size):
                    self._restart(partial)
                    if response.status_code == 206:
                        raise CutShort("the file cannot be continued")
                for data in self._requests.pieces(response, size - partial.size):
                    partial.write(data)
                    self.bytes_fetched += len(data)
                    self.bytes_done += len(data)
        except HfHubHTTPError as error:
            if error.response.status_code != 416 or not partial.size:
                raise
            self._restart(partial)
            raise CutShort("the file cannot be continued") from None
        if partial.size < size:
            raise CutShort("the answer ended early")

    def _restart(self, partial: Partial) -> None:
        """Throw away what the server cannot continue."""
        self.bytes_done -= partial.size
        partial.restart()


def _continues(response: Any, start: int) -> bool:  # noqa: ANN401
    """Return whether a response begins at byte ``start``."""
    if response.status_code != 206:
        return False
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return match is not None and int(match.group(1)) == start

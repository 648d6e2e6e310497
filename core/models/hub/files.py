"""A repository's place in the Hugging Face cache, written so that nothing half done looks done.

The layout is the documented one: ``blobs/`` by checksum, ``snapshots/`` of links to them and
``refs/``. A file grows as ``<checksum>.incomplete`` and gets its name once the checksum is right.
Must never contact a network, nor write anything after ``shut``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.files.lock import TakenError, open_alone
from core.files.writing import write_over
from core.models.hub.errors import Abandoned, UntrustedAnswer
from core.records.errors import PlaygroundError

_BLOCK = 1 << 22  # bytes read at once while a checksum is made
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a repository.

    Raises:
        UntrustedAnswer: The checksum is none that a hub has, so that nothing could be checked.
    """

    name: str
    size: int
    """Bytes."""
    digest: str
    """SHA-256 of a large file, git's SHA-1 of a small one: also the name of its blob."""

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.digest):
            raise UntrustedAnswer(f"the checksum of {self.name} makes no sense")


class RepositoryFiles:
    """Where the files of one commit of a repository go; made in one thread, shut from any."""

    def __init__(self, folder: Path, commit: str) -> None:
        """Begin for the repository that the cache keeps in ``folder``.

        Raises:
            UntrustedAnswer: ``commit`` is none.
        """
        if not _COMMIT.fullmatch(commit):
            raise UntrustedAnswer("it names no commit")
        self._folder = folder
        self._commit = commit
        self._lock = threading.Lock()
        self._is_shut = False
        self._open: io.FileIO | None = None

    @property
    def snapshot(self) -> Path:
        """The folder in which all files of the commit are found."""
        return self._folder / "snapshots" / self._commit

    def bytes_present(self, file: RemoteFile) -> int:
        """Return how many bytes of ``file`` need not be fetched."""
        if _has_size(self.snapshot / file.name, file.size) or _has_size(
            self._blob(file), file.size
        ):
            return file.size
        try:
            size = self._incomplete(file).stat().st_size
        except OSError:
            return 0
        return size if size <= file.size else 0

    def free_space(self) -> int:
        """Return the bytes that are free on the disk of the cache."""
        place = self._folder
        while not place.exists() and place != place.parent:
            place = place.parent
        return shutil.disk_usage(place).free

    def is_there(self, file: RemoteFile) -> bool:
        """Return whether ``file`` is whole, linking it if need be; a wrong blob is removed."""
        if _has_size(self.snapshot / file.name, file.size):
            return True
        blob = self._blob(file)
        with self._still_wanted():
            if _has_size(blob, file.size):
                self._link(file)
                return True
            with contextlib.suppress(FileNotFoundError):
                blob.unlink()
        return False

    @contextlib.contextmanager
    def writing(self, file: RemoteFile) -> Iterator[Partial]:
        """Give what is there of ``file``, to be continued; no one else can meanwhile.

        Raises:
            PlaygroundError: Another program is fetching the file.
            Abandoned: ``shut`` has been called.
            OSError: The cache cannot be written.
        """
        self._blob(file).parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = open_alone(self._incomplete(file))
        except TakenError:
            sentence = "another program is downloading this model; wait until it is done"
            raise PlaygroundError(sentence) from None
        try:
            with self._still_wanted():
                self._open = handle
            yield Partial(self, file, handle)
        finally:
            with self._lock:
                self._open = None
                handle.close()

    def point(self, revision: str) -> None:
        """Record that ``revision`` means this commit."""
        if revision == self._commit:
            return
        reference = self._folder / "refs" / revision
        with self._still_wanted():
            reference.parent.mkdir(parents=True, exist_ok=True)
            write_over(reference, self._commit.encode("ascii"))

    def shut(self) -> None:
        """Let nothing be written from now on; another thread may still be about to."""
        with self._lock:
            self._is_shut = True
            if self._open is not None:
                self._open.close()

    @property
    def is_shut(self) -> bool:
        """Whether ``shut`` has been called."""
        return self._is_shut

    def append(self, handle: io.FileIO, data: bytes) -> None:
        """Write ``data`` at the end of ``handle``; for ``Partial`` alone."""
        rest = memoryview(data)
        with self._still_wanted():
            while rest:
                rest = rest[handle.write(rest) :]

    def finish(self, file: RemoteFile) -> None:
        """Give the finished ``file`` its name and its link; for ``Partial`` alone."""
        with self._still_wanted():
            self._incomplete(file).replace(self._blob(file))
            self._link(file)

    @contextlib.contextmanager
    def _still_wanted(self) -> Iterator[None]:
        """Hold off ``shut`` for a moment in which something is written."""
        with self._lock:
            if self._is_shut:
                raise Abandoned
            yield

    def _link(self, file: RemoteFile) -> None:
        blob, pointer = self._blob(file), self.snapshot / file.name
        pointer.parent.mkdir(parents=True, exist_ok=True)
        new = pointer.with_name(f".{pointer.name}.new")
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        try:
            new.symlink_to(os.path.relpath(blob, pointer.parent))
        except OSError:  # where links are not allowed, the file itself stands in the snapshot
            new = blob
        new.replace(pointer)

    def _blob(self, file: RemoteFile) -> Path:
        return self._folder / "blobs" / file.digest

    def _incomplete(self, file: RemoteFile) -> Path:
        return self._folder / "blobs" / f"{file.digest}.incomplete"


class Partial:
    """A file that grows; its checksum is made as it does."""

    def __init__(self, files: RepositoryFiles, file: RemoteFile, handle: io.FileIO) -> None:
        self._files = files
        self._file = file
        self._handle = handle
        self.size = 0
        """Bytes that are there."""
        self._hash = _hash_for(file)
        self._take_what_is_there()

    def write(self, data: bytes) -> None:
        """Append ``data``.

        Raises:
            UntrustedAnswer: The file would become longer than announced.
            Abandoned: Nobody wants it any more.
            OSError: The disk is full, or cannot be written.
        """
        if self.size + len(data) > self._file.size:
            raise UntrustedAnswer(f"{self._file.name} is longer than announced")
        self._files.append(self._handle, data)
        self._hash.update(data)
        self.size += len(data)

    def restart(self) -> None:
        """Forget all that is there."""
        self._handle.truncate(0)
        self._hash = _hash_for(self._file)
        self.size = 0

    def finish(self) -> None:
        """Put the file in its place, its size and checksum being right.

        Raises:
            PlaygroundError: They are wrong; what is there is thrown away.
        """
        if self.size != self._file.size or self._hash.hexdigest() != self._file.digest:
            self.restart()
            raise PlaygroundError(
                f"{self._file.name} arrived damaged and was thrown away; download the model again"
            )
        os.fsync(self._handle.fileno())
        self._files.finish(self._file)

    def _take_what_is_there(self) -> None:
        self._handle.seek(0)
        while block := self._handle.read(_BLOCK):
            if self._files.is_shut:
                raise Abandoned
            self._hash.update(block)
            self.size += len(block)
        if self.size > self._file.size:
            self.restart()


def _hash_for(file: RemoteFile) -> _Hash:
    if len(file.digest) == 64:
        return hashlib.sha256()
    sha1 = hashlib.sha1(usedforsecurity=False)  # git's name for a small file, not ours to choose
    sha1.update(b"blob %d\0" % file.size)
    return sha1


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False

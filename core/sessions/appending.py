"""Lines at the end of a file, whole or not at all, and onto the disk.

Must never leave half a line behind, nor let the file grow over its largest size.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys

if sys.platform == "darwin":
    from fcntl import F_FULLFSYNC, fcntl


LARGEST_SESSION = 256 * 2**20
"""In bytes: about 300,000 steps. Its file takes no more, and is read at once when it is opened."""


class FullError(OSError):
    """The file is as large as it may become; nothing was written."""


class OthersWriteError(OSError):
    """Another program writes the file, on a file system that could not keep it out."""


class LineFile:
    """A file that ends with a whole line, opened to append to; ``largest`` in bytes."""

    def __init__(self, file: io.FileIO, largest: int) -> None:
        self._file, self._largest = file, largest
        self.size = os.fstat(file.fileno()).st_size
        """In bytes, all of them whole lines."""

    def append(self, lines: bytes) -> None:
        """Append whole lines.

        Raises:
            FullError: The file would be too large.
            OthersWriteError: It is not as this program left it.
            OSError: They cannot be written; the file is as it was.
        """
        if os.fstat(self._file.fileno()).st_size != self.size:
            raise OthersWriteError("another program writes its file")
        if self.size + len(lines) > self._largest:
            raise FullError(f"it has the {self._largest:,} bytes that it may have")
        left = memoryview(lines)
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), self.size)
            raise
        self.size += len(lines)

    def sync(self) -> None:
        """Have all on the disk.

        Raises:
            OSError: It cannot be written.
        """
        handle = self._file.fileno()
        if sys.platform == "darwin":  # fsync leaves it in the disk's own memory there
            with contextlib.suppress(OSError):
                fcntl(handle, F_FULLFSYNC)
                return
        os.fsync(handle)

    @property
    def is_gone(self) -> bool:
        """Whether somebody has deleted the file: what is written is then lost."""
        return os.fstat(self._file.fileno()).st_nlink == 0

    def close(self) -> None:
        """Close it, and let other programs write it."""
        with contextlib.suppress(OSError):
            self._file.close()

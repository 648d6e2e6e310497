"""The presets file, watched while the program runs: read again as soon as somebody saved it.

Must never hold up whoever asks for news, nor take a file for gone or broken that is being written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from core.presets.book import PresetBook, PresetsError
from core.presets.finding import first_that_is_there, load_presets, presets_files
from core.records.errors import PlaygroundError
from core.text.visible import visible

_STEP_SECONDS = 0.1
"""How long a file must rest before it is read: one that is saved in pieces is read once."""
_BUSY_SECONDS = 0.4
"""How long at most, in a folder that never rests."""
_LOOK_SECONDS = 0.5
"""How often it is looked at in any case: some file systems tell nobody of changes."""

_Print = tuple[str, int, int, int, int] | None


class PresetsWatch:
    """Reads the presets file again on a thread of its own, and keeps the newest news.

    The folders of the file are watched, since editors put a new file in the place of the old one.
    One that comes where it would be found first is taken; one that has gone is told of, and not
    replaced by one that would be found later.

    Args:
        book: What the file held when it was read.
        explicit: The file that was asked for; ``None`` where it was found.
        check: Raises ``PlaygroundError`` for a book that cannot be used here; called on the
            thread.
    """

    def __init__(
        self,
        book: PresetBook,
        explicit: Path | None = None,
        check: Callable[[PresetBook], object] = lambda book: None,
    ) -> None:
        self._path = book.path
        self._explicit = explicit
        self._check = check
        self._last: PresetBook | str = book
        self._seen: _Print = None
        self._news: PresetBook | PresetsError | None = None
        self._told: Callable[[], object] = lambda: None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, told: Callable[[], object]) -> None:
        """Begin to watch; ``told`` is called on the thread when there is news."""
        if self._thread is None:
            self._told = told
            self._thread = threading.Thread(target=self._watch, name="presets", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Watch no longer; the thread has ended on return, unless a disk does not answer it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    @property
    def has_news(self) -> bool:
        """Whether ``drain`` would return something."""
        return self._news is not None

    def drain(self) -> PresetBook | PresetsError | None:
        """Return what the file holds now or why it cannot be used, once; ``None`` for no news."""
        news, self._news = self._news, None
        return news

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
                self._wait_in(self._folders())
            except (OSError, RuntimeError):  # it cannot be watched here, or not any more
                self._stop.wait(_LOOK_SECONDS)

    def _wait_in(self, folders: dict[str, int]) -> None:
        """Look whenever something changes in ``folders``, until they are others."""
        from watchfiles import watch

        if not folders:
            raise FileNotFoundError
        for _changes in watch(
            *folders,
            watch_filter=None,
            debounce=round(1000 * _BUSY_SECONDS),
            step=round(1000 * _STEP_SECONDS),
            stop_event=self._stop,
            rust_timeout=round(1000 * _LOOK_SECONDS),
            yield_on_timeout=True,
            recursive=False,
        ):
            self._look()
            if self._stop.is_set() or self._folders() != folders:
                return

    def _candidates(self) -> list[Path]:
        """Return the files that may take the place of the one at hand, it being the last."""
        files = presets_files(self._explicit)
        return files[: files.index(self._path) + 1] if self._path in files else [self._path]

    def _folders(self) -> dict[str, int]:
        """Return the folders in which something can happen to the file, and which each is."""
        there: dict[str, int] = {}
        for path in self._candidates():
            for follows_links in (False, True):
                try:
                    folder = (path.resolve() if follows_links else path.absolute()).parent
                    there[str(folder)] = folder.stat().st_ino
                except OSError:  # it is not there, or not any more
                    continue
        return there

    def _look(self) -> None:
        """Read the file if it is another than before, and keep what is news."""
        path = first_that_is_there(self._candidates()) or self._path
        seen = _print_of(path)
        if seen is not None and seen == self._seen:
            return
        read: PresetBook | PresetsError
        try:
            read = load_presets(path)
            self._check(read)
        except PlaygroundError as error:
            # Who writes in place empties the file first, who replaces it may take it away first.
            if self._stop.wait(_STEP_SECONDS) or _print_of(path) != seen:
                return
            read = error if isinstance(error, PresetsError) else PresetsError(str(error))
            if seen is None:
                read = PresetsError(visible(f"{path} is gone; put it back, or start again", ""))
        self._seen, self._path = seen, path
        known = str(read) if isinstance(read, PresetsError) else read
        if known != self._last:
            self._last, self._news = known, read
            self._told()


def _print_of(path: Path) -> _Print:
    """Return what differs where a file has been written again; ``None`` where there is none."""
    try:
        is_ = path.stat()
    except OSError:
        return None
    return str(path), is_.st_ino, is_.st_size, is_.st_mtime_ns, is_.st_ctime_ns

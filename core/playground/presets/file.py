"""The presets file while the app is open: what it holds now, or why it cannot be used as it is.

Must never take a preset from whoever has picked it.
"""

from __future__ import annotations

from collections.abc import Callable

from core.playground.changes import Changes
from core.playground.notices import Notices
from core.playground.presets.next_run import NextRun
from core.presets.book import PresetsError
from core.presets.difference import changes_told
from core.presets.watching import PresetsWatch


class PresetsFile:
    """Hands what ``watch`` brings on; without one the presets stay as they are."""

    def __init__(self, watch: PresetsWatch | None, notices: Notices) -> None:
        self.fault = ""
        """Why the file cannot be used as it is now, in a sentence; its presets are those before."""
        self._watch = watch
        self._notices = notices

    def start(self, told: Callable[[], object]) -> None:
        """Begin to watch; ``told`` is called on a thread when there is something to drain."""
        if self._watch is not None:
            self._watch.start(told)

    def stop(self) -> None:
        """Watch no longer."""
        if self._watch is not None:
            self._watch.stop()

    @property
    def has_news(self) -> bool:
        """Whether the file was saved since the last drain."""
        return self._watch is not None and self._watch.has_news

    def drain(self, next_run: NextRun, changes: Changes) -> None:
        """Let ``next_run`` have the presets that the file holds now, and tell what changed."""
        read = self._watch.drain() if self._watch is not None else None
        if read is None:
            return
        changes.anything = changes.keys = True
        if isinstance(read, PresetsError):
            self.fault = str(read)
            self._notices.warn("the presets file cannot be used; its presets stay as they were")
            return
        was_broken, self.fault = bool(self.fault), ""
        told = changes_told(next_run.book, read)
        next_run.use(read)
        if told and next_run.preset not in read.presets:
            told += f"; {next_run.preset.name} stays as it was until you pick another"
        if told or was_broken:
            self._notices.say(told or f"{read.path.name} can be used again")

"""A model that is being fetched while another one runs: how far it is, and what came of it.

Must never touch a widget, nor fetch anything that a person has not asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.backends.downloads import Downloaded, DownloadFailed, DownloadService
from core.models.hub.download import DownloadProgress
from core.records.errors import PlaygroundError

CLOSING_SECONDS = 0.2
"""How long the download may take to stop; what has come is on the disk already."""


@dataclass(frozen=True, slots=True)
class FetchEnd:
    """How a download ended: ``message`` is empty where the model is here now."""

    name: str
    message: str = ""
    was_cancelled: bool = False


class Fetching:
    """One download at a time; all calls come from the app's thread."""

    def __init__(self, service: DownloadService | None = None) -> None:
        self._service = service if service is not None else DownloadService()
        self.name: str | None = None
        """What is being fetched, ``None`` while nothing is."""
        self.progress: DownloadProgress | None = None
        """How far it is, ``None`` until the hub has answered."""
        self.arrived: str | None = None
        """What was fetched and has not been switched to."""
        self.is_cancelled = False

    def start(self, name: str) -> str:
        """Fetch ``name``; return why that cannot be, or nothing."""
        try:
            self._service.start(name)
        except PlaygroundError as error:
            return str(error)
        self.name, self.progress, self.arrived, self.is_cancelled = name, None, None, False
        return ""

    def cancel(self) -> None:
        """Stop; what has come is kept, and the next download goes on from there."""
        self.is_cancelled = True
        self._service.cancel()

    def close(self) -> None:
        """Stop, and end the thread."""
        self._service.close(CLOSING_SECONDS)

    def drain(self) -> tuple[bool, FetchEnd | None]:
        """Take over what came; return whether anything did, and how the download ended."""
        end: FetchEnd | None = None
        events = self._service.drain()
        for event in events:
            if isinstance(event, DownloadProgress):
                self.progress = event
                continue
            self.name, self.progress = None, None
            if isinstance(event, Downloaded):
                self.arrived = event.name
                end = FetchEnd(event.name)
            elif isinstance(event, DownloadFailed):
                end = FetchEnd(event.name, event.message, event.was_cancelled)
        return bool(events), end

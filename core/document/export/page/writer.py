"""A run's events to its page or picture, which comes whole when the run ends.

Must never write a page of half a run: a page shows what a search came to, which only its end knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from core.document.export.page.page import page_of
from core.document.export.reading import ExportedRun
from core.records.settings import settings_from_mapping
from core.records.steps import BeamStep, Event, Finished, Started, Step, TokenStep


class PageWriter:
    """Keeps a run's events until it has ended, then writes the page that shows them.

    ``about`` is as ``core.document.export.about.about_run`` returns it; ``draw`` makes the page, or
    a picture, of runs.
    """

    def __init__(
        self,
        prompt: str,
        about: Mapping[str, Any] | None = None,
        draw: Callable[[Sequence[ExportedRun]], str] = page_of,
    ) -> None:
        self._draw = draw
        self._prompt = prompt
        self._about = dict(about or {})
        self._started: Started | None = None
        self._steps: list[Step] = []

    def write(self, event: Event) -> Iterator[str]:
        """Yield the page with the run's end."""
        if isinstance(event, Started):
            self._started = event
        elif isinstance(event, TokenStep | BeamStep):
            self._steps.append(event)
        elif isinstance(event, Finished) and self._started is not None:
            given = self._about.get("settings")
            settings = settings_from_mapping(given) if given is not None else None
            steps = tuple(self._steps)
            run = ExportedRun(self._prompt, self._about, settings, self._started, steps, event)
            yield self._draw([run])

"""How a long task tells what it is at.

Must never know what the task is.
"""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Takes news of a long task: a short word on what happens, and the share done, 0 to 1."""

    def __call__(self, stage: str, share: float | None = None, /) -> None:
        """Tell ``stage`` to a person; ``share`` is ``None`` where nobody knows."""

"""A download in words, for the app and for standard error.

Must never look at a widget or a terminal.
"""

from __future__ import annotations

from core.models.hub.download import DownloadProgress, format_bytes


def describe(progress: DownloadProgress) -> str:
    """Return progress in words: bytes, share, speed, time left."""
    done, total = format_bytes(progress.bytes_done), format_bytes(progress.bytes_total)
    parts = [f"{progress.name}: {done} of {total} ({int(share(progress) * 100)}%)"]
    if progress.bytes_done < progress.bytes_total:
        parts.append(f"{format_bytes(progress.bytes_per_second)}/s")
        if progress.seconds_left is not None:
            parts.append(f"{format_seconds(progress.seconds_left)} left")
        parts.append(progress.file)
    return ", ".join(part for part in parts if part)


def share(progress: DownloadProgress) -> float:
    """Return how much has come, 0 to 1."""
    return progress.bytes_done / progress.bytes_total if progress.bytes_total else 1.0


def format_seconds(seconds: float) -> str:
    """Return a duration for people: ``48 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02} min"

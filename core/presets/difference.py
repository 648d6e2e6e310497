"""What two presets, or two books of them, differ in.

Must never decide what comes of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.presets.book import Preset, PresetBook
from core.records.settings import Settings

_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that two have with different values."""

    name: str
    one: object
    other: object


def differences(one: Settings, other: Settings) -> tuple[Difference, ...]:
    """Return the settings whose values differ, in the order of the settings."""
    mine, theirs = one.to_full_mapping(), other.to_full_mapping()
    return tuple(
        Difference(name, mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]
    )


def described(preset: Preset, settings: Settings) -> str:
    """Return a line on ``settings`` that ``preset`` was changed to; empty where it was not."""
    changed = differences(settings, preset.settings)
    told = ", ".join(f"{one.name} {told_value(one.one)}" for one in changed)
    return f"{preset.name} with {told}" if told else ""


def told_value(value: object) -> str:
    """Return a setting's value as it stands in a presets file; ``none`` where it is not set."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(repr(one) for one in value) or "none"
    return str(value)


def changes_told(before: PresetBook, after: PresetBook) -> str:
    """Return what became of the presets of ``before``, in one sentence; empty where nothing did."""
    old = {one.name: one for one in before.presets}
    new = {one.name: one for one in after.presets}
    changed = [name for name, one in new.items() if name in old and old[name] != one]
    parts = (
        _told(changed, "changed"),
        _told([name for name in new if name not in old], "new"),
        _told([name for name in old if name not in new], "gone"),
        "in another order" if not changed and new == old and list(new) != list(old) else "",
        "the model is for the next start" if before.model != after.model else "",
        str(after.path) if before.path != after.path else "",
    )
    told = "; ".join(part for part in parts if part)
    return f"{after.path.name}: {told}" if told else ""


def _told(names: list[str], became: str) -> str:
    if not names:
        return ""
    others = len(names) - _MOST_NAMES
    more = f" and {others} more" if others > 0 else ""
    return f"{became}: {', '.join(names[:_MOST_NAMES])}{more}"

"""What two books of presets differ in, in words.

Must never decide what comes of it.
"""

from __future__ import annotations

from core.presets.book import PresetBook

_MOST_NAMES = 3


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

"""Where a model runs, told as soon as it is known, for a fault that comes later.

Must never hold more of a model than that: its name may be a path.
"""

from __future__ import annotations

_known: dict[str, str] = {}


def remember_model(device: object, dtype: object, engine: str = "") -> None:
    """Remember where the model at hand runs; ``device`` and ``dtype`` are torch's, or their names.

    It takes the place of what was told before.
    """
    _known.update(
        device=str(device), dtype=str(dtype).removeprefix("torch."), engine=engine or "unknown"
    )


def known() -> dict[str, str]:
    """Return what was told last: device, dtype and engine; empty where nothing was."""
    return dict(_known)

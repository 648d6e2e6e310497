"""Layers that a checkpoint has and config.json does not ask for: nobody else would tell of them.

Must never refuse: such a model runs, though its text is not that of the whole one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LAYER = re.compile(r"(?<=\.)\d+(?=\.)")


def layers_left_out(stored: Iterable[str], used: Iterable[str], prefix: str) -> str:
    """Return a phrase on layers of which ``stored`` has tensors and ``used`` has none.

    Both are names of tensors, which may begin with ``prefix`` or not. Only what is named as a layer
    in use is, but for its number, counts: checkpoints may hold other parts, such as those of
    images. Empty where there is none.
    """
    names = {name.removeprefix(prefix) for name in used}
    known = {_LAYER.sub("0", name, count=1) for name in names}
    layers = {
        match[0]
        for name in {name.removeprefix(prefix) for name in stored} - names
        if (match := _LAYER.search(name)) and _LAYER.sub("0", name, count=1) in known
    }
    if not layers:
        return ""
    are = "1 layer that is" if len(layers) == 1 else f"{len(layers):,} layers that are"
    return f"its config.json leaves out {are} stored with it"

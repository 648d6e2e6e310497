"""The generator behind the playground: settings, decoding, models, and the records they yield.

Must never import ``tui``, textual or rich: everything here also runs headless and in tests. For a
notebook or a script, ``from core import …`` gives what stands below; the rooms are documented too,
but may change.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.library.functions import (
        explain,
        generate,
        load_model,
        load_presets,
        look_out,
        read_run,
        save_run,
        score,
    )
    from core.library.model import Model
    from core.library.run import Run
    from core.records.chat import Message
    from core.records.errors import PlaygroundError
    from core.records.settings import Settings

__all__ = [
    "Message",
    "Model",
    "PlaygroundError",
    "Run",
    "Settings",
    "explain",
    "generate",
    "load_model",
    "load_presets",
    "look_out",
    "read_run",
    "save_run",
    "score",
]

_FILES = {
    "Message": "core.records.chat",
    "Model": "core.library.model",
    "PlaygroundError": "core.records.errors",
    "Run": "core.library.run",
    "Settings": "core.records.settings",
}


def __getattr__(name: str) -> object:
    """Import a name when it is first asked for: whoever imports a room alone waits for no other."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_FILES.get(name, "core.library.functions")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

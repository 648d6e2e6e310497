"""What a run was made by, for whoever reads it later; and whether a file can be read here.

Must never import torch or transformers to tell their versions.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.records.chat import ChatFormat, Message
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.settings import Settings

PROGRAM = "gpt2-playground"

FORMAT_VERSION = "1.5"
"""Of JSON Lines: ``major.minor``. A new name raises the minor, another meaning the major."""

_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})", re.ASCII)


def about_program() -> dict[str, Any]:
    """Return what names the format and all that had a part in the figures, by version.

    ``format`` and ``format_version`` are those of the file; ``program_version``, ``torch`` and
    ``transformers`` are texts, ``None`` for what is not installed.
    """
    return {
        "format": PROGRAM,
        "format_version": FORMAT_VERSION,
        "program_version": installed_version(PROGRAM),
        "torch": installed_version("torch"),
        "transformers": installed_version("transformers"),
    }


def about_model(info: ModelInfo | None) -> dict[str, Any]:
    """Return which weights answered, and what ran them; ``None`` for what is not known."""
    return {
        "model": info.name if info is not None else None,
        "origin": (info.origin or None) if info is not None else None,
        "revision": (info.revision or None) if info is not None else None,
        "weights_fingerprint": (info.weights_fingerprint or None) if info is not None else None,
        "engine": (info.engine or None) if info is not None else None,
        "device": (info.device or None) if info is not None else None,
        "dtype": (info.dtype or None) if info is not None else None,
        "tokenizer_fingerprint": (info.tokenizer_fingerprint or None) if info is not None else None,
    }


def about_run(
    info: ModelInfo | None,
    preset_name: str,
    settings: Settings,
    chat: ChatFormat | None = None,
    messages: Sequence[Message] = (),
    *,
    is_by_hand: bool = False,
) -> dict[str, Any]:
    """Return what it takes, beside prompt and seed, to get a run again.

    ``settings`` has every setting by its name, those at their default too. ``chat`` is set where
    the run is of a conversation, which ``messages`` are: up to the one that it answers, or to the
    answer that it writes on. ``is_by_hand`` is set where a person takes each step.
    """
    return {
        **about_program(),
        **about_model(info),
        "preset": preset_name,
        "settings": settings.to_full_mapping(),
        "chat": dataclasses.asdict(chat) if chat is not None else None,
        "messages": [dataclasses.asdict(one) for one in messages] or None,
        "is_by_hand": is_by_hand,
    }


def installed_version(name: str) -> str | None:
    """Return the version of an installed package, ``None`` where it is not installed."""
    import importlib.metadata  # slow, and seldom wanted

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def version_of(text: object) -> tuple[int, int] | None:
    """Return major and minor of a format's version, ``None`` where ``text`` is none."""
    found = _VERSION.fullmatch(text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2])) if found is not None else None


def check_format(record: Mapping[str, Any]) -> None:
    """Make sure that the first record of a file is of a format that this program reads.

    Files from before formats had versions are read as those of the first.

    Raises:
        PlaygroundError: It is of a later major version, or of none.
    """
    version = record.get("format_version", FORMAT_VERSION)
    found = version_of(version)
    if record.get("format", PROGRAM) != PROGRAM or found is None:
        raise PlaygroundError(f"this is no file of {PROGRAM}; give one that it has written")
    if found[0] > int(FORMAT_VERSION.partition(".")[0]):
        raise PlaygroundError(
            f"the file has format {version}, and this program reads none later than "
            f"{FORMAT_VERSION}; update {PROGRAM}"
        )

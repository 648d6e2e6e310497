"""What a run was made by and how it ended, in words for a person.

Must never leave out a setting that had a say, nor show those that had none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.records.settings import Settings
from core.records.steps import Finished, FinishReason, Started
from core.text.readable import token_count

SHOWN_OF_A_FINGERPRINT = 12
"""So many characters of what identifies weights are shown; files have all of it."""

_REASONS: dict[FinishReason, str] = {
    "end_of_text": "the model ended the text",
    "length": "the length asked for was reached",
    "context_full": "the context was full",
    "stop_string": "a stop string came",
    "by_hand": "it was written by hand",
    "cancelled": "it was stopped",
    "failed": "it failed",
}


def facts_of(about: Mapping[str, Any], started: Started) -> list[tuple[str, str]]:
    """Return names and values of what is known of how a run was made.

    ``about`` is as ``core.document.export.about.about_run`` returns it; of ``started`` the seed is
    told, where it was drawn with.
    """
    return [(name, value) for name, value in _facts(about, started) if value]


def model_called(name: str) -> str:
    """Return what headings call a model: the last part of its name, which may be a path."""
    return name.rstrip("/").rpartition("/")[2] or "a model"


def how_it_ended(finished: Finished) -> str:
    """Return how many tokens a run has and why they are no more, as a sentence."""
    why = finished.detail or _REASONS[finished.reason]
    return f"{token_count(len(finished.token_ids))}; {why}."


def setting_value(value: Any) -> str:  # noqa: ANN401 - whatever a setting is
    """Return the value of a setting as it would stand in a preset, texts in quotes."""
    if isinstance(value, list):
        return " and ".join(repr(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _facts(about: Mapping[str, Any], started: Started) -> Iterator[tuple[str, str]]:
    settings = about.get("settings") or {}
    origin = f" ({about['origin']})" if about.get("origin") else ""
    yield "model", f"{about.get('model', '')}{origin}"
    yield "revision", str(about.get("revision") or "")
    yield "weights", str(about.get("weights_fingerprint") or "")[:SHOWN_OF_A_FINGERPRINT]
    where = (about.get("device"), about.get("dtype"), about.get("engine"))
    yield "runs on", ", ".join(str(one) for one in where if one)
    yield "preset", str(about.get("preset") or "")
    yield (
        "settings",
        ", ".join(f"{name}: {setting_value(value)}" for name, value in _in_use(settings)),
    )
    behind = f", behind {started.drawn:,} draws" if started.drawn else ""
    yield "seed", f"{started.seed}{behind}" if settings.get("do_sample") else ""
    programs = {"gpt2-playground": "program_version", "torch": "torch", "transformers": ""}
    versions = [(name, about.get(key or name)) for name, key in programs.items()]
    yield "program", ", ".join(f"{name} {version}" for name, version in versions if version)


def _in_use(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what differs from transformers' defaults, and the ``top_k`` of all sampling."""
    defaults = Settings().to_full_mapping()
    for name, value in settings.items():
        is_sampling = name == "top_k" and settings.get("do_sample")
        if name != "seed" and (is_sampling or value != defaults.get(name)):
            yield name, value

r"""Entries as lines of JSON: one line each, of ASCII alone, so that none can move a cursor.

Must never be asked for what an entry does not say by itself. Steps and ends of runs are spelled as
exports spell them. Two halves of a character side by side become the character; any other text,
lone halves too, comes back as it was.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from core.document.export.writers import event_record
from core.document.tree_records import Beginning
from core.records.chat import ChatFormat
from core.records.model_info import ModelInfo
from core.sessions.entries import (
    ColumnsKept,
    Cut,
    Entry,
    ModelReady,
    Moved,
    OfColumn,
    PresetChosen,
    ProgramStarted,
    PromptSent,
    PromptWaits,
    RunBegun,
    RunGoesOn,
    RunNamed,
    RunRemoved,
    SessionNamed,
    StepLookedAt,
)

FORMAT_VERSION = (1, 4)
"""Major and minor. Another type of line, field or setting raises the minor, another meaning the
major. Each program that writes says which it has, since a file's header stays as it was."""

_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def line_of(record: Mapping[str, Any]) -> bytes:
    """Return a record as a line of the file, with its end.

    Raises:
        ValueError: The record holds a number that JSON does not know.
    """
    return (_JSON.encode(record) + "\n").encode("ascii")


def entry_record(entry: Entry) -> dict[str, Any]:
    """Return ``entry`` as a JSON object, whose ``type`` says what it is."""
    match entry:
        case ProgramStarted():
            version = "{}.{}".format(*FORMAT_VERSION)
            return {"type": "program", **dataclasses.asdict(entry), "format_version": version}
        case RunBegun():
            return _run(entry)
        case RunGoesOn():
            return {"type": "goes_on", "node": entry.node_id}
        case OfColumn():
            return {"type": "column", "column": entry.column, "of": entry_record(entry.entry)}
        case ColumnsKept():
            return {"type": "columns_kept"}
        case Moved():
            node = {"node": entry.node_id} if entry.how == "go" else {}
            return {"type": "moved", "how": entry.how, **node}
        case StepLookedAt():
            return {"type": "looked_at", "position": entry.position}
        case RunNamed():
            return {"type": "named", "node": entry.node_id, "name": entry.name}
        case RunRemoved():
            return {"type": "removed", "node": entry.node_id}
        case PromptSent():
            return {"type": "prompt", "text": entry.text}
        case PromptWaits():
            return {"type": "waits", "text": entry.text}
        case PresetChosen():
            return {
                "type": "preset",
                "name": entry.name,
                "settings": entry.settings.to_full_mapping(),
                "is_by_hand": entry.is_by_hand,
                "chat": _chat(entry.chat),
                "seed": entry.seed,
            }
        case ModelReady():
            return {"type": "model", **_model(entry.model)}
        case SessionNamed():
            return {"type": "session", "name": entry.name}
        case _:
            return event_record(entry, whole=True)


def _run(run: RunBegun) -> dict[str, Any]:
    return {
        "type": "run",
        "node": run.node_id,
        **_beginning(run.beginning),
        "cut": None if run.cut is None else _cut(run.cut),
        "prompt": run.prompt,
        "preset": run.preset_name,
        "settings": run.settings.to_full_mapping(),
        "model_name": run.model_name,
        "tokenizer_fingerprint": run.tokenizer_fingerprint,
        "model": None if run.model is None else _model(run.model),
        "chat": _chat(run.chat),
        "fork": None if run.fork is None else dataclasses.asdict(run.fork),
        "is_by_hand": run.is_by_hand,
        "prompt_token_ids": list(run.prompt_token_ids),
        "max_new_tokens": run.max_new_tokens,
        "context_size": run.context_size,
        "seed": run.seed,
        "dropped_turns": run.dropped_turns,
        **({"drawn": run.drawn} if run.drawn else {}),
        **({"counted": run.counted} if run.counted else {}),
        **({"messages": [dataclasses.asdict(one) for one in run.messages]} if run.messages else {}),
    }


def _chat(chat: ChatFormat | None) -> dict[str, Any] | None:
    return None if chat is None else dataclasses.asdict(chat)


def _beginning(beginning: Beginning) -> dict[str, Any]:
    return {
        "parent": beginning.parent,
        "kept": beginning.kept,
        "inserted_token_ids": list(beginning.inserted_token_ids),
        "inserted_text": beginning.inserted_text,
        "message": beginning.message,
        "step": beginning.step,
    }


def _cut(cut: Cut) -> dict[str, Any]:
    return {"steps": cut.steps, "token_ids": list(cut.token_ids), "text": cut.text}


def _model(model: ModelInfo) -> dict[str, Any]:
    return dataclasses.asdict(model)

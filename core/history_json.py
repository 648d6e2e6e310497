"""A history as JSON and back.

Must never trust what it reads: every field is checked, and nothing but the fields that are written
here is taken. Steps and logits are not saved: they come again with the same seed and model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from core.errors import PlaygroundError
from core.history import History
from core.history_records import ROOT, Branch, ModelRef, Node, RunFacts
from core.settings import settings_from_mapping
from core.steps import FinishReason

SCHEMA_VERSION = 1

LARGEST_FILE = 50_000_000
"""In characters."""

_LARGEST_ID = 2**31 - 1
_LARGEST_SEED = 2**63 - 1
_LONGEST_TEXT = 10_000_000
_REASONS: tuple[str, ...] = get_args(FinishReason)


def history_to_json(history: History) -> str:
    """Return ``history`` as one JSON document."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "cursor": history.cursor,
        "runs": [_node_record(node, history.name(node.node_id)) for node in history.nodes],
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False)


def history_from_json(text: str) -> History:
    """Read what ``history_to_json`` wrote.

    Raises:
        PlaygroundError: It is not that; the sentence says where it is wrong.
    """
    if len(text) > LARGEST_FILE:
        raise PlaygroundError(f"this history is too large: more than {LARGEST_FILE:,} characters")
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise PlaygroundError("this history is not a JSON document") from None
    fields = _object(document, "the history", {"schema_version", "cursor", "runs"})
    version = _whole(fields["schema_version"], "schema_version")
    if version != SCHEMA_VERSION:
        raise PlaygroundError(
            f"this history has schema version {version}, and this program reads"
            f" {SCHEMA_VERSION}; use the version of the program that wrote it"
        )
    if not isinstance(fields["runs"], list):
        raise PlaygroundError("runs must be a list in this history")
    history = History()
    for index, record in enumerate(fields["runs"]):
        _read_run(history, record, f"runs[{index}]")
    cursor = _whole(fields["cursor"], "cursor")
    history.move(cursor)
    return history


def _node_record(node: Node, name: str) -> dict[str, Any]:
    branch, run = node.branch, node.run
    return {
        "id": node.node_id,
        "name": name,
        "parent": branch.parent,
        "kept": branch.kept,
        "inserted_token_ids": list(branch.inserted_token_ids),
        "inserted_text": branch.inserted_text,
        "preset": run.preset_name,
        "settings": run.settings.to_mapping(),
        "seed": run.seed,
        "model": run.model.name,
        "tokenizer_fingerprint": run.model.tokenizer_fingerprint,
        "token_ids": list(run.token_ids),
        "text": run.text,
        "reason": run.reason,
    }


_FIELDS = {
    "id",
    "name",
    "parent",
    "kept",
    "inserted_token_ids",
    "inserted_text",
    "preset",
    "settings",
    "seed",
    "model",
    "tokenizer_fingerprint",
    "token_ids",
    "text",
    "reason",
}


def _read_run(history: History, record: object, where: str) -> None:
    fields = _object(record, where, _FIELDS)
    branch = Branch(
        _whole(fields["parent"], f"{where}.parent"),
        _whole(fields["kept"], f"{where}.kept"),
        _token_ids(fields["inserted_token_ids"], f"{where}.inserted_token_ids"),
        _text(fields["inserted_text"], f"{where}.inserted_text"),
    )
    settings = fields["settings"]
    if not isinstance(settings, dict):
        raise PlaygroundError(f"{where}.settings must be an object in this history")
    reason = fields["reason"]
    if reason not in _REASONS:
        raise PlaygroundError(f"{where}.reason must be one of {', '.join(_REASONS)}")
    try:
        run = RunFacts(
            preset_name=_text(fields["preset"], f"{where}.preset"),
            settings=settings_from_mapping(settings),
            seed=_whole(fields["seed"], f"{where}.seed", _LARGEST_SEED),
            model=ModelRef(
                _text(fields["model"], f"{where}.model"),
                _text(fields["tokenizer_fingerprint"], f"{where}.tokenizer_fingerprint"),
            ),
            token_ids=_token_ids(fields["token_ids"], f"{where}.token_ids"),
            text=_text(fields["text"], f"{where}.text"),
            reason=reason,
        )
        node_id = _whole(fields["id"], f"{where}.id")
        history.restore(Node(node_id, branch, run), _text(fields["name"], f"{where}.name"))
    except PlaygroundError as error:
        sentence = str(error)
        if not sentence.startswith(where):
            sentence = f"{where}: {sentence}"
        raise PlaygroundError(sentence) from None


def _object(value: object, where: str, names: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PlaygroundError(f"{where} must be a JSON object")
    for name in sorted(names ^ set(value)):
        fault = "is missing" if name in names else "is not known"
        raise PlaygroundError(f"{where}: {name!r} {fault}; this history was not written here")
    return value


def _whole(value: object, where: str, most: int = _LARGEST_ID) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not ROOT <= value <= most:
        raise PlaygroundError(f"{where} must be a whole number from 0 to {most}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise PlaygroundError(f"{where} must be a text of at most {_LONGEST_TEXT:,} characters")
    return value


def _token_ids(value: object, where: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise PlaygroundError(f"{where} must be a list of token ids")
    return tuple(_whole(one, f"{where}[{index}]") for index, one in enumerate(value))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")

"""A run out of the JSON Lines that this program wrote: its own tokens, to be scored as they are.

Must never import torch, and never trusts the file: what is missing or of another kind is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.document.export.about import check_format
from core.records.errors import PlaygroundError


@dataclass(frozen=True, slots=True)
class ExportedRun:
    """What a run continued and what it wrote, as token ids of the model called ``model_name``.

    ``token_texts`` are what some of the tokens stand for: under another tokenizer they differ.
    """

    context_token_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    model_name: str
    token_texts: tuple[tuple[int, str], ...]


def exported_run(text: str, name: str) -> ExportedRun | None:
    """Return the run that ``text`` is an export of, ``None`` where it is another text.

    Args:
        text: Of a file; an export in JSON Lines begins with a record of type ``started``.
        name: What the file is called in a complaint.

    Raises:
        PlaygroundError: It begins as an export does, but holds no whole run, or is of a format
            that is not read; see ``check_format``.
    """
    first = _record(text.split("\n", 1)[0])
    if first is None or first.get("type") != "started":
        return None
    check_format(first)
    records = [one for line in text.splitlines() if (one := _record(line)) is not None]
    finished = [one for one in records if one.get("type") == "finished"]
    context = _token_ids(first.get("context_token_ids"))
    written = _token_ids(finished[0].get("token_ids")) if len(finished) == 1 else None
    if context is None or not written:
        raise PlaygroundError(
            f"{name} begins as an exported run, but there is no whole one in it; export it again"
        )
    return ExportedRun(context, written, str(first.get("model", "")), tuple(_texts(records)))


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _token_ids(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return None
    is_ids = all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in value)
    return tuple(value) if is_ids else None


def _texts(records: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    for record in records:
        token = record.get("token")
        if isinstance(token, dict):
            token_id, text = token.get("token_id"), token.get("text")
            if isinstance(token_id, int) and isinstance(text, str):
                yield token_id, text

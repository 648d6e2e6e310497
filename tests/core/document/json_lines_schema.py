"""The published schema, and what of a line does not follow it to the letter."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import core.document.export

FILE = Path(core.document.export.__file__).with_name("json_lines.schema.json")
SCHEMA: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def _closed(part: Any) -> Any:
    """The same with no other names than those that it has; a reader must put up with others."""
    if isinstance(part, dict):
        for inner in part.values():
            _closed(inner)
        if isinstance(part.get("properties"), dict):
            part["additionalProperties"] = False
    elif isinstance(part, list):
        for inner in part:
            _closed(inner)
    return part


STRICT = _closed(copy.deepcopy(SCHEMA))
_KINDS = {
    name: Draft202012Validator({**STRICT["$defs"][name], "$defs": STRICT["$defs"]})
    for name in (one["$ref"].rpartition("/")[2] for one in STRICT["oneOf"])
}
_ANY = Draft202012Validator(SCHEMA)


def faults(line: dict[str, Any]) -> list[str]:
    """Return what is wrong with one line, by the schema as it is and with no other names."""
    validator = _KINDS.get(line.get("type", ""), _ANY)
    return [one.message for one in (*validator.iter_errors(line), *_ANY.iter_errors(line))]

"""The published schemas, and what of a line does not follow them to the letter."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import core.document.export


class Schema:
    """One of the published schemas; ``untyped`` is the kind of a line that has no type."""

    def __init__(self, file: str, untyped: str = "") -> None:
        path = Path(core.document.export.__file__).with_name(file)
        self.schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        self.strict = _closed(copy.deepcopy(self.schema))
        self.kinds = [one["$ref"].rpartition("/")[2] for one in self.schema["oneOf"]]
        self._untyped = untyped
        definitions = self.strict["$defs"]
        self._validators = {
            name: Draft202012Validator({**definitions[name], "$defs": definitions})
            for name in self.kinds
        }
        self._any = Draft202012Validator(self.schema)

    def faults(self, line: dict[str, Any]) -> list[str]:
        """Return what is wrong with one line, by the schema as it is and with no other names."""
        validator = self._validators.get(line.get("type", self._untyped), self._any)
        errors = (*validator.iter_errors(line), *self._any.iter_errors(line))
        return [one.message for one in errors]

    def allows(self, line: dict[str, Any]) -> bool:
        """Whether a line follows the schema as it is, which lets it have more names."""
        return self._any.is_valid(line)


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


_LINES = Schema("json_lines.schema.json")
SCHEMA, STRICT, faults = _LINES.schema, _LINES.strict, _LINES.faults

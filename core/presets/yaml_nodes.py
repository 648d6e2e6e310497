"""YAML text to plain values that remember their line: numbers, texts, lists and mappings only.

Must never build an object, follow an alias or expand a merge: a presets file is data from anywhere.
Scalars are read as YAML 1.2 does, so ``3e-4`` is a number and ``no`` is a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from core.records.errors import PlaygroundError

_DEEPEST = 20
_LONGEST_NUMBER = 60
_TAG = "tag:yaml.org,2002:"


class YamlError(PlaygroundError):
    """The text is not YAML that can be used; ``line`` begins at 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Located:
    """A value and its line.

    ``value`` is ``None``, a bool, an int, a float, a str, a list of ``Located``, or a dict of str
    to ``Entry``.
    """

    value: Any
    line: int

    def plain(self) -> Any:  # noqa: ANN401
        """Return the value without lines, as ``yaml.safe_load`` would."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {name: entry.content.plain() for name, entry in self.value.items()}
        return self.value


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a mapping: where its name stands, and its content."""

    line: int
    content: Located


def parse_yaml(text: str) -> Located | None:
    """Return the one document of ``text``, or ``None`` where there is none.

    Raises:
        YamlError: The text is not YAML, or uses what is refused here: aliases, anchors, tags,
            a name given twice, names that are no scalars, deep nesting.
    """
    try:
        loader = _PlainLoader(text)
        node = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, f"the character {chr(error.character)!a} is not allowed") from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(text, error) from None
    return None if node is None else _located(node)


def parse_scalar(text: str) -> bool | int | float | str | None:
    """Return what the plain word ``text`` means in a presets file; what YAML marks up, it is not.

    Raises:
        YamlError: It is a number of more digits than one may have.
    """
    loader = _PlainLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    value: bool | int | float | str | None = _scalar(tag.removeprefix(_TAG), text, 1)
    return value


class _PlainLoader(yaml.SafeLoader):
    """Composes nodes; refuses everything by which a document can be more than it shows."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlError(line, f"aliases (*{event.anchor}) are not supported; write it out")
        if event.anchor is not None:
            raise YamlError(line, f"anchors (&{event.anchor}) are not supported; remove it")
        if event.tag is not None:
            tag = event.tag.replace(_TAG, "!!")
            raise YamlError(line, f"tags ({tag!a}) are not supported; remove it")
        if self._depth >= _DEEPEST:
            raise YamlError(line, f"nested more than {_DEEPEST} levels deep")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", _FLOAT + r"|\.(?:nan|NaN|NAN)", "-+.0123456789"),
):
    _PlainLoader.add_implicit_resolver(
        _TAG + _name,
        re.compile(rf"(?:{_pattern})\Z"),
        [*_first, *([""] if _name == "null" else [])],
    )


def _located(node: yaml.Node) -> Located:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return Located(_entries(node), line)
    if isinstance(node, yaml.SequenceNode):
        return Located([_located(item) for item in node.value], line)
    return Located(_scalar(node.tag.removeprefix(_TAG), node.value, line), line)


def _entries(node: yaml.MappingNode) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for name_node, content in node.value:
        line = name_node.start_mark.line + 1
        if not isinstance(name_node, yaml.ScalarNode):
            raise YamlError(line, "a name must be a text, not a list or mapping")
        name = name_node.value
        if name in entries:
            raise YamlError(line, f"{name!r} is given twice, first on line {entries[name].line}")
        entries[name] = Entry(line, _located(content))
    return entries


def _scalar(kind: str, text: str, line: int) -> Any:  # noqa: ANN401
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind in ("int", "float") and len(text) > _LONGEST_NUMBER:
        raise YamlError(line, f"a number of {len(text)} digits is too long")
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _syntax_error(text: str, error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    lines = text.split("\n")
    for number, content in enumerate(lines[:line], start=1):
        indentation = content[: len(content) - len(content.lstrip())]
        if "\t" in indentation and content.strip():
            return YamlError(number, "a tab indents this line; YAML takes spaces only")
    problem = error.problem or "it cannot be read"
    if "'\\t'" in problem:
        return YamlError(line, "a tab stands where YAML takes spaces only")
    return YamlError(line, f"not valid YAML: {problem}; mind quotes, colons and indentation")

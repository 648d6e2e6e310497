"""A preset as YAML text, and the place in a presets file where it belongs.

Must never change what stands in the file: text is added, nothing is written anew.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import yaml

from core.presets.book import Preset
from core.records.errors import PlaygroundError

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NO_TEXTS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_LINE_END = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]|\Z")
_INDENTED_COMMENT = re.compile(r"(?:[ \t]*(?:\r\n|[\r\n]))*[ ]+#[^\r\n]*(?:\r\n|[\r\n]|\Z)")


def with_preset(text: str, preset: Preset) -> str:
    """Return ``text``, a presets file that was read without complaint, with ``preset`` at its end.

    Raises:
        PlaygroundError: The presets are written in braces.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise TypeError("a presets file is a mapping")
    presets = next(value for name, value in root.value if name.value == "presets")
    if root.flow_style or presets.flow_style:
        raise PlaygroundError(
            "its presets are written in braces; write each on lines of its own, then save again"
        )
    column, step = _indentation(root, presets)
    at = _end(text, presets)
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = preset_lines(preset, column, step)
    before = "" if not at or text[at - 1] in "\r\n" else newline
    blank = newline if _is_spaced(text, presets) and not _ends_empty(text[:at]) else ""
    after = newline if text[at:].strip() and not text[at:].startswith(("\n", "\r")) else ""
    added = "".join(line + newline for line in lines)
    return text[:at] + before + blank + added + after + text[at:]


def preset_lines(preset: Preset, column: int, step: int) -> list[str]:
    """Return ``preset`` as lines of YAML.

    ``column`` is where its name stands, ``step`` how much further each level is indented.
    """
    outer, middle, inner = (" " * (column + level * step) for level in range(3))
    lines = [f"{outer}{_name(preset.name)}:"]
    if preset.key:
        lines.append(f"{middle}key: {_name(preset.key)}")
    if preset.description:
        lines.append(f"{middle}description: {quoted(preset.description)}")
    settings = preset.settings.to_mapping()
    lines.append(f"{middle}settings:" + ("" if settings else " {}"))
    lines += [f"{inner}{name}: {_value(value)}" for name, value in settings.items()]
    if preset.chat is not None:
        lines.append(f"{middle}chat:")
        fields = dataclasses.asdict(preset.chat)
        # A text that is empty is one that was left out.
        lines += [f"{inner}{name}: {_value(value)}" for name, value in fields.items() if value]
    return lines


def quoted(text: str) -> str:
    """Return ``text`` in double quotes, everything that is not printable as an escape."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _name(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _NO_TEXTS
    return text if is_plain else quoted(text)


def _value(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _indentation(root: yaml.MappingNode, presets: yaml.MappingNode) -> tuple[int, int]:
    """Return the column of the presets' names, and how much further their fields stand."""
    column = presets.value[0][0].start_mark.column
    for name, preset in presets.value:
        fields = preset.value if isinstance(preset, yaml.MappingNode) else []
        if fields and not preset.flow_style:
            return column, fields[0][0].start_mark.column - name.start_mark.column
    return column, max(1, column - root.value[0][0].start_mark.column)


def _end(text: str, presets: yaml.MappingNode) -> int:
    """Return where the last preset has ended, with the comments that are indented below it."""
    last: yaml.Node = presets
    while isinstance(last, yaml.MappingNode) and last.value and not last.flow_style:
        last = last.value[-1][1]
    while isinstance(last, yaml.SequenceNode) and last.value and not last.flow_style:
        last = last.value[-1]
    at = last.end_mark.index
    # The mark of a block of text lies behind its last line end, that of all else before it.
    if not (isinstance(last, yaml.ScalarNode) and last.style in ("|", ">")):
        end = _LINE_END.search(text, at)
        at = end.end() if end is not None else len(text)
    while at < len(text) and (comment := _INDENTED_COMMENT.match(text, at)):
        at = comment.end()
    return at


def _is_spaced(text: str, presets: yaml.MappingNode) -> bool:
    """Return whether the file leaves an empty line between presets; one alone counts as spaced."""
    names = [name.start_mark.index for name, _ in presets.value]
    return len(names) == 1 or any(_ends_empty(text[:at].rstrip(" ")) for at in names[1:])


def _ends_empty(text: str) -> bool:
    """Return whether the last line of ``text`` is empty."""
    return not text.splitlines()[-1].strip()

"""presets.yaml to presets: every check of its shape, with the line at fault in each sentence.

Must never let a name or description through that could act on a terminal, nor a key that the app
needs itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from core.files.reading import FileError, decoded, read_bytes
from core.presets.book import Preset, PresetBook, PresetsError
from core.presets.keys import ALLOWED_KEYS, normalized_key
from core.presets.yaml_nodes import Entry, Located, YamlError, parse_yaml
from core.records.chat import ChatFormat
from core.records.settings import SETTING_NAMES, Settings, SettingsError, settings_from_mapping
from core.text.visible import is_label, visible

MOST_BYTES = 100_000
"""How large a presets file may be."""
_LONGEST_NAME = 24
_LONGEST_DESCRIPTION = 200
_LONGEST_MODEL = 1000
_LONGEST_MESSAGE = 300

_FILE_FIELDS = ("model", "presets")
_PRESET_FIELDS = ("key", "description", "settings", "chat")
_CHAT_FIELDS = ("opening", "user", "assistant", "stop_strings")
_LONGEST_CHAT_TEXT = 10_000


def load_presets(path: Path) -> PresetBook:
    """Read and check a presets file.

    Raises:
        PresetsError: The file cannot be read or used; one sentence says where and why.
    """
    text = _read_text(path)
    try:
        document = parse_yaml(text)
    except YamlError as error:
        raise _error(path, error.line, str(error), _preset_at(text, error.line)) from None
    return _BookReader(path).book(document)


def name_fault(name: str) -> str:
    """Return what keeps ``name`` from naming a preset, as a sentence, or nothing."""
    if not name.strip():
        return "a preset must have a name"
    if name != name.strip():
        return "the name begins or ends with a space"
    fault = _fault(name, _LONGEST_NAME)
    return f"the name {fault}" if fault else ""


def _error(path: Path, line: int, message: str, preset: str | None = None) -> PresetsError:
    if len(message) > _LONGEST_MESSAGE:
        message = message[:_LONGEST_MESSAGE] + "…"
    whose = "" if preset is None else f"preset {preset!r}: "
    return PresetsError(visible(f"{path}:{line}: {whose}{message}", keep=""))


def _read_text(path: Path) -> str:
    try:
        data = read_bytes(path, MOST_BYTES)
    except FileError as error:
        sentence = f"cannot read presets from {path}: it {error.fault}"
        raise PresetsError(visible(sentence, keep="")) from None
    try:
        return decoded(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"the file is not UTF-8 (byte 0x{data[error.start]:02x})"
        before = data[: error.start].decode("utf-8-sig")
        raise _error(path, line, message, _preset_at(before, line)) from None


def _preset_at(text: str, line: int) -> str | None:
    """Guess from indentation in which preset ``line`` of a file that YAML refuses stands."""
    name: str | None = None
    indentation: str | None = None
    for number, content in enumerate(text.split("\n")[:line], start=1):
        if re.match(r"presets\s*:", content):
            name, indentation = "", None
        match = re.match(r"([ \t]+)([^\s#][^:]*?)\s*:", content)
        if name is None or match is None or (number == line and "\t" in match[1]):
            continue
        if indentation is None or match[1] == indentation:
            indentation, name = match[1], match[2].strip("'\"")
    return name or None


class _BookReader:
    """Turns the document of one file into a book."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def book(self, document: Located | None) -> PresetBook:
        if document is None or document.value is None:
            raise self._error(1, "the file is empty; it needs 'presets:' with a preset")
        if not isinstance(document.value, dict):
            raise self._error(document.line, "the file must be a mapping with 'presets:'")
        self._check_names(document.value, _FILE_FIELDS, None)
        if "presets" not in document.value:
            raise self._error(document.line, "the file has no 'presets:'")
        model = self._text(document.value, "model", _LONGEST_MODEL, None)
        return PresetBook(self._path, self._presets(document.value["presets"]), model or None)

    def _presets(self, entry: Entry) -> tuple[Preset, ...]:
        named = entry.content.value
        if named is not None and not isinstance(named, dict):
            raise self._error(entry.line, "'presets' must be a mapping of names to presets")
        if not named:
            raise self._error(entry.line, "'presets' holds no preset")
        presets = tuple(self._preset(name, one) for name, one in named.items())
        self._check_bindings(presets, named)
        return presets

    def _preset(self, name: str, entry: Entry) -> Preset:
        self._check_name(name, entry.line)
        fields = entry.content.value
        if not isinstance(fields, dict):
            message = "a preset must be a mapping with 'settings', and 'key' and 'description'"
            raise self._error(entry.line, message, name)
        self._check_names(fields, _PRESET_FIELDS, name)
        return Preset(
            name,
            self._key(fields, name),
            self._text(fields, "description", _LONGEST_DESCRIPTION, name),
            self._settings(fields, name),
            self._chat(fields, name),
        )

    def _chat(self, fields: dict[str, Entry], preset: str) -> ChatFormat | None:
        entry = fields.get("chat")
        if entry is None or entry.content.value is None:
            return None
        named = entry.content.value
        if not isinstance(named, dict):
            message = f"'chat' must be a mapping; there are {', '.join(_CHAT_FIELDS)}"
            raise self._error(entry.line, message, preset)
        self._check_names(named, _CHAT_FIELDS, preset)
        given = {field: one.content.plain() for field, one in named.items()}
        stops = given.get("stop_strings", [])
        given["stop_strings"] = [stops] if isinstance(stops, str) else stops
        for field, one in named.items():
            texts = given[field] if field == "stop_strings" else [given[field]]
            fault = _chat_fault(texts)
            if fault:
                raise self._error(one.line, f"{field!r} of 'chat' {fault}", preset)
        return ChatFormat(**{**given, "stop_strings": tuple(given["stop_strings"])})

    def _settings(self, fields: dict[str, Entry], preset: str) -> Settings:
        entry = fields.get("settings")
        if entry is None or entry.content.value is None:
            return Settings()
        named = entry.content.value
        if not isinstance(named, dict):
            message = "'settings' must be a mapping of names to values"
            raise self._error(entry.line, message, preset)
        try:
            return settings_from_mapping(entry.content.plain())
        except SettingsError as error:
            at = named.get(error.name, entry)
            raise self._error(at.line, str(error), preset) from None

    def _key(self, fields: dict[str, Entry], preset: str) -> str:
        key = self._text(fields, "key", _LONGEST_NAME, preset)
        if not key:
            return ""
        try:
            return normalized_key(key)
        except ValueError as error:
            message = f"key {key!r} {error}; use {ALLOWED_KEYS}"
            raise self._error(fields["key"].line, message, preset) from None

    def _text(self, fields: dict[str, Entry], field: str, longest: int, preset: str | None) -> str:
        entry = fields.get(field)
        if entry is None or entry.content.value is None:
            return ""
        value = entry.content.value
        if not isinstance(value, str):
            shown = entry.content.plain()
            message = f"{field!r} must be a text, not {shown!r}; quote it if it is one"
            raise self._error(entry.line, message, preset)
        text = value.strip()
        fault = _fault(text, longest)
        if fault:
            raise self._error(entry.line, f"{field!r} {fault}", preset)
        return text

    def _check_name(self, name: str, line: int) -> None:
        fault = name_fault(name)
        if fault:
            raise self._error(line, fault, name[: _LONGEST_NAME + 1])

    def _check_names(
        self, fields: dict[str, Entry], known: tuple[str, ...], preset: str | None
    ) -> None:
        for field, entry in fields.items():
            if field not in known:
                hint = _hint(field, known)
                raise self._error(entry.line, f"unknown field {field!r}; {hint}", preset)

    def _check_bindings(self, presets: Iterable[Preset], named: dict[str, Entry]) -> None:
        owners: dict[str, str] = {}
        for preset in presets:
            if preset.key in owners:
                line = named[preset.name].content.value["key"].line
                message = f"key {preset.key!r} belongs to preset {owners[preset.key]!r} already"
                raise self._error(line, message, preset.name)
            if preset.key:
                owners[preset.key] = preset.name

    def _error(self, line: int, message: str, preset: str | None = None) -> PresetsError:
        return _error(self._path, line, message, preset)


def _fault(text: str, longest: int) -> str:
    """Return what keeps ``text`` from being shown on one line, or nothing."""
    if len(text) > longest:
        return f"is longer than {longest} characters"
    harmful = next((character for character in text if not is_label(character)), None)
    return "" if harmful is None else f"holds the character {harmful!a}, which is not allowed"


def _chat_fault(texts: object) -> str:
    """Return why ``texts`` cannot be written into a prompt, or nothing."""
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        return "must be a text; quote it if it is one"
    if any(len(one) > _LONGEST_CHAT_TEXT for one in texts):
        return f"is longer than {_LONGEST_CHAT_TEXT:,} characters"
    if any(not one.strip() for one in texts):
        return "must not be empty; leave it out for its default"
    characters = (character for one in texts for character in one)
    harmful = next((one for one in characters if not is_label(one) and one not in "\n\t"), "")
    return f"holds the character {harmful!a}, which is not allowed" if harmful else ""


def _hint(field: str, known: tuple[str, ...]) -> str:
    if field in SETTING_NAMES and "settings" in known:
        return "it belongs under 'settings:'"
    nearest = difflib.get_close_matches(field.lower(), known, 1, 0.5)
    return f"did you mean {nearest[0]!r}?" if nearest else f"there are {', '.join(known)}"

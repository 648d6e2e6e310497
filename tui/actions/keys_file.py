"""keys.yaml to the user's keys: every check, with the line at fault in each sentence.

Must never let a key through that would be dead, type into the prompt, or do two things at once.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from core.files.reading import FileError, read_text
from core.presets.book import PresetBook
from core.presets.key_name import CHARACTERS
from core.presets.keys import EDITING_KEYS, INDISTINCT_KEYS, WHY_INDISTINCT, key_spelling
from core.presets.yaml_nodes import Entry, Located, YamlError, parse_yaml
from core.records.errors import PlaygroundError
from core.text.visible import visible
from tui.actions.action import Action
from tui.actions.everywhere import OF_THE_APP
from tui.actions.keys import Keys, all_actions
from tui.actions.pages import PAGES

_FILE_NAME = "keys.yaml"
_MOST_BYTES = 100_000
_MOST_KEYS = 8
_TYPED_ON = ("the main page", "scoring", "models")
"""Pages on which characters belong to a text."""

_NAMES = {character: name for name, character in CHARACTERS.items()}


class KeysError(PlaygroundError):
    """A keys file cannot be used; the sentence names file, line, action and key."""


def own_keys_file() -> Path:
    """Return where the user's configuration folder has its keys file, if it has one."""
    return platformdirs.user_config_path("gpt2-playground") / _FILE_NAME


def load_keys(path: Path, book: PresetBook) -> Keys:
    """Read and check a keys file; the presets of ``book`` keep their keys.

    Raises:
        KeysError: The file cannot be read or used; one sentence says where and why.
    """
    try:
        if not os.path.lexists(path):
            return Keys()
        document = parse_yaml(read_text(path, _MOST_BYTES))
    except YamlError as error:
        raise _error(path, error.line, str(error)) from None
    except (FileError, OSError) as error:
        fault = error.fault if isinstance(error, FileError) else "cannot be read"
        raise KeysError(visible(f"cannot read keys from {path}: it {fault}", "")) from None
    return _Reader(path, book).keys(document)


def _error(path: Path, line: int, message: str) -> KeysError:
    return KeysError(visible(f"{path}:{line}: {message}", keep=""))


class _Reader:
    """Turns the document of one file into keys."""

    def __init__(self, path: Path, book: PresetBook) -> None:
        self._path = path
        self._book = book
        self._by_id: dict[str, list[Action]] = {}
        for one in all_actions():
            if one.id and one.call:
                self._by_id.setdefault(one.id, []).append(one)

    def keys(self, document: Located | None) -> Keys:
        if document is None or document.value is None:
            return Keys()
        fields = document.value
        if not isinstance(fields, dict) or list(fields) != ["keys"]:
            raise _error(self._path, document.line, "the file must be a mapping with 'keys:' alone")
        entry = fields["keys"]
        named = entry.content.value
        if named is None:
            return Keys()
        if not isinstance(named, dict):
            raise self._fault(entry, "'keys' must be a mapping of actions to keys")
        own = {name: self._keys_of(name, one) for name, one in named.items()}
        keys = Keys(own)
        for name, one in named.items():
            self._check_clashes(keys, name, one)
        return keys

    def _fault(self, entry: Entry, message: str) -> KeysError:
        return _error(self._path, entry.line, message)

    def _keys_of(self, name: str, entry: Entry) -> tuple[str, ...]:
        if name not in self._by_id:
            nearest = difflib.get_close_matches(name, self._by_id, 1, 0.5)
            hint = f"did you mean {nearest[0]!r}?" if nearest else "see gpt2-playground keys"
            raise self._fault(entry, f"there is no action {name!r}; {hint}")
        given = entry.content.plain()
        texts = given if isinstance(given, list) else [given]
        # YAML reads a digit as a number.
        texts = [str(one) if isinstance(one, int) and 0 <= one <= 9 else one for one in texts]
        if not 1 <= len(texts) <= _MOST_KEYS or not all(isinstance(one, str) for one in texts):
            message = f"action {name!r} must have a key or a list of up to {_MOST_KEYS} of them"
            raise self._fault(entry, f"{message}; quote it if it is one")
        return tuple(self._checked(name, entry, one) for one in texts)

    def _checked(self, name: str, entry: Entry, text: str) -> str:
        default = {key for one in self._by_id[name] for key in one.keys}
        key = _NAMES.get(text, text if len(text) == 1 else "") or key_spelling(text)
        if key in default:
            return key
        fault = _why_unusable(key, is_typed_on=self._is_typed_on(name))
        if fault:
            raise self._fault(entry, f"action {name!r}: key {text!r} {fault}")
        return key

    def _is_typed_on(self, name: str) -> bool:
        pages = [PAGES[page] for page in _TYPED_ON]
        return any(one.id == name for actions in (OF_THE_APP, *pages) for one in actions)

    def _check_clashes(self, keys: Keys, name: str, entry: Entry) -> None:
        own = keys.of(self._by_id[name][0])
        repeated = next((key for key in own if own.count(key) > 1), None)
        if repeated is not None:
            raise self._fault(entry, f"action {name!r}: key {repeated!r} is given twice")
        is_of_app = any(one.id == name for one in OF_THE_APP)
        for page, actions in PAGES.items():
            here = (*actions, *OF_THE_APP)
            if not is_of_app and all(one.id != name for one in actions):
                continue
            if page == "the main page":
                self._check_presets(own, name, entry)
            self._check_page(keys, own, name, here, entry)

    def _check_presets(self, own: Sequence[str], name: str, entry: Entry) -> None:
        for preset in self._book.presets:
            if preset.key and preset.key in own:
                message = f"key {preset.key!r} belongs to preset {preset.name!r}"
                raise self._fault(entry, f"action {name!r}: {message} in {self._book.path}")

    def _check_page(
        self, keys: Keys, own: Sequence[str], name: str, here: Sequence[Action], entry: Entry
    ) -> None:
        for other in here:
            shared = set(own) & set(keys.of(other)) if other.id != name else set()
            if shared:
                whose = f"belongs to {other.id or other.name!r} already; give that another one too"
                raise self._fault(entry, f"action {name!r}: key {min(shared)!r} {whose}")


def _why_unusable(key: str, *, is_typed_on: bool) -> str:
    """Return what keeps ``key`` from being anybody's, as the end of a sentence, or nothing."""
    if key in INDISTINCT_KEYS:
        return WHY_INDISTINCT
    character = CHARACTERS.get(key, key)
    if len(character) == 1:
        if not character.isprintable() or not character.isascii():
            return "is no key that every keyboard has"
        return "is a character that belongs to the text that is typed there" if is_typed_on else ""
    if not key:
        return "is no key; there are f1 to f12, ctrl or alt with a letter, home, end and so on"
    if is_typed_on and key in EDITING_KEYS:
        return "is needed for what is typed"
    return ""

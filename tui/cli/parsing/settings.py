"""Decoding settings as a command line gives and lists them: ``--set NAME=VALUE`` and its like.

Must never read a value as more than one plain word of YAML, nor a text as anything but itself.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from core.files.texts import argument_text
from core.presets.finding import Preset
from core.presets.yaml_nodes import YamlError, parse_scalar
from core.records.errors import PlaygroundError
from core.records.setting_facts.table import FACTS
from core.records.settings import (
    LENGTH_SETTINGS,
    TEXT_SETTINGS,
    Settings,
    check_setting_name,
    settings_from_mapping,
)

_TEXTUAL = ("tokens", "words", "word", "biases", "decay")
"""Kinds of values that a plain word cannot hold."""

SEVERAL = tuple(
    name for name, one in FACTS.items() if one.kind in ("texts", "tokens", "words", "biases")
)
"""The settings that can be given several times, and mean all of them then."""


def decoding_settings(
    preset: Preset,
    sets: Sequence[str] = (),
    *,
    unset: Sequence[str] = (),
    steps: int | None = None,
    seed: int | None = None,
) -> Settings:
    """Return the preset's settings as a command line changes them.

    First the names in ``unset`` are removed, then each ``name=value`` of ``sets`` is put in the
    preset's place, then ``steps`` (tokens) and ``seed``. A setting that is text takes its value to
    the letter, and several where it is given several times; of others the last one counts. What
    takes token ids too takes them as JSON (``[[5, 7]]``), one alone as a number. Whatever says how
    long a text becomes replaces all else that says so.

    Raises:
        PlaygroundError: A text is no ``name=value``, or the settings are wrong.
    """
    mapping: dict[str, Any] = preset.settings.to_mapping()
    for name in unset:
        check_setting_name(name)
        mapping.pop(name, None)
    given: dict[str, Any] = {}
    for text in sets:
        name, value = _name_and_value(text)
        if name in SEVERAL:
            given.setdefault(name, []).extend(value if isinstance(value, list) else [value])
            continue
        if value is not None and name in LENGTH_SETTINGS:
            for other in LENGTH_SETTINGS:
                given[other] = None
        given[name] = value
    mapping.update(given)
    if steps is not None:
        mapping.update(dict.fromkeys(LENGTH_SETTINGS), max_new_tokens=steps)
        if "min_new_tokens" not in given and (preset.settings.min_new_tokens or 0) > steps:
            mapping["min_new_tokens"] = steps
    if seed is not None:
        mapping["seed"] = seed
    return settings_from_mapping(mapping)


def without_effect(
    settings: Settings,
    sets: Sequence[str] = (),
    *,
    steps: int | None = None,
    seed: int | None = None,
    assistant: str | None = None,
) -> Iterator[str]:
    """Yield a sentence for each option that ``settings``, made of them all, leave without a say."""
    last: dict[str, str] = {}
    for text in sets:
        name = text.partition("=")[0].strip()
        kind = "length" if name in LENGTH_SETTINGS else name
        if name not in SEVERAL:
            if kind in last:
                yield f"--set {last[kind]} has no effect beside --set {text}"
            last[kind] = text
    if steps is not None and "length" in last:
        yield f"--set {last['length']} has no effect beside --steps"
    if seed is not None and "seed" in last:
        yield f"--set {last['seed']} has no effect beside --seed"
    if seed is not None and not settings.uses("seed"):
        yield "--seed has no effect: these settings draw nothing"
    if assistant == "int8" and settings.num_beams > 1:
        yield "--assistant has no effect: beams have none"


def _name_and_value(text: str) -> tuple[str, Any]:
    """Return what one ``--set`` gives: the name of a setting and its value."""
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not name:
        raise PlaygroundError(f"--set {text!r} must be name=value, such as top_k=50")
    check_setting_name(name)
    if name in TEXT_SETTINGS and value:
        return name, argument_text(value, f"--set {name}=…")
    if not value.strip() and FACTS[name].kind not in _TEXTUAL:
        raise PlaygroundError(
            f"--set {text!r} has no value; give one behind the =, or remove what the preset has "
            f"with --unset {name}"
        )
    if FACTS[name].kind in _TEXTUAL:
        return name, _textual(name, argument_text(value, f"--set {name}=…"))
    try:
        return name, parse_scalar(value.strip())
    except YamlError as error:
        raise PlaygroundError(f"--set {text!r}: {error}") from None


def _textual(name: str, text: str) -> Any:  # noqa: ANN401
    """Return what may be texts and token ids: JSON, a token's id, or a text to the letter."""
    if text.lstrip().startswith(("[", "{")):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise PlaygroundError(
                f"--set {name}=… must be JSON where it begins with a bracket, such as"
                ' [[5, 7], " word"]'
            ) from None
        if isinstance(value, dict):
            return [list(one) for one in value.items()]
        is_text = FACTS[name].kind == "word" and len(value) == 1 and isinstance(value[0], str)
        return value[0] if is_text else value
    is_id = FACTS[name].kind == "tokens" and text.isascii() and text.isdecimal()
    return parse_scalar(text) if is_id else text


def listed_settings(preset: Preset) -> str:
    """Return what ``preset`` sets, as a shell hands it to ``--set``, and sampling's ``top_k``."""
    mapping = preset.settings.to_mapping()
    if preset.settings.do_sample:
        mapping["top_k"] = preset.settings.top_k
    return " ".join(one for name, value in mapping.items() for one in _listed(name, value))


def _listed(name: str, value: object) -> Iterator[str]:
    if FACTS[name].kind in _TEXTUAL:
        is_plain = isinstance(value, str) and not value.lstrip().startswith(("[", "{"))
        bracketed = [value] if isinstance(value, str) else value
        text = value if is_plain else json.dumps(bracketed, ensure_ascii=False)
        yield f"{name}={_shell_word(str(text))}"
        return
    for one in value if isinstance(value, list) else [value]:
        yield f"{name}={_shell_word(one) if isinstance(one, str) else json.dumps(one)}"


def _shell_word(text: str) -> str:
    """Return ``text`` as one printable word of bash and zsh."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_shell_escape, text)) + "'"


def _shell_escape(character: str) -> str:
    if character in "'\\":
        return "\\" + character
    code = ord(character)
    if character.isprintable():
        return character
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character) or (
        f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )

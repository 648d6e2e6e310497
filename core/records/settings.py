"""Decoding settings with the names, defaults and meaning of transformers' ``GenerationConfig``.

Must never import torch or transformers: a wrong setting is told before either is loaded.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.records.errors import PlaygroundError
from core.records.setting_facts.facts import SettingFacts
from core.records.setting_facts.foreign import FOREIGN_SETTINGS
from core.records.setting_facts.sampling import SAMPLING
from core.records.setting_facts.table import FACTS

GenerationMode = Literal["greedy_search", "sample", "beam_search", "beam_sample"]

DEFAULT_NEW_TOKENS = 20
"""How far transformers generates when neither ``max_length`` nor ``max_new_tokens`` is set."""


class SettingsError(PlaygroundError):
    """A setting is unknown, out of range, or contradicts another.

    ``name`` is the setting that is at fault.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to decode: one field for each supported field of ``GenerationConfig``.

    A field left out has transformers' default, so sampling without ``top_k`` keeps 50 tokens.
    ``max_length`` counts the prompt; ``max_new_tokens`` does not, and wins where both are set.
    ``seed`` is not a field of ``GenerationConfig``: it stands for ``torch.manual_seed(seed)``
    before ``generate()``; without one each run draws its own.

    Raises:
        SettingsError: A value has the wrong type or range, or two settings contradict each other.
    """

    max_length: int | None = None
    max_new_tokens: int | None = None
    min_new_tokens: int | None = None
    do_sample: bool = False
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False
    temperature: float = 1.0
    top_k: int = 50
    top_p: float = 1.0
    min_p: float | None = None
    typical_p: float = 1.0
    epsilon_cutoff: float = 0.0
    eta_cutoff: float = 0.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    stop_strings: tuple[str, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = _checked(field.name, getattr(self, field.name), field.default)
            object.__setattr__(self, field.name, value)
        _check_together(self)

    @property
    def mode(self) -> GenerationMode:
        """The decoding method these settings mean, by transformers' name for it."""
        if self.num_beams > 1:
            return "beam_sample" if self.do_sample else "beam_search"
        return "sample" if self.do_sample else "greedy_search"

    def uses(self, name: str) -> bool:
        """Whether the setting ``name`` has a say in this decoding method."""
        is_idle = (name in _FOR_SAMPLING and not self.do_sample) or (
            name in _FOR_BEAMS and self.num_beams == 1
        )
        return not is_idle

    def to_mapping(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults, as they would stand in a preset."""
        mapping: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                mapping[field.name] = list(value) if isinstance(value, tuple) else value
        return mapping

    def to_full_mapping(self) -> dict[str, Any]:
        """Return every setting, those at their default too; what is absent is ``None``."""
        values = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: list(one) if isinstance(one, tuple) else one for name, one in values}

    def replace(self, **changes: Any) -> Settings:  # noqa: ANN401
        """Return a copy with ``changes`` applied, checked as a whole."""
        return settings_from_mapping({**self.to_mapping(), **changes})

    def without_beams(self) -> Settings:
        """Return these settings for a single text, which nothing is compared with."""
        if self.num_beams == 1:
            return self
        return self.replace(num_beams=None, **dict.fromkeys(_FOR_BEAMS))


SAMPLING_ONLY = tuple(one.name for one in SAMPLING)
"""The settings that must have their defaults where ``do_sample`` is false."""

_FOR_SAMPLING = (*SAMPLING_ONLY, "seed")
_FOR_BEAMS = ("length_penalty", "early_stopping")

SETTING_NAMES: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Settings))

LENGTH_SETTINGS = ("max_length", "max_new_tokens")
"""What says how long a text becomes: whoever gives one anew means it in the place of the other."""

TEXT_SETTINGS = ("stop_strings",)
"""The settings whose values are texts, several of them, in which every character counts."""

_INSTEAD = {
    "eos_token_id": "stop_strings ends a text too",
    "min_length": "min_new_tokens does the same, without counting the prompt",
}
"""What there is in the place of some settings of transformers."""


def settings_from_mapping(mapping: Mapping[str, Any]) -> Settings:
    """Build settings from names and values as YAML or JSON give them; ``None`` means absent.

    Raises:
        SettingsError: A name is unknown (the nearest known one is suggested) or a value is wrong.
    """
    for name in mapping:
        check_setting_name(str(name))
    return Settings(**{name: value for name, value in mapping.items() if value is not None})


def check_setting_name(name: str) -> None:
    """Make sure that there is a setting ``name``.

    Raises:
        SettingsError: There is none; the nearest known one is suggested.
    """
    if name not in SETTING_NAMES:
        raise SettingsError(name, _unknown(name))


def _unknown(name: str) -> str:
    if name not in FOREIGN_SETTINGS:
        return f"unknown setting {name!r}{_suggestion(name)}"
    instead = f"; {_INSTEAD[name]}" if name in _INSTEAD else "; remove it"
    return f"{name} is a setting of transformers that this program does not have{instead}"


def _suggestion(name: str) -> str:
    nearest = difflib.get_close_matches(name.replace("-", "_").lower(), SETTING_NAMES, 1, 0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def _checked(name: str, value: object, default: object) -> object:
    """Return ``value`` in its field's type, or raise what is wrong with it."""
    if value is None:
        if default is None:
            return None
        raise SettingsError(name, f"{name} must have a value; leave it out for the default")
    if name == "stop_strings":
        return _stop_strings(value)
    if name == "early_stopping":
        if value is True or value is False or value == "never":
            return value
        raise SettingsError(name, f"early_stopping must be true, false or never, not {value!r}")
    if name == "do_sample":
        if isinstance(value, bool):
            return value
        raise SettingsError(name, f"do_sample must be true or false, not {value!r}")
    facts = FACTS[name]
    if facts.kind == "whole":
        return _whole_number(facts, value)
    return _real_number(facts, value)


def _whole_number(facts: SettingFacts, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingsError(facts.name, f"{facts.name} must be a whole number, not {value!r}")
    if not facts.holds(value):
        raise SettingsError(facts.name, f"{facts.name} must be {facts.values}, not {value}")
    return value


def _real_number(facts: SettingFacts, value: object) -> float:
    name, words = facts.name, facts.values
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(name, f"{name} must be a number, not {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if facts.holds(number):
        return number
    if not math.isfinite(number):
        words = f"a finite number {words}"
    hint = ""
    if name == "temperature" and number == 0:
        hint = "; for the likeliest token at every step use do_sample: false"
    raise SettingsError(name, f"{name} must be {words}, not {value!r}{hint}")


def _stop_strings(value: object) -> tuple[str, ...]:
    strings = (value,) if isinstance(value, str) else value
    if not isinstance(strings, list | tuple) or not all(isinstance(one, str) for one in strings):
        raise SettingsError(
            "stop_strings",
            f"stop_strings must be a text or a list of texts, not {value!r};"
            " quote what is to be a text",
        )
    if "" in strings:
        raise SettingsError("stop_strings", "stop_strings must not hold an empty text")
    return tuple(strings)


def _check_together(settings: Settings) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    changed = [name for name in defaults if getattr(settings, name) != defaults[name]]
    if not settings.do_sample:
        for name in SAMPLING_ONLY:
            if name in changed:
                raise SettingsError(
                    name, f"{name} has no effect without do_sample: true; add it or remove {name}"
                )
    if settings.num_beams == 1:
        for name in _FOR_BEAMS:
            if name in changed:
                raise SettingsError(
                    name, f"{name} has no effect without num_beams above 1; add it or remove {name}"
                )
    least, most = settings.min_new_tokens, settings.max_new_tokens
    if least is not None and most is not None and least > most:
        raise SettingsError(
            "min_new_tokens", f"min_new_tokens ({least}) is more than max_new_tokens ({most})"
        )

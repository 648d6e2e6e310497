"""Decoding settings with the names, defaults and meaning of transformers' ``GenerationConfig``.

Must never import torch or transformers: a wrong setting is told before either is loaded.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.records.errors import PlaygroundError
from core.records.setting_facts.elsewhere import nearest
from core.records.setting_facts.foreign import FOREIGN_SETTINGS, instead_of
from core.records.setting_facts.sampling import SAMPLING
from core.records.setting_facts.table import FACTS
from core.records.setting_facts.values import Token, Word, checked, plain

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
    before ``generate()``; without one each run draws its own. ``negative_prompt_ids`` is an
    argument of ``generate()`` itself. Where ``generate()`` takes token ids, a text does as well:
    ``core.decoding.token_texts`` finds out which tokens it means to a model.

    Raises:
        SettingsError: A value has the wrong type or range, or two settings contradict each other.
    """

    max_length: int | None = None
    max_new_tokens: int | None = None
    min_length: int = 0
    min_new_tokens: int | None = None
    do_sample: bool = False
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False
    temperature: float = 1.0
    top_h: float | None = None
    top_k: int = 50
    top_p: float = 1.0
    min_p: float | None = None
    typical_p: float = 1.0
    epsilon_cutoff: float = 0.0
    eta_cutoff: float = 0.0
    guidance_scale: float | None = None
    negative_prompt_ids: Word | None = None
    sequence_bias: tuple[tuple[Word, float], ...] = ()
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    bad_words_ids: tuple[Word, ...] = ()
    forced_eos_token_id: tuple[Token, ...] = ()
    remove_invalid_values: bool = False
    exponential_decay_length_penalty: tuple[int, float] | None = None
    suppress_tokens: tuple[Token, ...] = ()
    begin_suppress_tokens: tuple[Token, ...] = ()
    renormalize_logits: bool = False
    eos_token_id: tuple[Token, ...] = ()
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
            name in BEAMS_ONLY and self.num_beams == 1
        )
        return not is_idle

    def to_mapping(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults, as they would stand in a preset."""
        mapping: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                mapping[field.name] = plain(value)
        return mapping

    def to_full_mapping(self) -> dict[str, Any]:
        """Return every setting, those at their default too; what is absent is ``None``."""
        values = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: plain(one) for name, one in values}

    def replace(self, **changes: Any) -> Settings:  # noqa: ANN401
        """Return a copy with ``changes`` applied, checked as a whole."""
        return settings_from_mapping({**self.to_mapping(), **changes})

    def longest(self, prompt_length: int) -> int:
        """Return how many tokens the whole text may have behind a prompt of so many."""
        if self.max_new_tokens is None and self.max_length is not None:
            return self.max_length
        return prompt_length + (self.max_new_tokens or DEFAULT_NEW_TOKENS)

    @property
    def is_guided(self) -> bool:
        """Whether the model is asked at every step what it would say without the prompt."""
        return self.guidance_scale not in (None, 1.0)

    def without_beams(self) -> Settings:
        """Return these settings for a single text, which nothing is compared with."""
        if self.num_beams == 1:
            return self
        return self.replace(num_beams=None, **dict.fromkeys(BEAMS_ONLY))


SAMPLING_ONLY = tuple(one.name for one in SAMPLING)
"""The settings that must have their defaults where ``do_sample`` is false."""

_FOR_SAMPLING = (*SAMPLING_ONLY, "seed")
BEAMS_ONLY = ("length_penalty", "early_stopping")
"""The settings that must have their defaults where ``num_beams`` is 1."""

SETTING_NAMES: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Settings))

LENGTH_SETTINGS = ("max_length", "max_new_tokens")
"""What says how long a text becomes: whoever gives one anew means it in the place of the other."""

TEXT_SETTINGS = ("stop_strings",)
"""The settings whose values are texts, several of them, in which every character counts."""


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
    if instead := nearest(name):
        return (
            f"{name} is a setting of other programs, such as llama.cpp, not of this one; {instead}"
        )
    if name not in FOREIGN_SETTINGS:
        return f"unknown setting {name!r}{_suggestion(name)}"
    told = f"{name} is a setting of transformers that this program does not have"
    return f"{told}; {instead_of(name)}"


def _suggestion(name: str) -> str:
    nearest = difflib.get_close_matches(name.replace("-", "_").lower(), SETTING_NAMES, 1, 0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def _checked(name: str, value: object, default: object) -> object:
    """Return ``value`` in its field's type, or raise what is wrong with it."""
    if value is None:
        if default is None:
            return None
        raise SettingsError(name, f"{name} must have a value; leave it out for the default")
    try:
        return checked(FACTS[name], value)
    except ValueError as error:
        raise SettingsError(name, str(error)) from None


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
        for name in BEAMS_ONLY:
            if name in changed:
                raise SettingsError(
                    name, f"{name} has no effect without num_beams above 1; add it or remove {name}"
                )
    if settings.guidance_scale is None and settings.negative_prompt_ids is not None:
        name = "negative_prompt_ids"
        raise SettingsError(
            name, f"{name} has no effect without guidance_scale; add it or remove {name}"
        )
    forced = settings.forced_eos_token_id
    if forced and set(forced) <= {*settings.suppress_tokens}:
        name = "forced_eos_token_id"
        raise SettingsError(
            name, f"{name} forces what suppress_tokens removes, and nothing else; change either"
        )
    pairs = [("min_new_tokens", "max_new_tokens")]
    if settings.max_new_tokens is None:
        pairs.append(("min_length", "max_length"))
    for shortest, longest in pairs:
        least, most = getattr(settings, shortest), getattr(settings, longest)
        if least is not None and most is not None and least > most:
            raise SettingsError(shortest, f"{shortest} ({least}) is more than {longest} ({most})")

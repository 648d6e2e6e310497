"""The settings of a run or a preset as dials that turn: how they stand, and what that means.

Must never look at a widget, and never gives settings that contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from core.looking_back.other_settings.dial_table import PER_STEP, Dial, Value, exceeds, place, scale
from core.records.settings import (
    BEAMS_ONLY,
    SAMPLING_ONLY,
    Settings,
    SettingsError,
    settings_from_mapping,
)

_CONTRADICT = (
    ("min_length", "min_new_tokens", "max_new_tokens", "max_length"),
    ("forced_eos_token_id", "suppress_tokens"),
)
"""Settings of which one may not have a value that another one excludes."""


@dataclass(frozen=True, slots=True)
class Dials:
    """How the dials stand.

    ``own`` are the run's settings. ``sampling`` are the ones set, with ``do_sample``: so what is
    set of sampling outlives a look at greedy.
    """

    own: Settings
    sampling: Settings
    do_sample: bool

    @classmethod
    def of(cls, own: Settings, now: Settings | None = None) -> Dials:
        """Return the dials as ``own`` has them, turned to where ``now`` has them if that is given.

        What has no dial is the same in both.
        """
        now = own if now is None else now
        return cls(own, now.replace(do_sample=True), now.do_sample)

    @property
    def settings(self) -> Settings:
        """What the dials mean; without ``do_sample``, what only sampling has is left out."""
        if self.do_sample:
            return self.sampling
        left_out = (*SAMPLING_ONLY, "do_sample")
        mapping = self.sampling.to_mapping()
        return settings_from_mapping(
            {name: value for name, value in mapping.items() if name not in left_out}
        )

    @property
    def is_own(self) -> bool:
        """Whether the settings are those of the run."""
        return self.settings == self.own

    def why_idle(self, dial: Dial) -> str:
        """Return why a setting has no effect wherever its dial stands; empty where it may."""
        if dial.name in SAMPLING_ONLY and not self.do_sample:
            return "no effect while nothing is drawn"
        if dial.name == "min_length" and self.sampling.min_new_tokens is not None:
            return "no effect beside min_new_tokens"
        if dial.is_switch and not self.own_value(dial.name) and not self.value(dial.name):
            return "none named: presets.yaml names them"
        return ""

    def value(self, name: str) -> Value:
        """Return where a dial stands."""
        return self.do_sample if name == "do_sample" else _value(self.sampling, name)

    def own_value(self, name: str) -> Value:
        """Return where the run had it."""
        return _value(self.own, name)

    @property
    def decay_start(self) -> int:
        """Behind how many written tokens the ends of text begin to change; it has no dial."""
        own = self.own.exponential_decay_length_penalty
        start, _ = self.sampling.exponential_decay_length_penalty or own or (0, 1.0)
        return start

    def moved(self, dial: Dial, offset: int, vocabulary_size: int, *, is_large: bool) -> Dials:
        """Return the dials with one a step to the left (-1) or right (1); at its end it stays.

        One that only sampling has turns ``do_sample`` on.
        """
        name, now = dial.name, self.value(dial.name)
        values = dial.large if is_large else scale(dial, self.own_value(name), vocabulary_size)
        here = place(name, now)
        beyond = [
            one
            for one in values
            if (place(name, one) - here) * offset > 0 and not exceeds(name, one, vocabulary_size)
        ]
        for value in beyond if offset > 0 else reversed(beyond):
            try:
                return self._with(name, value)
            except SettingsError:  # it contradicts one that has no dial, or another dial
                continue
        return self

    def reset(self, name: str) -> Dials:
        """Return the dials with one back where the run had it.

        Where that contradicts what others are turned to, these are too.
        """
        if name == "do_sample":
            return replace(self, do_sample=self.own.do_sample)
        try:
            return replace(self, sampling=self._set(name, self.own_value(name)))
        except SettingsError:
            group = next(one for one in _CONTRADICT if name in one)
            own = {one: getattr(self.own, one) for one in group}
            return replace(self, sampling=self.sampling.replace(**own))

    def with_preset(self, settings: Settings) -> Dials:
        """Return the dials as ``settings`` of a preset have them."""
        taken: dict[str, Any] = {name: getattr(settings, name) for name in PER_STEP}
        taken["do_sample"] = True
        return replace(self, sampling=self.own.replace(**taken), do_sample=settings.do_sample)

    def agrees_with(self, settings: Settings) -> bool:
        """Whether ``settings`` of a preset choose as the dials do."""
        mine = self.settings
        return all(getattr(mine, name) == getattr(settings, name) for name in PER_STEP)

    def _with(self, name: str, value: Value) -> Dials:
        if name == "do_sample":
            return replace(self, do_sample=bool(value))
        does_sample = self.do_sample or name in SAMPLING_ONLY
        return replace(self, sampling=self._set(name, value), do_sample=does_sample)

    def _set(self, name: str, value: Value) -> Settings:
        """Return ``sampling`` with one value, and with what cannot be had without or beside it."""
        changes: dict[str, Any] = {name: value}
        sampling = self.sampling
        if name == "num_beams":
            sampling = sampling.without_beams()
            if value != 1 and self.own.num_beams > 1:
                changes |= {one: getattr(self.own, one) for one in BEAMS_ONLY}
        elif name == "max_new_tokens":
            is_own = value == self.own.max_new_tokens
            changes["max_length"] = self.own.max_length if is_own else None
        elif name == "guidance_scale":
            guides = value is not None
            changes["negative_prompt_ids"] = self.own.negative_prompt_ids if guides else None
        elif name == "exponential_decay_length_penalty" and value != self.own_value(name):
            changes[name] = (self.decay_start, value[1]) if isinstance(value, tuple) else None
        return sampling.replace(**changes)


def _value(settings: Settings, name: str) -> Value:
    value: Value = getattr(settings, name)
    return value

"""What the next run is made with: the presets, the one picked, the seed, and whether by hand.

Must never start a run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from core.playground.documents import Documents
from core.playground.notices import Notices
from core.playground.presets.new_dice import NewDice
from core.presets.book import CHANGED, Preset, PresetBook
from core.presets.difference import described
from core.presets.finding import load_presets
from core.presets.key_name import key_name
from core.presets.writer import save_preset
from core.records.chat import ChatFormat
from core.records.settings import Settings
from core.sessions.entries import Entry, PresetChosen
from core.text.visible import one_line


class NextRun:
    """The choices of a person that apply from the next run on.

    Args:
        book: The presets to pick from.
        documents: Whose document at hand may have a next token weighed under the preset before.
        notices: Where it is told what was done.
        preset_name: The preset to begin with; the first one where that is ``None``.
        seed: Takes the place of every preset's seed where it is given.
        restored: What was chosen when a session was left. It is gone on with where nothing else
            is asked for; a preset that the book has not, or not so any more, as it was then.
        record: Is told of each choice.
        taken_keys: What a preset that is saved must not be given as its key.

    Raises:
        PresetsError: There is no preset of that name.
    """

    def __init__(
        self,
        book: PresetBook,
        documents: Documents,
        notices: Notices,
        *,
        preset_name: str | None = None,
        seed: int | None = None,
        restored: PresetChosen | None = None,
        record: Callable[[Entry], None] = lambda entry: None,
        taken_keys: frozenset[str] = frozenset(),
    ) -> None:
        self.book = book
        self._taken_keys = taken_keys
        self._record = record
        self._changed: dict[str, Settings] = {}  # by the names of presets
        self._taken_back: dict[str, Settings] = {}
        if seed is None and restored is not None:
            seed = restored.seed
        self.seed = seed
        """The seed of every run where it is given; else the presets' own."""
        if preset_name is not None:
            self.preset = book.named(preset_name)
        elif restored is not None:
            self.preset = self._as_it_was(restored, notices)
        else:
            self.preset = book.presets[0]
        self.dice = NewDice(notices)
        self._is_by_hand = restored is not None and restored.is_by_hand
        self._documents = documents
        self._notices = notices
        if self._chosen != restored:
            record(self._chosen)

    @property
    def is_by_hand(self) -> bool:
        """Whether a person takes each step; the preset then only draws, and without beams."""
        return self._is_by_hand

    @is_by_hand.setter
    def is_by_hand(self, is_by_hand: bool) -> None:
        self._is_by_hand = is_by_hand
        self._record(self._chosen)

    @property
    def own_settings(self) -> Settings:
        """The settings of the preset that is picked, as the book has them, with the run's seed."""
        return self.with_seed(self.preset.settings)

    def with_seed(self, settings: Settings) -> Settings:
        """Return a preset's settings with the seed of every run, where there is one."""
        return settings if self.seed is None else settings.replace(seed=self.seed)

    @property
    def turned(self) -> Settings:
        """The settings of the preset that is picked, as a person has changed them, if at all."""
        return self._changed.get(self.preset.name, self.own_settings)

    @property
    def settings(self) -> Settings:
        """The settings that the run is to have."""
        return self.turned.without_beams() if self.is_by_hand else self.turned

    @property
    def preset_name(self) -> str:
        """What the run's preset is called, with ``CHANGED`` where the settings are others."""
        return self.preset.name + CHANGED * (self.settings != self.own_settings)

    @property
    def presets(self) -> tuple[Preset, ...]:
        """All presets as they would run now: with ``CHANGED`` where a person has changed them."""
        found: list[Preset] = []
        for one in self.book.presets:
            seed = one.settings.seed if self.seed is None else self.seed
            settings = self._changed.get(one.name, one.settings.replace(seed=seed))
            name = one.name + CHANGED * self.is_changed(one)
            found.append(dataclasses.replace(one, name=name, settings=settings))
        return tuple(found)

    def is_changed(self, preset: Preset) -> bool:
        """Whether a person has changed the settings of ``preset``, and not taken that back."""
        return preset.name in self._changed

    def turn(self, settings: Settings) -> None:
        """Have the preset that is picked run with ``settings`` from now on; the file stays."""
        if settings == self.turned:
            return
        self._changed[self.preset.name] = settings
        self._drop_unchanged()
        self._has_changed()

    @property
    def can_take_back(self) -> bool:
        """Whether the preset that is picked is changed, or was and can be so again."""
        return self.preset.name in self._changed or self.preset.name in self._taken_back

    def take_back(self) -> None:
        """Have the preset that is picked run with its own settings again; once more: as changed."""
        name, told = self.preset.name, self._notices.told("dials")
        if self.is_changed(self.preset):
            self._taken_back[name] = self.turned
            self.turn(self.own_settings)
            self._notices.say(f"{name} is as it was; again brings the change back")
        elif name in self._taken_back:
            self.turn(self._taken_back.pop(name))
            self._notices.say(f"{name}{CHANGED} has your change again")
        else:
            self._notices.say(f"{name} is picked already; {told} changes it")

    def pick(self, preset: Preset) -> None:
        """Use ``preset`` from the next run on; the one that is picked: see ``take_back``."""
        self._notices.clear()
        if preset is self.preset:
            self.take_back()
            return
        self.preset = preset
        self._has_changed()
        document = self._documents.at_hand
        if document.is_running and not document.is_weighing:
            self._notices.say(f"{preset.name} applies to the next run")

    def use(self, book: PresetBook) -> None:
        """Pick from ``book`` from now on.

        The preset that is picked stays, as ``book`` has it, or as it was where that has it no more.
        """
        before = self._chosen
        self.book = book
        by_name = {preset.name: preset for preset in book.presets}
        self.preset = by_name.get(self.preset.name, self.preset)
        self._drop_unchanged()
        if self._chosen != before:
            self._has_changed()

    def _drop_unchanged(self) -> None:
        """Let what is as the preset itself be no change."""
        if self._changed.get(self.preset.name) == self.own_settings:
            del self._changed[self.preset.name]

    def _has_changed(self) -> None:
        """Tell of the choice, and forget what was weighed for the one before.

        Another preset leaves other tokens, a conversation's none.
        """
        self._record(self._chosen)
        if self.is_by_hand:
            self._documents.at_hand.forget_next()

    def save_preset(self, name: str, settings: Settings) -> str:
        """Save a preset to the file that the user owns, and use that file; return what to tell.

        Raises:
            PlaygroundError: The name is taken or wrong, or the file cannot be written.
        """
        return self._save(name, settings, "", None)

    def save_turned(self, name: str) -> str:
        """Save the picked preset as it is changed as a new one, and pick that; see ``save_preset``.

        The one that was changed is as it was.

        Raises:
            PlaygroundError: The name is taken or wrong, or the file cannot be written.
        """
        changed, settings = self.preset, self.turned
        if settings.seed == self.seed:  # which takes the place of every preset's
            settings = settings.replace(seed=changed.settings.seed)
        told = self._save(name, settings, described(changed, settings), changed.chat)
        self._changed.pop(changed.name, None)
        self.preset = self.book.named(name)
        self._has_changed()
        return told

    def _save(
        self, name: str, settings: Settings, description: str, chat: ChatFormat | None
    ) -> str:
        path = save_preset(self.book, name, settings, description, chat, self._taken_keys)
        # Presets may have been added to the file by hand meanwhile; the one at hand may be gone.
        self.use(load_presets(path))
        key, palette = self.book.named(name).key, self._notices.told("palette")
        where = f"on {key_name(key)}" if key else f"in the palette ({palette})"
        return f"saved as {name} in {path}; it is {where} now"

    @property
    def _chosen(self) -> PresetChosen:
        preset = self.preset
        settings = self._changed.get(preset.name, preset.settings)
        return PresetChosen(preset.name, settings, self.is_by_hand, preset.chat, self.seed)

    def _as_it_was(self, then: PresetChosen, notices: Notices) -> Preset:
        """Return the preset of the book that a session was left with, or what it was then."""
        for preset in self.book.presets:
            if preset.name == then.name and preset.chat == then.chat:
                if preset.settings != then.settings:
                    self._changed[preset.name] = then.settings
                    told = f"{preset.name}{CHANGED} has the settings that this session left it with"
                    notices.owe(one_line(told))
                return preset
        name = then.name.removesuffix(CHANGED) + CHANGED
        notices.owe(
            one_line(f"{name} stands for {then.name!r} as this session had it: the presets changed")
        )
        return Preset(name, "", "as this session was left", then.settings, then.chat)

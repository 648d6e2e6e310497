"""What the next run is made with: the presets, the one picked, the seed, and whether by hand.

Must never start a run.
"""

from __future__ import annotations

from collections.abc import Callable

from core.playground.documents import Documents
from core.playground.notices import Notices
from core.presets.book import Preset, PresetBook
from core.presets.finding import load_presets
from core.presets.key_name import key_name
from core.presets.writer import save_preset
from core.records.settings import Settings
from core.sessions.entries import Entry, PresetChosen
from core.text.visible import one_line

CHANGED = "*"
"""Stands behind the name of a preset whose settings were changed for one run."""


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
    ) -> None:
        self.book = book
        self._record = record
        if preset_name is not None:
            self.preset = book.named(preset_name)
        elif restored is not None:
            self.preset = self._as_it_was(restored, notices)
        else:
            self.preset = book.presets[0]
        if seed is None and restored is not None:
            seed = restored.seed
        self._is_by_hand = restored is not None and restored.is_by_hand
        self.seed = seed
        """The seed of every run where it is given; else the presets' own."""
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
    def settings(self) -> Settings:
        """The settings that the run is to have."""
        settings = self.preset.settings
        if self.is_by_hand:
            settings = settings.without_beams()
        return settings if self.seed is None else settings.replace(seed=self.seed)

    @property
    def preset_name(self) -> str:
        """What the run's preset is called, with ``CHANGED`` where the settings are others."""
        is_changed = self.is_by_hand and self.preset.settings.num_beams > 1
        return self.preset.name + CHANGED * is_changed

    def pick(self, preset: Preset) -> None:
        """Use ``preset`` from the next run on."""
        document = self._documents.at_hand
        was_picked, self.preset = preset is self.preset, preset
        if not was_picked:
            self._record(self._chosen)
        if not was_picked and self.is_by_hand:
            document.forget_next()  # another preset leaves others, a conversation's none
        self._notices.clear()
        if was_picked:
            self._notices.say(f"{preset.name} is picked already")
        elif document.is_running and not document.is_weighing:
            self._notices.say(f"{preset.name} applies to the next run")

    def use(self, book: PresetBook) -> None:
        """Pick from ``book`` from now on.

        The preset that is picked stays, as ``book`` has it, or as it was where that has it no more.
        """
        before = self._chosen
        self.book = book
        by_name = {preset.name: preset for preset in book.presets}
        self.preset = by_name.get(self.preset.name, self.preset)
        if self._chosen != before:
            self._record(self._chosen)
            if self.is_by_hand:
                self._documents.at_hand.forget_next()

    def save_preset(self, name: str, settings: Settings) -> str:
        """Save a preset to the file that the user owns, and use that file; return what to tell.

        Raises:
            PlaygroundError: The name is taken or wrong, or the file cannot be written.
        """
        path = save_preset(self.book, name, settings)
        # Presets may have been added to the file by hand meanwhile; the one at hand may be gone.
        self.use(load_presets(path))
        key, palette = self.book.named(name).key, self._notices.told("palette")
        where = f"on {key_name(key)}" if key else f"in the palette ({palette})"
        return f"saved as {name} in {path}; it is {where} now"

    @property
    def _chosen(self) -> PresetChosen:
        preset = self.preset
        return PresetChosen(preset.name, preset.settings, self.is_by_hand, preset.chat, self.seed)

    def _as_it_was(self, then: PresetChosen, notices: Notices) -> Preset:
        """Return the preset of the book that a session was left with, or what it was then."""
        for preset in self.book.presets:
            if preset.name == then.name and (preset.settings, preset.chat) == (
                then.settings,
                then.chat,
            ):
                return preset
        name = then.name.removesuffix(CHANGED) + CHANGED
        notices.owe(
            one_line(f"{name} stands for {then.name!r} as this session had it: the presets changed")
        )
        return Preset(name, "", "as this session was left", then.settings, then.chat)

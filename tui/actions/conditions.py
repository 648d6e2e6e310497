"""When an action can be done: each gives the sentence that says why not now, or nothing.

Must never change anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.records.settings import SettingsError

if TYPE_CHECKING:
    from core.playground.playground import Playground

NO_TEXT = "there is no text yet: type a prompt, Enter runs it"


def has_steps(playground: Playground) -> str:
    """There is a step to look at."""
    return "" if playground.document.step_count() else NO_TEXT


def has_text(playground: Playground) -> str:
    """The document is not empty."""
    return "" if playground.document.turns else NO_TEXT


def has_runs(playground: Playground) -> str:
    """The tree of runs is not empty."""
    return "" if playground.documents.tree.nodes else NO_TEXT


def can_restore(playground: Playground) -> str:
    """The document was cleared, and can be brought back."""
    return "" if playground.documents.can_restore else NO_TEXT


def can_stop(playground: Playground) -> str:
    """Something runs, waits, or is fetched."""
    is_fetching = playground.model.fetching.name is not None
    is_running = playground.document.is_running or playground.prompts.queued is not None
    return "" if is_running or is_fetching else "nothing runs that could be stopped"


def is_at_rest(playground: Playground) -> str:
    """No run is going on."""
    is_running = playground.document.is_running
    return f"still running — {playground.told('stop')} stops it" if is_running else ""


def is_turned(playground: Playground) -> str:
    """The picked preset has other settings than its own."""
    next_run = playground.next_run
    if next_run.is_changed(next_run.preset):
        return ""
    return f"{next_run.preset.name} is as it was; {playground.told('dials')} turns its settings"


def can_take_back(playground: Playground) -> str:
    """The picked preset's settings were changed, or that was taken back."""
    return "" if playground.next_run.can_take_back else is_turned(playground)


def has_recommended(playground: Playground) -> str:
    """The model's own generation_config.json says how to decode."""
    try:
        settings = playground.turning.recommended
    except SettingsError as error:
        return f"the model's generation_config.json cannot be followed: {error}"
    if settings is None:
        return "the model's generation_config.json recommends no settings"
    is_so = settings == playground.next_run.turned
    return "the settings are as the model recommends" if is_so else ""


def has_other_preset(playground: Playground) -> str:
    """There is something to lay beside the picked preset."""
    from core.playground.presets.sides import other_sides

    has_one = other_sides(playground.next_run, playground.turning)
    return "" if has_one else "there is no other preset, and the model recommends no settings"


def can_fetch(playground: Playground) -> str:
    """A model was asked for that is not here."""
    if playground.model.fetch_offer is not None:
        return ""
    return f"no model waits to be fetched; {playground.told('models')} shows all of them"


def can_switch(playground: Playground) -> str:
    """A model has been fetched and waits."""
    return "" if playground.model.fetching.arrived is not None else can_fetch(playground)


def has_failed_to_load(playground: Playground) -> str:
    """No model could be loaded."""
    return "" if playground.model.load_error is not None else "a model is loaded, or on its way"


def keeps_sessions(playground: Playground) -> str:
    """What happens is kept in a session, of which there may be others."""
    return "" if playground.keeping.session is not None else "no sessions are kept here"

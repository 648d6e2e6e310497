"""Why a key does nothing: every key acts or has a sentence.

Must never do anything about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.presets.key_name import told_key
from tui.actions.action import Action, WhyNot
from tui.actions.main_page import MAIN

if TYPE_CHECKING:
    from core.playground.playground import Playground
    from tui.actions.keys import Keys

_OF_THE_APP = "app."

WHY_NOT: dict[str, WhyNot] = {
    one.call.removeprefix(_OF_THE_APP).partition("(")[0]: one.why_not
    for one in MAIN
    if one.call.startswith(_OF_THE_APP)
}
"""When each of the app's own actions can be done, by their names."""


def why_nothing(key: str, here: Sequence[Action], playground: Playground, keys: Keys) -> str:
    """Return why ``key`` did nothing on the page with the actions ``here``."""
    refused = keys.on(here, key)
    reasons = [reason for one in refused if (reason := one.why_not(playground))]
    name, help_key = told_key(key), keys.told("help")
    if reasons:
        return reasons[-1]
    if refused:
        return f"{refused[0].name} is not possible now; {help_key} shows what is"
    elsewhere = keys.on(MAIN, key)
    if elsewhere:
        back = keys.told("close")
        return f"{name} ({elsewhere[0].name}) is a key of the main page; {back} goes back there"
    return f"{name} does nothing here; {help_key} shows the keys"

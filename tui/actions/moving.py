"""What stops a run on the main page, and moves through what it wrote.

Must never bind a letter: letters belong to the prompt.
"""

from __future__ import annotations

from dataclasses import replace

from tui.actions import conditions
from tui.actions.action import Action
from tui.actions.everywhere import HELP

FIRST, NEWEST = -(10**9), 10**9
"""Offsets that reach either end from anywhere."""

_LOOK_BACK = "in an empty prompt, in the document, or with alt"

MOVING: tuple[Action, ...] = (
    Action(
        "stop",
        "app.stop",
        ("escape",),
        "stop",
        "stop the run or the download, what has come stays; from the document, back to the prompt",
        "cancel abort interrupt halt end download pause break",
        why_not=conditions.can_stop,
        is_shown=True,
        has_priority=True,
    ),
    Action(
        "stop",
        "focus_prompt",
        ("escape",),
        "to the prompt",
        "back to the prompt",
        "",
        is_shown=True,
        has_priority=True,
    ),
    Action(
        "step_back",
        "app.step(-1)",
        ("left",),
        "step back",
        f"look back at the step before ({_LOOK_BACK})",
        "previous earlier history look",
        why_not=conditions.has_steps,
        is_shown=True,
    ),
    Action(
        "step_on",
        "app.step(1)",
        ("right",),
        "step on",
        f"look at the next step ({_LOOK_BACK})",
        "next later forward",
        why_not=conditions.has_steps,
        is_shown=True,
    ),
    replace(
        HELP,
        keys=("f12",),
        letter="?",
        help="the keys, and how to read what is shown",
        has_priority=True,
    ),
    Action(
        "step_back_typing",
        "app.step(-1)",
        ("alt+left",),
        "step back",
        "the same while a prompt is typed",
        why_not=conditions.has_steps,
        has_priority=True,
    ),
    Action(
        "step_on_typing",
        "app.step(1)",
        ("alt+right",),
        "step on",
        "the same while a prompt is typed",
        why_not=conditions.has_steps,
        has_priority=True,
    ),
    Action(
        "first_step",
        f"app.step({FIRST})",
        ("home",),
        "first step",
        "look at the first step",
        "begin start oldest top",
        letter="<",
        why_not=conditions.has_steps,
    ),
    Action(
        "newest_step",
        f"app.step({NEWEST})",
        ("end",),
        "newest step",
        "look at the newest step, and follow what is written",
        "last latest end follow live bottom",
        letter=">",
        why_not=conditions.has_steps,
    ),
    Action(
        "scroll_up",
        "app.scroll(-1)",
        ("pageup",),
        "scroll up",
        "scroll the document (or tab, then the arrows)",
    ),
    Action("scroll_down", "app.scroll(1)", ("pagedown",), "scroll down", "the same, downwards"),
)
"""In the order of the help."""

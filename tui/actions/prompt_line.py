"""Keys of the prompt line, where a person types.

Must never bind what is typed.
"""

from __future__ import annotations

from tui.actions.action import Action

CHOOSE = Action(
    "",
    "",
    ("1", "2", "3", "4", "5"),
    "choose",
    "choose the next token, by hand in an empty prompt: the candidate of that number",
    shown="1–5",
)

PROMPT: tuple[Action, ...] = (
    Action(
        "",
        "",
        ("enter",),
        "run",
        "run the prompt, which goes on from the document to the letter; an empty one: write on",
    ),
    Action(
        "",
        "",
        ("ctrl+j",),
        "new line",
        "a new line in the prompt (shift+Enter where it is told apart)",
    ),
    Action("", "", ("up", "down"), "prompts", "earlier prompts"),
    CHOOSE,
    Action("", "", ("tab",), "document", "to the document, where the arrows look back and scroll"),
)
"""Keys of the prompt line itself."""

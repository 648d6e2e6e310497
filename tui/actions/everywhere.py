"""What can be done on every page, or on several of them, with the same keys.

Must never give a letter a meaning here that it has not on the other pages.
"""

from __future__ import annotations

from tui.actions.action import Action

HELP = Action(
    "help",
    "app.help",
    ("f12", "question_mark"),
    "help",
    "the keys of this page, and how to read it",
    "keys key bindings shortcuts manual documentation what explain columns legend about",
    is_shown=True,
)
CLOSE = Action(
    "close",
    "close",
    ("escape", "q"),
    "close",
    "back to where you came from",
    "leave back",
    is_shown=True,
)
MENU = Action(
    "menu",
    "menu",
    ("ctrl+x",),
    "menu",
    "all that can be done here, each with one letter that any terminal sends",
    "actions leader shortcuts keys",
    is_shown=True,
    has_priority=True,
)
PALETTE = Action(
    "palette",
    "command_palette",
    ("ctrl+p",),
    "palette",
    "every command by its name or by other words for it; themes and a screenshot too",
    "search find command theme themes screenshot",
    letter=":",
    is_shown=True,
    has_priority=True,
)
QUIT = Action(
    "quit",
    "app.quit",
    ("ctrl+q",),
    "quit",
    "leave the program",
    "exit leave close end bye",
    letter="q",
    has_priority=True,
)
OF_THE_APP: tuple[Action, ...] = (MENU, PALETTE, QUIT)
"""Bound by the app, so that they are there on every page."""

SAVE = Action(
    "save",
    "app.save_run",
    ("ctrl+s", "k"),
    "save",
    "save the run, its branch or all runs to a file: HTML, SVG, Markdown, JSON Lines, CSV or text",
    "keep export write file download store markdown jsonl csv json text share",
)
SCORE = Action(
    "score",
    "app.score",
    ("t",),
    "score a text",
    "could this setting have written this? any text, scored for every preset",
    "perplexity bits cost probability likelihood log-probability logprob verdict could written",
    is_shown=True,
)
SCORE_DOCUMENT = Action(
    "score_document",
    "app.score_document",
    ("T",),
    "score it all",
    "score the prompt and what the run wrote: what each token cost",
    "perplexity bits cost probability likelihood log-probability logprob prompt document",
    is_shown=True,
)
NEW_DICE = Action(
    "new_dice",
    "app.new_dice",
    ("z",),
    "new dice",
    "throw new dice at the next run, in the place of those that it would go on with; again: not",
    "seed random reroll roll again luck draw chance other different",
)
OUTLOOK = Action(
    "outlook",
    "app.outlook",
    ("O", "alt+o"),
    "what could be said",
    "what could be said from here: every text that the preset could write, likeliest first",
    "outlook continuations possible future ahead predict probability likely next texts",
    is_shown=True,
)
SESSIONS = Action(
    "sessions",
    "app.sessions",
    ("alt+s",),
    "sessions",
    "all sessions: open, name and delete them, or begin a new one",
    "session open switch list folder kept saved recent journal restore recover resume",
    letter="S",
)
NEW_SESSION = Action(
    "new_session",
    "app.new_session",
    ("alt+n",),
    "new session",
    "begin a new session; this one is kept",
    "session new begin start fresh empty another",
    letter="L",
)
ROWS = Action("", "", ("up", "down"), "rows", "another row; Home, End, PgUp and PgDn go far")

STEPS: tuple[Action, ...] = (
    Action(
        "step_back",
        "step(-1)",
        ("left", "left_square_bracket", "alt+left"),
        "step back",
        "the step before",
        "previous earlier look back",
        is_shown=True,
    ),
    Action(
        "step_on",
        "step(1)",
        ("right", "right_square_bracket", "alt+right"),
        "step on",
        "the next step",
        "next later forward",
        is_shown=True,
    ),
)

"""What can be done on the pages of the tree of runs, and of runs side by side.

Must never give one letter two meanings; see ``pages``.
"""

from __future__ import annotations

from dataclasses import replace

from tui.actions.action import Action
from tui.actions.everywhere import (
    CLOSE,
    HELP,
    NEW_DICE,
    ROWS,
    SAVE,
    STEPS,
)

TREE: tuple[Action, ...] = (
    CLOSE,
    Action("go", "go", ("enter",), "go there", "make this run the document",
           "open show switch", is_shown=True),
    Action("edit", "name", ("e",), "edit its name", "give the run a name, or take it away",
           "name rename title", is_shown=True),
    Action("mark", "mark", ("m",), "mark", "mark the run for a comparison", "compare",
           is_shown=True),
    Action("compare", "compare", ("c",), "compare", "compare the run with the marked one",
           "diff difference", is_shown=True),
    Action("remove", "remove", ("d", "delete"), "remove",
           "remove the run and all that grew from it, after a question",
           "delete prune drop", is_shown=True),
    replace(SAVE, call="save", help="save the run's branch to a file, the run alone, or all runs"),
    HELP,
    Action("close", "close", ("ctrl+b",), "close", "back to where you came from"),
    ROWS,
)  # fmt: skip

COMPARISON: tuple[Action, ...] = (
    replace(SAVE, call="save", help="save the two runs to a file"),
    Action("other_side", "other_side", ("tab",), "other side", "scroll the other side from now on",
           is_shown=True, has_priority=True),
    CLOSE,
    HELP,
    replace(ROWS, name="scroll", help="scroll; PgUp, PgDn, Home and End go far"),
)  # fmt: skip

COLUMNS: tuple[Action, ...] = (
    Action("stop", "stop", ("escape",), "stop", "stop all columns; what has come stays",
           "cancel abort", is_shown=True),
    CLOSE,
    Action("go_on", "go_on", ("enter",), "go on with it",
           "make the column that has the keys the document", "open choose take", is_shown=True),
    Action("other_column", "other_column(1)", ("tab",), "column", "the next column",
           is_shown=True, has_priority=True),
    Action("next", "next(1)", ("n",), "next parting",
           "the next step at which a column parts from the baseline", "difference divergence",
           is_shown=True),
    Action("before", "next(-1)", ("N",), "parting before", "the parting before"),
    Action("together", "together", ("j",), "together or apart",
           "have the cursors of all columns move together, or each alone", "cursor lock",
           is_shown=True),
    Action("why", "why", ("f9", "x"), "why", "explain the step that is looked at in this column",
           "explain candidates dice", is_shown=True),
    *(Action("", f"fork({at})", (str(at),), f"fork to {at}",
             "fork the column where one looks: go on with the candidate of that number",
             "branch choose replace") for at in range(1, 6)),
    Action("figures", "figures", ("V",), "figures",
           "on a small screen, the figures in the place of the candidates; again: back",
           "perplexity entropy distinct table", is_shown=True),
    replace(NEW_DICE, call="new_dice", name="new dice", help="run all of it again with new dice",
            is_shown=True),
    replace(SAVE, call="save", help="save all columns to a file"),
    Action("save_preset", "save_preset", ("K",), "save as a preset",
           "save the settings of this column as a preset", "keep store"),
    HELP,
    *STEPS,
    replace(ROWS, name="scroll", help="scroll the column; PgUp, PgDn, Home and End go far"),
)  # fmt: skip

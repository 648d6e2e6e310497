"""What can be done on the pages over the main one, where nothing is typed and letters are keys.

Must never give one letter two meanings: whoever learns a key on one page knows it on the others.
"""

from __future__ import annotations

from dataclasses import replace

from tui.actions import conditions
from tui.actions.action import Action
from tui.actions.everywhere import (
    CLOSE,
    HELP,
    NEW_DICE,
    NEW_SESSION,
    OUTLOOK,
    ROWS,
    SAVE,
    SCORE,
    SCORE_DOCUMENT,
    STEPS,
)
from tui.actions.main_page import MAIN
from tui.actions.prompt_line import PROMPT
from tui.actions.runs import COLUMNS, COMPARISON, TREE

_FORK = Action(
    "go_on", "fork", ("enter",), "go on with this one",
    "write on from here with the candidate that is picked: a fork",
    "fork branch choose replace", is_shown=True,
)  # fmt: skip
_LEAVE = (
    Action("close", "close", ("escape", "f9"), "close", "back to the document",
           "leave back", is_shown=True, has_priority=True),
    Action("close", "close", ("q",), "close", "back to the document"),
)  # fmt: skip

WHY: tuple[Action, ...] = (
    *_LEAVE,
    Action("next", "disagreement", ("n",), "next disagreement",
           "the next step at which two presets would choose different tokens",
           "presets differ difference", is_shown=True),
    Action("write_here", "app.write_here", ("w",), "write here",
           "put your own text in this token's place, and go on from there",
           "fork branch edit replace", is_shown=True),
    Action("look_up", "look_up", ("slash",), "look up",
           "what any text or token id was worth here", "search find token rank probability",
           is_shown=True),
    Action("scrub", "app.scrub", ("s",), "scrub",
           "move settings over the run, and see what would change",
           "temperature top_k top_p settings dials", is_shown=True),
    OUTLOOK,
    SCORE_DOCUMENT,
    SCORE,
    HELP,
    NEW_DICE,
    SAVE,
    _FORK,
    *STEPS,
    ROWS,
)  # fmt: skip

BEAMS: tuple[Action, ...] = (
    *_LEAVE,
    Action("next", "revision", ("n",), "next change of lead",
           "the next step at which another beam takes the lead", "beam leader", is_shown=True),
    Action("whole_search", "whole", ("W",), "the whole search",
           "all beams of the search as one tree, folded where they agree",
           "beams tree river lanes winner greedy", is_shown=True),
    OUTLOOK,
    SCORE_DOCUMENT,
    SCORE,
    HELP,
    NEW_DICE,
    SAVE,
    # Keys of the page that explains a token: whoever presses them here is told why not.
    Action("scrub", "refuse('a beam search cannot be scrubbed')", ("s",), "scrub",
           "not of beams: a beam search cannot be scrubbed"),
    Action("write_here", "refuse('text cannot be typed into beams')", ("w",), "write here",
           "not into beams: text cannot be typed into them"),
    Action("look_up", "refuse('in a beam search no token is looked up')", ("slash",), "look up",
           "not in beams: only what each beam had to offer is kept"),
    _FORK,
    *STEPS,
    ROWS,
)  # fmt: skip

SCRUB: tuple[Action, ...] = (
    Action("setting_before", "pick(-1)", ("up",), "setting", "pick a setting",
           is_shown=True, shown="↑↓"),
    Action("next_setting", "pick(1)", ("down",), "setting", "the next setting"),
    Action("less", "move(-1)", ("left",), "change", "change it", is_shown=True, shown="←→"),
    Action("more", "move(1)", ("right",), "change", "change it"),
    Action("far_less", "move_far(-1)", ("shift+left", "minus"), "change far",
           "change it in larger steps"),
    Action("far_more", "move_far(1)", ("shift+right", "plus"), "change far",
           "change it in larger steps"),
    Action("next", "next_difference", ("n",), "next", "the next step that differs",
           "difference divergence", is_shown=True),
    Action("run", "run", ("r", "enter"), "run",
           "run these settings from the first step that differs", "generate fork branch",
           is_shown=True),
    replace(SAVE, call="save", keys=("k", "ctrl+s"), help="save these settings as a preset",
            words="save preset store", is_shown=True),
    CLOSE,
    HELP,
    *(replace(one, keys=one.keys[1:], name="step", is_shown=one.id == "step_back",
              shown="[ ]" if one.id == "step_back" else "") for one in STEPS),
    NEW_DICE,
    Action("reset", "reset", ("0",), "reset", "the run's own value again", "default undo",
           is_shown=True),
    Action("reset_all", "reset_all", ("backspace",), "reset all",
           "the run's own values of all settings", "default undo", is_shown=True),
    Action("next_preset", "next_preset(1)", ("p",), "next preset", "the next preset's settings",
           is_shown=True),
    Action("preset_before", "next_preset(-1)", ("P",), "preset before",
           "the settings of the preset before"),
    Action("first", "first", ("f",), "first", "the first step that differs",
           "difference divergence", is_shown=True),
    Action("scroll_up", "scroll_text(-1)", ("pageup",), "scroll up", "scroll the text up"),
    Action("scroll_down", "scroll_text(1)", ("pagedown",), "scroll down", "scroll it down"),
)  # fmt: skip

DIALS: tuple[Action, ...] = (
    Action("setting_before", "app.pick_dial(-1)", ("up",), "setting", "pick a setting",
           is_shown=True, shown="↑↓"),
    Action("next_setting", "app.pick_dial(1)", ("down",), "setting", "the next setting"),
    Action("less", "app.turn(-1)", ("left",), "turn", "turn it", is_shown=True, shown="←→"),
    Action("more", "app.turn(1)", ("right",), "turn", "turn it"),
    Action("far_less", "app.turn_far(-1)", ("shift+left", "minus"), "turn far",
           "turn it in larger steps"),
    Action("far_more", "app.turn_far(1)", ("shift+right", "plus"), "turn far",
           "turn it in larger steps"),
    Action("run", "app.run_prompt", ("r", "enter"), "run",
           "run what is typed, or write on, with these settings", "generate", is_shown=True),
    Action("close", "app.close_dials", ("escape", "q"), "close", "back to the prompt",
           "leave back", is_shown=True),
    replace(SAVE, call="app.save_preset", keys=("k",), help="save these settings as a new preset",
            words="save preset store", is_shown=True, why_not=conditions.is_turned),
    Action("take_back", "app.take_back", ("backspace",), "take back",
           "the preset's own settings again; once more brings the change back", "default undo",
           is_shown=True, why_not=conditions.can_take_back),
    NEW_DICE,
    Action("recommended", "app.recommended", ("M",), "as the model recommends",
           "turn them to what the model's own generation_config.json recommends",
           "generation_config own defaults", why_not=conditions.has_recommended),
    Action("compare_presets", "app.compare_presets", ("C",), "beside another",
           "the settings beside another preset's: what differs, and what each makes of the step",
           "compare comparison diff difference presets", why_not=conditions.has_other_preset),
    Action("reset", "app.reset_dial", ("0",), "reset", "the preset's own value again",
           "default undo", is_shown=True),
    *(replace(one, call=f"app.{one.call}", keys=one.keys[1:2], name="step",
              is_shown=one.id == "step_back", shown="[ ]" if one.id == "step_back" else "")
      for one in STEPS),
    Action("next_preset", "app.next_preset(1)", ("p",), "next preset", "pick the next preset",
           is_shown=True),
    Action("preset_before", "app.next_preset(-1)", ("P",), "preset before",
           "pick the preset before"),
    HELP,
)  # fmt: skip

PRESETS: tuple[Action, ...] = (
    Action("next_preset", "next_preset(1)", ("p",), "other preset",
           "lay the next preset beside the picked one", "compare difference", is_shown=True),
    Action("preset_before", "next_preset(-1)", ("P",), "preset before",
           "lay the preset before beside it"),
    *(replace(one, name="step", is_shown=one.id == "step_back", has_priority=True,
              shown="← →" if one.id == "step_back" else "") for one in STEPS),
    Action("take", "take", ("enter",), "take it", "pick that preset, or turn to what it stands for",
           "pick choose use", is_shown=True),
    CLOSE,
    HELP,
    replace(ROWS, name="scroll", help="scroll; PgUp, PgDn, Home and End go far"),
)  # fmt: skip

SCORE_PAGE: tuple[Action, ...] = (
    Action("close", "close", ("escape",), "close", "back to where you came from",
           is_shown=True, has_priority=True),
    Action("", "", ("ctrl+j",), "new line", "a new line in the text"),
    Action("score_it", "score", ("enter",), "score it", "score the text",
           "run go", is_shown=True, has_priority=True),
    Action("open_file", "open", ("ctrl+g",), "get a file", "take the text of a file",
           "open load file read", letter="F", is_shown=True, has_priority=True),
    Action("step_back", "token(-1)", ("left", "left_square_bracket"), "token",
           "the token before", is_shown=True, shown="← →", has_priority=True),
    Action("step_on", "token(1)", ("right", "right_square_bracket"), "next token",
           "the next token", has_priority=True),
    Action("edit", "edit", ("e",), "edit the text", "change the text that was scored",
           "change", is_shown=True),
    HELP,
    Action("close", "close", ("q",), "close", "back to where you came from"),
    ROWS,
)  # fmt: skip

INSPECTOR: tuple[Action, ...] = (
    CLOSE,
    Action("close", "close", ("f11",), "close", "back to the document"),
    Action("next", "next(1)", ("tab", "n"), "next section", "the next section", is_shown=True,
           has_priority=True),
    Action("before", "next(-1)", ("shift+tab", "N"), "section before", "the section before",
           has_priority=True),
    *(Action(f"section_{at}", f"jump({at - 1})", (str(at),), f"section {at}",
             "the section of that number") for at in range(1, 10)),
    Action("copy", "copy_section", ("y",), "copy section", "copy the section", "clipboard yank",
           is_shown=True),
    Action("copy_all", "copy_all", ("Y",), "copy all", "copy all sections", "clipboard yank",
           is_shown=True),
    HELP,
    replace(ROWS, name="scroll", help="scroll; PgUp, PgDn, Home and End go far"),
)  # fmt: skip

MODELS: tuple[Action, ...] = (
    Action("close", "dismiss(None)", ("escape", "ctrl+o"), "close", "back to the document",
           has_priority=True),
    Action("to_list", "to_list", ("down",), "list", "from the line to the list"),
)  # fmt: skip

SESSIONS_PAGE: tuple[Action, ...] = (
    CLOSE,
    Action("open_session", "open", ("enter",), "open", "go on with this session where it was left",
           "switch go resume", is_shown=True),
    replace(NEW_SESSION, call="new", keys=("L", "alt+n"), letter="", is_shown=True),
    Action("edit", "name", ("e",), "edit its name", "give the session a name, or take it away",
           "name rename title", is_shown=True),
    Action("remove", "delete", ("d", "delete"), "delete", "delete the session, after a question",
           "delete remove drop", is_shown=True),
    HELP,
    Action("close", "close", ("alt+s",), "close", "back to where you came from"),
    ROWS,
)  # fmt: skip

WHOLE_SEARCH: tuple[Action, ...] = (
    CLOSE,
    Action("go", "go", ("enter",), "go there", "look at the step at which these beams part or end",
           "open show step", is_shown=True),
    Action("next", "next", ("n",), "next of the winner",
           "the next piece of the text that won", "winner best", is_shown=True),
    HELP,
    ROWS,
)  # fmt: skip

OUTLOOK_PAGE: tuple[Action, ...] = (
    Action("close", "stop", ("escape", "q"), "stop",
           "stop the search; what was found stays", "cancel", is_shown=True),
    CLOSE,
    Action("go_on", "go_on", ("enter",), "go on with this one",
           "put the text that is picked there, and write on: a fork",
           "fork branch choose", is_shown=True),
    Action("less", "deeper(-1)", ("left",), "depth", "look less far: shorter texts",
           is_shown=True, shown="←→", has_priority=True),
    Action("more", "deeper(1)", ("right",), "depth", "look further: longer texts",
           has_priority=True),
    Action("far_less", "rarer(-1)", ("minus", "shift+left"), "least",
           "likelier texts alone", is_shown=True, shown="- +"),
    Action("far_more", "rarer(1)", ("plus", "shift+right"), "least",
           "less likely texts too"),
    HELP,
    Action("close", "close", ("alt+o",), "close", "back to where you came from"),
    ROWS,
)  # fmt: skip

PAGES: dict[str, tuple[Action, ...]] = {
    "the main page": (*PROMPT, *MAIN),
    "why this token": WHY,
    "why these beams": BEAMS,
    "the dials": DIALS,
    "two presets": PRESETS,
    "scrubbing": SCRUB,
    "the whole search": WHOLE_SEARCH,
    "what could be said": OUTLOOK_PAGE,
    "the tree": TREE,
    "two runs": COMPARISON,
    "side by side": COLUMNS,
    "scoring": SCORE_PAGE,
    "the inspector": INSPECTOR,
    "models": MODELS,
    "sessions": SESSIONS_PAGE,
}
"""All pages by what they are called, with what can be done there."""

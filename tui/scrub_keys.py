"""The keys of scrubbing, and the page that tells them.

Must never do anything: the screen has the actions.
"""

from __future__ import annotations

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("up", "pick(-1)", "setting", key_display="↑↓"),
    Binding("down", "pick(1)", "setting", show=False),
    Binding("left", "move(-1)", "change", key_display="←→"),
    Binding("right", "move(1)", "change", show=False),
    Binding("shift+left", "move_far(-1)", "change far", show=False),
    Binding("shift+right", "move_far(1)", "change far", show=False),
    Binding("n", "next_difference", "next"),
    Binding("r", "run", "run"),
    Binding("s", "save", "save"),
    Binding("escape", "close", "close", key_display="esc"),
    Binding("f12,question_mark", "keys", "help", key_display="F12"),
    Binding("left_square_bracket,alt+left", "step(-1)", "step", key_display="[ ]"),
    Binding("right_square_bracket,alt+right", "step(1)", "step", show=False),
    Binding("0,home,end", "reset", "reset", key_display="0"),
    Binding("backspace", "reset_all", "reset all", key_display="⌫"),
    Binding("p", "next_preset(1)", "next preset"),
    Binding("P,shift+p", "next_preset(-1)", "preset before", show=False),
    Binding("f", "first", "first"),
    Binding("pageup", "scroll_text(-1)", "scroll up", show=False),
    Binding("pagedown", "scroll_text(1)", "scroll down", show=False),
]

HELP = """\
Nothing is generated here: other settings are applied to what the model weighed when it wrote this \
run, with the same dice. The first step that differs is certain; what follows is hypothetical, \
because the model would have read another text by then.

↑ ↓         pick a setting
← →         change it; with shift in larger steps
0 ⌫         the run's own value again; those of all settings
p P         the next preset's settings; those of the one before
[ ]         the step before or after (also alt+← alt+→)
n f         the next step that differs; the first one
PgUp PgDn   scroll the text
r           run these settings from the first that differs
s           save these settings as a preset"""

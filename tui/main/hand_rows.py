"""What the keys do while a person writes by hand, for the status line.

Must never name a key that does nothing now.
"""

from __future__ import annotations

from core.playground.playground import Playground
from core.records.steps import BeamStep
from tui.common.step_rows import DIM, NUMBER, Row
from tui.common.visible import visible_prose

_ENDS = {
    "end_of_text": "the model ended the text",
    "stop_string": "a stop string came",
    "failed": "the last step failed",
}
"""Why a text written by hand has an end, where that is not for a person to say."""


def hand_row(playground: Playground, *, is_typing: bool) -> Row:
    """Return what can be done by hand now; ``is_typing`` is whether a prompt is being typed."""
    row: Row = []
    turns = playground.document.turns
    finished = turns[-1].finished if turns else None
    if finished is not None and finished.reason in _ENDS and not is_typing:
        row += [(_ENDS[finished.reason], NUMBER), (" · ", DIM)]
    told = [*_choices(playground, is_typing=is_typing), f"{playground.told('by_hand')} leaves"]
    return [*row, (" · ".join(told), NUMBER)]


def _choices(playground: Playground, *, is_typing: bool) -> list[str]:
    document = playground.document
    if not document.turns:
        return ["Enter shows what may come next" if is_typing else "type a beginning"]
    if playground.next_run.preset.chat is not None and is_typing:
        return ["Enter sends the message"]
    if playground.prompts.awaits_message:
        return ["type a message"]
    if playground.prompts.is_full:
        return ["the context is full", f"{playground.told('clear')} clears"]
    if is_typing:
        return ["Enter puts it there, as it stands"]
    draws = f"Enter lets {visible_prose(playground.next_run.preset.name)} choose"
    if document.cursor is not None:
        selected = document.selected()
        is_beams = selected is not None and isinstance(selected[1], BeamStep)
        return [*([] if is_beams else ["1–5 put another here"]), "End goes on"]
    return ["1–5 choose", draws] if document.next_token is not None else [draws]

"""What the empty prompt line says: what can be typed there, and what Enter does now.

Must never promise what ``Runs.send`` would refuse.
"""

from __future__ import annotations

from core.playground.playground import Playground


def prompt_hint(playground: Playground) -> str:
    """Return one line for the prompt of a document that has something in it."""
    if playground.document.is_running and not playground.document.is_weighing:
        return f"the model writes: {playground.told('stop')} stops it"
    if playground.model.load_error is not None:
        return f"no model is loaded: {playground.told('models')} has others"
    if playground.prompts.queued is not None:
        return f"a prompt waits for the model: {playground.told('stop')} takes it back"
    if playground.prompts.is_full:
        return f"the context is full: {playground.told('clear')} clears the document"
    if playground.prompts.awaits_message:
        return "type a message"
    is_chat = playground.next_run.preset.chat is not None
    typed = "type a message" if is_chat else "write on"
    if playground.next_run.is_by_hand:
        typed = "type a message" if is_chat else "write what comes next"
        return f"{typed}, or press Enter for the next token"
    return f"{typed}, or press Enter to let the {'answer' if is_chat else 'model'} go on"

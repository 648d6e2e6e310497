"""What the turns of a document make of a conversation: its messages, and the answer being written.

Must never import torch. An answer is all that stands behind its message in the document: what one
run wrote, and what the runs that went on with it or branched from it put there and wrote.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.document.turn import Turn
from core.records.chat import ChatFormat, Message, answer
from core.records.steps import BeamStep, FinishReason

_ENDS: frozenset[FinishReason] = frozenset(("end_of_text", "stop_string", "context_full"))
"""Why an answer is as long as it will be; any other run can be gone on with."""


def open_answer(turns: Sequence[Turn]) -> ChatFormat | None:
    """Return the format of the answer that can be gone on with; ``None`` where there is none."""
    finished = turns[-1].finished if turns else None
    if finished is None or finished.reason in _ENDS:
        return None
    return turns[-1].chat


def asked(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """Return the conversation that the last of ``turns`` goes on with; none where it is of none.

    It ends with the message that the run answers, or with the answer that it writes on, to the
    letter.
    """
    before, turn = turns[:-1], turns[-1]
    if turn.chat is None or turn.messages:
        return turn.messages
    if turn.message:
        return (*messages(before), Message("user", turn.prompt))
    said = messages(before)
    return (*said[:-1], Message("assistant", begun_answer(before))) if said else ()


def messages(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """Return the conversation at the document's end: message and answer by turns, oldest first."""
    found: list[Message] = []
    for exchange in _exchanges(turns):
        stops = [
            stop
            for turn in exchange
            for stop in (
                *turn.settings.stop_strings,
                *(turn.chat.stop_strings if turn.chat else ()),
            )
        ]
        found += _shown(exchange)
        found.append(Message("assistant", answer(_answer(exchange), stops)))
    return tuple(found)


def begun_answer(turns: Sequence[Turn]) -> str:
    """Return the newest answer of the conversation to the letter, as far as it is written."""
    exchanges = _exchanges(turns)
    return _answer(exchanges[-1]) if exchanges else ""


def _exchanges(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Return the turns of the conversation at the document's end, message by message."""
    found: list[list[Turn]] = []
    end = len(turns)
    for start in range(len(turns) - 1, -1, -1):
        if turns[start].chat is None:
            break
        if turns[start].message or turns[start].messages:
            found.append(list(turns[start:end]))
            end = start
    return found[::-1]


def _shown(exchange: Sequence[Turn]) -> tuple[Message, ...]:
    """Return what was said before the answer of an exchange, and is of no exchange before it."""
    turn = exchange[0]
    shown = turn.messages or (Message("user", turn.prompt),)
    return shown if shown[-1].role == "user" else shown[:-1]


def _answer(exchange: Sequence[Turn]) -> str:
    """Return the answer of an exchange to the letter, with what was there before its first turn."""
    said = exchange[0].messages
    begun = said[-1].content if said and said[-1].role == "assistant" else ""
    return begun + "".join(_without_end(turn) for turn in exchange)


def _without_end(turn: Turn) -> str:
    """Return what a turn wrote, but for the token that says that the text ends there."""
    finished = turn.finished
    if finished is None or finished.reason != "end_of_text" or not turn.steps:
        return turn.text
    last = turn.steps[-1]
    if not isinstance(last, BeamStep):
        return turn.text if last.is_special else turn.text.removesuffix(last.token.text)
    ends = [
        "" if one.is_special else one.token.text
        for one in (*last.finished, *last.hypotheses)
        if one.token_ids == finished.token_ids
    ]
    return turn.text.removesuffix(ends[0]) if ends else turn.text

"""What is asked for the next turn of a document: what it reads, and whose dice it goes on with.

Must never change a document, and never re-encodes text where the tokens mean the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from core.document.conversation import begun_answer, messages
from core.document.turn import Turn
from core.records.chat import Message
from core.records.request import Request


def token_ids_of(turns: Sequence[Turn]) -> tuple[int, ...]:
    """Return a document's token ids, those of prompts and those that runs wrote."""
    started = turns[-1].started if turns else None
    return () if started is None else started.context_token_ids + turns[-1].token_ids


def text_of(turns: Sequence[Turn]) -> str:
    """Return a document's text, prompts and what runs wrote."""
    return "".join(turn.asked(is_first=not number) + turn.text for number, turn in enumerate(turns))


def request_of(turns: Sequence[Turn], turn: Turn) -> Request:
    """Return what runs ``turn`` as the next one of a document of ``turns``.

    Token ids are handed on as they were generated. Only where the turn's model reads other ids than
    the model before does the document's text go as part of the prompt.
    """
    if turn.message:
        said = (*messages(turns), Message("user", turn.prompt))
        return Request("", turn.settings, messages=said, chat=turn.chat)
    if not turns or turns[-1].tokenizer_fingerprint == turn.tokenizer_fingerprint:
        return Request(turn.prompt, turn.settings, token_ids_of(turns), chat=turn.chat)
    if turn.chat is None:
        return Request(text_of(turns) + turn.prompt, turn.settings)
    asked = messages(turns)[:-1]
    return Request(begun_answer(turns), turn.settings, messages=asked, chat=turn.chat)


def with_dice_of(last: Turn, request: Request) -> Request:
    """Return ``request``, which writes ``last`` on, with the dice of its end.

    They go on as one generator does that is never seeded again: with the seed that ``last`` had,
    behind the draws that it made. Settings that ask for another seed than those of ``last`` have
    dice of their own, and so has a model whose tokens are others, which reads a text.
    """
    started = last.started
    if started is None or not request.context_token_ids:
        return request
    if request.settings.seed not in (None, started.seed, last.settings.seed):
        return request
    settings = request.settings.replace(seed=started.seed)
    return dataclasses.replace(request, settings=settings, drawn=last.drawn)


def counting_from_start(last: Turn, request: Request) -> Request:
    """Return ``request``, which writes ``last`` on, as if its settings had been those of ``last``.

    What they ask of lengths is asked of all that ``last`` has written, as by one run of both.
    """
    if not request.context_token_ids:
        return request
    return dataclasses.replace(request, counted=last.counted)

"""Conversations: who said what, and how a model without a chat template is shown it.

Must never import a model library. What a model or a person said is text and nothing else: no part
of it is read as a template.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

MessagePlace = Literal["", "first", "later"]
"""Where a prompt stands among a conversation's messages; ``""``: it is none of them."""


Role = Literal["user", "assistant"]
"""Who says something, by the names of ``apply_chat_template``."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatFormat:
    r"""How a conversation is written down for a model that has no chat template of its own.

    The text is ``opening``, then for each message its side's prefix, the message and a line end,
    then the assistant's prefix once more. A run ends where one of ``stop_strings`` comes;
    by default that is the line at which the person would speak.
    """

    opening: str = ""
    user: str = "Person: "
    assistant: str = "Assistant:"
    stop_strings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.stop_strings:
            object.__setattr__(self, "stop_strings", ("\n" + self.user.rstrip(),))


def render(messages: Sequence[Message], chat: ChatFormat) -> str:
    """Return the conversation as the text that the model continues with its answer."""
    parts = [chat.opening]
    for message in messages:
        prefix = chat.user if message.role == "user" else chat.assistant
        space = "" if prefix.endswith((" ", "\n")) or message.role == "user" else " "
        parts.append(f"{prefix}{space}{message.content}\n")
    parts.append(chat.assistant)
    return "".join(parts)


def fit(
    messages: Sequence[Message], encode: Callable[[Sequence[Message]], list[int]], room: int
) -> tuple[list[int], int]:
    """Drop whole turns, oldest first, until the conversation has at most ``room`` tokens.

    The newest message always stays, even if it alone is too long.

    Returns:
        The token ids, and how many turns (a message and its answer) were dropped.
    """
    kept, dropped = list(messages), 0
    token_ids = encode(kept)
    while len(token_ids) > room and len(kept) > 1:
        # A turn ends before the next thing that the person said.
        end = next((at for at in range(1, len(kept)) if kept[at].role == "user"), len(kept) - 1)
        del kept[:end]
        dropped += 1
        token_ids = encode(kept)
    return token_ids, dropped


def answer(text: str, stop_strings: Sequence[str]) -> str:
    """Return what a run wrote as a message: without the stop string that ended it."""
    ends = [text.find(stop) for stop in stop_strings if stop in text]
    return (text[: min(ends)] if ends else text).strip()

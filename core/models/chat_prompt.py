"""A conversation to the token ids that a model answers: by its own chat template, or a preset's.

Must never run code that came with a model: transformers renders templates in a sandbox, in a
process that can be stopped, and tokenizers that need their own code are refused.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from core.models.sandbox.process import ConfinedError, RaisedError, StoppedError
from core.models.sandbox.tokenizer import has_template, rendered
from core.records.chat import ChatFormat, Message, fit, render
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import DEFAULT_NEW_TOKENS
from core.text.codec import TextCodec

_INSTEAD = "pick a preset without chat, or begin a new conversation"


class ChatPrompts:
    """Turns requests of a conversation into requests that carry token ids, for one model."""

    def __init__(self, folder: Path, codec: TextCodec, context_size: int | None) -> None:
        self._codec = codec
        self._context_size = context_size
        self._folder = folder
        self._has_template = has_template(folder)

    def request(self, request: Request, chat: ChatFormat) -> tuple[Request, int]:
        """Return ``request`` with the conversation as its context, and the turns left out.

        One without messages keeps its own context, whose answer it goes on with. Of others, whole
        old turns are left out, oldest first, where the context would not hold the conversation
        and an answer.

        Raises:
            PlaygroundError: The model's chat template cannot be used on this conversation.
        """
        settings = request.settings
        if not self._has_template:
            stops = (*settings.stop_strings, *chat.stop_strings)
            settings = settings.replace(stop_strings=tuple(dict.fromkeys(stops)))
        request = dataclasses.replace(request, chat=None, settings=settings)
        if not request.messages:
            return request, 0
        wanted = settings.max_new_tokens or DEFAULT_NEW_TOKENS
        room = sys.maxsize
        if self._context_size is not None:
            room = self._context_size - min(wanted, self._context_size // 2)
        begun = self._codec.read(request.prompt, is_beginning=False)
        token_ids, dropped = fit(
            request.messages, lambda kept: [*self._encode(kept, chat), *begun], room
        )
        return dataclasses.replace(
            request, prompt="", messages=(), context_token_ids=tuple(token_ids)
        ), dropped

    def _encode(self, messages: Sequence[Message], chat: ChatFormat) -> list[int]:
        if not self._has_template:
            return self._read(render(messages, chat), "the preset's chat", is_beginning=True)
        try:
            text = rendered(self._folder, messages)
        except StoppedError:
            raise
        except RaisedError as error:
            # A template is a program that came with the model; it can raise anything.
            reason = (error.said.strip().splitlines() or [error.kinds[0]])[0][:200]
            raise PlaygroundError(
                f"the model's chat template refuses this conversation ({reason}); {_INSTEAD}"
            ) from error
        except ConfinedError as error:
            raise PlaygroundError(f"the model's chat template {error.fault}; {_INSTEAD}") from error
        return self._read(text, "the model's chat template", is_beginning=False)

    def _read(self, text: str, writer: str, *, is_beginning: bool) -> list[int]:
        try:
            return self._codec.encode(text, is_beginning=is_beginning)
        except StoppedError:
            raise
        except PlaygroundError as error:  # about what nobody has typed, perhaps
            raise PlaygroundError(
                f"the conversation, as {writer} writes it, cannot be read ({error}); {_INSTEAD}"
            ) from error

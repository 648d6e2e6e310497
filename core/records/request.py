"""What a run is asked for, in one record.

Must never say how a model computes it: every source of steps takes the same request.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.records.chat import ChatFormat, Message
from core.records.recorded_run import RunRecorder
from core.records.scores import Scorable
from core.records.settings import Settings


@dataclass(frozen=True, slots=True)
class Request:
    """One run: the document's token ids, the text to append to them, and how to decode.

    ``context_token_ids`` are the document so far, as generated, never re-encoded. The prompt can be
    the token ids that a text was read as, to be read so again. With a ``chat``,
    the run writes an answer and ends as that says. ``messages`` are then the whole conversation,
    the context is not used, and ``prompt`` is how the answer begins; without messages, context and
    prompt hold all that. ``recorder``, where given, keeps the raw logits of each token step for
    looking back; of beams, only what they begin from.

    ``forced`` is what a person puts first: token ids, or a text, which become the run's first
    steps. They count for no length that the settings ask for.

    ``most_drawn`` is how many tokens the settings choose in a run that a person writes by hand, 0
    or more; ``None`` in any other. Such a run has no other limit than the context, and weighs the
    token after its end. ``written_token_ids`` are those that it has written already, behind the
    context.

    ``drawn`` is how many draws the dice of the settings' seed have made before: a run that goes on
    with another one goes on with its dice. ``counted`` is how many of the context's last tokens
    count as new for what the settings ask of lengths, as if this run had written them.

    ``skip_special_tokens`` leaves the texts of special tokens out of all texts, as transformers'
    ``decode()`` does; nothing else depends on it.
    """

    prompt: Scorable
    settings: Settings
    context_token_ids: tuple[int, ...] = ()
    messages: tuple[Message, ...] = ()
    chat: ChatFormat | None = None
    forced: Scorable = ()
    most_drawn: int | None = None
    written_token_ids: tuple[int, ...] = ()
    drawn: int = 0
    counted: int = 0
    skip_special_tokens: bool = True
    recorder: RunRecorder | None = field(default=None, compare=False, repr=False)

"""When a sequence of generated tokens has ended, and why.

Must never look at probabilities. The conditions are those of transformers' ``EosTokenCriteria``,
``StopStringCriteria`` and ``MaxLengthCriteria``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.records.steps import FinishReason
from core.text.codec import REPLACEMENT_CHARACTER, TextCodec


@dataclass(frozen=True, slots=True)
class StopRule:
    """What ends a text that continues ``context_token_ids``.

    ``limit_reason`` is the reason given when ``max_new_tokens`` is reached.
    """

    codec: TextCodec
    context_token_ids: tuple[int, ...]
    eos_token_ids: tuple[int, ...]
    stop_strings: tuple[str, ...]
    max_new_tokens: int
    limit_reason: FinishReason

    def reason(self, token_ids: Sequence[int]) -> FinishReason | None:
        """Return why a text of these generated tokens ends with the last one, or ``None``."""
        if token_ids[-1] in self.eos_token_ids:
            return "end_of_text"
        if self.stop_strings and self._ends_in_stop_string(token_ids):
            return "stop_string"
        return self.limit_reason if len(token_ids) >= self.max_new_tokens else None

    def _ends_in_stop_string(self, token_ids: Sequence[int]) -> bool:
        """Whether a stop string ends within the last token, maybe begun in the prompt."""
        # A token is at least one byte, so this many tokens hold the longest stop string.
        window = max(len(stop.encode()) for stop in self.stop_strings) + 1
        tail = [*self.context_token_ids[-window:], *token_ids][-window:]
        text = self.codec.decode(tail)
        before = len(self.codec.decode(tail[:-1]).rstrip(REPLACEMENT_CHARACTER))
        return any(
            text.find(stop, max(0, before - len(stop) + 1)) >= 0 for stop in self.stop_strings
        )

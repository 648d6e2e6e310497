"""The records of a scored text: what each token cost, and which presets could have written it.

Must never hold a tensor, and imports the standard library alone. Costs are in bits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.records.steps import Candidate, TokenStep

Scorable = str | tuple[int, ...]
"""A text, or the token ids of a document as they were generated."""


@dataclass(frozen=True, slots=True)
class WrittenTokens:
    """A document by its own tokens: all are scored, and presets are asked of what a run wrote.

    That is ``token_ids``, behind ``prompt_token_ids``.
    """

    prompt_token_ids: tuple[int, ...]
    token_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """One token of a text and what the model expected in its place.

    ``text`` is what the token adds to the text: empty while a character is still incomplete, the
    name of a token that ``is_special``.
    ``likeliest`` are the model's first choices, five at most; ``entropy`` is in bits.
    """

    token: Candidate
    text: str
    likeliest: tuple[Candidate, ...]
    entropy: float
    is_special: bool = False

    @property
    def bits(self) -> float:
        """The surprisal of the token."""
        return self.token.surprisal


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The first token that a preset would never have written.

    ``index`` is its place in the text, from 0. ``cut_by`` is the setting that removed it;
    ``do_sample`` where greedy takes another: ``instead``, the likeliest token left;
    ``eos_token_id`` or ``stop_strings`` where the text had ended before it, ``max_new_tokens`` or
    ``max_length`` where it had been as long as it may be.
    """

    index: int
    token: Candidate
    cut_by: str
    instead: Candidate


@dataclass(frozen=True, slots=True)
class PresetVerdict:
    """Whether one preset could have written a text, token by token.

    ``is_reachable`` is ``None`` for presets that search with beams, of which no single token can
    tell, unless the text had ended before. ``bits`` is the cost of the tokens before ``forbidden``,
    or of all; ``tokens`` is how many these are. ``stops_after`` is how many tokens the preset
    writes at most, where the text has more. ``other_tokens`` is whether the preset might have
    written the same text by other tokens than those that it was read as: up to the forbidden one
    it had left another that the text goes on with as well, and where it is too long, there are
    readings that are not. ``obstacle`` says why nothing is known, where the preset is not for this
    model.
    """

    preset_name: str
    is_reachable: bool | None
    forbidden: Forbidden | None
    bits: float
    tokens: int
    stops_after: int | None = None
    other_tokens: bool = False
    obstacle: str = ""

    @property
    def perplexity(self) -> float | None:
        """Two to the mean cost; ``None`` without tokens, and for texts that are out of reach."""
        return perplexity(self.bits, self.tokens) if self.is_reachable and self.tokens else None


@dataclass(frozen=True, slots=True)
class ScoredText:
    """A text under one model.

    ``context_token_ids`` stood before it. ``unscored`` is how many of its first tokens have no
    score: 1 where nothing stood before it, since a model expects no first token, else 0.
    ``tokens`` are the others; ``unscored_text`` is what those without a score add to the text: the
    name of a special token, where ``is_unscored_special``. ``prompt_tokens`` is how many of
    ``tokens`` come first that no preset is asked of.
    """

    context_token_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    unscored: int
    tokens: tuple[ScoredToken, ...]
    verdicts: tuple[PresetVerdict, ...] = ()
    unscored_text: str = ""
    is_unscored_special: bool = False
    prompt_tokens: int = 0

    @property
    def asked_tokens(self) -> int:
        """How many tokens presets are asked of."""
        return len(self.tokens) - self.prompt_tokens

    @property
    def bits(self) -> float:
        """What the model itself needs to write the text."""
        return math.fsum(one.bits for one in self.tokens)

    @property
    def perplexity(self) -> float | None:
        """Two to the mean surprisal, per token; ``None`` where no token has a score."""
        return perplexity_of(self.tokens)

    @property
    def text(self) -> str:
        """What was scored, but for bytes at its end that are no whole character."""
        return self.unscored_text + "".join(one.text for one in self.tokens)

    @property
    def bits_per_byte(self) -> float | None:
        """Bits for each byte of UTF-8, as lm-evaluation-harness counts; ``None`` as for words."""
        size = len(self.text.encode("utf-8", errors="replace"))
        return self.bits / size if size and not self.unscored else None

    @property
    def byte_perplexity(self) -> float | None:
        """Two to the bits for each byte; ``None`` as for words."""
        bits = self.bits_per_byte
        return None if bits is None else perplexity(bits, 1)

    @property
    def word_perplexity(self) -> float | None:
        r"""Two to the bits for each word; ``None`` where a token has no score.

        Words are what ``re.split(r"\s+", text)`` gives, as in lm-evaluation-harness.
        """
        if self.unscored or not self.tokens:
            return None
        return perplexity(self.bits, len(re.split(r"\s+", self.text)))

    @property
    def greedy_leaves_at(self) -> int | None:
        """The place of the first token that is not the likeliest; ``None`` where all are."""
        for index, one in enumerate(self.tokens, start=self.unscored):
            if one.token.token_id != one.likeliest[0].token_id:
                return index
        return None


def perplexity_of(tokens: Sequence[ScoredToken]) -> float | None:
    """Return two to the mean surprisal of ``tokens``; ``None`` without any."""
    return perplexity(math.fsum(one.bits for one in tokens), len(tokens)) if tokens else None


def perplexity_of_steps(steps: Sequence[TokenStep]) -> float | None:
    """Return two to the mean surprisal of what a run wrote; ``None`` without steps."""
    costs = [step.token.surprisal for step in steps]
    return perplexity(math.fsum(costs), len(costs)) if costs else None


def perplexity(bits: float, tokens: int) -> float:
    """Return two to the mean of ``bits`` over ``tokens``; infinity where that is too large."""
    try:
        return math.exp2(bits / tokens)
    except OverflowError:
        return math.inf

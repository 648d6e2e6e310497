"""The records a generation yields: plain frozen values that every front end reads.

Must never hold a tensor, a tokenizer or a widget, and imports the standard library alone.
Probabilities are natural logarithms, entropy is in bits, ranks begin at 1, times are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FinishReason = Literal[
    "end_of_text",
    "length",
    "context_full",
    "stop_string",
    "by_hand",
    "cancelled",
    "failed",
]
"""``by_hand``: it is for a person to say how the text goes on."""

ChosenBy = Literal["settings", "person"]


@dataclass(frozen=True, slots=True)
class Candidate:
    r"""One token that the model weighed at a step.

    ``logprob`` is the model's own, before any setting. ``final_logprob`` is what the decoder chose
    from, ``None`` when a setting removed the token; ``cut_by`` then names that setting. In a beam
    search it is what is added to the beam's sum: the settings leave it as no probability.
    ``text`` is the token by itself: bytes that are not whole characters stand as ``\xe4``.
    """

    token_id: int
    text: str
    logprob: float
    final_logprob: float | None
    rank: int
    cut_by: str | None = None

    @property
    def probability(self) -> float:
        """The model's own probability, 0 to 1."""
        return math.exp(self.logprob)

    @property
    def final_probability(self) -> float:
        """The probability after all settings, 0 to 1; 0 for a removed token."""
        return 0.0 if self.final_logprob is None else math.exp(self.final_logprob)

    @property
    def surprisal(self) -> float:
        """How surprising the token was to the model, in bits."""
        return -self.logprob / math.log(2)


@dataclass(frozen=True, slots=True)
class Distribution:
    """What the model weighed for one next token: the likeliest, and the shape of the rest.

    ``candidates`` are in falling ``logprob``; ``kept`` counts the tokens that every setting left.
    """

    candidates: tuple[Candidate, ...]
    entropy: float
    kept: int

    @property
    def rest(self) -> float:
        """The model's own probability outside ``candidates``, 0 to 1."""
        return max(0.0, 1.0 - sum(candidate.probability for candidate in self.candidates))


@dataclass(frozen=True, slots=True)
class Started:
    """A run has begun: what it begins from and how far it may go.

    ``context_token_ids`` is the whole document so far, ``prompt_token_ids`` its new end.
    ``max_new_tokens`` is the number of tokens that settings and context allow, with those that a
    person put first. ``context_size`` is how many the model reads, ``None`` where it has no limit.
    ``dropped_turns`` counts the oldest turns of a conversation that the context had no room for.
    ``drawn`` is how many draws of the seed's dice were made before, ``counted`` how many of the
    context's last tokens the settings count as new: where a run goes on with what others began.
    """

    context_token_ids: tuple[int, ...]
    prompt_token_ids: tuple[int, ...]
    max_new_tokens: int
    context_size: int | None
    seed: int
    dropped_turns: int = 0
    drawn: int = 0
    counted: int = 0


@dataclass(frozen=True, slots=True)
class TokenStep:
    """One chosen token and what it was chosen from.

    ``text`` is what the token adds to the text: empty while a character is still incomplete.
    ``elapsed`` is the time since the run began. ``chosen_by`` says whether a person put the token
    there, by hand or by a fork; its figures are those that the settings found all the same.
    ``is_special`` is set for a token that marks something, such as the end of the text: unless it
    was asked for, it has no text there, and is still told by ``token``.
    """

    index: int
    token: Candidate
    distribution: Distribution
    text: str
    elapsed: float
    chosen_by: ChosenBy = "settings"
    is_special: bool = False


@dataclass(frozen=True, slots=True)
class NextToken:
    """What the model weighs for the token after the end of a text that is written by hand.

    ``distribution`` is that of the step to come: nothing is chosen yet.
    """

    distribution: Distribution


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One beam: generated tokens, their summed log-probability, and the beam they came from.

    ``parent`` is the position in the step before the last token (0 for all at the first step).
    ``normalized_score`` is ``score / length ** length_penalty``: it ranks finished beams.
    ``token`` is the last token, with the probabilities its parent gave it; ``is_special`` as for a
    ``TokenStep``.
    """

    token_ids: tuple[int, ...]
    text: str
    score: float
    normalized_score: float
    parent: int
    token: Candidate
    is_special: bool = False


@dataclass(frozen=True, slots=True)
class DroppedHypothesis:
    """A beam that goes no further, and why."""

    hypothesis: Hypothesis
    reason: str


@dataclass(frozen=True, slots=True)
class BeamStep:
    """One step of beam search: it replaces what was shown, because beams revise the text.

    ``hypotheses`` are the live beams, best first (at the last step, where none lives on, the
    finished ones); ``finished`` those that have ended so far, best first; ``dropped`` those given
    up at this step. ``distributions[i]`` is what beam ``i`` of the
    step before weighed for its next token (one row at the first step).
    """

    index: int
    hypotheses: tuple[Hypothesis, ...]
    finished: tuple[Hypothesis, ...]
    dropped: tuple[DroppedHypothesis, ...]
    distributions: tuple[Distribution, ...]
    elapsed: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The last record of every run: why it stopped, and all that it made.

    ``token_ids`` and ``text`` are the generated ones, without the prompt. ``score`` is the ranking
    score of a beam search's winner, ``None`` elsewhere. ``detail`` is a sentence for a person.
    ``drafted_tokens`` is how many tokens an assistant guessed, ``accepted_tokens`` how many of
    them the model then chose.
    """

    reason: FinishReason
    token_ids: tuple[int, ...]
    text: str
    tokens_per_second: float
    score: float | None = None
    detail: str = ""
    drafted_tokens: int = 0
    accepted_tokens: int = 0

    @property
    def accepted_share(self) -> float:
        """How much of what an assistant guessed came true, 0 to 1; 0 where nothing was guessed."""
        return self.accepted_tokens / self.drafted_tokens if self.drafted_tokens else 0.0


@dataclass(frozen=True, slots=True)
class EngineChanged:
    """Something else runs the model from here on; ``engine`` is a phrase, as ``ModelInfo``'s."""

    engine: str


Step = TokenStep | BeamStep
Event = Started | TokenStep | BeamStep | NextToken | EngineChanged | Finished


def is_chosen_by_person(step: Step) -> bool:
    """Whether a person put the step's token there; no step of beams is such a one."""
    return isinstance(step, TokenStep) and step.chosen_by == "person"


def written(steps: Sequence[Step]) -> tuple[tuple[int, ...], str]:
    """Return the token ids and the text that a run's steps wrote: of beams, the best live one's."""
    if not steps:
        return (), ""
    last = steps[-1]
    if isinstance(last, BeamStep):
        return last.hypotheses[0].token_ids, last.hypotheses[0].text
    tokens = [step for step in steps if isinstance(step, TokenStep)]
    return tuple(one.token.token_id for one in tokens), "".join(one.text for one in tokens)

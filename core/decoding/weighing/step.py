"""From logits to the records of a step: what was weighed, what was cut, and which token won.

Must never run a model or change logits in place. Every number comes from the same tensors that
the choice is made from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch

from core.decoding.weighing.applying import process, process_by_figures
from core.decoding.weighing.figures import RowFigures, ranks, row_figures
from core.decoding.weighing.native_sampling import draw_natively
from core.decoding.weighing.processors import NamedProcessor
from core.records.errors import PlaygroundError
from core.records.steps import Candidate, Distribution

SHOWN_CANDIDATES = 5
"""How many of the likeliest tokens every step records."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A batch of next-token distributions, before and after the settings.

    ``logits``: the model's own, shape (rows, vocabulary), float32. ``scores``: after all
    processors, same shape; log-probabilities where ``is_normalised`` is set. ``raw`` and
    ``final``: the figures of each row of them. ``distributions``: one record for each row.
    """

    logits: torch.Tensor
    scores: torch.Tensor
    raw: Sequence[RowFigures]
    final: Sequence[RowFigures]
    distributions: tuple[Distribution, ...]
    is_normalised: bool

    def logprobs(self) -> torch.Tensor:
        """Return the log-probabilities that beams are sampled from, shaped like ``scores``."""
        return self.scores if self.is_normalised else torch.log_softmax(self.scores, dim=-1)

    def likeliest(self) -> torch.Tensor:
        """Return ``logprobs()`` of the tokens in ``final``, shape (rows, tokens), on the host."""
        if self.is_normalised:
            return torch.tensor([one.values for one in self.final])
        known = [one.logprobs for one in self.final if one.logprobs is not None]
        if len(known) == len(self.final):
            return torch.tensor(known)
        ids = torch.tensor([one.token_ids for one in self.final], device=self.scores.device)
        return self.logprobs().gather(1, ids).cpu()

    def logprob(self, row: int, token_id: int) -> float:
        """Return the model's own log-probability of a token."""
        return float(self.logits[row, token_id]) - self.raw[row].logsumexp

    def final_logprob(self, row: int, token_id: int) -> float | None:
        """Return the log-probability that the decoder chooses from; ``None`` if removed."""
        return final_logprob(
            self.final[row], float(self.scores[row, token_id]), is_normalised=self.is_normalised
        )


def weigh(
    logits: torch.Tensor,
    token_ids: torch.Tensor,
    processors: Sequence[NamedProcessor],
    token_text: Callable[[int], str],
    *,
    beams: bool,
    ranked: int = 1,
) -> Weighed:
    """Apply the settings to ``logits`` and record what they did.

    Args:
        logits: The model's, shape (rows, vocabulary), float32.
        token_ids: The rows so far, prompt included, shape (rows, length), int64.
        processors: In the order in which they apply.
        token_text: Names a token.
        beams: Whether processors work on log-probabilities and are not renormalised afterwards,
            as transformers' beam search does; else they work on logits, as its sampling does.
        ranked: How many of the likeliest tokens ``final`` names, at least.

    Raises:
        PlaygroundError: Some logits are no numbers or infinite.
    """
    scores = logits
    raw = row_figures(logits, max(SHOWN_CANDIDATES, ranked))
    if not all(math.isfinite(figures.logsumexp) for figures in raw):
        logits = readable(logits, processors)
        raw = row_figures(logits, max(SHOWN_CANDIDATES, ranked))
    for figures in raw:
        check_logits(figures)
    final: Sequence[RowFigures] = raw
    cut_by: Sequence[Sequence[str | None]] = [[None] * SHOWN_CANDIDATES] * len(raw)
    finals: Sequence[Sequence[float]] = [one.values[:SHOWN_CANDIDATES] for one in raw]
    if processors:
        processed = None
        if not beams and ranked == 1:
            processed = process_by_figures(processors, token_ids, scores, raw, SHOWN_CANDIDATES)
        if processed is None:
            shown = torch.tensor(
                [figures.token_ids[:SHOWN_CANDIDATES] for figures in raw], device=logits.device
            )
            begun = torch.log_softmax(scores, dim=-1) if beams else scores
            processed = process(processors, token_ids, begun, shown)
        finals, cut_by = processed.watched, processed.cut_by
        is_other = processed.scores is not scores
        scores = processed.scores
        final = processed.figures or (row_figures(scores, ranked) if is_other else raw)
    is_normalised = beams and scores is not logits
    distributions = tuple(
        distribution(*row, token_text, is_normalised=is_normalised)
        for row in zip(raw, final, finals, cut_by, strict=True)
    )
    return Weighed(logits, scores, raw, final, distributions, is_normalised)


def distribution(
    raw: RowFigures,
    final: RowFigures,
    finals: Sequence[float],
    cut_by: Sequence[str | None],
    token_text: Callable[[int], str],
    *,
    is_normalised: bool,
) -> Distribution:
    """Return the record of one row.

    Args:
        raw: The figures of the model's logits; the record's candidates are the first of its tokens.
        final: The figures of the processed scores; their likeliest tokens are not asked for.
        finals: The candidates' processed scores.
        cut_by: The setting that removed each candidate.
        token_text: Names a token.
        is_normalised: Whether scores are log-probabilities.
    """
    values = raw.values[: len(finals)]
    ranked = zip(raw.token_ids, values, ranks(values), finals, cut_by, strict=False)
    candidates = [
        Candidate(
            token_id,
            token_text(token_id),
            value - raw.logsumexp,
            final_logprob(final, score, is_normalised=is_normalised),
            rank,
            cut,
        )
        for token_id, value, rank, score, cut in ranked
    ]
    return Distribution(tuple(candidates), raw.entropy / math.log(2), final.kept)


def final_logprob(figures: RowFigures, score: float, *, is_normalised: bool) -> float | None:
    """Return the log-probability that a processed score means; ``None`` if it was removed."""
    if score == -math.inf:
        return None
    return score if is_normalised else score - figures.logsumexp


def chosen_candidate(
    weighed: Weighed, row: int, token_id: int, token_text: Callable[[int], str]
) -> Candidate:
    """Return the record of one token of a row, whether it is among the shown ones or not."""
    shown = weighed.distributions[row]
    for candidate in shown.candidates:
        if candidate.token_id == token_id:
            return candidate
    logits = weighed.logits[row]
    return unshown_candidate(
        token_id,
        token_text(token_id),
        logprob=weighed.logprob(row, token_id),
        final_logprob=weighed.final_logprob(row, token_id),
        likelier=int((logits > logits[token_id]).sum()),
    )


def unshown_candidate(
    token_id: int,
    text: str,
    *,
    logprob: float,
    final_logprob: float | None,
    likelier: int,
) -> Candidate:
    """Return the record of a token that is not shown; ``likelier`` ones have greater logits."""
    return Candidate(token_id, text, logprob, final_logprob, likelier + 1)


def choose_greedy(weighed: Weighed) -> int:
    """Return the likeliest token of the only row, after all settings."""
    if weighed.scores.device.type == "cpu":
        return weighed.final[0].token_ids[0]
    return int(torch.argmax(weighed.scores[0]))  # of equal ones the first, as generate() has it


def choose_sample(weighed: Weighed, generator: torch.Generator) -> int:
    """Draw a token for the only row, as ``generate()`` does.

    The same draw as transformers' after ``torch.manual_seed`` with the generator's seed.

    Raises:
        PlaygroundError: There are no probabilities to draw from, where ``generate()`` fails too.
    """
    check_drawable(weighed.final[0])
    chosen = draw_natively(weighed.scores, weighed.final[0], generator)
    if chosen is not None:
        return chosen
    device = weighed.scores.device.type
    if device != "cpu" or not _draws_are_known():
        return int(draw(weighed.scores, generator))
    probabilities = torch.softmax(weighed.scores, dim=-1)
    # What multinomial does: each probability is divided by an exponential draw, the largest wins.
    # Every token takes its number from the generator, but logarithms only count where any is left.
    uniform = torch.rand(probabilities.shape[-1], dtype=torch.float64, generator=generator)
    if weighed.final[0].kept < _FEW * len(uniform):
        left = probabilities[0].nonzero()[:, 0]
        best = torch.argmax(probabilities[0, left] / _exponential(uniform[left]))
        return int(left[best])
    return int(torch.argmax(probabilities[0] / _exponential(uniform)))


def check_drawable(final: RowFigures) -> None:
    """Raise unless the scores of which ``final`` are the figures can be drawn from.

    Raises:
        PlaygroundError: Some are no numbers or infinite, or none is left.
    """
    if not math.isfinite(final.logsumexp):
        raise nothing_to_draw_from()


def readable(logits: torch.Tensor, processors: Sequence[NamedProcessor]) -> torch.Tensor:
    """Return ``logits``, shape (rows, vocabulary), as a person is shown them.

    Where the settings remove invalid values, none of these are among them.
    """
    if not any(one.name == "remove_invalid_values" for one in processors):
        return logits
    greatest = torch.finfo(logits.dtype).max
    return logits.nan_to_num(nan=0.0, posinf=greatest, neginf=-greatest)


def check_logits(raw: RowFigures) -> None:
    """Raise unless the logits of which ``raw`` are the figures mean probabilities.

    Raises:
        PlaygroundError: Some are no numbers or infinite.
    """
    if not math.isfinite(raw.logsumexp):
        raise not_all_numbers()


def not_all_numbers() -> PlaygroundError:
    """Return what to raise where a model's logits mean no probabilities."""
    return PlaygroundError(
        "the model's logits are not all numbers; use another --dtype, or download it again"
    )


def nothing_to_draw_from() -> PlaygroundError:
    """Return what to raise where the settings leave no probabilities."""
    return PlaygroundError(
        "these settings leave no probabilities to draw from; bring temperature and"
        " repetition_penalty nearer to 1, or remove fewer tokens"
    )


def draw(scores: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw a token for the only row of ``scores``, shape (1, vocabulary), float32.

    Returns:
        Its id, shape (1,), int64, on the device of the scores; on CUDA nothing waits for it. It is
        what ``torch.multinomial`` draws, which waits there to complain of wrong probabilities.
    """
    probabilities = torch.softmax(scores, dim=-1)
    if scores.device.type == "mps":  # where multinomial has a way of its own
        return torch.multinomial(probabilities, num_samples=1, generator=generator)[:, 0]
    waiting = torch.empty_like(probabilities).exponential_(1.0, generator=generator)
    return torch.argmax(probabilities / waiting, dim=-1)


_FEW = 0.5
"""Up to this share of the vocabulary, it pays to look for the tokens that are left."""


def _exponential(uniform: torch.Tensor) -> torch.Tensor:
    return (-torch.log1p(-uniform)).float()


@cache
def _draws_are_known() -> bool:
    """Whether this torch makes exponential draws of uniform ones as ``choose_sample`` does."""
    one, other = (torch.Generator().manual_seed(0) for _ in range(2))
    expected = torch.empty(256).exponential_(1.0, generator=one)
    uniform = torch.rand(256, dtype=torch.float64, generator=other)
    return torch.equal(expected, _exponential(uniform)) and torch.equal(
        one.get_state(), other.get_state()
    )

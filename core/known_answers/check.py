"""A model held against its known answers, through the same engine that a person uses.

Must never load a model, or judge: it fills in what the program answers, the records tell whether
that holds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch

from core.decoding.engine import generate
from core.known_answers.expected import (
    UNSUMMED_TOKENS,
    ChoiceRow,
    KnownAnswers,
    KnownAnswersResult,
    KnownChoice,
    KnownSequence,
    SequenceRow,
    StepRow,
)
from core.models.base import CausalModel
from core.records.progress import Report
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Candidate, Finished, Started, TokenStep
from core.text.codec import TextCodec


def check_known_answers(
    name: str, model: CausalModel, codec: TextCodec, answers: KnownAnswers, report: Report
) -> KnownAnswersResult:
    """Generate what ``answers`` ask for and return it beside them.

    Args:
        name: What the result calls the model.
        model: In float32, as the known answers are.
        codec: Of the model's tokenizer.
        answers: What to hold it against.
        report: Told before each part, since parts may take minutes.

    Raises:
        PlaygroundError: The model cannot read the prompts: they are longer than its context.
    """
    with _full_precision():
        report(f"{len(answers.steps)} greedy steps", 0.0)
        steps = _steps(model, codec, answers)
        sequences = []
        for at, known in enumerate(answers.sequences, start=1):
            report(f"continuation: {known.name}", at / (len(answers.sequences) + 1))
            sequences.append(_sequence(model, codec, answers.sequence_prompt, known))
    return KnownAnswersResult(name, str(model.device), answers.source, steps, tuple(sequences))


def continuation_logprob(
    model: CausalModel, context: Sequence[int], token_ids: Sequence[int]
) -> float:
    """Return the model's summed log-probability of ``token_ids`` after ``context``.

    The model reads the text anew, whatever found it: of a beam search, nothing but the tokens
    counts. The first ``UNSUMMED_TOKENS`` are read and not summed. In nats, summed in float64.
    """
    first, rest = token_ids[:UNSUMMED_TOKENS], token_ids[UNSUMMED_TOKENS:]
    if not rest:
        return 0.0
    model.rewind(0)
    logits = model.prefill([*context, *first])
    total = 0.0
    for at, token_id in enumerate(rest):
        total += float(torch.log_softmax(logits[0].cpu().double(), dim=-1)[token_id])
        if at + 1 < len(rest):
            logits = model.decode([token_id])
    return total


@contextlib.contextmanager
def _full_precision() -> Iterator[None]:
    """Multiply float32 as float32: TF32 of a GPU would show in the third figure."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _steps(model: CausalModel, codec: TextCodec, answers: KnownAnswers) -> tuple[StepRow, ...]:
    if not answers.steps:
        return ()
    request = Request(answers.prompt, Settings(max_new_tokens=len(answers.steps)))
    ours: list[TokenStep] = [
        event for event in generate(model, codec, request, _never) if isinstance(event, TokenStep)
    ]
    rows: list[StepRow] = []
    text = answers.prompt
    for at, known in enumerate(answers.steps):
        if at >= len(ours):
            rows.append(StepRow(known.input, None, _matched(known.choices, ())))
            continue
        rows.append(StepRow(known.input, text, _matched(known.choices, _candidates(ours[at]))))
        text += ours[at].text
    return tuple(rows)


def _candidates(step: TokenStep) -> tuple[Candidate, ...]:
    return step.distribution.candidates


def _matched(
    expected: Sequence[KnownChoice], candidates: Sequence[Candidate]
) -> tuple[ChoiceRow, ...]:
    """Pair choices by their text, then by rank: two of nearly one probability may change places.

    A text can be there twice, with and without a space before it; the likelier comes first.
    """
    left = list(candidates)
    found: list[Candidate | None] = []
    for known in expected:
        same = next((one for one in left if one.text.strip() == known.text), None)
        if same is not None:
            left.remove(same)
        found.append(same)
    pairs = [one if one is not None else (left.pop(0) if left else None) for one in found]
    return tuple(
        ChoiceRow(known, None, None)
        if candidate is None
        else ChoiceRow(known, candidate.text.strip(), 100 * candidate.probability)
        for known, candidate in zip(expected, pairs, strict=True)
    )


def _sequence(
    model: CausalModel, codec: TextCodec, prompt: str, known: KnownSequence
) -> SequenceRow:
    context: tuple[int, ...] = ()
    finished: Finished | None = None
    for event in generate(model, codec, Request(prompt, known.settings), _never):
        if isinstance(event, Started):
            context = event.context_token_ids
        elif isinstance(event, Finished):
            finished = event
    if finished is None:
        raise RuntimeError("a run ended without its last record")
    logprob = continuation_logprob(model, context, finished.token_ids)
    return SequenceRow(known, logprob, finished.text)


def _never() -> bool:
    return False

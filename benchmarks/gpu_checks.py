"""Is the fast path right on this GPU? Logits against transformers, tokens against ``generate()``.

Must never measure a time.
"""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.gpu_models import demo_module, events_of, ways_to_decode
from core.models.any.model import TransformersModel
from core.models.base import CausalModel
from core.models.gpt2.model import Gpt2Model
from core.records.settings import Settings
from core.records.steps import TokenStep
from core.text.codec import TextCodec

TOLERANCE = 1e-4
"""Of float32 logits, relative to the largest."""

PROMPT = [32, 890, 640, 84, 11]

SETTINGS = {
    "greedy": Settings(max_new_tokens=200),
    "sampling": Settings(max_new_tokens=200, do_sample=True, top_k=0, seed=7),
    "nucleus": Settings(max_new_tokens=200, do_sample=True, top_k=0, top_p=0.9, seed=8),
    "penalty": Settings(
        max_new_tokens=100, do_sample=True, temperature=0.8, repetition_penalty=1.2, seed=9
    ),
    "5 beams": Settings(max_new_tokens=60, num_beams=5),
}


def worst_difference(model: Gpt2Model, module: Any, steps: int) -> float:  # noqa: ANN401
    """Return the worst relative difference of logits: alone, as beams, at the end of the context.

    The tokens are those that the reference finds likeliest.
    """
    reference = TransformersModel(module)
    worst = 0.0

    def compare(ours: torch.Tensor, theirs: torch.Tensor) -> list[int]:
        nonlocal worst
        worst = max(worst, float((ours - theirs).abs().max() / theirs.abs().max()))
        return [int(one) for one in theirs.argmax(dim=-1)]

    both = (model, reference)
    for start in (PROMPT, [(7 * at) % 2000 for at in range(model.context_size - 20)]):
        model.rewind(0)
        reference.rewind(0)
        tokens = compare(*(one.prefill(start) for one in both))
        for _ in range(min(steps, model.context_size - len(start) - 8)):
            token = tokens
            tokens = compare(*(one.decode(token) for one in both))
        for one in both:
            one.reorder([0] * 5)
        tokens = tokens * 5
        for step in range(6):
            new = [(token + at * step) % model.vocabulary_size for at, token in enumerate(tokens)]
            tokens = compare(*(one.decode(new) for one in both))
            for one in both:
                one.reorder([4, 0, 0, 2, 3])
            tokens = [tokens[at] for at in (4, 0, 0, 2, 3)]
    model.rewind(0)
    return worst


def agreement(model: CausalModel, module: Any, texts: TextCodec, name: str) -> str:  # noqa: ANN401
    """Return how many tokens are those of ``generate()`` before the first other one."""
    settings = SETTINGS[name]
    *_, finished = events_of(model, texts, PROMPT, settings)
    ours = list(getattr(finished, "token_ids"))  # noqa: B009
    theirs = _generated(module, settings)
    same = 0
    while same < min(len(ours), len(theirs)) and ours[same] == theirs[same]:
        same += 1
    return f"{same} of {len(theirs)}"


def _generated(module: Any, settings: Settings) -> list[int]:  # noqa: ANN401
    arguments = settings.to_mapping()
    torch.manual_seed(arguments.pop("seed", 0))
    inputs = torch.tensor([PROMPT], device=module.device)
    with torch.inference_mode():
        output = module.generate(
            inputs, attention_mask=torch.ones_like(inputs), pad_token_id=0, **arguments
        )
    return [int(token_id) for token_id in output[0, len(PROMPT) :]]


def is_same_ahead(model: Gpt2Model, texts: TextCodec, name: str) -> bool:
    """Whether the records are those of step by step: tokens, ranks, cuts, and probabilities."""
    runs = []
    for one in ways_to_decode(model).values():
        events = events_of(one, texts, PROMPT, SETTINGS[name])
        runs.append([event for event in events if isinstance(event, TokenStep)])
    return all(_is_same(*both) for both in zip(*runs, strict=True))


def _is_same(one: TokenStep, other: TokenStep) -> bool:
    both = [(step.token, *step.distribution.candidates) for step in (one, other)]
    return one.distribution.kept == other.distribution.kept and all(
        (ours.token_id, ours.rank, ours.cut_by) == (theirs.token_id, theirs.rank, theirs.cut_by)
        and abs(ours.logprob - theirs.logprob) <= TOLERANCE
        for ours, theirs in zip(*both, strict=True)
    )


def check(
    model: Gpt2Model,
    module: Any,  # noqa: ANN401
    texts: TextCodec,
    steps: int,
) -> dict[str, Any]:
    """Check one model that runs ``module``'s weights; return a JSON object."""
    worst = worst_difference(model, module, steps)
    ahead = {name: is_same_ahead(model, texts, name) for name in SETTINGS if "beams" not in name}
    return {
        "kernel": model.kernel,
        "worst_difference": worst,
        "is_right": worst <= TOLERANCE and ahead["greedy"] and ahead["sampling"],
        "same_ahead": ahead,
        "tokens_of_generate": {name: agreement(model, module, texts, name) for name in SETTINGS},
    }


def reference_module(device: str) -> Any:  # noqa: ANN401
    """Return the model that is checked, in float32 without TF32."""
    torch.backends.cuda.matmul.allow_tf32 = False
    return demo_module(device)

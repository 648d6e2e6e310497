"""What fewer bits change in what a model says: ``python -m benchmarks.precision``.

Each dtype reads the same text, which float32 writes greedily or draws at a temperature, and its
logits are compared step by step. Must never time anything.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.models.catalog import DEMO
from core.models.loading import LoadedModel, load_model

OPENINGS = ("A long long time ago, ", "Once upon a time", "The fox said", "One winter")
DTYPES = ("bfloat16", "int8")


@dataclass(slots=True)
class Difference:
    """What has been seen so far of one dtype beside float32.

    ``agreed`` counts the steps with the same first choice, ``worst`` is the largest difference of
    a probability among float32's top five; ``logprobs`` sums the differences of the log-probability
    of float32's first choice (nats), ``worst_logprob`` is their largest.
    """

    steps: int = 0
    agreed: int = 0
    worst: float = 0.0
    logprobs: float = 0.0
    worst_logprob: float = 0.0

    def see(self, exact: torch.Tensor, other: torch.Tensor) -> None:
        """Compare the logits of a step, shape (vocabulary,), float32."""
        expected, found = exact.log_softmax(-1), other.log_softmax(-1)
        top = expected.topk(5).indices
        first = int(top[0])
        change = float((expected[first] - found[first]).abs())
        self.steps += 1
        self.agreed += first == int(found.argmax())
        apart = (expected[top].exp() - found[top].exp()).abs().max()
        self.worst = max(self.worst, float(apart))
        self.logprobs += change
        self.worst_logprob = max(self.worst_logprob, change)

    def row(self, dtype: str) -> str:
        """Return a row of the table."""
        return (
            f"| {dtype} | {self.agreed / self.steps:.2%} | {self.worst:.4f} |"
            f" {self.logprobs / self.steps:.4f} | {self.worst_logprob:.3f} |"
        )


def compare(
    exact: LoadedModel, others: dict[str, LoadedModel], steps: int, temperature: float = 0.0
) -> dict[str, Difference]:
    """Let ``exact`` write ``steps`` tokens after each opening; the others read them.

    It draws them at ``temperature``, or takes the likeliest where that is 0.
    """
    generator = torch.Generator().manual_seed(0)
    differences = {dtype: Difference() for dtype in others}
    for opening in OPENINGS:
        token_ids = exact.codec.encode(opening, is_beginning=True)
        logits = exact.model.prefill(token_ids)
        seen = {dtype: one.model.prefill(token_ids) for dtype, one in others.items()}
        for _ in range(steps):
            choice = int(logits[0].argmax())
            if temperature:
                chances = torch.softmax(logits[0] / temperature, dim=-1)
                choice = int(torch.multinomial(chances, 1, generator=generator))
            for dtype, one in others.items():
                differences[dtype].see(logits[0], seen[dtype][0])
                seen[dtype] = one.model.decode([choice])
            logits = exact.model.decode([choice])
        for loaded in (exact, *others.values()):
            loaded.model.rewind(0)
    return differences


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare what the command line names; write Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEMO)
    parser.add_argument("--dtypes", nargs="+", default=list(DTYPES))
    parser.add_argument("--steps", type=int, default=500, help="tokens after each opening")
    parser.add_argument(
        "--temperature", type=float, default=0.0, help="of what is drawn; 0: greedy"
    )
    options = parser.parse_args(arguments)

    def load(dtype: str) -> LoadedModel:
        return load_model(options.model, "cpu", dtype, lambda stage, share=None: None)

    others = {dtype: load(dtype) for dtype in options.dtypes}
    differences = compare(load("float32"), others, options.steps, options.temperature)
    print(
        "| dtype | same first choice | worst top-five probability | mean log-probability | worst |"
    )
    print("| --- | --- | --- | --- | --- |")
    for dtype, difference in differences.items():
        print(difference.row(dtype))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure the bundled model: is it worth watching, and does it take any prompt?

    python -m training.evaluate            # prints the figures and samples
    python -m training.evaluate --card     # also writes them into the model card

Every figure comes from the checkpoint as it lies on disk; a bound that is missed is printed as
missed and ends the command with 1. The openings are held out: no training document has them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel, GPT2Tokenizer

from core.models.base import CausalModel
from core.models.loading import load_model
from training.card import write_card
from training.corpus import held_out
from training.train import DEFAULT_OUTPUT, FACTS

PROMPT = "A long long time ago, "
SHOWN = (PROMPT, "The old", "In a shocking finding, scientist discovered", "Transformers are the")
ANY_UTF8 = (
    "你好，世界。",
    "🙂🚀",
    "def f(x):\n    return x +",
    "Привет, ",
    "مرحبا",
    "\t\n  ",
    "qwxz 7% {}[]<> \u0000",
    "A long long time a",
)
STEPS = 100
DRAWS = 3
SURE = 0.95
MAX_BYTES = 8_000_000


@dataclass
class Watched:
    """What the steps of one or many continuations looked like."""

    entropies: list[float] = field(default_factory=list)
    tops: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    loops: int = 0

    @property
    def entropy(self) -> float:
        """Mean entropy of the next-token distributions, in bits."""
        return sum(self.entropies) / max(1, len(self.entropies))

    @property
    def sure(self) -> float:
        """The share of steps whose first candidate has more than 95%."""
        return sum(top > SURE for top in self.tops) / max(1, len(self.tops))


def load(folder: Path) -> tuple[GPT2LMHeadModel, GPT2Tokenizer]:
    """The checkpoint, as any program that loads GPT-2 would load it."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    return model, tokenizer


def load_quick(folder: Path) -> CausalModel:
    """The same checkpoint as the playground runs it, which reads thousands of tokens in seconds."""
    return load_model(str(folder), "cpu", "float32", lambda stage, share=None: None).model


def nucleus(probabilities: torch.Tensor, top_p: float, generator: torch.Generator) -> int:
    """Draw from the smallest set of tokens that holds ``top_p`` of the probability."""
    ranked, order = probabilities.sort(descending=True)
    kept = (ranked.cumsum(0) - ranked) < top_p
    return int(order[torch.multinomial(ranked * kept, 1, generator=generator)])


@torch.no_grad()
def watch(
    model: CausalModel,
    tokenizer: GPT2Tokenizer,
    prompt: str,
    watched: Watched,
    top_p: float | None = None,
    seed: int = 0,
    steps: int = STEPS,
) -> str:
    """Continue a prompt token by token, greedily or by nucleus, and note every step."""
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = tokenizer(prompt)["input_ids"]
    model.rewind(0)
    logits, written = model.prefill(ids), list[int]()
    for at in range(steps):
        if at:
            logits = model.decode(written[-1:])
        p = logits[0].softmax(0)
        watched.entropies.append(float(-(p * p.clamp_min(1e-12).log2()).sum()))
        watched.tops.append(float(p.max()))
        token = int(p.argmax()) if top_p is None else nucleus(p, top_p, generator)
        if token == tokenizer.eos_token_id:
            break
        written.append(token)
    watched.lengths.append(len(written))
    watched.loops += loops(written)
    return str(tokenizer.decode(ids + written))


def loops(tokens: Sequence[int], longest: int = 30) -> bool:
    """Whether the last tokens say the same thing three times in a row."""
    return any(
        len(tokens) >= 3 * n and tokens[-n:] == tokens[-2 * n : -n] == tokens[-3 * n : -2 * n]
        for n in range(2, longest)
    )


def watch_all(
    model: CausalModel, tokenizer: GPT2Tokenizer, openings: Sequence[str], draws: int = DRAWS
) -> dict[str, Watched]:
    """All openings, once greedily and some times at top-p 0.9."""
    result = {"greedy": Watched(), "top-p 0.9": Watched()}
    for seed, opening in enumerate(openings):
        watch(model, tokenizer, opening, result["greedy"])
        for draw in range(draws):
            watch(model, tokenizer, opening, result["top-p 0.9"], 0.9, seed + 100 * draw)
    return result


@torch.no_grad()
def three_ways(
    model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer, prompt: str, steps: int = STEPS
) -> dict[str, str]:
    """One prompt continued greedily, by five beams and by sampling, with ``generate`` itself."""
    inputs = tokenizer(prompt, return_tensors="pt")
    whole: Any = model  # its own annotations hide generate from a type checker
    ways: dict[str, dict[str, Any]] = {
        "greedy": {"do_sample": False},
        "5 beams, no pair of tokens twice": {
            "do_sample": False,
            "num_beams": 5,
            "no_repeat_ngram_size": 2,
        },
        "top-p 0.9, seed 0": {"do_sample": True, "top_p": 0.9, "top_k": 0},
    }
    texts = {}
    for name, options in ways.items():
        torch.manual_seed(0)
        out = whole.generate(
            **inputs, max_new_tokens=steps, pad_token_id=tokenizer.eos_token_id, **options
        )
        texts[name] = str(tokenizer.decode(out[0], skip_special_tokens=True))
    return texts


def any_prompt(model: CausalModel, tokenizer: GPT2Tokenizer) -> list[str]:
    """Continue prompts in any script; each must come back exactly and be continued."""
    texts = []
    for seed, prompt in enumerate(ANY_UTF8):
        if tokenizer.decode(tokenizer(prompt)["input_ids"]) != prompt:
            raise AssertionError(f"the tokenizer changes {prompt!r}")
        seen = Watched()
        texts.append(watch(model, tokenizer, prompt, seen, top_p=0.9, seed=seed, steps=30))
    return texts


def verdicts(watched: dict[str, Watched], ways: dict[str, str], size: int) -> dict[str, bool]:
    """The bounds that the bundled model must keep."""
    bounds = {}
    for name, seen in watched.items():
        bounds[f"{name}: mean entropy from 1 to 3.5 bits"] = 1 <= seen.entropy <= 3.5
        bounds[f"{name}: under half of the steps over 95%"] = seen.sure < 0.5
    bounds["three ways, three continuations"] = len(set(ways.values())) == len(ways)
    bounds[f"at most {MAX_BYTES:,} bytes"] = size <= MAX_BYTES
    return bounds


def folder_size(folder: Path) -> int:
    """The bytes of every file of the checkpoint."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def report(folder: Path, openings: Sequence[str], samples: int = 3) -> dict[str, Any]:
    """Every figure and sample, ready to be printed or written into the card."""
    module, tokenizer = load(folder)
    model = load_quick(folder)
    watched = watch_all(model, tokenizer, openings)
    ways = three_ways(module, tokenizer, PROMPT)
    shown = [
        watch(model, tokenizer, prompt, Watched(), top_p=0.9, seed=seed, steps=120)
        for prompt in SHOWN
        for seed in range(samples)
    ]
    size = folder_size(folder)
    card = folder / "README.md"
    return {
        "facts": json.loads((folder / FACTS).read_text(encoding="utf-8")),
        "weights_bytes": (folder / "model.safetensors").stat().st_size,
        "folder_bytes": size,
        "checkpoint_bytes": size - (card.stat().st_size if card.exists() else 0),
        "openings": len(openings),
        "watched": {
            name: {
                "entropy_bits": round(seen.entropy, 2),
                "share_over_95": round(seen.sure, 3),
                "steps": len(seen.tops),
                "mean_length": round(sum(seen.lengths) / len(seen.lengths), 1),
                "shortest": min(seen.lengths),
                "continuations": len(seen.lengths),
                "loops": seen.loops,
            }
            for name, seen in watched.items()
        },
        "ways": ways,
        "samples": shown,
        "any_prompt": any_prompt(model, tokenizer),
        "verdicts": verdicts(watched, ways, size),
    }


def show(found: dict[str, Any]) -> None:
    """Print a report for a person."""
    facts = found["facts"]
    for name in ("train_loss", "held_out_loss"):
        print(f"{name}: {facts[name]} nats, perplexity {math.exp(facts[name]):.2f}")
    for key in ("weights_bytes", "folder_bytes", "openings", "watched", "verdicts"):
        print(f"{key}: {json.dumps(found[key], indent=2)}")
    for name, text in found["ways"].items():
        print(f"\n[{name}]\n{text}")
    for key in ("samples", "any_prompt"):
        print(f"\n[{key}]")
        print("\n--\n".join(found[key]))


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--folder", type=Path, default=DEFAULT_OUTPUT)
    parser.add_argument("--openings", type=int, default=None, help="only the first so many")
    parser.add_argument("--card", action="store_true", help="write README.md in the folder")
    args = parser.parse_args(argv)
    found = report(args.folder, held_out()[: args.openings])
    show(found)
    if args.card:
        write_card(args.folder, found)
    return 0 if all(found["verdicts"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Rebuild the bundled model: corpus, tokenizer and weights, with one seeded command.

    python -m training.train                     # the whole run, as the model card states it
    python -m training.train --steps 200         # a quick one
    python -m training.evaluate --card           # figures and model card of the result

The checkpoint is what ``save_pretrained`` writes, so that any program that loads GPT-2 loads it.
It is trained in a folder of its own and moved at the end: a run that stops must never leave half
a checkpoint in the place of a good one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm  # type: ignore[import-untyped]
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

from training.corpus import Document, documents
from training.tokenizer import CONTEXT, VOCABULARY, train_tokenizer

DEFAULT_OUTPUT = Path(__file__).parents[1] / "core" / "models" / "demo"
FACTS = "training.json"
IGNORED = -100

Tokens = npt.NDArray[np.uint16]
Flags = npt.NDArray[np.bool_]
Starts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """Everything that decides what a run gives; the same plan gives the same corpus."""

    seed: int = 1
    documents: int = 48_000
    held_out_documents: int = 300
    vocabulary: int = VOCABULARY
    width: int = 128
    heads: int = 4
    layers: int = 6
    steps: int = 4_400
    short: int = 256
    long_share: float = 0.12
    tokens_per_step: int = 4_096
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warmup: int = 150


@dataclass(frozen=True)
class Stream:
    """Encoded documents one after another, each ended by the end token."""

    tokens: Tokens
    learned: Flags
    starts: Starts

    @classmethod
    def encode(cls, tokenizer: GPT2Tokenizer, docs: Sequence[Document]) -> Stream:
        """Encode every piece of every document alone, then join them."""
        pieces = [piece for doc in docs for piece in doc.pieces]
        encoded = iter(tokenizer(pieces, add_special_tokens=False, verbose=False)["input_ids"])
        tokens, learned, starts = array("H"), array("b"), []
        for doc in docs:
            starts.append(len(tokens))
            for number, ids in enumerate(next(encoded) for _ in doc.pieces):
                tokens.extend(ids)
                learned.extend([number >= doc.unlearned] * len(ids))
            tokens.append(tokenizer.eos_token_id)
            learned.append(True)
        return cls(
            np.array(tokens, dtype=np.uint16), np.array(learned, dtype=np.bool_), np.array(starts)
        )

    def rows(self, begins: Starts, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of tokens that begin at these places, and what is to be foretold in them."""
        places = begins[:, None] + np.arange(length)
        tokens = torch.from_numpy(self.tokens[places].astype(np.int64))
        return tokens, tokens.masked_fill(~torch.from_numpy(self.learned[places]), IGNORED)

    def document(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One document as a row, its end included, as far as the context reaches."""
        end = [*self.starts[1:].tolist(), len(self.tokens)][number]
        begin = self.starts[number : number + 1]
        return self.rows(begin, min(CONTEXT, end - int(begin[0])))


def batch(
    stream: Stream, rows: int, length: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows of tokens, what is to be foretold, and positions.

    Half the rows begin a document at position 0, as a prompt does. The others begin anywhere, at
    any position, so that short rows train all the positions of the context.
    """
    highest = len(stream.tokens) - length
    at_start = rng.random(rows) < 0.5
    anywhere = rng.integers(0, highest + 1, rows)
    beginning = np.minimum(rng.choice(stream.starts, rows), highest)
    offsets = np.where(at_start, 0, rng.integers(0, CONTEXT - length + 1, rows))
    positions = torch.from_numpy(offsets[:, None] + np.arange(length))
    return *stream.rows(np.where(at_start, beginning, anywhere), length), positions


def new_model(plan: Plan, end_token: int) -> GPT2LMHeadModel:
    """An untrained GPT-2 of the plan's size, the same for the same seed."""
    torch.manual_seed(plan.seed)
    config = GPT2Config(
        vocab_size=plan.vocabulary,
        n_positions=CONTEXT,
        n_embd=plan.width,
        n_head=plan.heads,
        n_layer=plan.layers,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=end_token,
        eos_token_id=end_token,
    )
    return GPT2LMHeadModel(config)


def optimizer_of(model: GPT2LMHeadModel, plan: Plan) -> torch.optim.AdamW:
    """AdamW that lets the matrices decay, but neither norms, biases nor embeddings."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and ".h." in n]
    others = [p for n, p in model.named_parameters() if not (p.ndim == 2 and ".h." in n)]
    groups = [
        {"params": matrices, "weight_decay": plan.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.98))


def rate(step: int, plan: Plan) -> float:
    """The share of the full learning rate at a step: a warm-up, then a cosine down to 2%."""
    if step < plan.warmup:
        return (step + 1) / plan.warmup
    done = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return 0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * min(1.0, done))))


def train_model(model: GPT2LMHeadModel, stream: Stream, plan: Plan, device: str) -> None:
    """Train in place: short rows first, the whole context in the last steps."""
    rng = np.random.default_rng(plan.seed)
    optimizer = optimizer_of(model, plan)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, plan))
    for block in model.transformer.h:
        # The same function as GPT-2's own, in one operation instead of eight.
        block.get_submodule("mlp").act = torch.nn.GELU(approximate="tanh")
    torch.nn.Module.to(model, device)
    torch.nn.Module.train(model)
    first_long = round(plan.steps * (1 - plan.long_share))
    shown = float("nan")
    with tqdm(total=plan.steps, unit="step", file=sys.stderr, dynamic_ncols=True) as bar:
        started, seen = time.monotonic(), 0
        for step in range(plan.steps):
            length = plan.short if step < first_long else CONTEXT
            rows = max(1, plan.tokens_per_step // length)
            made = batch(stream, rows, length, rng)
            tokens, labels, positions = (part.to(device) for part in made)
            with torch.autocast(torch.device(device).type, torch.bfloat16):
                loss = model(
                    input_ids=tokens, position_ids=positions, labels=labels, use_cache=False
                ).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            seen += tokens.numel()
            shown = loss.item() if step == 0 else 0.97 * shown + 0.03 * loss.item()
            if step % 10 == 0:
                speed = seen / (time.monotonic() - started)
                bar.set_postfix_str(f"loss {shown:.3f}, {speed:,.0f} tokens/s")
            bar.update()
    torch.nn.Module.to(model, "cpu")
    torch.nn.Module.train(model, mode=False)


@torch.no_grad()
def document_loss(model: GPT2LMHeadModel, stream: Stream, count: int) -> float:
    """Mean loss in nats per token over the first documents, each read alone from position 0."""
    total, tokens = 0.0, 0
    for number in range(min(count, len(stream.starts))):
        ids, labels = stream.document(number)
        predicted = int((labels[:, 1:] != IGNORED).sum())
        total += model(input_ids=ids, labels=labels).loss.item() * predicted
        tokens += predicted
    return total / max(1, tokens)


def save(model: GPT2LMHeadModel, tokenizer: GPT2Tokenizer, facts: object, output: Path) -> None:
    """Write the checkpoint beside its place, then move each file into it."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".training-") as name:
        folder = Path(name)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        for path in sorted(folder.iterdir()):
            path.chmod(0o644)
            path.replace(output / path.name)


def learned_text(doc: Document) -> str:
    """A document without its noise, which must not take up the vocabulary."""
    return "".join(doc.pieces[doc.unlearned :])


def run(plan: Plan, output: Path, device: str, workers: int = 1) -> dict[str, object]:
    """The whole run; returns what it measured."""
    started = time.monotonic()
    _say(f"writing {plan.documents:,} documents")
    docs = list(documents(plan.seed, plan.documents, workers))
    # Held-out documents come from another seed; none may also be a training document.
    known = set(docs)
    held = [d for d in documents(plan.seed + 1, plan.held_out_documents) if d not in known]
    _say("training the tokenizer")
    tokenizer = train_tokenizer((learned_text(doc) for doc in docs[:12_000]), plan.vocabulary)
    stream, held_stream = (Stream.encode(tokenizer, part) for part in (docs, held))
    model = new_model(plan, tokenizer.eos_token_id)
    _say(f"training {model.num_parameters():,} parameters on {len(stream.tokens):,} tokens")
    train_started = time.monotonic()
    train_model(model, stream, plan, device)
    train_seconds = time.monotonic() - train_started
    losses = [document_loss(model, part, plan.held_out_documents) for part in (stream, held_stream)]
    facts: dict[str, object] = {
        "plan": asdict(plan),
        "device": device,
        "parameters": model.num_parameters(),
        "corpus_documents": len(docs),
        "corpus_characters": sum(len(doc.text) for doc in docs),
        "corpus_tokens": len(stream.tokens),
        "tokens_seen": plan.steps * plan.tokens_per_step,
        "held_out_documents": len(held),
        "train_loss": round(losses[0], 4),
        "held_out_loss": round(losses[1], 4),
        "training_seconds": round(train_seconds),
        "total_seconds": round(time.monotonic() - started),
    }
    save(model, tokenizer, facts, output)
    _say(f"train loss {losses[0]:.3f}, held-out loss {losses[1]:.3f}; saved in {output}")
    return facts


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """The command line."""
    plan = Plan()
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT)
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--steps", type=int, default=plan.steps)
    parser.add_argument("--documents", type=int, default=plan.documents)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args(argv)
    plan = Plan(seed=args.seed, steps=args.steps, documents=args.documents)
    run(plan, args.output, args.device, args.workers)


if __name__ == "__main__":
    main()

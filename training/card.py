"""The model card of the bundled model, written from what the evaluation measured.

A number in the card must come from the checkpoint or its training record, never from this file.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

_CARD = """\
---
license: mit
language: en
library_name: transformers
pipeline_tag: text-generation
---

# The bundled demo model

A GPT-2 of {parameters:,} parameters that writes small, odd stories. It comes with
gpt2-playground so that the program shows a real model with no download, on any computer.

It is a `GPT2LMHeadModel` as `save_pretrained` writes it, and loads as any GPT-2 does:

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("core/models/demo")
tokenizer = AutoTokenizer.from_pretrained("core/models/demo")
```

## Size

| | |
|---|---|
| parameters | {parameters:,} (input and output embeddings are shared) |
| width, heads, layers | {width}, {heads}, {layers} |
| context | 1,024 tokens |
| vocabulary | {vocabulary:,} tokens, byte-level BPE, every byte in its alphabet |
| weights | {weights_bytes:,} bytes, float32 |
| with configuration and tokenizer | {checkpoint_bytes:,} bytes |

## Data

English that this project writes itself, and nothing else: a seeded grammar (`training/data/`) of
sentences, lists and plots for fairy tales, everyday stories, sea, detective and space stories,
news, general statements, letters, recipes, fables, plays, views and sayings. {corpus_documents:,}
documents, {corpus_characters:,} characters, {corpus_tokens:,} tokens. Some documents are cut after
a space or in mid-word, as prompts are; some hold several stories; some begin with characters of any
script, which the model reads but does not learn to write.

## Training

{steps:,} steps of {tokens_per_step:,} tokens ({tokens_seen:,} in all): rows of {short} tokens, then
of 1,024 for the last {long_percent:.0f}%; AdamW, learning rate {learning_rate}, warm-up and cosine,
bfloat16 autocast, seed {seed}, {device}. It took {minutes:.0f} minutes ({total_minutes:.0f} with
corpus and tokenizer).

| | loss (nats per token) | perplexity |
|---|---|---|
| training documents | {train_loss:.3f} | {train_ppl:.2f} |
| held-out documents | {held_out_loss:.3f} | {held_out_ppl:.2f} |

Both are measured on {held_out_documents} documents, each read alone from its start. The held-out
documents come from the same grammar with another seed, so this says how well the model knows the
grammar, not how well it knows English.

## Worth watching

Over {openings} openings that no training document contains, up to 100 tokens each
(`python -m training.evaluate`), each once greedily and three times at top-p 0.9:

| | mean entropy | steps over 95% | steps | tokens before the end: mean, least | loops |
|---|---|---|---|---|---|
{watched}

A step is over 95% when its first candidate has more than 95% of the probability. A loop is a
continuation whose last tokens say the same thing three times in a row.

## Samples

One prompt, `A long long time ago, `, three ways:

{ways}

At top-p 0.9, not selected (seeds 0 to 2 for each prompt):

{samples}

Prompts in other scripts and in code, 30 tokens each:

{any_prompt}

## What it can and cannot do

Its sentences are mostly grammatical English and follow one another as those of a story do, and it
has real doubts about many words, which is what the program shows. It takes any UTF-8 text as a
prompt and answers with a story. It often mistakes one person for another after a few sentences: a
baker becomes a potter, he becomes she, a new name appears. Now and then it garbles a word, most of
all right after a prompt that ends in a space or in mid-word. It knows nothing about the world, does
not answer questions or follow instructions, has a small vocabulary, and forgets what a story was
about; its plots make sense only by chance.

## Rebuild

```
python -m training.train            # corpus, tokenizer and weights
python -m training.evaluate --card  # figures and this card
```

The corpus and the tokenizer come out the same every time. The weights start the same and see the
same rows, but rounding depends on the machine and its number of threads, so they need not come out
bit for bit the same; nor do the samples above.

Licence: MIT, like the rest of the project.
"""


def _quoted(text: str) -> str:
    """A sample as a block that Markdown leaves alone."""
    shown = "".join(
        c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return f"~~~text\n{shown.strip(chr(10))}\n~~~"


def write_card(folder: Path, found: dict[str, Any]) -> None:
    """Write ``README.md`` in the checkpoint's folder from a report of the evaluation."""
    facts, plan = found["facts"], found["facts"]["plan"]
    rows = [
        f"| {name} | {seen['entropy_bits']:.2f} bits | {seen['share_over_95']:.1%} "
        f"| {seen['steps']:,} | {seen['mean_length']}, {seen['shortest']} "
        f"| {seen['loops']} of {seen['continuations']} |"
        for name, seen in found["watched"].items()
    ]
    values: dict[str, Any] = {
        **plan,
        **facts,
        "weights_bytes": found["weights_bytes"],
        "checkpoint_bytes": found["checkpoint_bytes"],
        "openings": found["openings"],
        "long_percent": 100 * plan["long_share"],
        "minutes": facts["training_seconds"] / 60,
        "total_minutes": facts["total_seconds"] / 60,
        "train_ppl": math.exp(facts["train_loss"]),
        "held_out_ppl": math.exp(facts["held_out_loss"]),
        "watched": "\n".join(rows),
        "ways": "\n\n".join(f"{way}:\n\n{_quoted(text)}" for way, text in found["ways"].items()),
        "samples": "\n\n".join(map(_quoted, found["samples"])),
        "any_prompt": "\n\n".join(map(_quoted, found["any_prompt"])),
    }
    (folder / "README.md").write_text(_CARD.format(**values), encoding="utf-8")

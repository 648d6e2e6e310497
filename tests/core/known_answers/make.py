"""Write what the bundled model answers, from ``generate()`` of transformers and nothing of ours.

Run after each training, from the top of the repository::

    python -m tests.core.known_answers.make

It refuses prompts whose answers hang on the last digits: another machine would answer otherwise.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.places import REPOSITORY

WEIGHTS = REPOSITORY / "core" / "models" / "demo" / "model.safetensors"
FILE = REPOSITORY / "core" / "known_answers" / "expected_demo.yaml"

PROMPT = "A long long time ago, in a"
STEPS = 8
CHOICES = 5
SEQUENCE_PROMPT = "A long long time ago, there was a king who"
# Beams like to end early; a longer text checks more.
LONG = {"max_length": 48, "min_new_tokens": 32}
SEQUENCES = {
    "greedy": {"max_length": 48},
    "5 beams": {**LONG, "num_beams": 5},
    "5 beams, no bigram twice": {**LONG, "num_beams": 5, "no_repeat_ngram_size": 2},
}
SMALLEST_MARGIN = 0.02
"""In percentage points between the first two choices of a step."""

HEADER = f"""\
# What the bundled model is known to answer: transformers' generate() in float32, on a processor.
# Written by `python -m tests.core.known_answers.make`; run that after each training.
# Sums leave out the first generated token, as those of expected.yaml do.

names: [demo]
source: generate() of transformers with the bundled weights
prompt: {json.dumps(PROMPT)}
sequence_prompt: {json.dumps(SEQUENCE_PROMPT)}
"""


def fingerprint(weights: Path = WEIGHTS) -> str:
    return hashlib.sha256(weights.read_bytes()).hexdigest()


def known_steps(model, tokenizer):
    """The inputs of greedy steps, each with the likeliest next tokens and their percentages."""
    ids = tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    output = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=STEPS,
        do_sample=False,
        pad_token_id=0,
        output_logits=True,
        return_dict_in_generate=True,
    )
    for at, logits in enumerate(output.logits):
        text = tokenizer.decode(output.sequences[0, : ids.shape[1] + at])
        top = torch.topk(100 * torch.softmax(logits[0], dim=-1), CHOICES)
        percents = top.values.tolist()
        if percents[0] - percents[1] < SMALLEST_MARGIN:
            raise SystemExit(f"choose another PROMPT: the choice after {text!r} is a tie")
        texts = [tokenizer.decode([token_id]).strip() for token_id in top.indices.tolist()]
        yield text, [[one, round(percent, 2)] for one, percent in zip(texts, percents, strict=True)]


def continuation(model, ids, settings):
    output = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, pad_token_id=0, **settings
    )
    return output[0].tolist()


def summed_logprob(model, token_ids, prompt_length):
    """As the notebook sums: from the second generated token on."""
    logits = model(torch.tensor([token_ids])).logits
    logprobs = torch.log_softmax(logits[0, :-1], dim=-1)
    chosen = logprobs.gather(1, torch.tensor(token_ids[1:])[:, None])[:, 0]
    return float(chosen[prompt_length:].sum())


def known_sequences(model, exact, tokenizer):
    """Name, settings and summed log-probability of each continuation."""
    ids = tokenizer(SEQUENCE_PROMPT, return_tensors="pt")["input_ids"]
    for name, settings in SEQUENCES.items():
        token_ids = continuation(model, ids, settings)
        if token_ids != continuation(exact, ids, settings):
            raise SystemExit(f"choose another SEQUENCE_PROMPT: {name} hangs on rounding")
        yield name, settings, round(summed_logprob(model, token_ids, ids.shape[1]), 2)


@torch.inference_mode()
def known_answers_text() -> str:
    """The whole file, for the weights that are in the repository now."""
    folder = WEIGHTS.parent
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    exact = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    lines = [HEADER + f"weights_sha256: {json.dumps(fingerprint())}", "", "steps:"]
    for text, choices in known_steps(model, tokenizer):
        lines.append(f"  - input: {json.dumps(text, ensure_ascii=False)}")
        lines.append(f"    choices: {json.dumps(choices, ensure_ascii=False)}")
    lines += ["", "sequences:"]
    for name, settings, logprob in known_sequences(model, exact, tokenizer):
        lines.append(f"  - name: {json.dumps(name)}")
        lines.append(f"    settings: {json.dumps(settings)}")
        lines.append(f"    logprob: {logprob}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    torch.set_num_threads(1)  # more would only wait for each other on a model this small
    FILE.write_text(known_answers_text(), encoding="utf-8")
    print(f"wrote {FILE.relative_to(REPOSITORY)}")

"""Turns the grammar's stories into the documents that the model learns from.

A document is a list of pieces; the tokenizer encodes each piece alone. Where there are two, the
first is a prompt: one that ends in a lone space or in the middle of a word, or noise. It is read
but not learned, or the model would come to end words in their middle by itself. Document ``n`` of
a seed depends only on the seed and ``n``. Documents that contain a held-out opening must never
reach the corpus.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

from training.grammar import Grammar
from training.noise import noise

HELD_OUT = Path(__file__).parent / "held_out.txt"
CHUNK = 500

# How often each form of document is written.
FORMS = {"single": 0.77, "chapters": 0.10, "long": 0.05, "turns": 0.08}
IN_CHAPTERS = ("fairy", "plain", "me", "sea", "detective", "space")
SPLIT = 0.30
LOWER = 0.04
NOISE = 0.08
WEIGHTS = {
    "fairy": 6.0,
    "plain": 2.5,
    "essay": 2.0,
    "me": 1.5,
    "sea": 1.5,
    "detective": 1.5,
    "space": 1.5,
    "news": 1.5,
    "fable": 1.5,
    "letter": 0.8,
    "recipe": 0.6,
    "talks": 0.5,
    "sayings": 0.4,
}


class Document(NamedTuple):
    """Pieces that are encoded one by one; the model need not foretell the first ``unlearned``."""

    pieces: tuple[str, ...]
    unlearned: int = 0

    @property
    def text(self) -> str:
        """The whole document."""
        return "".join(self.pieces)


@cache
def grammar() -> Grammar:
    """The grammar of this package's rules, read once per process."""
    return Grammar()


@cache
def held_out() -> tuple[str, ...]:
    """The openings that the evaluation keeps for itself."""
    lines = HELD_OUT.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def one_story(rng: random.Random) -> str:
    """A story of any genre."""
    genres = grammar().genres()
    weights = [WEIGHTS.get(genre, 1.0) for genre in genres]
    return grammar().story(rng.choices(genres, weights)[0], rng)


def document(seed: int, number: int) -> Document:
    """Document ``number`` of a seed, as pieces that are encoded one by one."""
    rng = random.Random(f"{seed}:{number}")
    text = _draw(rng)
    while any(opening in text for opening in held_out()):
        text = _draw(rng)
    roll = rng.random()
    if roll < NOISE:
        return Document((noise(rng), rng.choice(["\n", "\n", " ", ""]) + text), unlearned=1)
    if roll < NOISE + LOWER:
        text = text[:1].lower() + text[1:]
    if rng.random() < SPLIT:
        return Document(split(text, rng), unlearned=1)
    return Document((text,))


def _draw(rng: random.Random) -> str:
    form = rng.choices(list(FORMS), list(FORMS.values()))[0]
    if form == "chapters":
        return grammar().story(rng.choice(IN_CHAPTERS), rng, chapters=rng.randint(2, 6))
    if form == "long":
        return "\n\n".join(one_story(rng) for _ in range(rng.randint(2, 5)))
    if form == "turns":
        return _turns(rng)
    return one_story(rng)


def _turns(rng: random.Random) -> str:
    """A story, perhaps stopped in the middle, and on a new line the prompt of another one."""
    turns = []
    for _ in range(rng.randint(2, 3)):
        story = one_story(rng)
        if rng.random() < 0.6:
            words = story.split(" ")
            story = " ".join(words[: rng.randint(8, max(9, len(words)))])
        turns.append(story)
    return "\n".join(turns)


def split(text: str, rng: random.Random) -> tuple[str, str]:
    """The text as a prompt and the rest: cut after a comma, after any space, or anywhere."""
    window = min(len(text) - 1, 160)
    how = rng.random()
    commas = [at + 2 for at in range(1, window - 1) if text[at : at + 2] == ", "]
    spaces = [at + 1 for at in range(1, window) if text[at] == " "]
    if how < 0.4 and commas:
        at = commas[0]
    elif how < 0.75 and spaces:
        at = rng.choice(spaces)
    else:
        at = rng.randint(1, max(1, window))
    return text[:at], text[at:]


def documents(seed: int, count: int, workers: int = 1) -> Iterator[Document]:
    """The first documents of a seed, in their order whatever the number of workers."""
    if workers <= 1:
        for number in range(count):
            yield document(seed, number)
        return
    starts = range(0, count, CHUNK)
    with ProcessPoolExecutor(workers) as pool:
        for chunk in pool.map(_chunk, [(seed, s, min(s + CHUNK, count)) for s in starts]):
            yield from chunk


def _chunk(job: tuple[int, int, int]) -> list[Document]:
    seed, start, stop = job
    return [document(seed, number) for number in range(start, stop)]

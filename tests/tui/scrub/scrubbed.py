"""A run made by hand whose scrubbing is the same on every machine: nothing in it is drawn."""

from __future__ import annotations

import torch

from core.records.decode_state import DecodeState
from core.records.recorded_run import RecordedRun
from core.records.settings import Settings
from tests.core.looking_back.recorded import run_of

STORY = (
    "there was a fox , and the fox was a king . The king had a garden , and in the garden there"
    " was a well . \n One night the fox went to the well , and the well was dry . The fox sat by"
    " the well and sang , and the garden slept . In the morning there was a river , and the king"
    " was glad . \n The river was long , the garden was green , and the fox was a king ."
).replace(" \n", "\n")
PROMPT = "A long long time ago,"


class Words:
    """Every word is a token, with the space before it."""

    def __init__(self, *extra: str) -> None:
        words = [*PROMPT.split(" "), *STORY.split(" "), *extra]
        spelled = [word if word[0] in ",.\n" else f" {word}" for word in words]
        self.names = list(dict.fromkeys(spelled))
        self.special_token_ids = frozenset()

    def token_text(self, token_id):
        return self.names[token_id]

    def encode(self, text, *, is_beginning):
        words = [f" {word}" if f" {word}" in self.names else word for word in text.split(" ")]
        return [self.names.index(word) for word in words if word]

    def state_after(self, token_ids):
        return DecodeState()

    def extend(self, state, token_id):
        return self.token_text(token_id), state


def story_run(settings: Settings | None = None, *extra: str) -> RecordedRun:
    """The story as greedy wrote it; each word is a little likelier than some other ones."""
    texts = Words(*extra)
    count = len(texts.names)
    story = texts.encode(STORY, is_beginning=False)
    rows = []
    for step, token_id in enumerate(story):
        row = [((at * 37 + step * 17) % 23) / 8 for at in range(count)]
        row[token_id] = max(row) + 0.3 + (step * 7 % 5) / 2
        rows.append(torch.tensor(row))
    run = run_of(
        rows,
        story,
        settings if settings is not None else Settings(max_new_tokens=200),
        context=tuple(texts.encode(PROMPT, is_beginning=True)),
    )
    start = run.start
    return RecordedRun(
        run.key,
        type(start)(
            start.context_token_ids,
            start.settings,
            start.eos_token_ids,
            start.seed,
            start.device,
            texts,
        ),
        run.token_ids,
        run.steps,
    )

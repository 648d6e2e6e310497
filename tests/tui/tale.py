"""A backend that plays a small tale with lifelike numbers, the same ones every time."""

from __future__ import annotations

import math
import random
import re
import threading
from collections.abc import Callable, Iterator

from core.backends.scripted import ScriptedBackend
from core.records.model_info import ModelInfo
from core.records.request import Request
from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    DroppedHypothesis,
    Event,
    Finished,
    Hypothesis,
    Started,
    TokenStep,
)

TALE = (
    " there lived a small grey cat named Mim. She had a house of stone by the river, and every"
    " evening she counted the boats that went down to the sea.\n\nOne day a boat came that nobody"
    ' had seen before. "Who are you?" asked Mim, and the captain, an old heron with a torn coat,'
    " said nothing at all; he only looked at the water"
)
TOKENS = tuple(re.findall(r" ?[A-Za-z]+|[^A-Za-z ]| ", TALE))
OTHERS = (" the", ",", " and", " a", "\n", " was", " of", ".", " in", " one")
INFO = ModelInfo("demo", "cpu", "float32", 3_400_000, 1024, 2048)


class TaleBackend(ScriptedBackend):
    """Tells the tale; ``gate`` decides when a step happens."""

    def __init__(self, gate: threading.Semaphore | None = None) -> None:
        super().__init__(TOKENS, step_gate=gate, info=INFO)

    def generate(self, request: Request, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        prompt_ids = tuple(range(len(request.prompt.split())))
        context = request.context_token_ids + prompt_ids
        yield Started(context, prompt_ids, 200, INFO.context_size, 0)
        dice = random.Random(7)  # noqa: S311 - a tale, no secret
        steps = self._beams(request, dice) if request.settings.num_beams > 1 else self._tokens(dice)
        done: list[TokenStep | BeamStep] = []
        for step in steps:
            while self._step_gate is not None and not self._step_gate.acquire(timeout=0.01):
                if is_cancelled():
                    break
            if is_cancelled():
                break
            done.append(step)
            yield step
        yield _finished(done, "cancelled" if is_cancelled() else "end_of_text")

    def _tokens(self, dice: random.Random) -> Iterator[TokenStep]:
        for index, text in enumerate(TOKENS):
            distribution, token = _weighed(dice, index, text)
            yield TokenStep(index, token, distribution, text, (index + 1) / 640)

    def _beams(self, request: Request, dice: random.Random) -> Iterator[BeamStep]:
        live: tuple[Hypothesis, ...] = ()
        for index in range(24):
            grown = [_grown(dice, live, index, n) for n in range(request.settings.num_beams + 2)]
            grown.sort(key=lambda one: -one.score)
            dropped = tuple(DroppedHypothesis(one, "score too low") for one in grown[-2:])
            ended = (live[1],) if index > 20 else ()
            live = tuple(grown[:-2])
            weighed = tuple(_weighed(dice, index, TOKENS[index])[0] for _ in live)
            yield BeamStep(index, live, ended, dropped, weighed, (index + 1) / 80)


def _weighed(dice: random.Random, index: int, text: str) -> tuple[Distribution, Candidate]:
    shares = sorted((dice.random() ** 2 + 0.001 for _ in range(5)), reverse=True)
    total = sum(shares) / (0.5 + 0.49 * dice.random())
    shares = [share / total for share in shares]
    kept = dice.randint(1, 5)
    place = dice.randint(0, kept - 1)
    texts = [OTHERS[(index + 3 * rank) % len(OTHERS)] for rank in range(5)]
    texts[place] = text
    candidates = tuple(
        Candidate(
            token_id=1000 * rank + index,
            text=texts[rank],
            logprob=math.log(shares[rank]),
            final_logprob=math.log(shares[rank] / sum(shares[:kept])) if rank < kept else None,
            rank=rank + 1,
            cut_by=None if rank < kept else "top_p",
        )
        for rank in range(5)
    )
    entropy = -sum(share * math.log2(share) for share in shares)
    if index % 11 == 10:  # now and then the chosen one is far down
        chosen = Candidate(9000 + index, text, math.log(0.003), math.log(0.004), 23)
        return Distribution(candidates, entropy, 31), chosen
    return Distribution(candidates, entropy, kept), candidates[place]


def _grown(
    dice: random.Random, live: tuple[Hypothesis, ...], index: int, number: int
) -> Hypothesis:
    parent = dice.choice((number, number, 0, 1)) % max(1, len(live))
    before = live[parent] if live else None
    text = TOKENS[index] if number < 3 else OTHERS[(index + number) % len(OTHERS)]
    token = Candidate(100 * number + index, text, -0.4 - 0.3 * number, -0.4, number + 1)
    score = (before.score if before else 0.0) + token.logprob
    ids = (*(before.token_ids if before else ()), token.token_id)
    whole = (before.text if before else "") + text
    return Hypothesis(ids, whole, score, score / len(ids), parent, token)


def _finished(done: list[TokenStep | BeamStep], reason: str) -> Finished:
    last = done[-1] if done else None
    if isinstance(last, BeamStep):
        best = last.hypotheses[0]
        return Finished("length", best.token_ids, best.text, 80.0, best.normalized_score)
    steps = [step for step in done if isinstance(step, TokenStep)]
    ids = tuple(step.token.token_id for step in steps)
    return Finished(reason, ids, "".join(step.text for step in steps), 640.0)  # type: ignore[arg-type]

"""What is measured: this program, and what else can run the same weights.

Must never compare: a run tells how long its steps took.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from core.backends.local import LocalBackend
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Event, Finished, Step

THREADS = torch.get_num_threads()
"""What torch takes by itself; everything but this program is given as many."""

MODES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "nucleus": {"do_sample": True, "top_k": 0, "top_p": 0.9},
    "5 beams": {"num_beams": 5},
}


@dataclass(frozen=True, slots=True)
class Timing:
    """One run: ``steps`` after the first one, which reads the prompt, took ``seconds``."""

    steps: int
    seconds: float

    @property
    def rate(self) -> float:
        """Steps per second."""
        return self.steps / self.seconds


def timing(ends: Sequence[float]) -> Timing:
    """Return the timing of a run whose steps ended at these times."""
    return Timing(len(ends) - 1, ends[-1] - ends[0])


class Contender(Protocol):
    """Something that continues a text."""

    name: str
    modes: tuple[str, ...]

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """Continue ``prompt`` by ``steps`` tokens."""
        ...


class Playground:
    """This program without its app: every step with its top five, entropy and text."""

    name = "gpt2-playground"
    modes: tuple[str, ...] = tuple(MODES)

    def __init__(
        self,
        folder: Path,
        dtype: str,
        device: str,
        engine: str = "auto",
        assistant: str = "auto",
    ) -> None:
        self.backend = LocalBackend(str(folder), device, dtype, engine, assistant)
        self.info = self.backend.load(lambda stage, share=None: None)
        loaded = self.backend._loaded
        if loaded is None:
            raise RuntimeError("load() has loaded nothing")
        self.loaded = loaded
        self.threads = torch.get_num_threads()
        self.accepted: dict[str, float] = {}
        """Of each mode's last run, the share of an assistant's guesses that came true."""

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``."""
        torch.set_num_threads(self.threads)
        settings = Settings(max_new_tokens=steps, **MODES[mode])
        ends: list[float] = []
        event: Event | None = None
        for event in self.backend.generate(Request("", settings, tuple(prompt)), bool):
            if isinstance(event, Step):
                ends.append(time.perf_counter())
        if isinstance(event, Finished) and event.drafted_tokens:
            self.accepted[mode] = event.accepted_share
        return timing(ends)


class Unassisted:
    """The same program and model, but its assistant is not asked."""

    name = "without its assistant"
    modes: tuple[str, ...] = ("greedy", "nucleus")

    def __init__(self, playground: Playground) -> None:
        self._playground = playground

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``."""
        model: Any = self._playground.loaded.model
        assistant, model._assistant = model._assistant, None
        try:
            return self._playground.run(mode, prompt, steps)
        finally:
            model._assistant = assistant


class PlaygroundApp:
    """This program as it is seen, on the same model; it is here where textual is."""

    name = "its app"
    modes: tuple[str, ...] = tuple(MODES)

    def __init__(self, playground: Playground) -> None:
        self._playground = playground

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``; the times are the model's own, which frames hold up."""
        from benchmarks.app_run import Lent, run_in_app

        torch.set_num_threads(self._playground.threads)
        settings = Settings(max_new_tokens=steps, **MODES[mode])
        backend = Lent(self._playground.backend, self._playground.info, prompt)
        done = asyncio.run(run_in_app(backend, "", settings))
        return timing([step.elapsed for step in done.steps])


class ModelAlone:
    """The same model and greedy choice, but nothing looked at or recorded: what steps cost."""

    name = "its model alone"
    modes: tuple[str, ...] = ("greedy",)

    def __init__(self, playground: Playground) -> None:
        self._model = playground.loaded.model
        self._threads = playground.threads

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``."""
        torch.set_num_threads(self._threads)
        times: list[float] = []
        self._model.rewind(0)
        logits = self._model.prefill(prompt)
        for _ in range(steps):
            token_id = int(torch.argmax(logits[0]))
            times.append(time.perf_counter())
            logits = self._model.decode([token_id])
        return timing(times)


class Generate:
    """transformers' ``generate()``."""

    name = "generate()"
    modes: tuple[str, ...] = tuple(MODES)

    def __init__(self, folder: Path, dtype: str, device: str) -> None:
        from transformers import AutoModelForCausalLM

        module: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
        self.module = module.to(device).eval()
        self.device = device

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``."""
        from transformers import StoppingCriteria, StoppingCriteriaList

        class Clock(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ANN401
                times.append(time.perf_counter())
                return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

        torch.set_num_threads(THREADS)
        inputs = torch.tensor([prompt], device=self.device)
        torch.manual_seed(1)
        times: list[float] = []
        with torch.inference_mode():
            self.module.generate(
                inputs,
                attention_mask=torch.ones_like(inputs),
                max_new_tokens=steps,
                pad_token_id=0,
                stopping_criteria=StoppingCriteriaList([Clock()]),
                **MODES[mode],
            )
        return timing(times)


class NotebookLoop:
    """The loop of the notebook that the playground grew out of: no cache, and a sort each step."""

    name = "notebook's loop"
    modes: tuple[str, ...] = ("greedy",)

    def __init__(self, generate: Generate) -> None:
        self._module, self._device = generate.module, generate.device

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``."""
        torch.set_num_threads(THREADS)
        input_ids = torch.tensor([prompt], device=self._device)
        times: list[float] = []
        with torch.no_grad():
            for _ in range(steps):
                logits = self._module(input_ids=input_ids).logits[0, -1, :]
                probabilities = torch.softmax(logits, dim=-1)
                sorted_ids = torch.argsort(probabilities, dim=-1, descending=True)
                [float(probabilities[sorted_ids[choice]].cpu()) for choice in range(5)]
                input_ids = torch.cat([input_ids, sorted_ids[None, 0, None]], dim=-1)
                times.append(time.perf_counter())
        return timing(times)


class CTranslate2:
    """CTranslate2 on the same weights, converted; it is here where the extra ``bench`` is."""

    name = "CTranslate2"
    modes: tuple[str, ...] = tuple(MODES)

    def __init__(self, folder: Path, dtype: str) -> None:
        import ctranslate2
        from tokenizers import Tokenizer

        converted = folder / "ctranslate2"
        if not converted.exists():
            converter = ctranslate2.converters.TransformersConverter(str(folder))
            converter.convert(str(converted))
        self._generator = ctranslate2.Generator(
            str(converted), compute_type=dtype, intra_threads=THREADS
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``; it hands out no steps of beams, so a run of one is subtracted."""
        tokens = [str(self._tokenizer.id_to_token(token_id)) for token_id in prompt]
        one, all_of_them = (self._seconds(mode, tokens, count) for count in (1, steps))
        return Timing(steps - 1, all_of_them - one)

    def _seconds(self, mode: str, tokens: list[str], steps: int) -> float:
        settings = MODES[mode]
        began = time.perf_counter()
        self._generator.generate_batch(
            [tokens],
            max_length=steps,
            min_length=steps,
            end_token=[],
            include_prompt_in_result=False,
            beam_size=settings.get("num_beams", 1),
            sampling_topk=settings.get("top_k", 1),
            sampling_topp=settings.get("top_p", 1.0),
        )
        return time.perf_counter() - began

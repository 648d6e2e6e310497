"""How fast, beside what else runs the same weights: ``python -m benchmarks.speed``.

Contenders take turns, so that whatever slows the machine slows all of them; medians are compared,
and their spread is told. Must never decide whether a test passes: machines differ.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm  # type: ignore[import-untyped]

from benchmarks.apart import Apart
from benchmarks.contenders import (
    THREADS,
    Contender,
    CTranslate2,
    Generate,
    ModelAlone,
    NotebookLoop,
    Playground,
    PlaygroundApp,
    Unassisted,
)
from benchmarks.fresh import first_token
from benchmarks.models import MODELS, make_model
from benchmarks.tables import report
from core.models.catalog import DEMO

PROMPT = [32, 890, 890, 640, 84, 11, 220]
"""As many tokens as ``A long long time ago, `` has."""

CONTEXTS = (100, 500, 1000)
DTYPES = {
    DEMO: ("float32",),
    "gpt2": ("float32", "bfloat16", "int8"),
    "gpt2-xl": ("bfloat16", "int8"),
}
STORED = {"int8": "bfloat16"}
"""In which dtype a model is saved, and run by what has no int8, where it is another one."""

STEPS = {DEMO: 900, "gpt2": 32, "gpt2-xl": 8}
"""The bundled model's runs are long because an app lays itself out at the beginning of each."""
PAUSE = 0.3
"""Seconds before each run: threads of the contender before may still look for work, on processors
that belong to this one now."""

CONTEXT_STEPS = 100
"""At most so many steps tell the rate at a length of context, which is in their middle."""


def bandwidth(device: str) -> float:
    """Return the bytes per second at which this machine reads a gigabyte: the best of ten."""
    numbers = torch.ones(2**28, dtype=torch.float32, device=device)
    best = 0.0
    for _ in range(10):
        began = time.perf_counter()
        numbers.sum().item()
        best = max(best, numbers.nbytes / (time.perf_counter() - began))
    return best


def measure(name: str, dtype: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one model in one dtype; return a JSON object."""
    stored = STORED.get(dtype, dtype)
    place = make_model(name, stored, folder)
    device = options.device
    playground = Playground(place, dtype, device, assistant=options.assistant)
    generate = Generate(place, stored, device)
    contenders: list[Contender] = [
        playground,
        ModelAlone(playground),
        generate,
        NotebookLoop(generate),
    ]
    if getattr(playground.loaded.model, "most_guesses", 0):
        contenders.append(Unassisted(playground))
    others, left_out = _others(playground, place, dtype, device)
    contenders += others
    steps = options.steps or STEPS[name]
    pairs = [(mode, one) for mode in playground.modes for one in contenders if mode in one.modes]
    bar = tqdm(total=options.rounds * (len(pairs) + len(CONTEXTS)), leave=False)
    rates: dict[str, dict[str, list[float]]] = {mode: {} for mode in playground.modes}
    by_context: dict[int, list[float]] = {context: [] for context in CONTEXTS}
    for round_number in range(options.rounds + 1):  # the first one warms up
        for mode, one in pairs:
            if round_number:
                bar.set_description(f"{name} {dtype} {mode}: {one.name}")
            time.sleep(PAUSE)
            found = one.run(mode, PROMPT, steps if round_number else 3).rate
            if round_number:
                rates[mode].setdefault(one.name, []).append(found)
                bar.update()
        for context in CONTEXTS if round_number else ():
            bar.set_description(f"{name} {dtype}: at context {context}")
            few = min(steps, CONTEXT_STEPS)
            prompt = [(7 * at) % 2000 for at in range(min(context, 1024 - few) - few // 2)]
            by_context[context].append(playground.run("greedy", prompt, few).rate)
            bar.update()
    bar.close()
    parameters = sum(tensor.numel() for tensor in generate.module.parameters())
    return {
        "model": name,
        "dtype": dtype,
        "stored_dtype": stored,
        "engine": playground.info.engine,
        "steps": steps,
        "weight_bytes": parameters * getattr(torch, dtype).itemsize,
        "rates": rates,
        "accepted": playground.accepted,
        "left_out": left_out,
        "by_context": {str(context): found for context, found in by_context.items()},
        "fresh": {
            Playground.name: first_token(Playground.name, place, dtype, device),
            Generate.name: first_token(Generate.name, place, stored, device),
        },
    }


def _others(
    playground: Playground, place: Path, dtype: str, device: str
) -> tuple[list[Contender], list[str]]:
    """Return the contenders whose packages are here, and why each of the rest is left out."""
    makers: list[tuple[str, tuple[str, ...], tuple[str, ...], Callable[[], Contender]]] = [
        (PlaygroundApp.name, ("textual",), (dtype,), lambda: PlaygroundApp(playground)),
        (
            CTranslate2.name,
            ("ctranslate2",),
            ("float32", "int8"),
            lambda: _ctranslate2(place, dtype),
        ),
        (
            "llama.cpp",
            ("llama_cpp", "gguf"),
            ("float32", "bfloat16", "int8"),
            lambda: _llama_cpp(place, is_quantised=dtype == "int8"),
        ),
    ]
    found: list[Contender] = []
    left_out: list[str] = []
    for name, packages, dtypes, make in makers:
        missing = [one for one in packages if importlib.util.find_spec(one) is None]
        if missing:
            left_out.append(f"{name}: {' and '.join(missing)} not installed")
        elif dtype not in dtypes or (device != "cpu" and name != PlaygroundApp.name):
            left_out.append(f"{name}: not measured in {dtype} on {device}")
        else:
            found.append(make())
    return found, left_out


def _ctranslate2(place: Path, dtype: str) -> Contender:
    return Apart(CTranslate2.name, CTranslate2.modes, partial(CTranslate2, place, dtype))


def _llama_cpp(place: Path, *, is_quantised: bool) -> Contender:
    from benchmarks.llama_cpp import LlamaCpp

    make = partial(LlamaCpp, place, is_quantised=is_quantised)
    return Apart(LlamaCpp.name, LlamaCpp.modes, make)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line names; write Markdown and JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--dtypes", nargs="+", help="instead of those that suit the processor")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--assistant", default="auto", help="auto, int8 or none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="tokens of a run")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {
        "machine": f"{platform.machine()}, {THREADS} threads",
        "device": torch.cuda.get_device_name() if "cuda" in options.device else "processor",
        "torch": torch.__version__,
        "bandwidth": bandwidth(options.device),
        "models": [],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in options.models:
            for dtype in options.dtypes or DTYPES[name]:
                results["models"].append(measure(name, dtype, Path(folder), options))
                (options.out / "speed.json").write_text(json.dumps(results, indent=1))
                (options.out / "speed.md").write_text(report(results))
    print(report(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())

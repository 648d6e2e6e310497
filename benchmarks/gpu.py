"""The GPU part of the benchmark: is it right there, how fast is it, and where does the time go?

``python -m benchmarks.gpu``; ``--device cpu --model tiny`` tries all of it without a GPU. What is
found is written after each part, so that what breaks off loses nothing. Must never run for longer
than ``--seconds`` by much: what there is no time for is left out, and the report says so.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from benchmarks.contenders import Contender
from benchmarks.gpu_checks import check, reference_module
from benchmarks.gpu_kernels import kernel_table, replay_seconds
from benchmarks.gpu_models import (
    GPU_MODELS,
    WAYS,
    EagerGenerate,
    Way,
    behind_all_ways,
    codec,
    random_module,
    ways_to_decode,
)
from benchmarks.gpu_tables import gpu_report
from benchmarks.speed import PROMPT, bandwidth
from core.models.gpt2.graph import compiled as gpt2_compiled
from core.models.gpt2.model import Gpt2Model

CONTEXTS = (100, 1000)


class Results:
    """What was found until now, on the disk too; and how much time is left."""

    def __init__(self, out: Path, seconds: float) -> None:
        self.found: dict[str, Any] = {"left_out": []}
        self._out, self._end = out, time.monotonic() + seconds
        out.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, value: object) -> None:
        """Keep a finding."""
        self.found[name] = value
        (self._out / "gpu.json").write_text(json.dumps(self.found, indent=1))
        (self._out / "gpu.md").write_text(gpu_report(self.found))

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Go on behind a part that breaks: what else there is to find was paid for too."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            self.found["left_out"].append(f"{what} ({type(error).__name__}: {str(error)[:200]})")

    def has_time(self, seconds: float, what: str) -> bool:
        """Whether there is time for something that takes about ``seconds``; else note it."""
        if time.monotonic() + seconds <= self._end:
            return True
        self.found["left_out"].append(what)
        return False


def say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


def machine(device: str) -> dict[str, Any]:
    is_cuda = device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name(device) if is_cuda else "processor",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "bandwidth": bandwidth(device),
    }


def run_checks(results: Results, options: argparse.Namespace, folder: Path) -> bool:
    """Check the bundled model in float32 every way; return whether all is right."""
    module = reference_module(options.device)
    texts = codec(module.config.vocab_size, folder)
    # Tiles change no result here, and trying them out would take the time of the measurements.
    tuned = dict(gpt2_compiled.OPTIONS)
    gpt2_compiled.OPTIONS["coordinate_descent_tuning"] = False
    checks: dict[str, Any] = {}
    try:
        for way, model, seconds in behind_all_ways(module, say):
            say(f"checking {way}, {model.kernel}, ready after {seconds:.1f} s")
            with results.part(f"the check of {way}"):
                checks[way] = check(model, module, texts, options.check_steps)
                results.put("checks", checks)
    finally:
        gpt2_compiled.OPTIONS.update(tuned)
    return all(way in checks and checks[way]["is_right"] for way in WAYS)


def run_rates(
    results: Results,
    options: argparse.Namespace,
    ways: Sequence[Way],
    generates: Sequence[EagerGenerate],
) -> None:
    """Measure every mode every way, in turns."""
    contenders: list[Contender] = list(ways)
    contenders += generates
    modes = generates[0].modes
    rates: dict[str, dict[str, list[float]]] = {mode: {} for mode in modes}
    for round_number in range(options.rounds + 1):  # the first one warms up
        if round_number > 1 and not results.has_time(60, f"rounds from {round_number} on"):
            break
        for mode in modes:
            for one in contenders:
                say(f"round {round_number}: {mode}, {one.name}")
                found = one.run(mode, PROMPT, options.steps if round_number else 8).rate
                if round_number:
                    rates[mode].setdefault(one.name, []).append(found)
        if round_number:
            results.put("rates", rates)


def run_contexts(results: Results, options: argparse.Namespace, ways: Sequence[Way]) -> None:
    """Measure greedy decoding around each context."""
    found: dict[str, dict[str, float]] = {}
    for one in ways:
        if not results.has_time(20, f"contexts of {one.name}"):
            continue
        found[one.name] = {}
        for context in CONTEXTS:
            prompt = [(7 * at) % 2000 for at in range(context - options.steps // 2)]
            steps = min(options.steps, 1024 - len(prompt))
            rates = sorted(one.run("greedy", prompt, steps).rate for _ in range(3))
            found[one.name][str(context)] = rates[1]
        results.put("contexts", found)


def run_kernels(
    results: Results, options: argparse.Namespace, models: dict[str, Gpt2Model]
) -> None:
    """Measure a step alone, and look at its kernels."""
    found: dict[str, Any] = {}
    for way, model in models.items():
        for rows in (1, 5):
            name = f"{way}, {rows} row{'s' if rows > 1 else ''}"
            if not results.has_time(20, f"kernels of {name}"):
                continue
            say(f"kernels: {name}")
            model.rewind(0)
            model.prefill([(7 * at) % 2000 for at in range(CONTEXTS[0])])
            if rows > 1:
                model.reorder([0] * rows)
            seconds = replay_seconds(model, rows)
            found[name] = {"replay_s": seconds, **kernel_table(model, rows, options.device)}
            results.put("kernels", found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, then measure; return 1 where a check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--model", choices=GPU_MODELS, default="gpt2-xl")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="tokens of a run")
    parser.add_argument("--check-steps", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=540.0)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args(arguments)
    torch.backends.cuda.enable_cudnn_sdp(enabled=False)  # as the app has it
    results = Results(options.out, options.seconds)
    results.put("machine", machine(options.device))
    with tempfile.TemporaryDirectory() as folder:
        is_right = run_checks(results, options, Path(folder))
        module = random_module(options.model, getattr(torch, options.dtype), options.device)
        texts = codec(module.config.vocab_size, Path(folder))
    models: dict[str, Gpt2Model] = {}
    ready: dict[str, Any] = {}
    ways: list[Way] = []
    for way, model, seconds in behind_all_ways(module, say):
        say(f"{way}: {model.kernel}, ready after {seconds:.1f} s")
        ready[way] = {"kernel": model.kernel, "seconds": seconds}
        models[way] = model
        ways += [Way(f"{way}, {name}", one, texts) for name, one in ways_to_decode(model).items()]
    weights = sum(tensor.nbytes for tensor in module.parameters())
    results.put("model", {"name": options.model, "dtype": options.dtype, "bytes": weights})
    results.put("ready", ready)
    with results.part("rates"):
        both = [EagerGenerate(module, options.device, has_cudnn=one) for one in (True, False)]
        run_rates(results, options, ways, both)
    with results.part("kernels"):
        run_kernels(results, options, models)
    with results.part("contexts"):
        run_contexts(results, options, ways)
    results.put("is_right", is_right)
    print(gpu_report(results.found))
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())

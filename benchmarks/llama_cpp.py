"""llama.cpp on the same weights, through llama-cpp-python: here where the extra ``bench`` is.

Must never be compared before its logits are: they tell whether it runs the same model.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.contenders import MODES, THREADS, Timing, timing
from benchmarks.gguf_file import write_gguf

_CONTEXT = 1024


class LlamaCpp:
    """Greedy and nucleus: its Python interface has no beam search."""

    name = "llama.cpp"
    modes: tuple[str, ...] = ("greedy", "nucleus")

    def __init__(self, folder: Path, *, is_quantised: bool = False) -> None:
        self._llama = open_llama(folder, is_quantised=is_quantised)

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``."""
        settings = MODES[mode]
        draws = self._llama.generate(
            prompt,
            temp=1.0 if settings.get("do_sample") else 0.0,
            top_k=settings.get("top_k", 0),
            top_p=settings.get("top_p", 1.0),
            min_p=0.0,
            repeat_penalty=1.0,
        )
        times: list[float] = []
        for _, _token in zip(range(steps), draws, strict=False):
            times.append(time.perf_counter())
        return timing(times)


def open_llama(folder: Path, *, all_logits: bool = False, is_quantised: bool = False) -> Any:  # noqa: ANN401 - untyped library
    """Return the model in ``folder``, converted when it is first asked for."""
    from llama_cpp import Llama

    path = folder / ("model-q8_0.gguf" if is_quantised else "model.gguf")
    if not path.exists():
        write_gguf(folder, path, is_quantised=is_quantised)
    return Llama(
        str(path),
        n_ctx=_CONTEXT,
        n_threads=THREADS,
        n_threads_batch=THREADS,
        # Several q8_0 rows at once end its process where the processor has matrix tiles; how a
        # prompt is read is not measured.
        n_batch=1 if is_quantised else 512,
        logits_all=all_logits,
        verbose=False,
    )


def logits(folder: Path, token_ids: list[int]) -> torch.Tensor:
    """Return its logits after each of ``token_ids``, shape (n, vocabulary), float32."""
    llama = open_llama(folder, all_logits=True)
    llama.eval(token_ids)
    return torch.from_numpy(np.array(llama.scores[: len(token_ids)]))

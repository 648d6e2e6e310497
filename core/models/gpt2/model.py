"""The GPT-2 family on its fast path, behind the contract of ``base``.

Must never choose a token, nor import transformers. The native kernel runs the steps where there
is one; plain torch runs everything else, long prompts first of all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

import torch

from core.models.gpt2.assistant import MOST_GUESSES, Assistant, why_no_room
from core.models.gpt2.cache import KeyValueCache
from core.models.gpt2.config import Gpt2Config
from core.models.gpt2.graph.compiled import is_wanted
from core.models.gpt2.graph.recording import Capture, capture_on_gpu
from core.models.gpt2.kernel.steps import NativeStep
from core.models.gpt2.prefill import Gpt2Reader
from core.models.gpt2.torch_steps import TorchStep
from core.models.gpt2.weights import Gpt2Weights

_MOST_RUN_ON = 64
_RUN_ON_BYTES = 2**29
"""How far a small model runs on: as many steps as read so many bytes of weights, some 10 to 20 ms.

Meanwhile an app can paint; with fewer, the model would wait for each of its frames. With more, it
would go on for longer where nobody wants it any more.
"""


class Gpt2Model:
    """A GPT-2 with a cache of its own; see ``CausalModel``.

    With ``is_native`` false, plain torch runs them, whatever there is; else ``threads``, as many as
    torch has if nobody says, run them in the kernel. ``capture`` records steps as
    graphs, as is the rule on a GPU, and ``is_compiled`` has them compiled before, as is done there
    where it was asked for. ``report`` is told what is being prepared.
    """

    def __init__(
        self,
        weights: Gpt2Weights,
        config: Gpt2Config,
        *,
        is_native: bool = True,
        threads: int | None = None,
        capture: Capture | None = None,
        is_compiled: bool | None = None,
        report: Callable[[str], None] = lambda stage: None,
    ) -> None:
        self._weights = weights
        self._config = config
        self._cache = KeyValueCache(config, self.device, weights.cache_dtype)
        self._rows: list[list[int]] = [[]]
        self._is_ahead = False
        obstacle = "torch was asked for"
        if is_native:
            obstacle = NativeStep.why_not(self.device, weights.tokens.dtype, config)
        self._torch = TorchStep(weights, config, obstacle)
        self._native = None if obstacle else NativeStep(weights, config, threads=threads)
        self._is_int8 = weights.tokens.dtype == torch.int8
        if self._is_int8 and obstacle:
            raise ValueError(f"int8 weights are for the native kernel alone: {obstacle}")
        self._reader = Gpt2Reader(weights, config, self._native, self._torch)
        self._assistant: Assistant | None = None
        self._beside: Gpt2Model | None = None
        is_cuda = self.device.type == "cuda"
        if capture is None and is_cuda:
            capture = capture_on_gpu
        if capture is not None:
            if is_compiled is None:
                is_compiled = is_cuda and is_wanted()
            self._cache = self._torch.record(capture, report, is_compiled=is_compiled)

    @property
    def kernel(self) -> str:
        """What runs a step, and why nothing quicker does."""
        return "native" if self._native else self._torch.kernel

    @property
    def engine(self) -> str:
        """See ``CausalModel``."""
        return f"fast, {self.kernel}{', int8 assistant' if self._assistant else ''}"

    @property
    def device(self) -> torch.device:
        """See ``CausalModel``."""
        return self._weights.tokens.device

    @property
    def context_size(self) -> int:
        """See ``CausalModel``."""
        return self._config.n_positions

    @property
    def vocabulary_size(self) -> int:
        """See ``CausalModel``."""
        return self._config.vocab_size

    @property
    def eos_token_ids(self) -> tuple[int, ...]:
        """See ``CausalModel``."""
        return self._config.eos_token_ids

    @property
    def bos_token_id(self) -> int | None:
        """See ``CausalModel``."""
        return self._config.bos_token_id

    @property
    def rows(self) -> Sequence[Sequence[int]]:
        """See ``CausalModel``."""
        return self._rows

    def prefill(self, token_ids: Sequence[int]) -> torch.Tensor:
        """See ``CausalModel``."""
        self._check(token_ids)
        logits = self._reader.read(self._cache, token_ids)
        self._rows[0].extend(token_ids)
        return logits

    def decode(self, token_ids: Sequence[int]) -> torch.Tensor:
        """See ``CausalModel``."""
        self._check(token_ids)
        if self._native:
            self._cache.make_room(1)
            logits = self._native.decode(self._cache, token_ids)
        else:
            logits = self._torch.decode(self._cache, token_ids)
        for row, token_id in zip(self._rows, token_ids, strict=True):
            row.append(token_id)
        return logits

    @property
    def most_run_on(self) -> int:
        """See ``RunsOn``."""
        if self._native is None or not self._native.is_short:
            return 0
        return min(_MOST_RUN_ON, _RUN_ON_BYTES // self._native.step_bytes)

    def run_on(self, token_id: int, count: int) -> tuple[torch.Tensor, list[int]]:
        """See ``RunsOn``."""
        if self._native is None:
            raise ValueError(f"{self.kernel} does not run on by itself")
        self._check([token_id])
        self._check_room(count + 1)
        self._cache.make_room(count + 1)
        logits, chosen = self._native.run_on(self._cache, token_id, count)
        self._rows[0] += [token_id, *chosen]
        return logits, chosen

    @property
    def looks_ahead(self) -> bool:
        """See ``LooksAhead``."""
        return self._native is None and (self._torch.is_recorded or self.device.type == "cuda")

    def decode_ahead(self, token_id: torch.Tensor) -> torch.Tensor:
        """See ``LooksAhead``."""
        self._check_room(1)
        logits = self._torch.decode(self._cache, token_id)
        self._is_ahead = True
        # A recorded step writes where it wrote the last one's, which may not have been read yet.
        return logits.clone() if self._torch.is_recorded else logits

    def settle(self, token_id: int | None) -> None:
        """See ``LooksAhead``."""
        if not self._is_ahead:
            return
        self._is_ahead = False
        if token_id is None:
            self._cache.take_back()
        else:
            self._rows[0].append(token_id)

    def why_no_assistant(self, *, is_wanted: bool) -> str:
        """Return why an assistant is out of the question; empty where it is not.

        ``is_wanted`` says that somebody asked for one.
        """
        if self._native is None:
            return f"it needs the native kernel, and {self.kernel} runs the model"
        if self._is_int8:
            return "the model itself is in int8"
        return why_no_room(self._weights, is_wanted=is_wanted)

    def take_assistant(self, *, only_if_it_pays: bool) -> bool:
        """Make an assistant, and keep it unless it does not pay; return whether there is one now.

        The model must be empty, as it is at first.

        Raises:
            ValueError: ``why_no_assistant`` has something against it.
        """
        if self._native is None or self._is_int8:
            raise ValueError(self.why_no_assistant(is_wanted=True))
        with self._torch.all_threads():
            assistant = Assistant(self._native, self._weights, self._config)
        if not only_if_it_pays or assistant.pays(self._cache):
            self._assistant = assistant
        return self._assistant is not None

    @property
    def most_guesses(self) -> int:
        """See ``TakesGuesses``."""
        return MOST_GUESSES if self._assistant else 0

    def guess(self, token_id: int) -> torch.Tensor:
        """See ``TakesGuesses``."""
        self._check([token_id])
        return self._assisting().guess(self._cache, token_id)

    def check(self, token_ids: Sequence[int]) -> torch.Tensor:
        """See ``TakesGuesses``."""
        self._cache.length = len(self._rows[0])
        self._check(token_ids)
        logits = self._assisting().check(self._cache, token_ids)
        self._rows[0].extend(token_ids)
        return logits

    def _assisting(self) -> Assistant:
        if self._assistant is None:
            raise ValueError("the model has no assistant")
        return self._assistant

    def reorder(self, parents: Sequence[int]) -> None:
        """See ``CausalModel``."""
        if list(parents) == list(range(len(self._rows))):
            return
        if len(parents) == 1:
            self._cache.keep(parents[0], self._cache.length)
        else:
            self._cache.reorder(parents)
        self._rows = [list(self._rows[parent]) for parent in parents]

    def rewind(self, length: int, row: int = 0) -> int:
        """See ``CausalModel``."""
        if length or self._torch.is_recorded:
            self._cache.keep(row, length)
        else:
            self._cache.clear()  # what a long text took is given back
        self._rows = [self._rows[row][:length]]
        return length

    def reset(self) -> None:
        """See ``CausalModel``."""
        self._cache.clear()
        self._torch.forget()
        self._rows, self._is_ahead = [[]], False
        self._beside = None

    def beside(self) -> Gpt2Model:
        """See ``SharesWeights``; it is kept, so that on a GPU its step is recorded only once."""
        if self._beside is None:
            is_native = self._native is not None
            self._beside = Gpt2Model(self._weights, self._config, is_native=is_native)
        self._beside.rewind(0)
        return self._beside

    def all_logits(self, token_ids: Sequence[int]) -> Iterator[torch.Tensor]:
        """Yield the logits after each of ``token_ids``, in pieces of shape (n, vocabulary).

        They are float32. The text is read anew, beside the rows, which stay as they are.
        """
        return self._reader.all_logits(token_ids)

    @property
    def is_rounded(self) -> bool:
        """See ``ReadsBySteps``."""
        return self._reader.is_rounded

    def logits_by_steps(self, token_ids: Sequence[int], begin: int) -> Generator[torch.Tensor]:
        """See ``ReadsBySteps``."""
        return self._reader.by_steps(token_ids, begin)

    def release_threads(self) -> None:
        """Leave torch one thread between long prompts, where the kernel has threads of its own.

        After each operation torch's threads wait busily for the next one, on the very processors
        that the kernel's then need.
        """
        if self._native:
            torch.set_num_threads(1)

    def _check(self, token_ids: Sequence[int]) -> None:
        """Refuse what would read or write beyond a tensor: the kernel does not look."""
        if len(token_ids) == 0 or not 0 <= min(token_ids) <= max(token_ids) < self.vocabulary_size:
            raise ValueError(f"token ids must be from 0 to below {self.vocabulary_size}")
        self._check_room(len(token_ids) if self._cache.rows == 1 else 1)

    def _check_room(self, count: int) -> None:
        if self._cache.length + count > self.context_size:
            raise ValueError(f"a row holds at most {self.context_size} tokens")

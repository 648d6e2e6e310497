"""All that stays the same while one request runs, and its clock.

Must never choose a token: ``choosers`` and ``beams`` do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from core.decoding.guiding import Guide
from core.decoding.recording import record_step
from core.decoding.stopping import StopRule
from core.decoding.token_texts import ends_of_text
from core.decoding.weighing.processors import NamedProcessor
from core.decoding.weighing.step import Weighed, weigh
from core.models.base import CausalModel
from core.records.decode_state import DecodeState
from core.records.recorded_run import RunRecorder, RunStart
from core.records.settings import Settings
from core.records.steps import Finished, FinishReason, Started
from core.text.codec import TextCodec
from core.text.token_ids import common_length

_NO_TOKENS = torch.empty((0, 0), dtype=torch.int64, device="meta")


@dataclass(slots=True)
class Run:
    """A request made ready: where it starts, what changes its scores, what ends it.

    ``token_ids`` and ``text`` are what the run has written that nobody need choose any more, such
    as the tokens that a person put first; ``state`` is where the document stands behind them. What
    follows is chosen as if all that were its prompt: at most ``most_tokens``. ``forced_tokens`` is
    how many of them the settings count as prompt too.

    ``settings`` have token ids where they may have texts; ``guide`` is there where they ask for
    one. ``reusable`` is the beginning of the document that the cache may have from before.

    ``drafted_tokens`` counts what an assistant has guessed, ``accepted_tokens`` what of it came.
    """

    model: CausalModel
    codec: TextCodec
    settings: Settings
    started: Started
    reusable: tuple[int, ...]
    processors: list[NamedProcessor]
    stop_rule: StopRule
    generator: torch.Generator
    most_tokens: int
    state: DecodeState
    recorder: RunRecorder | None = None
    skip_special_tokens: bool = True
    forced_tokens: int = 0
    guide: Guide | None = None
    token_ids: tuple[int, ...] = ()
    text: str = ""
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    _began: float = field(default_factory=time.perf_counter)
    _ticks: list[float] = field(default_factory=list)

    @property
    def context(self) -> tuple[int, ...]:
        """All that stands before the next token that is to be chosen, as token ids."""
        return self.started.context_token_ids + self.token_ids

    @property
    def prompt_length(self) -> int:
        """How many tokens stand before the first one that settings count as new."""
        started = self.started
        return len(started.context_token_ids) + self.forced_tokens - started.counted

    @property
    def eos_token_ids(self) -> tuple[int, ...]:
        """The tokens that end the text: those of the settings, else those of the model."""
        return ends_of_text(self.settings, self.model.eos_token_ids)

    def write(self, token_ids: Sequence[int]) -> list[str]:
        """Put tokens behind what is written; return the text that each adds."""
        texts: list[str] = []
        for token_id in token_ids:
            text, self.state = self.extend(self.state, token_id)
            texts.append(text)
        self.token_ids += tuple(token_ids)
        self.text += "".join(texts)
        self.stop_rule = replace(self.stop_rule, context_token_ids=self.context)
        return texts

    def extend(self, state: DecodeState, token_id: int) -> tuple[str, DecodeState]:
        """Return what a token adds to the text that is asked for; see ``TextCodec.extend``."""
        skips = self.skip_special_tokens
        return self.codec.extend(state, token_id, skip_special_tokens=skips)

    def is_special(self, token_id: int) -> bool:
        """Whether a token is one that marks something, such as the end of a text."""
        return token_id in self.codec.special_token_ids

    def keep_row(self) -> None:
        """Go on from the model's only row, which holds a beginning of ``context``."""
        self.reusable = self.context

    def prefill(self) -> torch.Tensor:
        """Run the model over what it has not seen of the document.

        Returns:
            The logits of the first new token, shape (1, vocabulary), float32.
        """
        reused, row = self._reused()
        kept = self.model.rewind(reused, row)
        return self.model.prefill(self.context[kept:])

    def _reused(self) -> tuple[int, int]:
        """Return how many tokens of ``reusable`` a row of the cache holds, and which row.

        A new document never reuses the old one's cache: rounding differs between one pass over a
        prompt and several, and the same seed must give the same tokens whatever ran before.
        """
        best, best_row = 0, 0
        for row, cached in enumerate(self.model.rows):
            length = common_length(self.reusable, cached)
            if length > best:
                best, best_row = length, row
        return min(best, len(self.context) - 1), best_row

    def weigh(
        self, logits: torch.Tensor, rows: Sequence[Sequence[int]], *, ranked: int = 1
    ) -> Weighed:
        """Weigh a next token for each row of generated tokens; ``logits`` has a row for each.

        ``ranked`` is how many of the likeliest tokens its ``final`` names, at least.
        """
        context = self.context
        if any(processor.reads_tokens for processor in self.processors):
            token_ids = torch.tensor(
                [[*context, *row] for row in rows], dtype=torch.int64, device=logits.device
            )
        else:
            token_ids = self.unread_tokens(len(rows), len(context) + len(rows[0]))
        return weigh(
            logits,
            token_ids,
            self.processors,
            self.codec.token_text,
            beams=self.settings.num_beams > 1,
            ranked=ranked,
        )

    def unread_tokens(self, rows: int, length: int) -> torch.Tensor:
        """Return what stands for token ids that no processor reads: a shape without numbers."""
        if not self.processors:
            return _NO_TOKENS
        return torch.empty((rows, length), dtype=torch.int64, device="meta")

    def begin_recording(self) -> None:
        """Tell the recorder, if there is one, what the run begins from."""
        if self.recorder is None:
            return
        start = RunStart(
            context_token_ids=self.started.context_token_ids,
            settings=self.settings.without_beams(),  # steps are recorded of single texts
            eos_token_ids=self.model.eos_token_ids,
            seed=self.started.seed,
            device=str(self.generator.device),
            texts=self.codec,
            forced_tokens=self.forced_tokens,
            drawn=self.started.drawn,
            counted=self.started.counted,
        )
        self.recorder.begin(start)

    def dice(self) -> torch.Tensor | None:
        """Return the generator's state for the recorder, ``None`` where nobody will ask for it."""
        if self.recorder is None or not self.settings.do_sample:
            return None
        return self.generator.get_state()

    def record(
        self,
        logits: torch.Tensor,
        token_id: int,
        dice: torch.Tensor | None = None,
        *,
        is_forced: bool = False,
    ) -> None:
        """Hand a step to the recorder, if there is one; ``dice`` is from before the draw."""
        if self.recorder is not None:
            without = self.guide.last if self.guide is not None else None
            self.recorder.add(record_step(logits, token_id, dice, without, is_forced=is_forced))

    def tick(self) -> float:
        """Mark the end of a step; return the seconds since the run began."""
        self._ticks.append(time.perf_counter() - self._began)
        return self._ticks[-1]

    def finished(
        self,
        reason: FinishReason,
        token_ids: Sequence[int],
        text: str,
        score: float | None = None,
    ) -> Finished:
        """Return the run's last record."""
        return Finished(
            reason,
            tuple(token_ids),
            text,
            self._tokens_per_second(),
            score,
            drafted_tokens=self.drafted_tokens,
            accepted_tokens=self.accepted_tokens,
        )

    def _tokens_per_second(self) -> float:
        """The rate of steps after the first, which reads the prompt; of that one if alone."""
        if not self._ticks:
            return 0.0
        if len(self._ticks) == 1:
            return 1.0 / self._ticks[0]
        return (len(self._ticks) - 1) / (self._ticks[-1] - self._ticks[0])

"""The seam between a generation and whoever shows it.

Must never import torch: the app and its tests hold a backend without loading a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from core.presets.book import Preset
from core.records.comparison import ColumnEvent
from core.records.model_info import ModelInfo
from core.records.model_report import ModelReport
from core.records.outlook import Growth, Reach
from core.records.progress import Report
from core.records.prompt_tokens import PromptToken
from core.records.recorded_run import RunRecorder, TokenTexts, WrittenRun
from core.records.request import Request
from core.records.scores import Scorable, ScoredText, WrittenTokens
from core.records.steps import Event


class Backend(Protocol):
    """Something that turns requests into events.

    All calls come from one thread, but for ``prompt_tokens``, ``token_texts`` and ``inspect``: any
    thread may call these once ``load`` has returned, also while a run goes on.
    """

    def load(self, report: Report) -> ModelInfo:
        """Make ready, telling ``report`` what is happening.

        Raises:
            PlaygroundError: The model cannot be had; the sentence says what to do.
        """
        ...

    def generate(self, request: Request, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Yield ``Started``, then steps, then exactly one ``Finished``.

        Before that, a run by hand that can be gone on with yields one ``NextToken``.

        ``is_cancelled`` is asked before every step.

        Raises:
            PlaygroundError: The request cannot be run; raised before ``Started``.
        """
        ...

    def compare(
        self, requests: Sequence[Request], is_cancelled: Callable[[], bool]
    ) -> Iterator[ColumnEvent]:
        """Run ``requests`` side by side, each a column: as many at once as share a prompt.

        Yields for each column what ``generate`` yields for its request alone, the last a
        ``Finished``, which says so where that one cannot be run; see ``ColumnEvent``.

        ``is_cancelled`` is asked before every step.

        Raises:
            PlaygroundError: There is not enough memory, or no model; it ends all columns.
        """
        ...

    def score(
        self,
        text: Scorable | WrittenTokens,
        presets: Sequence[Preset],
        is_cancelled: Callable[[], bool],
    ) -> ScoredText:
        """Score a text or a document by itself, and ask of each preset if it could write it.

        Token ids are scored as they are, without the token that an empty prompt begins with. Of
        ``WrittenTokens``, presets are asked of what a run wrote behind its prompt.

        What is generated afterwards is the same as without it. Where ``is_cancelled`` says so, the
        tokens scored until then are returned, without verdicts.

        Raises:
            PlaygroundError: ``text`` is empty, not valid Unicode or longer than the model's
                context, or there is not enough memory.
        """
        ...

    def outlook(
        self, request: Request, reach: Reach, is_cancelled: Callable[[], bool]
    ) -> Iterator[Growth]:
        """Yield what ``request`` could write within ``reach``, the likeliest texts first.

        Its beams are ignored. What is generated afterwards is the same as without it. Where
        ``is_cancelled`` says so it ends early.

        Raises:
            PlaygroundError: The request cannot be run, its settings leave no probabilities, or
                there is not enough memory.
        """
        ...

    def read_again(
        self, run: WrittenRun, recorder: RunRecorder, is_cancelled: Callable[[], bool]
    ) -> float:
        """Read a run again, so that its logits are recorded as they were when it was written.

        What is generated afterwards is the same as without it. Where ``is_cancelled`` says so it
        ends early.

        Returns:
            By how much a probability differs at most from what was told then, 0 to 1.

        Raises:
            PlaygroundError: The model cannot read it, or there is not enough memory.
        """
        ...

    def token_texts(self) -> TokenTexts | None:
        """Return what names the model's tokens; ``None`` where nothing does. Any thread may ask."""
        ...

    def prompt_tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        """Return the tokens that a run would make of the prompt ``text``.

        ``is_beginning`` says that no document stands before it; some tokenizers then add a token.

        Raises:
            PlaygroundError: No model is loaded, or ``text`` is not valid Unicode.
        """
        ...

    def inspect(self) -> ModelReport:
        """Look into the model that runs, without reading a weight; this can take seconds.

        Raises:
            PlaygroundError: No model is loaded, or its files cannot be used any more.
        """
        ...

    def close(self) -> None:
        """Release the model and its memory."""
        ...

"""The seam between a generation and whoever shows it.

Must never import torch: the app and its tests hold a backend without loading a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from core.looking_back.logits_store import RunRecorder
from core.models.catalog import ModelOrigin
from core.presets.book import Preset
from core.records.chat import ChatFormat, Message
from core.records.model_report import ModelReport
from core.records.prompt_tokens import PromptToken
from core.records.scores import Scorable, ScoredText, WrittenTokens
from core.records.settings import Settings
from core.records.steps import Event


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a person should know of the model that answers.

    ``context_size`` is ``None`` where the model has no limit. ``device`` and ``dtype`` are torch's
    names; ``placement`` says why these. ``note`` says why this model runs where nobody asked for it
    by name, or what is odd about its files. ``stands_in_for`` names the model that would have run
    if it were here. Token ids mean the same text under two models of one
    ``tokenizer_fingerprint``. ``engine`` is a phrase: what runs the model. ``own_settings`` are
    those that the model's own files ask for and nobody uses, as texts. ``origin`` is where the
    model lies, empty where that is not known; ``revision`` is the commit of the hub's repository
    that the weights are of, where they are in the cache.
    """

    name: str
    device: str
    dtype: str
    parameters: int
    context_size: int | None
    vocabulary_size: int
    placement: str = ""
    note: str = ""
    stands_in_for: str = ""
    tokenizer_fingerprint: str = ""
    engine: str = ""
    own_settings: tuple[str, ...] = ()
    origin: ModelOrigin | Literal[""] = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One run: the document's token ids, the text to append to them, and how to decode.

    ``context_token_ids`` are the document so far, as generated, never re-encoded. With a ``chat``,
    the run writes an answer and ends as that says. ``messages`` are then the whole conversation,
    the context is not used, and ``prompt`` is how the answer begins; without messages, context and
    prompt hold all that. ``recorder``, where given, keeps the raw logits of each token step for
    looking back; of beams, only what they begin from.

    ``forced`` is what a person puts first: token ids, or a text, which become the run's first
    steps. They count for no length that the settings ask for.

    ``most_drawn`` is how many tokens the settings choose in a run that a person writes by hand, 0
    or more; ``None`` in any other. Such a run has no other limit than the context, and weighs the
    token after its end. ``written_token_ids`` are those that it has written already, behind the
    context; ``drawn`` of them were drawn by the dice of the settings' seed.

    ``skip_special_tokens`` leaves the texts of special tokens out of all texts, as transformers'
    ``decode()`` does; nothing else depends on it.
    """

    prompt: str
    settings: Settings
    context_token_ids: tuple[int, ...] = ()
    messages: tuple[Message, ...] = ()
    chat: ChatFormat | None = None
    forced: Scorable = ()
    most_drawn: int | None = None
    written_token_ids: tuple[int, ...] = ()
    drawn: int = 0
    skip_special_tokens: bool = True
    recorder: RunRecorder | None = field(default=None, compare=False, repr=False)


class Report(Protocol):
    """Takes news of a long task: a short word on what happens, and the share done, 0 to 1."""

    def __call__(self, stage: str, share: float | None = None, /) -> None:
        """Tell ``stage`` to a person; ``share`` is ``None`` where nobody knows."""


class Backend(Protocol):
    """Something that turns requests into events.

    All calls come from one thread, but for ``prompt_tokens`` and ``inspect``, which any thread may
    call once ``load`` has returned, also while a run goes on.
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

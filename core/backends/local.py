"""The backend that runs a model in this process.

Must never import torch before ``load`` is called: the app holds a backend before its first paint.
"""

from __future__ import annotations

import dataclasses
import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from core.records.comparison import ColumnEvent
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.progress import Report
from core.records.request import Request
from core.records.steps import EngineChanged, Event, Finished, Started

if TYPE_CHECKING:
    from core.models.chat_prompt import ChatPrompts
    from core.models.loading import LoadedModel
    from core.presets.book import Preset
    from core.records.model_report import ModelReport
    from core.records.outlook import Growth, Reach
    from core.records.prompt_tokens import PromptToken
    from core.records.recorded_run import RunRecorder, TokenTexts, WrittenRun
    from core.records.scores import Scorable, ScoredText, WrittenTokens

_BUILDING = threading.Lock()
"""Held while transformers builds a module: it changes torch's default dtype for the whole process
meanwhile, and two at once would put back each other's."""


class LocalBackend:
    """Runs one model of this machine; see ``Backend``.

    ``model`` is a name or folder, ``None`` for gpt2-xl where it is here, else the bundled model.
    ``device`` and ``dtype`` are torch's names or ``auto``; ``engine`` is ``auto``, ``fast`` or
    ``transformers``; ``assistant`` is ``auto``, ``int8`` or ``none``. ``stands_in_for`` names the
    model that was asked for, where this one runs because that is not here yet.
    """

    def __init__(
        self,
        model: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        engine: str = "auto",
        assistant: str = "auto",
        *,
        stands_in_for: str = "",
    ) -> None:
        self._name = model
        self._stands_in_for = stands_in_for
        self._device = device
        self._dtype = dtype
        self._engine = engine
        self._assistant = assistant
        self._loaded: LoadedModel | None = None
        self._engine_told = ""
        self._chat: ChatPrompts | None = None

    def load(self, report: Report) -> ModelInfo:
        """See ``Backend``."""
        from core.models.catalog import DEMO, PREFERRED, default_model, find_model, namesake
        from core.models.files.own_settings import own_settings
        from core.models.sandbox.tokenizer import prepare

        name = self._name or default_model()
        found = find_model(name)  # a name that is not here is told before torch is imported
        prepare(found.folder)
        report("starting torch")
        from core.models.fingerprint import weights_fingerprint
        from core.models.loading import load_model

        with _BUILDING:
            loaded = load_model(
                found.name, self._device, self._dtype, report, self._engine, self._assistant
            )
        self._loaded, self._engine_told = loaded, loaded.engine
        _spare_collections()
        missing = self._stands_in_for
        if self._name is None and name == DEMO:
            missing = PREFERRED
        why = f"{missing} is not on this machine; the bundled model runs" if missing else ""
        notes = (why or loaded.note, namesake(name))
        return ModelInfo(
            name=found.name,
            device=str(loaded.placement.device),
            dtype=str(loaded.placement.dtype).removeprefix("torch."),
            parameters=loaded.parameters,
            context_size=loaded.model.context_size,
            vocabulary_size=loaded.model.vocabulary_size,
            placement=loaded.placement.reason,
            note="; ".join(note for note in notes if note),
            stands_in_for=missing,
            tokenizer_fingerprint=loaded.tokenizer_fingerprint,
            engine=loaded.engine,
            own_settings=own_settings(found.folder),
            origin=found.origin,
            revision=found.revision,
            weights_fingerprint=weights_fingerprint(found.folder),
        )

    def generate(self, request: Request, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        """See ``Backend``."""
        from core.backends.out_of_memory import guarded

        if self._loaded is None:
            raise RuntimeError("load() comes first")
        loaded = self._loaded
        for event in guarded(loaded.model, self._events(loaded, request, is_cancelled)):
            yield from self._change(loaded)
            yield event

    def compare(
        self, requests: Sequence[Request], is_cancelled: Callable[[], bool]
    ) -> Iterator[ColumnEvent]:
        """See ``Backend``."""
        from core.backends.comparing import column_events
        from core.backends.out_of_memory import guarded

        loaded = self._ready()
        events = column_events(loaded, requests, self._ready_request, is_cancelled)
        for told in guarded(loaded.model, events):
            yield from (ColumnEvent(told.column, one) for one in self._change(loaded))
            yield told

    def _change(self, loaded: LoadedModel) -> Iterator[EngineChanged]:
        """Tell before an event that something else has run the model since the one before."""
        if loaded.engine != self._engine_told:
            self._engine_told = loaded.engine
            yield EngineChanged(loaded.engine)

    def _events(
        self, loaded: LoadedModel, request: Request, is_cancelled: Callable[[], bool]
    ) -> Iterator[Event]:
        from core.models.sandbox.process import StoppedError, confined

        events = self._run_events(loaded, request, is_cancelled)
        try:
            # Whoever takes the events may do other things between them, or run another generator.
            with confined().while_wanted(is_cancelled):
                first = next(events)
        except StoppedError:
            yield Finished("cancelled", (), "", 0.0, detail="stopped before the run began")
            return
        yield first
        yield from events

    def _run_events(
        self, loaded: LoadedModel, request: Request, is_cancelled: Callable[[], bool]
    ) -> Iterator[Event]:
        from core.decoding.engine import generate

        request, dropped = self._ready_request(loaded, request)
        for event in generate(loaded.model, loaded.codec, request, is_cancelled):
            if isinstance(event, Started):
                yield dataclasses.replace(event, dropped_turns=dropped)
            else:
                yield event

    def _ready_request(self, loaded: LoadedModel, request: Request) -> tuple[Request, int]:
        """Return what the model reads of ``request``, and how many turns had no room there."""
        loaded.codec.check_stop_strings(request.settings.stop_strings)
        if request.chat is None:
            return request, 0
        return self._chat_prompts(loaded).request(request, request.chat)

    def _chat_prompts(self, loaded: LoadedModel) -> ChatPrompts:
        if self._chat is None:
            from core.models.catalog import model_folder
            from core.models.chat_prompt import ChatPrompts

            folder = model_folder(loaded.name)
            self._chat = ChatPrompts(folder, loaded.codec, loaded.model.context_size)
        return self._chat

    def score(
        self,
        text: Scorable | WrittenTokens,
        presets: Sequence[Preset],
        is_cancelled: Callable[[], bool],
    ) -> ScoredText:
        """See ``Backend``."""
        loaded = self._ready()
        from core.backends.out_of_memory import guarded_scoring
        from core.looking_back.given_text.scoring import score_text, score_tokens
        from core.models.sandbox.process import confined
        from core.records.scores import WrittenTokens

        model, codec = loaded.model, loaded.codec

        def score() -> ScoredText:
            if isinstance(text, str):
                return score_text(model, codec, text, presets, is_cancelled=is_cancelled)
            written = text if isinstance(text, WrittenTokens) else WrittenTokens((), text)
            prompt = written.prompt_token_ids
            return score_tokens(
                model,
                codec,
                (),
                prompt + written.token_ids,
                presets,
                prompt_length=len(prompt),
                is_cancelled=is_cancelled,
            )

        with confined().while_wanted(is_cancelled):
            return guarded_scoring(model, score)

    def outlook(
        self, request: Request, reach: Reach, is_cancelled: Callable[[], bool]
    ) -> Iterator[Growth]:
        """See ``Backend``."""
        loaded = self._ready()
        from core.backends.out_of_memory import guarded_outlook
        from core.models.sandbox.process import confined
        from core.outlook.search import look_out

        model, codec = loaded.model, loaded.codec
        with confined().while_wanted(is_cancelled):
            request, _ = self._ready_request(loaded, request)
            found = look_out(model, codec, request, reach, is_cancelled)
            growths = guarded_outlook(model, found)
            first = list(islice(growths, 1))  # by then all texts have been read as tokens
        yield from first
        yield from growths

    def read_again(
        self, run: WrittenRun, recorder: RunRecorder, is_cancelled: Callable[[], bool]
    ) -> float:
        """See ``Backend``."""
        loaded = self._ready()
        from core.backends.out_of_memory import guarded_scoring
        from core.looking_back.reading_again import read_again

        model, codec = loaded.model, loaded.codec
        return guarded_scoring(model, lambda: read_again(model, codec, run, recorder, is_cancelled))

    def token_texts(self) -> TokenTexts | None:
        """See ``Backend``."""
        return self._ready().codec

    def prompt_tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        """See ``Backend``."""
        return self._ready().codec.tokens(text, is_beginning=is_beginning)

    def inspect(self) -> ModelReport:
        """See ``Backend``."""
        name = self._ready().name
        from core.models.catalog import model_folder, namesake
        from core.models.inspection.report import inspect_model

        with _BUILDING:
            return inspect_model(model_folder(name), name, namesake(name))

    def _ready(self) -> LoadedModel:
        # Taken once: the thread that owns the backend may close it at any time.
        loaded = self._loaded
        if loaded is None:
            raise PlaygroundError("no model is loaded")
        return loaded

    def close(self) -> None:
        """See ``Backend``."""
        if self._loaded is None:
            return
        is_on_gpu = self._loaded.placement.device.type == "cuda"
        weights = self._loaded.weights
        self._loaded = self._chat = None
        # Some modules refer to each other in circles, whose weights only a collection frees now.
        if weights() is not None:
            gc.unfreeze()
            gc.collect()
        if is_on_gpu:
            import torch

            torch.cuda.empty_cache()


def _spare_collections() -> None:
    """Let garbage be collected rarely, and never among what is loaded.

    To look through all that torch has takes 0.1 s, which would come in the middle of a run; and a
    run makes many small records, none of them garbage.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)

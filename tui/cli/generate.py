"""``gpt2-playground generate``: the generator without a user interface.

Must never import textual, nor a model library before a model is needed. Results go to standard
output, everything else to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

import typer

from core.backends.base import Backend
from core.document.export.about import about_run
from core.document.export.writers import Writer, make_writer
from core.faults.circumstances import remember_model
from core.files.texts import prompt_argument, read_standard_input
from core.models.files.own_settings import not_used
from core.models.listing import is_to_fetch
from core.presets.book import Preset
from core.records.chat import Message
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.prompt_tokens import SPACE_AT_THE_END, ends_in_a_words_space
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, EngineChanged, Event, Finished, Started, Step, TokenStep
from core.text.readable import length, number
from tui.cli.choices import Choices, choices_of, make_backend, open_book
from tui.cli.options import (
    AssistantOption,
    DeviceOption,
    DtypeOption,
    EngineOption,
    FormatOption,
    ModelOption,
    OutputFormat,
    PresetOption,
    PresetsOption,
    PromptArgument,
    SeedOption,
    SetOption,
    SpecialTokensOption,
    StepsOption,
    UnsetOption,
)
from tui.cli.parsing.settings import decoding_settings, without_effect
from tui.cli.streams import (
    INTERRUPTED_CODE,
    Progress,
    RunFailed,
    StageNotes,
    cancel_on_interrupt,
    complain,
    emit,
    note,
)

_REASONS = {
    "end_of_text": "end of text",
    "length": "the length asked for",
    "context_full": "the context is full",
    "stop_string": "a stop string",
    "by_hand": "written by hand",
    "cancelled": "stopped",
    "failed": "failed",
}


def generate_command(
    context: typer.Context,
    prompt: PromptArgument,
    preset: PresetOption = None,
    sets: SetOption = None,
    unset: UnsetOption = None,
    seed: SeedOption = None,
    steps: StepsOption = None,
    output_format: FormatOption = OutputFormat.TEXT,
    special_tokens: SpecialTokensOption = False,
    model: ModelOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    engine: EngineOption = None,
    assistant: AssistantOption = None,
    presets: PresetsOption = None,
) -> int:
    """Continue PROMPT without the app.

    The result is on standard output, everything else on standard error.
    """
    own = Choices(preset, presets, model, device, dtype, seed, engine, assistant)
    return run_generate(
        prompt,
        choices_of(context, own),
        sets=sets or (),
        unset=unset or (),
        steps=steps,
        output_format=output_format.value,
        special_tokens=special_tokens,
    )


def run_generate(
    prompt: str,
    choices: Choices,
    *,
    sets: Sequence[str] = (),
    unset: Sequence[str] = (),
    steps: int | None = None,
    output_format: str = "text",
    special_tokens: bool = False,
) -> int:
    """Generate once and write the result; return the exit code.

    A model that was asked for by name and is not here is fetched first. With ``special_tokens``
    the text spells those out too.

    Raises:
        PlaygroundError: Nothing could be begun: the input, the settings or the model is at fault.
        RunFailed: The download failed, or the run broke off.
        ClosedPipe: Nobody reads the results any more.
    """
    book, preset = open_book(choices)
    settings = decoding_settings(preset, sets, unset=unset, steps=steps, seed=choices.seed)
    text = read_prompt(prompt)
    for sentence in without_effect(
        settings, sets, steps=steps, seed=choices.seed, assistant=choices.assistant
    ):
        note(sentence)
    if choices.model is not None and is_to_fetch(choices.model):
        note(f"{choices.model} is not on this machine; fetching it")
        if not _fetched(choices.model):
            return INTERRUPTED_CODE
    backend = make_backend(choices, choices.model or book.model)
    messages = (Message("user", text),) if preset.chat is not None else ()
    request = Request(
        "" if messages else text,
        settings,
        messages=messages,
        chat=preset.chat,
        skip_special_tokens=not special_tokens,
    )
    try:
        info = backend.load(StageNotes("loading"))
        remember_model(info.device, info.dtype, info.engine)
        describe(info, preset)
        if not messages:
            _note_space(text, backend)
        about = about_run(info, preset.name, settings, preset.chat, messages)
        return _run(backend, request, make_writer(output_format, text, about))
    finally:
        backend.close()


def _fetched(name: str) -> bool:
    """Fetch a model; return whether it is here now, ``False`` where ctrl+c stopped it."""
    from core.models.hub.errors import DownloadCancelled
    from tui.cli.models.download import fetch

    try:
        fetch(name)
    except DownloadCancelled as error:
        complain(str(error))
        return False
    except PlaygroundError as error:
        raise RunFailed(str(error)) from None
    return True


def read_prompt(prompt: str) -> str:
    """Return the prompt, from standard input for ``-``: all of it but one line end at its end.

    Raises:
        PlaygroundError: It is not UTF-8, or standard input cannot be read or holds far too much.
    """
    if prompt != "-":
        return prompt_argument(prompt)
    if sys.stdin.isatty():
        note("type the prompt, then ctrl+d on a new line")
    return read_standard_input("the prompt")


def describe(info: ModelInfo, preset: Preset) -> None:
    """Note which model answers, and with which preset."""
    about = f"{model_at_work(info)}, preset {preset.name}"
    note(f"{about}; {info.note}" if info.note else about)
    if info.own_settings:
        note(f"the model's {not_used(info.own_settings)}")


def model_at_work(info: ModelInfo) -> str:
    """Return which model answers, from where, and what runs it."""
    engine = f", engine {info.engine}" if info.engine else ""
    origin = f" ({info.origin})" if info.origin else ""
    return f"model: {info.name}{origin}, {info.device}, {info.dtype}{engine}"


def _note_space(prompt: str, backend: Backend) -> None:
    if ends_in_a_words_space(prompt, partial(backend.prompt_tokens, is_beginning=False)):
        note(SPACE_AT_THE_END)


def _run(backend: Backend, request: Request, writer: Writer) -> int:
    """Write every event as it comes; return the exit code that the last one means."""
    progress = Progress(is_shown=sys.stderr.isatty() and not sys.stdout.isatty())
    started: Started | None = None
    finished: Finished | None = None
    steps: list[Step] = []
    try:
        with cancel_on_interrupt() as cancelled:
            for event in backend.generate(request, cancelled.is_set):
                for text in writer.write(event):
                    emit(text)
                if isinstance(event, Started):
                    started = event
                elif isinstance(event, EngineChanged):
                    complain(f"the engine is another one now: {event.engine}")
                elif isinstance(event, Finished):
                    finished = event
                elif isinstance(event, Step):
                    steps.append(event)
                progress.show(_progress(event, started))
    except PlaygroundError as error:
        if started is None:
            raise
        for text in writer.write(_broken_off(steps, str(error))):
            emit(text)
        raise RunFailed(str(error)) from None
    finally:
        progress.show("")
    return _exit_code(request.settings, started, len(steps), finished)


def _broken_off(steps: Sequence[Step], why: str) -> Finished:
    """Return the end of a run that has none itself, with what it had written."""
    last = steps[-1] if steps else None
    if isinstance(last, BeamStep):
        best = last.hypotheses[0]
        return Finished("failed", best.token_ids, best.text, 0.0, detail=why)
    tokens = [step for step in steps if isinstance(step, TokenStep)]
    token_ids = tuple(step.token.token_id for step in tokens)
    return Finished("failed", token_ids, "".join(step.text for step in tokens), 0.0, detail=why)


def _progress(event: Event, started: Started | None) -> str:
    if started is None or not isinstance(event, Step):
        return ""
    return f"step {number(event.index)} of {started.max_new_tokens:,}"


def _exit_code(
    settings: Settings, started: Started | None, steps: int, finished: Finished | None
) -> int:
    if finished is None:
        raise RunFailed("the run ended without saying why")
    if finished.reason == "failed":
        complain(f"the run failed: {finished.detail or 'no reason was given'}")
        return 1
    parts = [f"finished: {finished.detail or _REASONS[finished.reason]}"]
    parts.append(length(len(finished.token_ids), steps))
    parts.append(f"{finished.tokens_per_second:.1f} tokens/s")
    if finished.drafted_tokens:
        parts.append(f"{finished.accepted_share:.0%} of the drafts accepted")
    if settings.do_sample and started is not None:
        parts.append(f"seed {started.seed}")
    note(", ".join(parts))
    return INTERRUPTED_CODE if finished.reason == "cancelled" else 0

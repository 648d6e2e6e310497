"""The command line: ``gpt2-playground`` opens the app, ``generate`` and ``presets`` do without it.

Must never import textual except to open the app, nor torch or transformers by itself: ``--help``
and every complaint come at once.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from core.backends.base import Backend
from core.document.export.about import installed_version
from core.models.listing import DEMO, check_model, is_to_fetch
from core.records.errors import PlaygroundError
from core.text.visible import one_line
from tui.cli.download import download_command
from tui.cli.generate import Choices, make_backend, open_book, run_generate, run_presets
from tui.cli.help import Command, Commands
from tui.cli.info import info_command
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
from tui.cli.score import score_command
from tui.cli.sentences import sentence_of
from tui.cli.streams import (
    CLOSED_PIPE_CODE,
    INTERRUPTED_CODE,
    PROGRAM,
    ClosedPipe,
    RunFailed,
    complain,
    emit,
    leave,
    prepare_streams,
)
from tui.cli.terminal import check_terminal
from tui.cli.verify import verify_command

app = typer.Typer(
    name=PROGRAM,
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        emit(f"{PROGRAM} {installed_version(PROGRAM) or '(not installed)'}\n")
        raise typer.Exit


@app.callback()
def open_app(
    context: typer.Context,
    preset: PresetOption = None,
    presets: PresetsOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    engine: EngineOption = None,
    assistant: AssistantOption = None,
    seed: SeedOption = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> int:
    """See how a language model decides. Without a command, open the playground."""
    context.obj = Choices(preset, presets, model, device, dtype, seed, engine, assistant)
    if context.invoked_subcommand is None:
        return _open_app(context.obj)
    _check_options(context)
    return 0


def _check_options(context: typer.Context) -> None:
    """Refuse what stands before a command that has no use for it.

    Raises:
        PlaygroundError: There is such an option.
    """
    name = str(context.invoked_subcommand)
    command: Any = context.command
    taken = {parameter.name for parameter in command.commands[name].params}
    for option, value in dataclasses.asdict(context.obj).items():
        if value is not None and option not in taken:
            raise PlaygroundError(f"--{option} has no effect on {name}; leave it out")


@app.command(cls=Command)
def generate(
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
        _merged(context.obj, own),
        sets=sets or (),
        unset=unset or (),
        steps=steps,
        output_format=output_format.value,
        special_tokens=special_tokens,
    )


@app.command("presets", cls=Command)
def list_presets(context: typer.Context, presets: PresetsOption = None) -> int:
    """Check the presets file and list what is in it."""
    return run_presets(_merged(context.obj, Choices(presets=presets)))


@app.command("keys", cls=Command)
def list_keys(context: typer.Context, presets: PresetsOption = None) -> int:
    """Check the keys file and list what each key of the app does."""
    from tui.cli.keys import run_keys

    return run_keys(_merged(context.obj, Choices(presets=presets)))


app.command("download", cls=Command)(download_command)
app.command("info", cls=Command)(info_command)
app.command("verify", cls=Command)(verify_command)
app.command("score", cls=Command)(score_command)


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says; return the exit code, 2 where nothing could be begun."""
    try:
        _check_working_directory()
        # Without arguments there is nothing to read, and reading them costs a tenth of a second.
        if arguments:
            result = app(list(arguments), prog_name=PROGRAM, standalone_mode=False)
        else:
            result = _open_app(Choices())
    except ClosedPipe:
        return CLOSED_PIPE_CODE
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED_CODE
    except typer.TyperException as error:
        complain(sentence_of(error))
        return 2
    except PlaygroundError as error:
        complain(str(error))
        return 1 if isinstance(error, RunFailed) else 2
    except SystemExit as error:  # how typer ends where its own output meets a closed pipe
        return error.code if isinstance(error.code, int) else 1
    except BaseException as error:  # a panic of a library in Rust is no Exception
        complain(_unexpected(error))
        if os.environ.get("GPT2_PLAYGROUND_DEBUG"):
            traceback.print_exc()
        return 1
    return result if isinstance(result, int) else 0


def main() -> None:
    """Run the program and end the process, without waiting for a model that still loads."""
    prepare_streams()
    leave(run(sys.argv[1:]))


def _check_working_directory() -> None:
    """Make sure that there is one: a library that torch loads ends the process where it is gone.

    Raises:
        PlaygroundError: It was removed, or cannot be looked at.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise PlaygroundError(
            f"the working directory cannot be used ({error.strerror}); go to another one with cd"
        ) from None


def _merged(outer: Choices, own: Choices) -> Choices:
    """Return ``outer``, given before the command, changed by what stands after it."""
    given = {
        field.name: value
        for field in dataclasses.fields(own)
        if (value := getattr(own, field.name)) is not None
    }
    return dataclasses.replace(outer, **given)


def _open_app(choices: Choices) -> int:
    check_terminal()
    book, preset = open_book(choices)
    wanted = choices.model or book.model
    missing = wanted if wanted is not None and is_to_fetch(wanted) else ""
    if wanted is not None and not missing:
        check_model(wanted)

    def make_model(name: str | None) -> Backend:
        if name is None and missing:
            return make_backend(choices, DEMO, stands_in_for=missing)
        return make_backend(choices, name or wanted)

    from tui.actions.keys_file import load_keys, own_keys_file

    keys = load_keys(own_keys_file(), book)

    from tui.app.playground import PlaygroundApp
    from tui.look.appearance import AppearanceFile

    # Only what was asked for on the command line is fetched without a question.
    playground = PlaygroundApp(
        make_model,
        book,
        preset_name=preset.name,
        seed=choices.seed,
        fetch=missing if choices.model else "",
        keys=keys,
        appearance_file=AppearanceFile(),
    )
    from tui.terminal.streams import terminal_for_the_app

    with terminal_for_the_app():
        playground.run()
    return playground.return_code or 0


def _unexpected(error: BaseException) -> str:
    what = one_line(str(error), 200)
    return f"unexpected {type(error).__name__}: {what} (GPT2_PLAYGROUND_DEBUG=1 shows where)"


if __name__ == "__main__":
    main()

"""The command line: the commands, each of a file of its own, and how the program ends.

Must never import textual except to open the app, nor torch or transformers by itself: ``--help``
and every complaint come at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import typer

from core.faults.threads import faults_of_threads
from core.records.errors import PlaygroundError
from tui.cli.choices import Choices
from tui.cli.compare.command import compare_command
from tui.cli.generate import generate_command
from tui.cli.keys import keys_command
from tui.cli.models.download import download_command
from tui.cli.models.info import info_command
from tui.cli.models.verify import verify_command
from tui.cli.open_app import open_app, run_app
from tui.cli.outlook.command import tree_command
from tui.cli.parsing.help import Command, Commands
from tui.cli.parsing.sentences import sentence_of
from tui.cli.presets import presets_command
from tui.cli.saved.export import export_command
from tui.cli.saved.replay import replay_command
from tui.cli.saved.sessions import sessions_app
from tui.cli.saved.take_in import import_command
from tui.cli.score.command import score_command
from tui.cli.streams import (
    CLOSED_PIPE_CODE,
    INTERRUPTED_CODE,
    PROGRAM,
    ClosedPipe,
    RunFailed,
    complain,
    leave,
    prepare_streams,
)

app = typer.Typer(
    name=PROGRAM,
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(open_app)
app.command("generate", cls=Command)(generate_command)
app.command("compare", cls=Command)(compare_command)
app.command("presets", cls=Command)(presets_command)
app.command("keys", cls=Command)(keys_command)
app.command("download", cls=Command)(download_command)
app.command("info", cls=Command)(info_command)
app.command("verify", cls=Command)(verify_command)
app.command("score", cls=Command)(score_command)
app.command("tree", cls=Command)(tree_command)
app.command("export", cls=Command)(export_command)
app.command("replay", cls=Command)(replay_command)
app.command("import", cls=Command)(import_command)
app.add_typer(sessions_app, name="sessions")


@cache
def _command() -> typer.core.TyperGroup:
    """Return what reads the command line: it is the same for all of them, and slow to build."""
    return typer.main.get_group(app)


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says; return the exit code.

    It is 2 where nothing could be begun, and 70 after a fault that nobody expected.
    """
    code = 0
    with faults_of_threads() as faults:
        try:
            code = _run(arguments)
        except BaseException as error:  # a panic of a library in Rust is no Exception
            faults.append(error)
    if not faults:
        return code
    from core.faults.keeping import FAULT_CODE, keep_report

    complain(keep_report(faults[0]))
    if os.environ.get("GPT2_PLAYGROUND_DEBUG"):
        traceback.print_exception(faults[0])
    return FAULT_CODE


def _run(arguments: Sequence[str]) -> int:
    """Do what the command line says, and tell what is expected to go wrong in one sentence."""
    try:
        _check_working_directory()
        # Without arguments there is nothing to read, and reading them costs a tenth of a second.
        if arguments:
            result = _command()(list(arguments), prog_name=PROGRAM, standalone_mode=False)
        else:
            result = run_app(Choices())
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

"""``gpt2-playground`` without a command: the app, on a terminal that can show it.

Must never import textual before everything that can be wrong has been looked at.
"""

from __future__ import annotations

from typing import Annotated

import typer

from core.backends.base import Backend
from core.document.export.about import installed_version
from core.faults.circumstances import remember_model
from core.models.listing import DEMO, check_model, is_to_fetch
from core.playground.keeping import Keeping, is_here, model_left_with
from core.presets.watching import PresetsWatch
from core.records.errors import PlaygroundError
from core.sessions.folder import SessionsFolder
from core.sessions.opening import CLOSING, Session
from core.sessions.starting import start_session
from tui.actions.keys_file import load_keys, own_keys_file
from tui.cli.choices import Choices, check_choices, make_backend, open_book
from tui.cli.options import (
    AssistantOption,
    DeviceOption,
    DtypeOption,
    EngineOption,
    ModelOption,
    NewOption,
    PresetOption,
    PresetsOption,
    SeedOption,
    SessionOption,
)
from tui.cli.streams import PROGRAM, complain, emit
from tui.cli.terminal import check_terminal


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        emit(f"{PROGRAM} {installed_version(PROGRAM) or '(not installed)'}\n")
        raise typer.Exit


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
    session: SessionOption = None,
    new: NewOption = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> int:
    """See how a language model decides. Without a command, open the playground."""
    context.obj = Choices(
        preset, presets, model, device, dtype, seed, engine, assistant, session, new or None
    )
    if context.invoked_subcommand is None:
        return run_app(context.obj)
    check_choices(context)
    return 0


def run_app(choices: Choices) -> int:
    """Open the app as ``choices`` say, until it is left; return the exit code.

    Raises:
        PlaygroundError: It cannot open here, or the presets, the keys, the model or the session
            are at fault.
    """
    if choices.new and choices.session is not None:
        raise PlaygroundError("--new and --session exclude each other; leave one out")
    check_terminal()
    book, preset = open_book(choices)
    wanted = choices.model or book.model
    missing = wanted if wanted is not None and is_to_fetch(wanted) else ""
    if wanted is not None and not missing:
        check_model(wanted)
    keys = load_keys(own_keys_file(), book)
    sessions = SessionsFolder()
    session = start_session(sessions, choices.session, is_new=bool(choices.new))
    left_with = _model_of(session) if choices.model is None else None
    if left_with is not None:
        wanted, missing = left_with, ""

    def make_model(name: str | None) -> Backend:
        if name is None and missing:
            return make_backend(choices, DEMO, stands_in_for=missing)
        return make_backend(choices, name or wanted)

    from tui.app.playground import PlaygroundApp
    from tui.look.appearance import AppearanceFile

    # Only what was asked for on the command line is fetched without a question.
    playground = PlaygroundApp(
        make_model,
        book,
        preset_name=preset.name if choices.preset is not None else None,
        seed=choices.seed,
        fetch=missing if choices.model else "",
        keys=keys,
        appearance_file=AppearanceFile(),
        session=session,
        sessions=sessions,
        watch=PresetsWatch(book, choices.presets, lambda saved: load_keys(own_keys_file(), saved)),
    )
    from tui.app.terminal.streams import terminal_for_the_app

    with terminal_for_the_app():
        playground.run()
    if not playground.is_saved:
        _save_late(playground.playground.keeping)
    info = playground.playground.model.info
    if info is not None:
        remember_model(info.device, info.dtype, info.engine)
    if playground.fault is not None:
        raise playground.fault
    return playground.return_code or 0


def _save_late(keeping: Keeping) -> None:
    """Wait for a slow disk, where a person sees for what, and tell what is not saved."""
    if keeping.is_writing:
        complain(f"waiting for the disk to take the session, {CLOSING:g} s at most")
    if not keeping.close(CLOSING):
        why = "the app said why" if keeping.unsaved else "the disk does not answer"
        complain(f"the session is not saved to its end; {why}")


def _model_of(session: Session) -> str | None:
    """Return the model that a session was left with, where somebody chose it and it is here."""
    name = model_left_with(session.state)
    return name if name and is_here(name) else None

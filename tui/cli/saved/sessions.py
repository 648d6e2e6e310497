"""``gpt2-playground sessions``: what is kept, shown, named and deleted without the app.

Must never import textual, torch or transformers, nor write a session that it cannot read.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from core.files.reading import FileError, read_bytes
from core.models.listing import format_bytes
from core.records.errors import PlaygroundError
from core.sessions.appending import LARGEST_SESSION
from core.sessions.finding import find_session
from core.sessions.folder import ListedSession, SessionsFolder
from core.sessions.header import LaterVersionError
from core.sessions.reading import Contents, read_contents
from core.text.readable import moment
from core.text.visible import keep_start, one_line
from tui.cli.parsing.help import Command, Commands
from tui.cli.streams import emit, note
from tui.cli.table import aligned

_SHOWN_OF_A_TEXT = 40  # cells


class ListFormat(StrEnum):
    """The forms of the list."""

    TABLE = "table"
    JSON = "json"


NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="SESSION",
        show_default=False,
        help="A session's name, its number in the list, or its file.",
    ),
]

sessions_app = typer.Typer(
    cls=Commands,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="List the sessions: what was generated in the app, kept as it came.",
)


@sessions_app.callback()
def sessions_command(
    context: typer.Context,
    output_format: Annotated[
        ListFormat | None, typer.Option("--format", help="How the list is written: table or json.")
    ] = None,
) -> int:
    """List the sessions: what was generated in the app, kept as it came."""
    if context.invoked_subcommand is None:
        return run_list(as_json=output_format is ListFormat.JSON)
    if output_format is not None:
        raise PlaygroundError(f"--format has no effect on {context.invoked_subcommand}")
    return 0


@sessions_app.command("show", cls=Command)
def show_command(session: NameArgument) -> int:
    """Show what is in SESSION: its runs, and with what they were made."""
    return run_show(session)


@sessions_app.command("rename", cls=Command)
def rename_command(
    session: NameArgument,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", show_default=False, help="The name; an empty one takes it away."
        ),
    ],
) -> int:
    """Name SESSION, or give it another name."""
    folder = SessionsFolder()
    folder.name(find_session(folder, session).path, name)
    return 0


@sessions_app.command("delete", cls=Command)
def delete_command(
    session: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete it without a question.")] = False,
) -> int:
    """Delete SESSION for good, after a question."""
    return run_delete(session, is_certain=yes)


def run_list(*, as_json: bool) -> int:
    """Write all sessions, the one written last first; return the exit code.

    Raises:
        PlaygroundError: Their folder cannot be read.
        ClosedPipe: Nobody reads them any more.
    """
    folder = SessionsFolder()
    listed, last = folder.listed(), folder.last()
    if as_json:
        records = [
            _record(at, one, is_last=one.path == last) for at, one in enumerate(listed, start=1)
        ]
        emit(json.dumps(records, indent=2) + "\n")
        return 0
    if listed:
        heads = ("", "", "NAME", "FIRST WORDS", "RUNS", "SIZE", "CHANGED", "MODEL", "FILE")
        rows = [_row(at, one, is_last=one.path == last) for at, one in enumerate(listed, start=1)]
        for line in aligned([heads, *rows], right=(1, 4, 5)):
            emit(f"{line}\n")
        emit("\n* is where the app goes on\n" if last else "\n")
    else:
        emit("there is no session yet: what is generated in the app is kept in one\n")
    emit(f"folder: {one_line(str(folder.folder))}\n")
    return 0


def run_show(called: str) -> int:
    """Write what a session holds, run by run; return the exit code.

    Raises:
        PlaygroundError: There is no such session, or it cannot be read.
        ClosedPipe: Nobody reads it any more.
    """
    path = find_session(SessionsFolder(), called).path
    contents = _contents(path)
    state = contents.state
    emit(f"file: {one_line(str(path))}\n")
    if state.name:
        emit(f"name: {one_line(state.name)}\n")
    emit(f"begun: {one_line(contents.header.created)}\n")
    if contents.fault:
        note(f"{contents.fault}; this is what comes before")
    rows = [("RUN", "FROM", "NAME", "PRESET", "MODEL", "TOKENS", "SEED", "WROTE")]
    for row in state.tree.rows():
        node, run = row.node, row.node.run
        rows.append(
            (
                str(node.node_id),
                str(node.beginning.parent or "-"),
                one_line(row.name) or "-",
                one_line(run.preset_name),
                one_line(run.model.name),
                f"{len(run.token_ids):,}",
                str(run.seed) if run.settings.do_sample else "-",
                _beginning(node.beginning.inserted_text + run.text) or "-",
            )
        )
    if len(rows) > 1:
        emit("\n")
        for line in aligned(rows, right=(0, 1, 5, 6)):
            emit(f"{line}\n")
    return 0


def run_delete(called: str, *, is_certain: bool) -> int:
    """Delete a session, after a question unless ``is_certain``; return the exit code.

    Raises:
        PlaygroundError: There is no such session, it is open, or nobody can be asked.
    """
    folder = SessionsFolder()
    session = find_session(folder, called)
    if not is_certain:
        if not sys.stdin.isatty():
            raise PlaygroundError("nobody can be asked here; --yes deletes without a question")
        if not typer.confirm(f"delete {told(session)} for good?", err=True):
            note("nothing was deleted")
            return 1
    folder.delete(session.path)
    return 0


def told(session: ListedSession) -> str:
    """Return a session in some words: its name or its first words, what it has, its file."""
    summary = session.summary
    words = summary.name or summary.first_words
    called = f"“{_beginning(words)}”" if words else "the session"
    runs = f"{summary.runs:,} run{'' if summary.runs == 1 else 's'}, "
    return f"{called} ({runs}{format_bytes(session.size)}, {one_line(session.path.name)})"


def _contents(path: Path) -> Contents:
    try:
        return read_contents(read_bytes(path, LARGEST_SESSION))
    except FileError as error:
        raise PlaygroundError(f"{str(path)!r} {error.fault}") from None
    except LaterVersionError as error:
        raise PlaygroundError(
            f"{str(path)!r} cannot be read: {error}; a newer gpt2-playground reads it"
        ) from None
    except ValueError as error:
        raise PlaygroundError(f"{str(path)!r} cannot be read: {error}") from None


def _record(number: int, session: ListedSession, *, is_last: bool) -> dict[str, Any]:
    summary, header = session.summary, session.header
    return {
        "number": number,
        "name": summary.name,
        "first_words": summary.first_words,
        "runs": summary.runs,
        "model": summary.model_name,
        "bytes": session.size,
        "changed": _utc(session.changed),
        "created": header.created if header is not None else "",
        "path": str(session.path),
        "is_last": is_last,
        "fault": session.fault,
    }


def _utc(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # no calendar has it
        return ""


def _row(number: int, session: ListedSession, *, is_last: bool) -> tuple[str, ...]:
    summary = session.summary
    return (
        "*" if is_last else "",
        str(number),
        one_line(summary.name) or "-",
        f"({one_line(session.fault)})" if session.fault else _beginning(summary.first_words) or "-",
        f"{summary.runs:,}",
        format_bytes(session.size),
        moment(session.changed),
        one_line(summary.model_name, _SHOWN_OF_A_TEXT) or "-",
        one_line(session.path.name),
    )


def _beginning(text: str) -> str:
    return keep_start(one_line(text), _SHOWN_OF_A_TEXT)

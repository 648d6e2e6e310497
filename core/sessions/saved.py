"""What a saved file holds: runs as they were exported, or a session; and its way into another.

Must never believe a file: what is not whole is told in a sentence, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.document.export.about import PROGRAM
from core.document.export.reading import ExportedRun, exported_runs
from core.document.tree_records import LONGEST_NAME
from core.records.errors import PlaygroundError
from core.sessions.entries import SessionNamed
from core.sessions.header import LaterVersionError
from core.sessions.opening import Session, open_session
from core.sessions.reading import Contents, read_contents
from core.sessions.restoring import Restorer
from core.sessions.runs import runs_of
from core.sessions.sharing import GrownRun, entries_of, grown_run_of, grown_runs
from core.text.visible import is_label

_AT_ONCE = 5_000  # entries that may wait for the disk
_PATIENCE = 60.0  # seconds for each such lot


@dataclass(frozen=True, slots=True)
class Saved:
    """The runs of a file; ``contents`` where that is a session.

    ``fault`` says what is wrong with a session's end, empty where it is whole.
    """

    runs: tuple[ExportedRun, ...]
    contents: Contents | None = None

    @property
    def fault(self) -> str:
        """What is wrong with the end of a session, of which the rest is good."""
        return self.contents.fault if self.contents is not None else ""

    def grown(self) -> list[GrownRun]:
        """Return the runs with where they grew.

        Raises:
            PlaygroundError: One does not tell its settings.
        """
        if self.contents is None:
            return [grown_run_of(run) for run in self.runs]
        state = self.contents.state
        node_ids = [node.node_id for node in state.tree.nodes]
        return grown_runs(state.tree, state.documents, state.programs, node_ids)


def read_saved(text: str, source: str) -> Saved:
    """Return what the text of a file holds; ``source`` is what the file is called in a complaint.

    Raises:
        PlaygroundError: It is of a later version, damaged, none of this program's, or has no run.
    """
    runs = exported_runs(text, source)
    if runs:
        return Saved(tuple(runs))
    try:
        contents = read_contents(f"{text}\n".encode(errors="surrogatepass"))
    except LaterVersionError as error:
        raise PlaygroundError(f"{source} cannot be read here: {error}; update {PROGRAM}") from None
    except ValueError:
        raise PlaygroundError(
            f"{source} is no run saved as JSON Lines, and no session; give one that the app has"
            " saved, or that generate --format jsonl has written"
        ) from None
    found = tuple(runs_of(contents.state))
    if not found:
        raise PlaygroundError(f"{source} is a session without a run; there is nothing to write")
    return Saved(found, contents)


def take_in(runs: Sequence[GrownRun], path: Path, name: str = "") -> Session:
    """Make ``runs`` grow in the session at ``path``, which begins where there is none.

    Args:
        runs: Those to take in.
        path: Of the session.
        name: What a session is called that begins with them; left out where it can be no name.

    Returns:
        The session, closed.

    Raises:
        PlaygroundError: The session cannot be written, or the runs do not fit together.
    """
    session = open_session(path)
    journal = session.journal
    if journal is None:
        raise PlaygroundError(session.notes[-1])
    try:
        is_new = not session.state.tree.nodes and not session.state.name
        entries = list(entries_of(runs, session.state.tree.next_id))
        if is_new and name and is_label(name):
            entries.append(SessionNamed(name[:LONGEST_NAME].strip()))
        restorer = Restorer(session.state)
        for entry in entries:
            try:
                restorer.take(entry)
            except ValueError as error:
                raise PlaygroundError(f"the runs do not fit together: {error}") from None
        for number, entry in enumerate(entries, 1):
            session.record(entry)
            if not number % _AT_ONCE:
                journal.flush(_PATIENCE)
    finally:
        is_saved = session.close()
    if not is_saved:
        raise PlaygroundError(journal.fault or "the disk does not answer")
    return session

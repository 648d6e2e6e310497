"""Runs as a file, in the formats of ``gpt2-playground generate``: one, a branch, two, or all.

As bare text, a file holds the document up to the run's end, so that it can be scored as it stands.

Must never write over a file, and never leaves half of one behind.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from core.document.document import Document, Turn
from core.document.export.files import NewFile, file_of_run, format_of, new_file_of
from core.document.export.of_turns import run_of_turns
from core.document.export.several import check_holds, text_of
from core.document.tree_records import ROOT
from core.playground.documents import Documents
from core.sessions.sharing import session_of

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST_STEM = 50


def free_name(run_name: str) -> str:
    """Return a name for the file of a run that none in the working directory has.

    ``run_name`` is any line of text; what file systems may not take in it becomes a dash.
    """
    stem = _UNSAFE.sub("-", run_name)[:_LONGEST_STEM].strip("-.") or "run"
    name, number = f"{stem}.md", 1
    while os.path.lexists(name):
        number += 1
        name = f"{stem}-{number}.md"
    return name


def file_of_turn(path: str, document: Document, turn: Turn) -> NewFile:
    """Return ``turn`` of ``document`` as a new file, to be written; see ``file_of_run``.

    Raises:
        PlaygroundError: The run has not finished, or the name is of no known format.
    """
    turns = [*takewhile(lambda one: one is not turn, document.turns), turn]
    run = run_of_turns(turns)
    return file_of_run(path, run.prompt, run.about, (run.started, *run.steps, run.finished))


@dataclass(frozen=True, slots=True)
class Export:
    """Something that can be exported.

    ``name`` says what, as in "save this run"; ``file`` takes a file's name, whose end says the
    format, and returns what is to be written. It raises ``PlaygroundError``.
    """

    name: str
    file: Callable[[str], NewFile]


def file_of_runs(documents: Documents, node_ids: Collection[int], path: str) -> NewFile:
    """Return runs of the tree as a new file, to be written; several as JSON Lines are a session.

    Raises:
        PlaygroundError: The name is of no known format or of one that does not hold them.
    """
    file, name = new_file_of(path), format_of(path)
    check_holds(name, len(node_ids))
    if name == "jsonl" and len(node_ids) > 1:
        text = session_of(documents.grown(node_ids))
    else:
        runs = documents.exported(node_ids)
        before = runs[0].prompt if name == "text" else ""
        text = before + text_of(runs, name)
    return NewFile(file, text)


def exports_at(documents: Documents, turn: Turn) -> list[Export]:
    """Return what can be exported where a step of ``turn`` is looked at: that run first."""
    run = Export("this run", partial(_file_of_turn, documents, turn))
    branch = documents.tree.path(documents.tree.cursor)
    return [run, *_larger(documents, branch, (turn.node_id,))]


def exports_of(documents: Documents, node_id: int) -> list[Export]:
    """Return what can be exported of a picked run: its branch first; none of the empty document."""
    if node_id == ROOT:
        return _larger(documents, (), ())
    run = Export(f"run {node_id} alone", partial(file_of_runs, documents, (node_id,)))
    larger = _larger(documents, documents.tree.path(node_id), (node_id,))
    return [*larger[:1], run, *larger[1:]]


def exports_of_several(documents: Documents, node_ids: tuple[int, ...]) -> list[Export]:
    """Return what can be exported of runs side by side: all of them."""
    count = "two" if len(node_ids) == 2 else str(len(node_ids))
    return [Export(f"the {count} runs", partial(file_of_runs, documents, node_ids))]


def _larger(documents: Documents, branch: tuple[int, ...], run: tuple[int, ...]) -> list[Export]:
    """Return the branch and all runs, where they are more than what is there already."""
    every = tuple(node.node_id for node in documents.tree.nodes)
    named = (("the branch of", branch), ("all", every))
    return [
        Export(f"{name} {len(ids)} runs", partial(file_of_runs, documents, ids))
        for name, ids in _other(named, run)
    ]


def _other(
    named: Iterable[tuple[str, tuple[int, ...]]], before: tuple[int, ...]
) -> Iterable[tuple[str, tuple[int, ...]]]:
    for name, ids in named:
        if len(ids) > 1 and set(ids) != set(before):
            yield name, ids
            before = ids


def _file_of_turn(documents: Documents, turn: Turn, path: str) -> NewFile:
    return file_of_turn(path, documents.at_hand, turn)

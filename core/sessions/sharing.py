"""Runs on their way from one session into another: as entries that make them grow there anew.

Must never take over what does not fit, nor leave half of a run behind: each is whole, with its
steps, settings, seed and versions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from core.document.conversation import asked
from core.document.document import Document
from core.document.export.reading import ExportedRun
from core.document.steps import Steps
from core.document.tree import Tree
from core.document.tree_records import ROOT, Beginning
from core.document.turn import Turn
from core.records.chat import Message
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo, ModelOrigin
from core.records.steps import Started
from core.sessions.entries import (
    Cut,
    Entry,
    ModelReady,
    ProgramStarted,
    RunNamed,
    begun_as,
    cut_of,
)
from core.sessions.header import header_line, new_header, this_program
from core.sessions.summary import Summary
from core.sessions.to_json import entry_record, line_of


@dataclass(frozen=True, slots=True)
class GrownRun:
    """A run that has ended, with where it grew.

    ``beginning.parent`` is ``ROOT`` or another of those at hand. ``node_id`` is what it was in its
    tree, 0 where it was in none; ``program`` says with which versions it was written.
    """

    node_id: int
    turn: Turn
    beginning: Beginning
    cut: Cut | None
    program: ProgramStarted
    name: str = ""


def grown_runs(
    tree: Tree,
    documents: Mapping[int, Sequence[Turn]],
    programs: Mapping[int, ProgramStarted],
    node_ids: Collection[int],
) -> list[GrownRun]:
    """Return runs of a tree, the oldest first; see ``runs.runs_of_tree``.

    One whose parent is not among them begins from the empty document, with all that stood before
    it as its prompt.
    """
    here = this_program()
    found: list[GrownRun] = []
    for node in tree.nodes:
        node_id, turns = node.node_id, documents[node.node_id]
        if node_id not in node_ids:
            continue
        turn, beginning = turns[-1], node.beginning
        cut = cut_of(turns, documents[beginning.parent])
        if beginning.parent != ROOT and beginning.parent not in node_ids:
            turn, beginning, cut = *_rooted(turns), None
        program = programs.get(node_id, here)
        found.append(GrownRun(node_id, turn, beginning, cut, program, tree.name(node_id)))
    return found


def grown_run_of(run: ExportedRun) -> GrownRun:
    """Return a run of a file by itself, which begins from the empty document.

    Raises:
        PlaygroundError: The file does not tell its settings.
    """
    if run.settings is None:
        raise PlaygroundError("the run does not tell its settings, and none can be made up")
    about = run.about
    info = _model_of(about, run.started)
    is_message = run.chat is not None and run.prompt.endswith("\n")
    if run.messages:  # older files have none
        is_message = run.messages[-1].role == "user"
    turn = Turn(
        run.prompt.removesuffix("\n") if is_message else run.prompt,
        about.get("preset") or "",
        run.settings,
        info.name if info is not None else "",
        info.tokenizer_fingerprint if info is not None else "",
        run.chat,
        "first" if is_message else "",
        is_by_hand=run.is_by_hand,
        started=run.started,
        steps=Steps(run.steps),
        finished=run.finished,
        model=info,
        messages=run.messages,
    )
    turn, beginning = _rooted([turn])
    versions = (about.get(one) or "" for one in ("program_version", "torch", "transformers"))
    return GrownRun(0, turn, beginning, None, ProgramStarted(*versions))


def entries_of(runs: Iterable[GrownRun], first_id: int = ROOT + 1) -> Iterator[Entry]:
    """Yield what makes ``runs`` grow, the first of them as ``first_id`` of its tree."""
    ids = {ROOT: ROOT}
    program, model = None, None
    for node_id, run in enumerate(runs, first_id):
        if run.program != program:
            program = run.program
            yield program
        turn = run.turn
        if turn.finished is None:
            raise ValueError("the run has not ended")
        if turn.model is not None and turn.model != model and turn.tokenizer_fingerprint:
            model = turn.model
            yield ModelReady(model)
        beginning = dataclasses.replace(run.beginning, parent=ids[run.beginning.parent])
        if run.node_id:
            ids[run.node_id] = node_id
        yield begun_as(node_id, beginning, turn, run.cut)
        yield from turn.steps
        yield turn.finished
        if run.name:
            yield RunNamed(node_id, run.name)


def session_of(runs: Sequence[GrownRun]) -> str:
    """Return the text of a session's file that holds ``runs`` and nothing else."""
    summary, lines = Summary(), [header_line(new_header())]
    for entry in entries_of(runs):
        summary.take(entry)
        lines.append(line_of(entry_record(entry)))
    return b"".join((*lines, line_of(summary.record()))).decode("ascii")


def _rooted(turns: Sequence[Turn]) -> tuple[Turn, Beginning]:
    """Return the last of ``turns`` as if all before it were its prompt, and where that begins."""
    turn = turns[-1]
    if turn.started is None:
        raise ValueError("the run has not ended")
    prompt = Document(turns[:-1]).text + turn.asked(is_first=len(turns) == 1)
    if turn.message:  # a message has its line's end to itself
        prompt = prompt.removesuffix("\n")
    said, place = asked(turns), "first" if turn.message else turn.message
    if said == (Message("user", prompt),):  # as the prompt tells by itself
        said = ()
    alone = dataclasses.replace(turn, prompt=prompt, message=place, fork=None, messages=said)
    ids = turn.started.context_token_ids
    return alone, Beginning(ROOT, 0, ids, prompt, place)


def _model_of(about: Mapping[str, Any], started: Started) -> ModelInfo | None:
    """Return what a file tells of the model; ``None`` where it tells not even its name."""
    if not about.get("model"):
        return None
    origins: tuple[ModelOrigin, ...] = get_args(ModelOrigin)
    return ModelInfo(
        name=about["model"],
        device=about.get("device") or "",
        dtype=about.get("dtype") or "",
        parameters=0,
        context_size=started.context_size,
        vocabulary_size=0,
        tokenizer_fingerprint=about.get("tokenizer_fingerprint") or "",
        engine=about.get("engine") or "",
        origin=next((one for one in origins if one == about.get("origin")), ""),
        revision=about.get("revision") or "",
        weights_fingerprint=about.get("weights_fingerprint") or "",
    )

"""A run out of the JSON Lines that this program wrote: its records, to be looked at and scored.

Must never import torch, and never trusts the file: what is missing or of another kind is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.document.export.about import about_model, about_program, check_format
from core.document.export.parsing import (
    chat_from_fields,
    event_from_record,
    messages_from_fields,
)
from core.files.fields import Fields
from core.records.chat import ChatFormat, Message
from core.records.errors import PlaygroundError
from core.records.settings import SETTING_NAMES, Settings, SettingsError, settings_from_mapping
from core.records.steps import BeamStep, Finished, Started, Step, TokenStep
from core.text.visible import one_line


@dataclass(frozen=True, slots=True)
class TreePlace:
    """Where a run grew: which it is in its tree, and from which other one.

    ``parent`` is 0 where that is the empty document. ``step`` is the one of the parent, from 1, in
    whose place it begins, 0 where it leaves none out. ``earlier`` is how its prompt begins: what
    was written before anything was asked for it.
    """

    node_id: int
    parent: int
    step: int = 0
    earlier: str = ""


@dataclass(frozen=True, slots=True)
class ExportedRun:
    """What a run began from, its steps and its end.

    ``about`` is what the file says of how the run was made, as ``about.about_run`` has it: texts,
    ``None`` where it does not tell, and ``settings``, ``chat``, ``messages`` and ``is_by_hand``,
    which are the same as values. ``name`` is what the run is called among others, empty where it
    stands alone; ``place`` is where it grew, where that is known. ``messages`` are those of the
    conversation, up to the one that the run answers or the answer that it writes on.
    """

    prompt: str
    about: Mapping[str, Any]
    settings: Settings | None
    started: Started
    steps: Sequence[Step]
    finished: Finished
    name: str = ""
    chat: ChatFormat | None = None
    is_by_hand: bool = False
    place: TreePlace | None = None
    messages: tuple[Message, ...] = ()

    @property
    def model_name(self) -> str:
        """The name of the model that the token ids are of, empty where the file has none."""
        return self.about.get("model") or ""


def token_texts(steps: Iterable[Step]) -> dict[int, str]:
    """Return what the tokens of steps stand for, by their ids; of beams, each one's last."""
    found: dict[int, str] = {}
    for step in steps:
        tokens = step.hypotheses if isinstance(step, BeamStep) else (step,)
        found.update((one.token.token_id, one.token.text) for one in tokens)
    return found


def check_tokens(
    own: Mapping[int, str], others: Mapping[int, str], written_by: str, model_name: str
) -> None:
    """Make sure that a run's token ids mean the same to another model.

    Args:
        own: What the run's tokens stand for; see ``token_texts``.
        others: What the other model's do; those that are not there are not compared.
        written_by: The name of the model that wrote the run, empty where it is not known.
        model_name: What the other model is called.

    Raises:
        PlaygroundError: They mean something else.
    """
    if all(others.get(token_id, text) == text for token_id, text in own.items()):
        return
    wrote = f" by {one_line(written_by)}" if written_by else ""
    raise PlaygroundError(
        f"this run was written{wrote}, whose tokens are not those of {model_name}; use the model"
        " that wrote it"
    )


def exported_run(text: str, name: str) -> ExportedRun | None:
    """Return the run that ``text`` is an export of, ``None`` where it is another text.

    Args:
        text: Of a file; an export in JSON Lines begins with a record of type ``started``.
        name: What the file is called in a complaint.

    Raises:
        PlaygroundError: It begins as an export does, but holds no whole run, or is of a format
            that is not read; see ``check_format``.
    """
    first = _record(text.split("\n", 1)[0])
    if first is None or first.get("type") != "started":
        return None
    check_format(first)
    started: Started | None = None
    finished: Finished | None = None
    steps: list[Step] = []
    for line, record in _records(text):
        if finished is not None:
            raise _damaged(name, f"line {line} stands behind its end")
        try:
            event = event_from_record(record)
        except ValueError as error:
            raise _damaged(name, f"in line {line} {error}") from None
        if isinstance(event, Started):
            started = event
        elif isinstance(event, TokenStep | BeamStep):
            steps.append(event)
        elif isinstance(event, Finished):
            finished = event
    if started is None or finished is None:
        raise _damaged(name, "its end is missing")
    about, settings = _about(first, name)
    prompt = about.pop("prompt") or ""
    try:
        fields = Fields(first)
        chat = None if fields.is_missing("chat") else chat_from_fields(fields.part("chat"))
        messages = messages_from_fields(fields) if chat is not None else ()
        # What was written before files told of it shows by this: another run never grows.
        grew = finished.reason == "by_hand" or len(steps) > started.max_new_tokens
        is_by_hand = fields.flag("is_by_hand") if "is_by_hand" in fields else grew
    except ValueError as error:
        raise _damaged(name, f"in line 1 {error}") from None
    about |= {name: first.get(name) for name in ("chat", "messages")}
    about["is_by_hand"] = is_by_hand
    return ExportedRun(
        prompt,
        about,
        settings,
        started,
        tuple(steps),
        finished,
        chat=chat,
        is_by_hand=is_by_hand,
        messages=messages,
    )


def exported_runs(text: str, name: str) -> list[ExportedRun]:
    """Return the runs that ``text`` holds one after the other, none where it is another text.

    Raises:
        PlaygroundError: As ``exported_run`` does, and what is wrong with any of them.
    """
    parts: list[list[str]] = []
    for line in text.split("\n"):
        if not parts or _begins(line):
            parts.append([])
        parts[-1].append(line)
    found = (exported_run("\n".join(part), name) for part in parts)
    return [run for run in found if run is not None]


def _begins(line: str) -> bool:
    """Whether a line of an export is the first of a run."""
    # Most lines are long and of steps: none of them need be read for this.
    record = _record(line) if '"started"' in line[:40] else None
    return record is not None and record.get("type") == "started"


def _about(first: Mapping[str, Any], name: str) -> tuple[dict[str, Any], Settings | None]:
    """Return what the first record says of how the run was made, and its settings."""
    names = (*about_program(), *about_model(None), "preset", "prompt")
    about = {one: first.get(one) for one in names}
    for one, value in about.items():
        if value is not None and not isinstance(value, str):
            raise _damaged(name, f"in line 1 {one!r} is of another kind")
    given = first.get("settings")
    if given is None:
        return {**about, "settings": None}, None
    if not isinstance(given, dict):
        raise _damaged(name, "in line 1 'settings' is of another kind")
    try:
        # A later minor version may have more of them.
        settings = settings_from_mapping({one: given[one] for one in SETTING_NAMES if one in given})
    except SettingsError as error:
        raise _damaged(name, f"in line 1 {error}") from None
    return {**about, "settings": settings.to_full_mapping()}, settings


def _damaged(name: str, fault: str) -> PlaygroundError:
    return PlaygroundError(
        f"{name} begins as an exported run, but there is no whole one in it: {fault}; export it"
        " again"
    )


def _records(text: str) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _record(line)


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None

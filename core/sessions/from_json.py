"""Lines of JSON as the entries that they were: the way back from ``to_json``.

Must never trust a line: each field is of its kind, or that is told. What a line has besides is left
alone, since a later minor version may have more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

from core.document.export.parsing import (
    chat_from_fields,
    event_from_record,
    messages_from_fields,
)
from core.document.tree_records import Beginning
from core.document.turn import Fork
from core.files.fields import Fields
from core.records.chat import ChatFormat, MessagePlace
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo, ModelOrigin
from core.records.settings import Settings, settings_from_mapping
from core.records.steps import BeamStep, Finished, TokenStep
from core.sessions.entries import (
    ColumnsKept,
    Cut,
    Entry,
    ModelReady,
    Moved,
    MoveKind,
    OfColumn,
    PresetChosen,
    ProgramStarted,
    PromptSent,
    PromptWaits,
    RunBegun,
    RunGoesOn,
    RunNamed,
    RunRemoved,
    SessionNamed,
    StepLookedAt,
)

LONGEST_LINE = 64 * 2**20
"""In bytes: a prompt of megabytes fits. A longer one is no line of this program's."""


def object_of(line: bytes) -> dict[str, Any]:
    """Return the JSON object that a line is.

    Raises:
        ValueError: It is none, or the line is too long.
    """
    if len(line) > LONGEST_LINE:
        raise ValueError("the line is too long")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(record, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - for the caller
    return record


def entry_of(record: dict[str, Any]) -> Entry | None:
    """Return the entry that ``to_json.entry_record`` made ``record`` of.

    ``None`` where there is none of its type: a later minor version may have more.

    Raises:
        ValueError: It is of a type that is known, but a field is missing or wrong; the text says
            which.
    """
    kind = record.get("type")
    if kind in _EVENTS:
        event = event_from_record(record)
        return event if isinstance(event, TokenStep | BeamStep | Finished) else None
    read = _READERS.get(kind) if isinstance(kind, str) else None
    return read(Fields(record)) if read is not None else None


_EVENTS = ("step", "beam_step", "finished")


def _run(fields: Fields) -> RunBegun:
    return RunBegun(
        node_id=fields.count("node"),
        beginning=_beginning(fields),
        cut=None if fields.is_missing("cut") else _cut(fields.part("cut")),
        prompt=fields.text("prompt"),
        preset_name=fields.text("preset"),
        settings=_settings(fields),
        model_name=fields.text("model_name"),
        tokenizer_fingerprint=fields.text("tokenizer_fingerprint"),
        model=None if fields.is_missing("model") else _model(fields.part("model")),
        chat=_chat(fields),
        fork=None if fields.is_missing("fork") else _fork(fields.part("fork")),
        is_by_hand=fields.flag("is_by_hand"),
        prompt_token_ids=fields.token_ids("prompt_token_ids"),
        max_new_tokens=fields.count("max_new_tokens"),
        context_size=fields.count_or_none("context_size"),
        seed=fields.count("seed"),
        dropped_turns=fields.count("dropped_turns", 0),
        messages=messages_from_fields(fields),
        drawn=fields.count("drawn", 0),
        counted=fields.count("counted", 0),
    )


def _of_column(fields: Fields) -> OfColumn:
    record = dict(fields.values("of"))
    # Never of another column, one within the other without end.
    entry = entry_of(record) if record.get("type") in ("run", *_EVENTS) else None
    if not isinstance(entry, RunBegun | TokenStep | BeamStep | Finished):
        raise ValueError("'of' is nothing that happens to a column")  # noqa: TRY004 - for the caller
    return OfColumn(fields.count("column"), entry)


def _chat(fields: Fields) -> ChatFormat | None:
    return None if fields.is_missing("chat") else chat_from_fields(fields.part("chat"))


def _beginning(fields: Fields) -> Beginning:
    places: tuple[MessagePlace, ...] = get_args(MessagePlace)
    return Beginning(
        parent=fields.count("parent"),
        kept=fields.count("kept"),
        inserted_token_ids=fields.token_ids("inserted_token_ids"),
        inserted_text=fields.text("inserted_text"),
        message=fields.choice("message", places),
        step=fields.count_or_none("step"),
    )


def _cut(fields: Fields) -> Cut:
    return Cut(fields.count("steps"), fields.token_ids("token_ids"), fields.text("text"))


def _fork(fields: Fields) -> Fork:
    return Fork(
        step=fields.count("step"),
        put=fields.text("put"),
        replaced=fields.text("replaced"),
        other_beam=fields.text("other_beam"),
    )


def _model(fields: Fields) -> ModelInfo:
    origins: tuple[ModelOrigin, ...] = get_args(ModelOrigin)
    return ModelInfo(
        name=fields.text("name"),
        device=fields.text("device"),
        dtype=fields.text("dtype"),
        parameters=fields.count("parameters"),
        context_size=fields.count_or_none("context_size"),
        vocabulary_size=fields.count("vocabulary_size"),
        placement=fields.text("placement"),
        note=fields.text("note"),
        stands_in_for=fields.text("stands_in_for"),
        tokenizer_fingerprint=fields.text("tokenizer_fingerprint"),
        engine=fields.text("engine"),
        own_settings=fields.texts("own_settings"),
        origin=fields.choice("origin", ("", *origins)),
        revision=fields.text("revision"),
        weights_fingerprint=fields.text("weights_fingerprint", ""),  # not in format 1.0
    )


def _settings(fields: Fields) -> Settings:
    return _checked(lambda: settings_from_mapping(fields.values("settings")))


def _checked(read: Callable[[], Settings]) -> Settings:
    try:
        return read()
    except PlaygroundError as error:
        raise ValueError(f"'settings': {error}") from None


def _moved(fields: Fields) -> Moved:
    kinds: tuple[MoveKind, ...] = get_args(MoveKind)
    how = fields.choice("how", kinds)
    return Moved(how, fields.count("node") if how == "go" else 0)


def _program(fields: Fields) -> ProgramStarted:
    return ProgramStarted(fields.text("program"), fields.text("torch"), fields.text("transformers"))


def _preset(fields: Fields) -> PresetChosen:
    settings, seed = _settings(fields), fields.count_or_none("seed")
    if seed is not None:
        _checked(lambda: settings.replace(seed=seed))
    return PresetChosen(
        name=fields.text("name"),
        settings=settings,
        is_by_hand=fields.flag("is_by_hand"),
        chat=_chat(fields),
        seed=seed,
    )


_READERS: dict[str, Callable[[Fields], Entry]] = {
    "program": _program,
    "run": _run,
    "column": _of_column,
    "columns_kept": lambda _: ColumnsKept(),
    "goes_on": lambda fields: RunGoesOn(fields.count("node")),
    "moved": _moved,
    "looked_at": lambda fields: StepLookedAt(fields.count_or_none("position")),
    "named": lambda fields: RunNamed(fields.count("node"), fields.text("name")),
    "removed": lambda fields: RunRemoved(fields.count("node")),
    "prompt": lambda fields: PromptSent(fields.text("text")),
    "waits": lambda fields: PromptWaits(fields.text("text")),
    "preset": _preset,
    "model": lambda fields: ModelReady(_model(fields)),
    "session": lambda fields: SessionNamed(fields.text("name")),
}

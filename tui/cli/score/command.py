"""``gpt2-playground score``: what a text costs a model, and which presets could have written it.

Must never import textual, nor a model library before the text and the presets are read. Results go
to standard output, everything else to standard error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.document.export.about import about_program
from core.document.export.reading import check_tokens, exported_run, token_texts
from core.document.export.writers import json_line
from core.faults.circumstances import remember_model
from core.files.texts import (
    LARGEST_FILE,
    LARGEST_RUN,
    prompt_argument,
    read_standard_input,
    read_text_file,
)
from core.presets.book import Preset
from core.presets.finding import find_presets_file, load_presets
from core.records.errors import PlaygroundError
from core.records.scores import PresetVerdict, ScoredText
from core.records.steps import Candidate
from tui.cli.choices import Choices
from tui.cli.options import DeviceOption, DtypeOption, ModelOption, PresetsOption
from tui.cli.score.table import table_lines
from tui.cli.streams import emit, note

if TYPE_CHECKING:
    from core.models.loading import LoadedModel
    from core.records.progress import Report


class ScoreFormat(StrEnum):
    """The forms in which ``score`` writes its result."""

    TABLE = "table"
    JSONL = "jsonl"


FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="The text to score, without the one line end at its end. - reads standard input. A"
        " run that was saved as JSON Lines is scored by its own tokens, behind its prompt.",
    ),
]
ScorePresetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--preset", metavar="NAME", help="Ask this preset alone; as often as needed. Else all."
    ),
]
ScorePromptOption = Annotated[
    str,
    typer.Option("--prompt", metavar="TEXT", help="What stood before the text; it is not scored."),
]
ScoreFormatOption = Annotated[
    ScoreFormat,
    typer.Option(
        "--format",
        help="table: a row for every token, then one for every preset. jsonl: one JSON record a "
        "token, one a preset, one for the text.",
    ),
]


def score_command(
    context: typer.Context,
    file: FileArgument,
    preset: ScorePresetOption = None,
    prompt: ScorePromptOption = "",
    output_format: ScoreFormatOption = ScoreFormat.TABLE,
    model: ModelOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    presets: PresetsOption = None,
) -> int:
    """Could these settings have written this text? Say what every token costs, in bits."""
    outer = context.obj if isinstance(context.obj, Choices) else Choices()
    choices = Choices(
        None,
        presets or outer.presets,
        model or outer.model,
        device or outer.device,
        dtype or outer.dtype,
    )
    names = preset or ([outer.preset] if outer.preset else [])
    return run_score(
        file, choices, names, prompt=prompt_argument(prompt), output_format=output_format.value
    )


def run_score(
    file: str,
    choices: Choices,
    preset_names: Sequence[str] = (),
    *,
    prompt: str = "",
    output_format: str = "table",
    load: Callable[[str, str, str, Report], LoadedModel] | None = None,
) -> int:
    """Score the text of ``file`` and write the result; return the exit code.

    Args:
        file: A path, or ``-`` for standard input.
        choices: The model, its device and dtype, and the presets file.
        preset_names: The presets to ask; all of them where it is empty.
        prompt: What stood before the text.
        output_format: One of ``ScoreFormat``.
        load: Loads the model; ``load_model`` where it is ``None``.

    Raises:
        PlaygroundError: The text, the presets or the model cannot be used.
        ClosedPipe: Nobody reads standard output any more.
    """
    book = load_presets(find_presets_file(choices.presets))
    asked: tuple[Preset, ...] = tuple(book.named(name) for name in preset_names) or book.presets
    text = read_text(file)
    source = "standard input" if file == "-" else repr(file)
    exported = exported_run(text, source)
    if exported is None and len(text.encode()) > LARGEST_FILE:
        raise PlaygroundError(f"{source} has more than {LARGEST_FILE:,} bytes; give a part of it")
    if exported is not None and prompt:
        raise PlaygroundError("an exported run has its own prompt; leave --prompt out")
    from core.models.catalog import default_model, find_model, namesake

    name = choices.model or book.model or default_model()
    found = find_model(name)
    loaded = (load or _load)(name, choices.device or "auto", choices.dtype or "auto", _tell)
    from core.looking_back.given_text.scoring import score_text, score_tokens

    other = namesake(name)
    note(f"model: {name}; {other}" if other else f"model: {name}")
    if exported is None:
        scored = score_text(loaded.model, loaded.codec, text, asked, prompt=prompt)
    else:
        own = token_texts(exported.steps)
        known = (one for one in own if one < loaded.model.vocabulary_size)
        others = {one: loaded.codec.token_text(one) for one in known}
        check_tokens(own, others, exported.model_name, name)
        note("an exported run: its own tokens are scored, behind what it continued")
        context, written = exported.started.context_token_ids, exported.finished.token_ids
        scored = score_tokens(loaded.model, loaded.codec, context, written, asked)
    about = {
        **about_program(),
        "model": name,
        "origin": found.origin,
        "revision": found.revision or None,
        "engine": loaded.engine,
        "device": str(loaded.placement.device),
        "dtype": str(loaded.placement.dtype).removeprefix("torch."),
        "prompt": prompt,
    }
    for piece in _records(scored, about) if output_format == "jsonl" else table_lines(scored):
        emit(piece)
    return 0


def read_text(file: str) -> str:
    """Return the text or exported run in ``file``, or on standard input for ``-``.

    Less one line end at its end.

    Raises:
        PlaygroundError: It cannot be read, is not UTF-8, or is far too long.
    """
    if file == "-":
        return read_standard_input("standard input", LARGEST_RUN)
    return read_text_file(file, LARGEST_RUN)


def _load(name: str, device: str, dtype: str, report: Report) -> LoadedModel:
    note("loading: starting torch and transformers")
    from core.models.loading import load_model

    loaded = load_model(name, device, dtype, report)
    remember_model(loaded.placement.device, loaded.placement.dtype, loaded.engine)
    return loaded


def _tell(stage: str, share: float | None = None, /) -> None:
    if share is None:
        note(f"loading: {stage}")


def _records(scored: ScoredText, about: Mapping[str, Any]) -> Iterator[str]:
    for index, one in enumerate(scored.tokens, start=scored.unscored):
        yield json_line(
            {
                "type": "token",
                "index": index,
                **_candidate(one.token),
                "bits": _number(one.bits),
                "entropy": _number(one.entropy),
                "likeliest": [_candidate(candidate) for candidate in one.likeliest],
            }
        )
    for verdict in scored.verdicts:
        yield json_line(_verdict(verdict))
    yield json_line(
        {
            "type": "text",
            **about,
            "token_ids": list(scored.token_ids),
            "context_token_ids": list(scored.context_token_ids),
            "tokens": len(scored.tokens),
            "bits": _number(scored.bits),
            "perplexity": _number(scored.perplexity),
            "word_perplexity": _number(scored.word_perplexity),
            "byte_perplexity": _number(scored.byte_perplexity),
            "bits_per_byte": _number(scored.bits_per_byte),
            "greedy_leaves_at": scored.greedy_leaves_at,
        }
    )


def _verdict(verdict: PresetVerdict) -> dict[str, Any]:
    found = verdict.forbidden
    return {
        "type": "preset",
        "preset": verdict.preset_name,
        "reachable": verdict.is_reachable,
        "forbidden": None
        if found is None
        else {
            "index": found.index,
            **_candidate(found.token),
            "cut_by": found.cut_by,
            "instead": _candidate(found.instead),
        },
        "tokens": verdict.tokens,
        "bits": _number(verdict.bits),
        "perplexity": _number(verdict.perplexity),
        "stops_after": verdict.stops_after,
        "other_tokens": verdict.other_tokens,
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "token_id": candidate.token_id,
        "text": candidate.text,
        "logprob": _number(candidate.logprob),
        "rank": candidate.rank,
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

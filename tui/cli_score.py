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

from core.export import json_line
from core.export_about import about_program
from core.preset_book import Preset
from core.presets import find_presets_file, load_presets
from core.scores import PresetVerdict, ScoredText, ScoredToken
from core.steps import Candidate
from core.visible import cell_width, one_line, pad, visible
from tui.cli_options import DeviceOption, DtypeOption, ModelOption, PresetsOption
from tui.cli_streams import emit, note
from tui.headless import Choices
from tui.text_file import prompt_argument, read_standard_input, read_text_file

if TYPE_CHECKING:
    from core.backends.base import Report
    from core.models.loading import LoadedModel

_Row = tuple[str, ...]


class ScoreFormat(StrEnum):
    """The forms in which ``score`` writes its result."""

    TABLE = "table"
    JSONL = "jsonl"


FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="The text to score, without the one line end at its end. - reads standard input.",
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
    from core.models.catalog import default_model, find_model, namesake

    name = choices.model or book.model or default_model()
    found = find_model(name)
    loaded = (load or _load)(name, choices.device or "auto", choices.dtype or "auto", _tell)
    from core.scoring import score_text

    other = namesake(name)
    note(f"model: {name}; {other}" if other else f"model: {name}")
    scored = score_text(loaded.model, loaded.codec, text, asked, prompt=prompt)
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
    """Return the text of ``file``, or of standard input for ``-``, less one line end at its end.

    Raises:
        PlaygroundError: It cannot be read, is not UTF-8, or is far too long.
    """
    if file == "-":
        return read_standard_input("standard input")
    return read_text_file(file)


def _load(name: str, device: str, dtype: str, report: Report) -> LoadedModel:
    note("loading: starting torch and transformers")
    from core.models.loading import load_model

    return load_model(name, device, dtype, report)


def _tell(stage: str, share: float | None = None, /) -> None:
    if share is None:
        note(f"loading: {stage}")


def table_lines(scored: ScoredText) -> Iterator[str]:
    """Yield the result as a table for people, line by line with line ends."""
    rows: list[_Row] = [("TOKEN", "TEXT", "PROBABILITY", "RANK", "BITS", "LIKELIEST")]
    rows += [
        _token_row(index, one) for index, one in enumerate(scored.tokens, start=scored.unscored)
    ]
    yield from _aligned(rows, right=(0, 2, 3, 4))
    yield "\n"
    yield _summary(scored)
    if scored.verdicts:
        yield "\n"
        heading = ("PRESET", "COULD WRITE IT", "TOKENS", "BITS", "PERPLEXITY", "")
        yield from _aligned([heading, *map(_verdict_row, scored.verdicts)], right=(2, 3, 4))


def _token_row(index: int, one: ScoredToken) -> _Row:
    best = one.likeliest[0]
    likeliest = "" if one.token.rank == 1 else f"{_shown(best)} {best.probability:.2%}"
    return (
        f"{index}",
        _shown(one.token),
        f"{one.token.probability:.2%}",
        f"{one.token.rank:,}",
        f"{one.bits:.2f}",
        likeliest,
    )


def _summary(scored: ScoredText) -> str:
    at = scored.greedy_leaves_at
    if not scored.tokens:
        return "no token has a score: nothing stands before the only one\n"
    line = f"{len(scored.tokens)} tokens, {scored.bits:.2f} bits"
    line += f", perplexity {scored.perplexity:.2f}; "
    if at is None:
        return f"{line}greedy would have written it\n"
    one = scored.tokens[at - scored.unscored]
    return f"{line}greedy leaves it at token {at}, with {_shown(one.likeliest[0])}\n"


def _verdict_row(verdict: PresetVerdict) -> _Row:
    if verdict.is_reachable is None:
        remark = "beams choose among whole texts, not token by token"
        return (one_line(verdict.preset_name), "unknown", "", "", "", remark)
    found = verdict.forbidden
    remarks = []
    if found is not None:
        remarks.append(f"token {found.index}, {_shown(found.token)}: {_reason(verdict)}")
    if verdict.stops_after is not None:
        remarks.append(f"stops after {verdict.stops_after} tokens")
    return (
        one_line(verdict.preset_name),
        "no" if found else "yes",
        f"{verdict.tokens}",
        f"{verdict.bits:.2f}",
        "" if verdict.perplexity is None else f"{verdict.perplexity:.2f}",
        "; ".join(remarks),
    )


def _reason(verdict: PresetVerdict) -> str:
    found = verdict.forbidden
    if found is None:
        return ""
    if found.cut_by == "do_sample":
        return f"greedy takes {_shown(found.instead)}"
    if found.cut_by in ("eos_token_id", "stop_strings"):
        return f"{found.cut_by} ends the text before it"
    return f"cut by {found.cut_by}"


def _shown(candidate: Candidate) -> str:
    return f"'{visible(candidate.text, keep='')}'"


def _aligned(rows: Sequence[_Row], right: Sequence[int]) -> Iterator[str]:
    widths = [max(cell_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            " " * (width - cell_width(cell)) + cell if column in right else pad(cell, width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip() + "\n"


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

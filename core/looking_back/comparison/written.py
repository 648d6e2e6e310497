"""A comparison on its way into files: JSON records, a table of figures, Markdown.

Must never let a model's text break a row, a cell or a terminal.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.document.export.markdown import markdown_text, quoted
from core.document.export.writers import event_record, json_line
from core.looking_back.comparison.causes import divergence_of, in_common
from core.looking_back.comparison.column import Column
from core.looking_back.comparison.figures import figures_of
from core.looking_back.comparison.sentences import where_they_part
from core.looking_back.comparison.spread import SeedSpread
from core.records.comparison import InTurn
from core.records.steps import Candidate, Event, Started
from core.text.readable import bits, decimal, number, percent
from core.text.visible import one_line, visible

HEADING = (
    *("COLUMN", "TOKENS", "LOGPROB", "PERPLEXITY", "ENTROPY", "DISTINCT-1", "DISTINCT-2"),
    *("REPEATED", "SECONDS", "TOKENS/S", "ENDED", "SAME"),
)


def event_line(number: int, event: Event | InTurn, about: Mapping[str, Any]) -> str:
    """Return an event of column ``number`` as a line of JSON: that of a run alone, and the column.

    ``about`` is said with ``Started``, as ``core.document.export.about.about_run`` returns it.
    """
    if isinstance(event, InTurn):
        return json_line({"column": number, "type": "in_turn", "reason": event.reason})
    record = event_record(event)
    if isinstance(event, Started):
        record = {"type": record["type"], **about, **record}
    return json_line({"column": number, **record})


def figures_lines(columns: Sequence[Column]) -> Iterator[str]:
    """Yield a line of JSON for each column: its figures, and where and why it parts."""
    baseline = columns[0]
    for place, column in enumerate(columns):
        figures = dataclasses.asdict(figures_of(column))
        found = divergence_of(column, baseline) if place else None
        parted = None
        if found is not None:
            parted = {
                "index": found.index,
                "cause": found.cause,
                "setting": found.setting or None,
                "token": _token(found.token),
                "baseline": _token(found.baseline),
                "told": where_they_part(found, column, baseline),
            }
        yield json_line(
            {
                "type": "figures",
                "column": place,
                "name": column.plan.name,
                **{name: _number(value) for name, value in figures.items()},
                "in_common": in_common(column, baseline),
                "divergence": parted,
            }
        )


def spread_line(spread: SeedSpread) -> str:
    """Return what several seeds came to as a line of JSON."""
    first = [{"text": text, "columns": count} for text, count in spread.first_tokens]
    return json_line(
        {
            "type": "seeds",
            "first_tokens": first,
            "lengths": list(spread.lengths),
            "different": spread.different,
        }
    )


def rows_of(columns: Sequence[Column]) -> list[tuple[str, ...]]:
    """Return a row for each column under ``HEADING``."""
    rows: list[tuple[str, ...]] = []
    for column in columns:
        figures = figures_of(column)
        rows.append(
            (
                one_line(column.plan.name),
                f"{figures.tokens:,}",
                decimal(figures.logprob),
                _decimal(figures.perplexity),
                "" if figures.entropy is None else bits(figures.entropy),
                _decimal(figures.distinct_1),
                _decimal(figures.distinct_2),
                f"{figures.repeated:,}",
                decimal(figures.seconds),
                decimal(figures.tokens_per_second, 1),
                (figures.reason or "").replace("_", " "),
                f"{in_common(column, columns[0]):,}",
            )
        )
    return rows


def remarks_on(column: Column, baseline: Column) -> Iterator[str]:
    """Yield what there is to say of a column, a line each: where it parts, its dice, a fault."""
    if column is not baseline:
        found = divergence_of(column, baseline)
        if found is not None:
            yield where_they_part(found, column, baseline)
        elif column.finished is not None and column.finished.reason != "failed":
            yield f"says the same as {one_line(baseline.plan.name)}"
    if column.plan.request.settings.do_sample and column.started is not None:
        seed = f"seed {column.started.seed}"
        if seed != column.plan.name:
            yield seed
    if column.in_turn:
        yield one_line(column.in_turn)
    if column.finished is not None and column.finished.detail:
        yield one_line(column.finished.detail)


def spread_sentences(spread: SeedSpread) -> Iterator[str]:
    """Yield what several seeds came to, a line each."""
    count = len(spread.lengths)
    yield f"{spread.different:,} of {count:,} texts are different"
    told = [
        f"'{visible(text, keep='')}' {percent(times / count, 0)}"
        for text, times in spread.first_tokens
    ]
    yield f"first tokens: {', '.join(told)}"
    least, most = min(spread.lengths), max(spread.lengths)
    mean = decimal(sum(spread.lengths) / count, 1)
    yield f"lengths: {least:,} to {most:,} tokens, {mean} on average"


def markdown_of(
    prompt: str,
    facts: Sequence[tuple[str, str]],
    columns: Sequence[Column],
    spread: SeedSpread | None,
) -> Iterator[str]:
    """Yield a comparison as Markdown: figures in a table, then each text and where it parts.

    ``facts`` are names and values of what all columns have in common, such as the model.
    """
    yield "# Side by side\n\n"
    yield from (f"{markdown_text(name)}: {markdown_text(value)}\n\n" for name, value in facts)
    yield f"## Prompt\n\n{quoted(prompt)}\n## Figures\n\n"
    yield _row([one.capitalize() for one in HEADING])
    yield _row(["---"] * len(HEADING), is_rule=True)
    yield from map(_row, rows_of(columns))
    if spread is not None:
        yield "\n"
        yield from (f"{markdown_text(one)}\n\n" for one in spread_sentences(spread))
    for place, column in enumerate(columns):
        yield f"\n## {number(place)}: {markdown_text(column.plan.name)}\n\n"
        yield f"{quoted(column.text)}\n"
        yield from (f"{markdown_text(one)}\n\n" for one in remarks_on(column, columns[0]))


def _row(cells: Sequence[str], *, is_rule: bool = False) -> str:
    return "| " + " | ".join(cells if is_rule else map(markdown_text, cells)) + " |\n"


def _token(candidate: Candidate | None) -> dict[str, Any] | None:
    if candidate is None:
        return None
    return {"token_id": candidate.token_id, "text": candidate.text, "rank": candidate.rank}


def _decimal(value: float | None) -> str:
    return "" if value is None else decimal(value)


def _number(value: Any) -> Any:  # noqa: ANN401
    return None if isinstance(value, float) and not math.isfinite(value) else value

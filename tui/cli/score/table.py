"""A scored text as a table for people: a row for every token, then one for every preset.

Must never let a token begin a new row or cell: control characters are spelled out.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.records.scores import PresetVerdict, ScoredText, ScoredToken
from core.records.steps import Candidate
from core.text.readable import bits, decimal, number, percent, token_count
from core.text.visible import one_line, visible
from tui.cli.table import aligned

_Row = tuple[str, ...]


def table_lines(scored: ScoredText) -> Iterator[str]:
    """Yield the result as a table for people, line by line with line ends."""
    rows: list[_Row] = [("TOKEN", "TEXT", "PROBABILITY", "RANK", "BITS", "LIKELIEST")]
    rows += [
        _token_row(index, one) for index, one in enumerate(scored.tokens, start=scored.unscored)
    ]
    yield from (f"{line}\n" for line in aligned(rows, right=(0, 2, 3, 4)))
    yield "\n"
    yield _summary(scored)
    if scored.verdicts:
        yield "\n"
        heading = ("PRESET", "COULD WRITE IT", "TOKENS", "BITS", "PERPLEXITY", "")
        verdicts = [heading, *map(_verdict_row, scored.verdicts)]
        yield from (f"{line}\n" for line in aligned(verdicts, right=(2, 3, 4)))


def _token_row(index: int, one: ScoredToken) -> _Row:
    best = one.likeliest[0]
    likeliest = "" if one.token.rank == 1 else f"{_shown(best)} {percent(best.probability, 2)}"
    return (
        number(index),
        _shown(one.token),
        percent(one.token.probability, 2),
        f"{one.token.rank:,}",
        bits(one.bits),
        likeliest,
    )


def _summary(scored: ScoredText) -> str:
    at = scored.greedy_leaves_at
    if not scored.tokens:
        return "no token has a score: nothing stands before the only one\n"
    line = f"{token_count(len(scored.tokens))}, {bits(scored.bits)} bits"
    line += f", perplexity {decimal(scored.perplexity or 0.0)} per token; "
    if at is None:
        line += "greedy would have written it\n"
    else:
        one = scored.tokens[at - scored.unscored]
        line += f"greedy leaves it at token {number(at)}, with {_shown(one.likeliest[0])}\n"
    if scored.word_perplexity is None:
        return line + "the first token has no score: nothing stands before it\n"
    return (
        f"{line}perplexity {decimal(scored.word_perplexity)} per word and"
        f" {scored.byte_perplexity:.3f} per byte, {scored.bits_per_byte:.3f} bits per byte\n"
    )


def _verdict_row(verdict: PresetVerdict) -> _Row:
    if verdict.is_reachable is None:
        beams = "beams choose among whole texts, not token by token"
        remark = one_line(verdict.obstacle) or beams
        return (one_line(verdict.preset_name), "unknown", "", "", "", remark)
    found = verdict.forbidden
    remarks = []
    if found is not None:
        remarks.append(f"token {number(found.index)}, {_shown(found.token)}: {_reason(verdict)}")
    if verdict.stops_after is not None:
        remarks.append(f"stops after {token_count(verdict.stops_after)}")
    if verdict.other_tokens:
        remarks.append("the same text in other tokens might pass")
    return (
        one_line(verdict.preset_name),
        "no" if found else "yes",
        f"{verdict.tokens:,}",
        bits(verdict.bits),
        "" if verdict.perplexity is None else decimal(verdict.perplexity),
        "; ".join(remarks),
    )


def _reason(verdict: PresetVerdict) -> str:
    found = verdict.forbidden
    if found is None:
        return ""
    if found.cut_by == "do_sample":
        return f"greedy takes {_shown(found.instead)}"
    if found.cut_by in ("eos_token_id", "stop_strings", "max_new_tokens", "max_length"):
        return f"{found.cut_by} ends the text before it"
    return f"cut by {found.cut_by}"


def _shown(candidate: Candidate) -> str:
    return f"'{visible(candidate.text, keep='')}'"

"""A scored text as prose and rows: what its tokens cost, and what each preset says to it.

Must never hold state or look at a widget, and never puts a text through markup. Tokens are counted
from 1, as people do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from core.presets.book import Preset
from core.records.scores import PresetVerdict, ScoredText, ScoredToken
from core.records.steps import Candidate
from core.text.readable import bits, number, percent, token_count
from core.text.visible import SPECIAL_TOKEN, one_line
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, fitting, settings_summary, shorten
from tui.common.visible import fit, visible_token, with_mark
from tui.prose.lines import Piece
from tui.prose.turn import PLAIN, tint

_YES = "bold $text-success"
_NO = "bold $text-error"
_LONGEST_TOKEN = 24
_LENGTHS = ("max_new_tokens", "max_length")
_ENDS = ("eos_token_id", "stop_strings", *_LENGTHS)


class Columns(NamedTuple):
    """The widths of the presets' table in cells; 0 for a column that is left out."""

    preset: int
    answer: int
    tokens: int
    bits: int
    perplexity: int
    remark: int

    @classmethod
    def within(cls, width: int) -> Columns:
        """Share ``width`` cells out."""
        preset = 24 if width >= 110 else 11
        tokens = 9 if width >= 50 else 0
        numbers = (9, 10) if width >= 68 else (0, 0)
        others = (preset, 9, tokens, *numbers)
        return cls(*others, max(0, width - sum(one + 1 for one in others if one)))


def score_pieces(text: str, scored: ScoredText) -> list[Piece]:
    """Return ``text`` as prose tinted by surprisal; a piece's step is its place among the scores.

    A first token without a score stands plain. In a conversation the tokens are not those of
    ``text``: the model reads who says what, too.
    """
    written = "".join(one.text for one in scored.tokens)
    is_whole = text.endswith(written)
    head = text[: len(text) - len(written)] if is_whole else scored.unscored_text
    pieces = [
        Piece(_drawn(one), tint(one.bits), step)
        for step, one in enumerate(scored.tokens)
        if one.text  # of an incomplete character there is nothing to draw
    ]
    if scored.is_unscored_special:
        head = SPECIAL_TOKEN
    return [Piece(head, PLAIN), *pieces] if head else pieces


def _drawn(one: ScoredToken) -> str:
    return with_mark(one.text, one.token.text) if one.is_special else one.text


def drawn_step(scored: ScoredText, step: int) -> int:
    """Return the first step from ``step`` on that has a piece: where its character is whole."""
    for at in range(max(0, step), len(scored.tokens)):
        if scored.tokens[at].text:
            return at
    return -1


def summary_row(scored: ScoredText, width: int) -> Row:
    """Return what the whole text costs, and where the likeliest text would have left it."""
    if not scored.tokens:
        return [("no token has a score: nothing stands before the only one", DIM)]
    # Perplexity is counted by tokens: told where there is room.
    return shorten(fitting([_summary(scored, " a token"), _summary(scored, "")], width), width)


def _summary(scored: ScoredText, counted_by: str) -> Row:
    row: Row = [
        (token_count(len(scored.tokens)), NUMBER),
        (" · ", DIM),
        (f"{_number(scored.bits)} bits", NUMBER),
        (" · perplexity ", DIM),
        (_number(scored.perplexity), NUMBER),
        (f"{counted_by} · ", DIM),
    ]
    at = scored.greedy_leaves_at
    if at is None:
        return [*row, ("always the likeliest token", _YES)]
    one = scored.tokens[at - scored.unscored]
    return [
        *row,
        (f"greedy leaves at {number(at)}: ", DIM),
        (_short(one.likeliest[0]), CHOSEN),
        (" for ", DIM),
        (_short(one.token), NUMBER),
    ]


def verdict_head(width: int) -> Row:
    """Return the names of the columns."""
    columns = Columns.within(width)
    row: Row = [(fit("preset", columns.preset), DIM), (" " + fit("could it", columns.answer), DIM)]
    for name, cells in zip(("tokens", "bits", "perplexity"), columns[2:5], strict=True):
        if cells:
            row.append((f" {name:>{cells}}", DIM))
    return shorten([*row, (" first forbidden token", DIM)], width)


def verdict_row(verdict: PresetVerdict, scored: ScoredText, width: int) -> Row:
    """Return what one preset says to the text."""
    columns = Columns.within(width)
    answer, style = {True: ("✓ yes", _YES), False: ("✗ no", _NO), None: ("? beams", DIM)}[
        verdict.is_reachable
    ]
    is_known = verdict.is_reachable is not None
    tokens = f"{verdict.tokens:,}"
    if verdict.forbidden is not None:
        tokens += f" of {scored.asked_tokens:,}"
    numbers = (tokens, _number(verdict.bits), _number(verdict.perplexity))
    row: Row = [
        (fit(one_line(verdict.preset_name), columns.preset), NUMBER),
        (" " + fit(answer, columns.answer), style),
    ]
    for text, cells in zip(numbers, columns[2:5], strict=True):
        if cells:
            row.append((f" {text if is_known else '':>{cells}}", NUMBER))
    return shorten([*row, (" ", ""), *_remark(verdict)], width)


def verdict_rows(
    verdict: PresetVerdict, preset: Preset | None, scored: ScoredText, width: int
) -> list[Row]:
    """Return one preset's answer in a sentence, and its settings."""
    name = (one_line(verdict.preset_name), "bold $text-primary")
    settings = settings_summary(list(preset.settings.to_mapping().items())) if preset else ""
    return [
        shorten([name, (" ", ""), *_sentence(verdict, scored)], width),
        shorten([(one_line(settings) or "the defaults of transformers", DIM)], width),
    ]


def token_row(scored: ScoredText, step: int, width: int) -> Row:
    """Return what the model made of one token."""
    if not 0 <= step < len(scored.tokens):
        return [("← → look at each token; ↑ ↓ at what each preset forbids", DIM)]
    one = scored.tokens[step]
    best = one.likeliest[0]
    row: Row = [
        (f"token {number(step + scored.unscored)} ", DIM),
        (_short(one.token), "bold " + CHOSEN),
        (f" {percent(one.token.probability)}", NUMBER),
        (" · rank ", DIM),
        (f"{one.token.rank:,}", NUMBER),
        (" · ", DIM),
        (f"{bits(one.bits)} bits", NUMBER),
    ]
    if one.token.token_id != best.token_id:
        row += [
            (" · likeliest ", DIM),
            (_short(best), CHOSEN),
            (f" {percent(best.probability)}", NUMBER),
        ]
    return shorten(row, width)


def _remark(verdict: PresetVerdict) -> Row:
    found = verdict.forbidden
    if found is not None:
        if verdict.stops_after == verdict.tokens and found.cut_by in _LENGTHS:
            return [(f"stops after {verdict.stops_after:,} ({found.cut_by})", "$text-warning")]
        why = "takes " + _short(found.instead) if _is_greedy(verdict) else found.cut_by
        return [
            (f"{number(found.index)} ", DIM),
            (_short(found.token), CHOSEN),
            (f" {why}", NUMBER),
        ]
    if verdict.is_reachable is None:
        return [("not for this model" if verdict.obstacle else "weighs whole texts", DIM)]
    return []


def _sentence(verdict: PresetVerdict, scored: ScoredText) -> Row:
    found = verdict.forbidden
    if verdict.is_reachable is None:
        beams = "searches with beams, of which no single token can tell"
        return [(one_line(verdict.obstacle) or beams, NUMBER)]
    if found is None:
        row: Row = [("could have written it", NUMBER)]
        if verdict.tokens:
            row.append((f", at {_number(verdict.bits / verdict.tokens)} bits a token", DIM))
    elif _is_greedy(verdict):
        row = [
            (f"leaves it at token {number(found.index)}: it takes ", NUMBER),
            (_short(found.instead), CHOSEN),
            (", not ", NUMBER),
            (_short(found.token), CHOSEN),
        ]
    elif found.cut_by in _ENDS:
        row = [(f"had ended before token {found.index + 1:,}, by {found.cut_by}", NUMBER)]
    else:
        row = [
            (f"forbids token {number(found.index)}, ", NUMBER),
            (_short(found.token), CHOSEN),
            (f": {found.cut_by} removes rank {found.token.rank:,}", NUMBER),
        ]
    is_told = found is not None and found.cut_by in _LENGTHS
    if verdict.stops_after is not None and not is_told:
        row.append((f"; it stops after {token_count(verdict.stops_after)}", "$text-warning"))
    if verdict.other_tokens:
        row.append(("; the same text in other tokens might pass", "$text-warning"))
    return row


def _is_greedy(verdict: PresetVerdict) -> bool:
    return verdict.forbidden is not None and verdict.forbidden.cut_by == "do_sample"


def _short(candidate: Candidate) -> str:
    text = visible_token(candidate.text)
    return text if cell_len(text) <= _LONGEST_TOKEN else fit(text, _LONGEST_TOKEN)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return bits(value) if math.isfinite(value) else "∞"


def preset_named(presets: Sequence[Preset], name: str) -> Preset | None:
    """Return the preset called ``name``, ``None`` where there is none."""
    return next((one for one in presets if one.name == name), None)

"""Steps to styled text: pure functions from records to ``Content``.

Must never hold state or look at a widget, and never puts model text through markup. Styles are
theme variables, so that every theme can draw them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content, Span

from core.records.steps import Candidate, Distribution, TokenStep
from core.text.readable import bits, percent, share_of_rest
from tui.common.visible import fit, visible_token

CHOSEN = "$text-accent"
DIM = "$dim"
NUMBER = "$foreground"
RAW_BAR = "$primary"
CHOSEN_BAR = "$accent"
CUT_BAR = "$faint"
REST_BAR = "$secondary"

_UNITS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_EIGHTHS = " ▏▎▍▌▋▊▉"
_RAW_WIDTH = 6
_FINAL_WIDTH = 7
_MARKER = "▸ "
_SHORT_CUTS = {
    "no_repeat_ngram_size": "n-gram",
    "repetition_penalty": "penalty",
    "min_new_tokens": "min_new",
    "epsilon_cutoff": "epsilon",
    "eta_cutoff": "eta",
    "typical_p": "typical",
    "min_length": "min_len",
    "bad_words_ids": "words",
    "suppress_tokens": "tokens",
    "begin_suppress_tokens": "begin",
    "forced_eos_token_id": "forced",
}

Part = tuple[str, str]
"""A stretch of text and its style."""

Row = list[Part]
"""One line of a panel."""


def line(parts: Iterable[Part]) -> Content:
    """Return one line made of styled stretches, built in bulk."""
    texts: list[str] = []
    spans: list[Span] = []
    position = 0
    for text, style in parts:
        texts.append(text)
        end = position + len(text)
        if style and text:
            spans.append(Span(position, end, style))
        position = end
    return Content("".join(texts), spans)


def lines(rows: Iterable[Iterable[Part]]) -> Content:
    """Return rows of styled stretches as one text."""
    parts: list[Part] = []
    for row in rows:
        parts += [*row, ("\n", "")]
    return line(parts[:-1])


def shorten(row: Row, width: int) -> Row:
    """Return ``row`` in at most ``width`` cells; a cut is marked."""
    shortened: Row = []
    for text, style in row:
        length = cell_len(text)
        if length > width:
            return [*shortened, (fit(text, width), style)]
        shortened.append((text, style))
        width -= length
    return shortened


def short_count(number: int) -> str:
    """Return a large number in three digits, such as ``1.56B``."""
    for unit, letter in _UNITS:
        if number >= unit:
            return f"{number / unit:.3g}{letter}"
    return str(number)


def bar(fraction: float, width: int) -> str:
    """Return a bar that fills ``fraction`` of ``width`` cells, to an eighth of a cell."""
    eighths = round(max(0.0, min(1.0, fraction)) * width * 8)
    whole, part = divmod(eighths, 8)
    drawn = "█" * whole + (_EIGHTHS[part] if part else "")
    return drawn + " " * (width - len(drawn))


def gauge(fraction: float, width: int) -> tuple[str, str]:
    """Return the full and the empty part of a gauge line."""
    filled = round(max(0.0, min(1.0, fraction)) * width)
    if fraction > 0:
        filled = max(1, filled)
    return "━" * filled, "─" * (width - filled)


def cut_name(setting: str) -> str:
    """Return the name of the setting that cut a candidate, in the table's narrow column."""
    return _SHORT_CUTS.get(setting, setting)


class Columns(NamedTuple):
    """The widths that the candidate table gives its token and its bar."""

    token: int
    bar: int

    @classmethod
    def within(cls, width: int) -> Columns:
        """Share ``width`` cells out; the numbers have theirs already."""
        room = max(6, width - len(_MARKER) - _RAW_WIDTH - _FINAL_WIDTH - 3)
        token = min(20, max(6, room * 3 // 5))
        return cls(token, max(0, room - token))


def candidate_table(step: TokenStep, width: int) -> list[Row]:
    """Return the table of one step: top five, the chosen one if not among them, and the rest."""
    return _table(step.distribution, step.token, width)


def choice_table(distribution: Distribution, width: int) -> list[Row]:
    """Return the table of a token that a person may choose, with the number that chooses each."""
    return _table(distribution, None, width)


def _table(distribution: Distribution, chosen: Candidate | None, width: int) -> list[Row]:
    columns = Columns.within(width)
    rows = [_table_head(columns)]
    shown = distribution.candidates
    for number, one in enumerate(shown, 1):
        is_chosen = chosen is not None and one.token_id == chosen.token_id
        row = _candidate_row(one, is_chosen, columns)
        rows.append(row if chosen is not None else [(f"{number} ", CHOSEN), *row[1:]])
    rows.extend([[]] * max(0, 5 - len(shown)))
    outside = chosen
    if chosen is not None and any(one.token_id == chosen.token_id for one in shown):
        outside = None
    rows.append(_outside_row(outside, columns) if outside is not None else [])
    rows.append(_rest_row(distribution, outside, columns))
    return rows


def _table_head(columns: Columns) -> Row:
    text = fit("  token", 2 + columns.token) + " " + " " * columns.bar
    return [(text + f" {'raw':>{_RAW_WIDTH}} {'final':>{_FINAL_WIDTH}}", DIM)]


def _candidate_row(candidate: Candidate, is_chosen: bool, columns: Columns) -> Row:
    is_cut = candidate.final_logprob is None
    name = "bold " + CHOSEN if is_chosen else (DIM if is_cut else NUMBER)
    shade = CHOSEN_BAR if is_chosen else (CUT_BAR if is_cut else RAW_BAR)
    return [
        (_MARKER if is_chosen else "  ", CHOSEN),
        (fit(visible_token(candidate.text), columns.token) + " ", name),
        (bar(candidate.probability, columns.bar), shade),
        (f" {percent(candidate.probability):>{_RAW_WIDTH}} ", DIM if is_cut else NUMBER),
        (_final(candidate), DIM if is_cut else name),
    ]


def _final(candidate: Candidate) -> str:
    if candidate.final_logprob is None:
        return f"{fit(cut_name(candidate.cut_by or 'cut'), _FINAL_WIDTH).strip():>{_FINAL_WIDTH}}"
    return f"{percent(candidate.final_probability):>{_FINAL_WIDTH}}"


def _outside_row(chosen: Candidate, columns: Columns) -> Row:
    rank = fit(f"#{chosen.rank}", columns.bar)
    row = _candidate_row(chosen, True, columns)
    row[2] = (rank, CHOSEN)
    return row


def _rest_row(distribution: Distribution, outside: Candidate | None, columns: Columns) -> Row:
    raw, final = distribution.rest, final_rest(distribution)
    left = sum(one.final_logprob is not None for one in distribution.candidates)
    if outside is not None:
        left += outside.final_logprob is not None
        raw = max(0.0, raw - outside.probability)
        final = max(0.0, final - outside.final_probability)
    return [
        (fit("  the rest", 2 + columns.token) + " ", "italic " + DIM),
        (bar(raw, columns.bar), REST_BAR),
        (f" {share_of_rest(raw):>{_RAW_WIDTH}} ", DIM),
        (f"{share_of_rest(final) if distribution.kept > left else '–':>{_FINAL_WIDTH}}", DIM),
    ]


def final_rest(distribution: Distribution) -> float:
    """Return the probability that the decoder left outside the shown candidates."""
    left = sum(one.final_logprob is not None for one in distribution.candidates)
    if distribution.kept <= left:
        return 0.0
    shown = sum(one.final_probability for one in distribution.candidates)
    return max(0.0, 1.0 - shown)


def step_header(step: TokenStep, mode: str, width: int) -> list[Row]:
    """Return what one step came to: the token, why it won, surprisal and entropy."""
    token = step.token
    rank: Row = [(f"  rank {token.rank:,}", NUMBER)]
    costs: Row = [
        ("surprisal ", DIM),
        (bits(token.surprisal), NUMBER),
        (" · entropy ", DIM),
        (bits(step.distribution.entropy), NUMBER),
    ]
    return [
        token_row(token.text, [*([*rank, (why, DIM)] for why in _whys(step, mode)), rank], width),
        fitting([[*costs, (" bits", DIM)], costs], width),
    ]


def token_row(text: str, rests: Sequence[Row], width: int) -> Row:
    """Return a token with the first of ``rests`` that fits; beside the last the token is cut."""
    shown = visible_token(text)
    rest = fitting(rests, width - cell_len(shown))
    room = max(1, width - row_width(rest))
    if cell_len(shown) > room:
        shown = fit(shown, room)
    return [(shown, "bold " + CHOSEN), *rest]


def fitting(rows: Sequence[Row], width: int) -> Row:
    """Return the first of ``rows`` that takes at most ``width`` cells, else the last."""
    return next((row for row in rows if row_width(row) <= width), rows[-1])


def row_width(row: Row) -> int:
    """Return how many cells ``row`` takes."""
    return sum(cell_len(text) for text, _ in row)


def choice_header(distribution: Distribution, mode: str, width: int) -> list[Row]:
    """Return what there is to know before a token is chosen, in two lines."""
    how = "draws from" if mode == "sample" else "takes the likeliest of"
    entropy: Row = [("entropy ", DIM), (bits(distribution.entropy), NUMBER)]
    return [
        shorten([("Enter ", CHOSEN), (f"{how} {distribution.kept:,}", NUMBER)], width),
        fitting([[*entropy, (" bits", DIM)], entropy], width),
    ]


def _whys(step: TokenStep, mode: str) -> tuple[str, str]:
    """Return why the token won, and the same in short."""
    if step.chosen_by == "person":
        return " · chosen by a person", " · by a person"
    how, short = ("likeliest of", "of")
    if mode in ("sample", "beam_sample"):
        how, short = ("drawn from", "from")
    kept = f"{step.distribution.kept:,}"
    return f" · {how} {kept}", f" · {short} {kept}"


def settings_summary(settings: Sequence[tuple[str, object]]) -> str:
    """Return settings as a person writes them, in one line."""
    return " · ".join(f"{name} {_value(value)}" for name, value in settings)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

"""One explained step as rows: what the settings did, how the dice fell, what each preset would do.

Must never hold state or look at a widget, and never puts model text through markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.decoding.token_texts import told
from core.document.document import Document
from core.looking_back.dice import Draw, Finisher
from core.looking_back.explain import Explanation
from core.looking_back.logits_store import StoreFacts
from core.looking_back.setting_effects import SettingEffect
from core.records.recorded_run import TokenTexts
from core.records.scores import perplexity_of_steps
from core.records.settings import Settings
from core.records.steps import Candidate, TokenStep
from core.text.readable import bits, decimal, number, percent, share_of_rest
from core.text.visible import pad
from tui.common.step_rows import (
    CHOSEN,
    CHOSEN_BAR,
    CUT_BAR,
    DIM,
    NUMBER,
    RAW_BAR,
    Row,
    bar,
    cut_name,
    shorten,
)
from tui.common.visible import fit, visible_prose, visible_token

_TITLE = "bold $text-primary"
_WIDE = 62
"""The cells from which on a candidate's row has room for a long token and a long bar."""
_PRESETS = 16
"""The cells that are left to the presets that would choose a candidate."""
_MEDIUM = 48
"""The cells from which on it has room for any bar."""


def facts(explanation: Explanation) -> list[Row]:
    """Return what the chosen token was worth."""
    token = explanation.token
    size = f" of {explanation.vocabulary_size:,}"
    final_rank = explanation.final_rank
    return [
        [
            (visible_token(token.text), "bold " + CHOSEN),
            (f"  id {token.token_id}", DIM),
        ],
        [
            ("raw ", DIM),
            (percent(token.probability), NUMBER),
            (f" · rank {token.rank:,}", NUMBER),
            (size, DIM),
        ],
        [
            ("final ", DIM),
            (percent(token.final_probability) if final_rank is not None else "cut", NUMBER),
            (f" · rank {final_rank:,}" if final_rank is not None else "", NUMBER),
            (f" of {explanation.kept:,} left", DIM),
        ],
        [("surprisal ", DIM), (bits(token.surprisal), NUMBER), (" bits", DIM)],
        [
            ("entropy ", DIM),
            (bits(explanation.entropy), NUMBER),
            (" bits, final ", DIM),
            (bits(explanation.final_entropy), NUMBER),
        ],
    ]


def title(what: str, document: Document, store: StoreFacts) -> Row:
    """Return what is explained, which step of how many, and what is no longer recorded."""
    selected = document.selected()
    if selected is None:
        return [(f" {what}", "bold " + CHOSEN)]
    turn, step = selected
    name = f" of run {turn.node_id}" if turn.node_id else ""
    row: Row = [(f" {what}", "bold " + CHOSEN), (f"  step {number(step.index)}", "bold")]
    row += [(f" of {len(turn.steps):,}{name}", DIM)]
    row += [(f" · {visible_prose(turn.preset_name)}", NUMBER), ("  ← →", CHOSEN)]
    row.append((" another step", DIM))
    if store.sentence:
        row.append((f" · {store.sentence}", DIM))
    return row


def perplexity(document: Document) -> Row:
    """Return how surprising the whole run of the selected step was to the model."""
    selected = document.selected()
    steps = selected[0].steps if selected is not None else []
    value = perplexity_of_steps([step for step in steps if isinstance(step, TokenStep)])
    told = "–" if value is None else decimal(value)
    return [("run's perplexity ", DIM), (told, NUMBER), (" a token", DIM)]


def effects(explanation: Explanation, settings: Settings, texts: TokenTexts) -> list[Row]:
    """Return what the settings did, in the order in which they acted; ``texts`` name tokens."""
    rows: list[Row] = [[("what the settings did, in their order", _TITLE)]]
    for effect in explanation.effects:
        value = visible_prose(told(settings, effect.name, texts))
        rows.append([(effect.name, CHOSEN), (f" {value}", NUMBER)])
        rows.append([(f"  {_did(effect)}", DIM)])
    if not explanation.effects:
        rows.append([("nothing: every token kept its probability", DIM)])
    return rows


def _did(effect: SettingEffect) -> str:
    if not effect.removed:
        return f"removed none · entropy {bits(effect.entropy)}"
    mass = share_of_rest(effect.removed_mass)
    return f"removed {effect.removed:,} with {mass}, left {effect.kept:,}"


def dice(draw: Draw | None, *, was_sampled: bool, is_forced: bool = False) -> list[Row]:
    """Return how the token was drawn, and what another draw would have brought.

    Nothing was where ``is_forced`` says that a person chose it.
    """
    rows: list[Row] = [[("the dice", _TITLE)]]
    if is_forced:
        return [*rows, [("no dice: a person chose this token", CHOSEN)]]
    if draw is None:
        why = (
            "nothing was left to draw from" if was_sampled else "no dice: the likeliest token wins"
        )
        return [*rows, [(why, DIM)]]
    winner = draw.winner
    rows += [
        [("it wins ", DIM), (percent(winner.probability), NUMBER), (" of all draws", DIM)],
        [("its luck: among the best ", DIM), (percent(winner.luck), NUMBER)],
        [("it needed the best ", DIM), (percent(draw.needed), NUMBER)],
    ]
    others = [one for one in draw.finishers if one.token_id != winner.token_id]
    if others:
        rows.append([("next in this race ", DIM), *_finisher(others[0])])
    if draw.favourite.token_id != winner.token_id:
        rows.append([("the favourite ", DIM), *_finisher(draw.favourite)])
        rows.append([("  its luck: among the best ", DIM), (percent(draw.favourite.luck), NUMBER)])
    return rows


def _finisher(one: Finisher) -> Row:
    return [(visible_token(one.text), NUMBER), (f" {percent(one.probability)}", DIM)]


class _Columns(NamedTuple):
    """The cells of a candidate's columns: rank, token, bar and final probability."""

    rank: int
    token: int
    bar: int
    final: int


def _columns(width: int) -> _Columns:
    """Return the columns for rows of ``width`` cells; what is to spare goes to token and bar."""
    if width < _MEDIUM:
        return _Columns(3, 9, 0, 6)
    if width < _WIDE:
        return _Columns(4, 12, 5, 8)
    spare = max(0, width - _WIDE - _PRESETS)
    return _Columns(4, min(30, 18 + spare // 4), min(60, 10 + spare * 3 // 4), 8)


def candidate_head(width: int) -> str:
    """Return the headings of the columns of ``candidate``."""
    columns = _columns(width)
    return (
        f"{'#':>{columns.rank}}   {'token':<{columns.token + 1}}{'':{columns.bar}}"
        f" {'raw':>6} {'final':>{columns.final}} presets"
    )


def candidate(one: Candidate, presets: Sequence[str], width: int, *, is_chosen: bool) -> Row:
    """Return a candidate's row: rank, token, probabilities, and which presets would choose it."""
    rank_width, token_width, bar_width, final_width = _columns(width)
    is_cut = one.final_logprob is None
    style = "bold " + CHOSEN if is_chosen else (DIM if is_cut else NUMBER)
    shade = CHOSEN_BAR if is_chosen else (CUT_BAR if is_cut else RAW_BAR)
    final = cut_name(one.cut_by or "cut") if is_cut else percent(one.final_probability)
    row: Row = [
        (f"{one.rank:>{rank_width}} ", DIM),
        ("▸ " if is_chosen else "  ", CHOSEN),
        (pad(fit(visible_token(one.text), token_width), token_width + 1), style),
        (bar(one.probability, bar_width), shade),
        (f" {percent(one.probability):>6} ", DIM if is_cut else NUMBER),
        (f"{final:>{final_width}}", DIM if is_cut else style),
    ]
    if presets:
        row.append((f" {key_ranges(presets)}", "$text-success"))
    return shorten(row, width)


def key_ranges(keys: Sequence[str]) -> str:
    """Return names of keys in one line, function keys that follow one another as ``F3–F8``."""
    told: list[str] = []
    first = last = 0
    for key in keys:
        number = int(key[1:]) if key[:1] == "F" and key[1:].isdecimal() else 0
        if last and number == last + 1:
            told[-1] = f"F{first}–F{number}" if number > first + 1 else f"F{first} F{number}"
            last = number
        else:
            told.append(key)
            first = last = number
    return " ".join(told)


def found(candidates: Sequence[tuple[Candidate, int]]) -> list[Row]:
    """Return what was looked up: tokens, each the first of so many that a text is read as."""
    rows: list[Row] = []
    for one, length in candidates:
        is_cut = one.final_logprob is None
        final = f"cut by {one.cut_by}" if is_cut else f"final {percent(one.final_probability)}"
        rows.append([(visible_token(one.text), "bold"), (f"  id {one.token_id}", DIM)])
        if length > 1:
            rows.append([(f"  first of {length:,} tokens; t scores a text", "$text-warning")])
        rows.append(
            [
                (f"  #{one.rank:,} · raw {_small(one.probability)} · ", NUMBER),
                (final, DIM if is_cut else NUMBER),
            ]
        )
    return rows


def _small(probability: float) -> str:
    return percent(probability) if probability >= 0.0005 else f"{probability:.1e}"

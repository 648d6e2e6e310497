"""One step under two settings as rows: what became of it, and its tokens side by side.

Must never hold state or look at a widget, and never puts a token's text through markup.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.looking_back.other_settings.look import Compared, StepLook
from core.records.recorded_run import TokenTexts
from core.text.readable import number, percent
from tui.common.step_rows import CHOSEN, CHOSEN_BAR, CUT_BAR, DIM, NUMBER, Row, bar, cut_name
from tui.common.visible import fit, visible_prose, visible_token

if TYPE_CHECKING:
    from core.looking_back.other_settings.scrub import ScrubbedStep

PICK = "$text-success"
PICK_MARK = "→"

_NUMBERS = (6, 6, 8)
_TOKEN_WIDTHS = (6, 20)


def step_rows(
    look: StepLook | None,
    index: int,
    count: int,
    texts: TokenTexts,
    width: int,
    height: int,
    *,
    divergence: int | None = None,
) -> list[Row]:
    """Return the step looked at: what became of it, and its tokens under both settings.

    ``look`` is of another step, or ``None``, while this one is being computed. ``divergence`` is
    the first step of the run that would differ, if that is known and there is one.
    """
    row: Row = [(f"step {number(index)}", "bold"), (f" of {count:,}", DIM)]
    if look is None or look.index != index:
        return [row, [("…", DIM)]]
    row += _certainty(index, divergence)
    step = look.step
    if look.fault or step is None:
        told = textwrap.wrap(visible_prose(look.fault), max(1, width))
        return [row, *([(text, "$text-warning")] for text in told)]
    rows = [row, _verdict(step, texts, width), _table_head(width)]
    shown = _fitting(look.rows, (step.token_id, step.pick), height - len(rows))
    return rows + [_table_row(one, step, width) for one in shown]


def _certainty(index: int, divergence: int | None) -> Row:
    if index == divergence:
        return [(" · ", DIM), ("◆ the first divergence", PICK)]
    if divergence is not None and index > divergence:
        return [(" · ", DIM), ("hypothetical", "$text-warning")]
    return []


def _verdict(step: ScrubbedStep, texts: TokenTexts, width: int) -> Row:
    recorded = token_named(step.token_id, texts)
    if not step.differs:
        return [(fit(recorded, max(1, width - 24)).rstrip(), "bold"), (" would be the same", DIM)]
    why = f" ({cut_name(step.cut_by)} cuts)" if step.cut_by is not None else ""
    room = max(2, width - len(why) - 3)
    pick = "nothing is left" if step.pick is None else token_named(step.pick, texts)
    recorded = fit(recorded, max(room // 2, room - len(pick))).rstrip()
    return [
        (recorded, "bold strike" if step.cut_by is not None else "bold underline"),
        (why, "$text-error"),
        (f" {PICK_MARK} ", PICK),
        (fit(pick, max(1, room - len(recorded))).rstrip(), f"bold {PICK}"),
    ]


def _fitting(rows: Sequence[Compared], needed: tuple[int, int | None], room: int) -> list[Compared]:
    """Return as many rows as there is room for, the needed tokens always among them."""
    chosen = [one for one in rows if one.token_id in needed]
    others = [one for one in rows if one.token_id not in needed]
    kept = {one.token_id for one in [*chosen, *others[: max(0, room - len(chosen))]]}
    return [one for one in rows if one.token_id in kept]


def _columns(width: int) -> tuple[int, int]:
    """Return the widths of a token and of its bar."""
    least, most = _TOKEN_WIDTHS
    room = max(least + 1, width - 2 - sum(_NUMBERS) - len(_NUMBERS))
    token = min(most, max(least, room * 3 // 5))
    return token, max(0, room - token - 1)


def _table_head(width: int) -> Row:
    token, drawn = _columns(width)
    names = [f" {name:>{size}}" for name, size in zip(("raw", "run", "now"), _NUMBERS, strict=True)]
    return [("  " + fit("token", token) + " " * (drawn + 1) + "".join(names), DIM)]


def _table_row(one: Compared, step: ScrubbedStep, width: int) -> Row:
    token, drawn = _columns(width)
    is_pick = one.token_id == step.pick
    is_recorded = one.token_id == step.token_id
    is_cut = one.scrubbed.final_logprob is None
    name = f"bold {PICK}" if is_pick else ("bold" if is_recorded else (DIM if is_cut else NUMBER))
    share = one.own.probability if is_cut else one.scrubbed.final_probability
    shade = CUT_BAR if is_cut else ("$success" if is_pick else CHOSEN_BAR)
    raw, run, now = _NUMBERS
    return [
        ("▸ ", CHOSEN) if is_recorded else (f"{PICK_MARK if is_pick else ' '} ", PICK),
        (fit(visible_token(one.own.text), token) + " ", name),
        (bar(share, drawn), shade),
        (f" {percent(one.own.probability):>{raw}}", DIM),
        (f" {_final(one.own.final_logprob, one.own.cut_by, one.own.final_probability, run)}", DIM),
        (
            f" {_final(one.scrubbed.final_logprob, one.scrubbed.cut_by, share, now)}",
            "$text-error" if is_cut and is_recorded else name,
        ),
    ]


def _final(final_logprob: float | None, cut_by: str | None, share: float, width: int) -> str:
    if final_logprob is None:
        return f"{fit(cut_name(cut_by or 'cut'), width).strip():>{width}}"
    return f"{percent(share):>{width}}"


def token_named(token_id: int, texts: TokenTexts) -> str:
    """Return a token as it is written in a row."""
    return visible_token(texts.token_text(token_id))

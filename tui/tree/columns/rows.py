"""Columns as styled text: what stands over and under each, and the table of their figures.

Must never hold state or look at a widget, and never puts a run's text through markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.looking_back.comparison.causes import Divergence
from core.looking_back.comparison.column import ChosenToken, Column
from core.looking_back.comparison.figures import ColumnFigures, figures_of
from core.looking_back.comparison.sentences import where_they_part, why_they_part
from core.looking_back.comparison.spread import spread_of
from core.playground.looking.beside import Beside
from core.presets.difference import differences, told_value
from core.records.settings import Settings
from core.records.steps import FinishReason, TokenStep, is_chosen_by_person
from core.text.readable import decimal, number, token_count
from core.text.visible import SPECIAL_TOKEN, one_line, visible
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, candidate_table, shorten
from tui.common.visible import fit, visible_prose
from tui.prose.lines import Piece, Prose
from tui.prose.turn import FAILURE, PLAIN, SPECIAL, tint
from tui.prose.view import PARTING, SAME

PARTING_MARK = "▸"
_OF_THE_PROMPT = 24
_BLOCKS = "▁▂▃▄▅▆▇█"
_MOST_BITS = 6.0
"""The entropy, in bits, that fills a block."""

_REASONS: dict[FinishReason, str] = {
    "end_of_text": "end of text",
    "length": "length",
    "context_full": "context full",
    "stop_string": "stop string",
    "by_hand": "by hand",
    "cancelled": "stopped",
    "failed": "failed",
}


def title_row(beside: Beside, prompt: str, shown: Sequence[int], told: str) -> Row:
    """Return what stands over all columns, of which those at ``shown`` are in sight."""
    row: Row = [(" side by side", "bold " + CHOSEN)]
    prompt = one_line(prompt)
    if prompt:
        end = prompt if len(prompt) <= _OF_THE_PROMPT else "…" + prompt[1 - _OF_THE_PROMPT :]
        row.append((f"  {fit(end, _OF_THE_PROMPT).rstrip()}", NUMBER))
    count = len(beside.columns)
    if shown and len(shown) < count:
        places = "–".join(dict.fromkeys((number(shown[0]), number(shown[-1]))))
        row.append((f"  {places} of {count}", CHOSEN))
    row.append((f"  {visible_prose(told)}", DIM))
    return row if beside.is_together else [*row, (" · cursors apart", DIM)]


def dice_told(beside: Beside, *, is_of_tree: bool) -> str:
    """Return with which dice the columns draw."""
    if is_of_tree:
        return "two runs of the tree"
    seed = shared_seed(beside)
    if seed is not None:
        return f"the same dice in all: seed {seed}"
    is_drawn = any(seed_of(one) is not None for one in beside.columns)
    return "other dice in each" if is_drawn else "nothing is drawn"


def title_of(beside: Beside, column: int) -> str:
    """Return what a column is called."""
    name = one_line(beside.columns[column].plan.name)
    return f"{number(column)} {name}{' · baseline' if not column else ''}"


def pieces_of(column: Column, chosen: Sequence[ChosenToken], same: int) -> list[Piece]:
    """Return a column's text: the ``same`` tokens as the baseline's dimmed, then tinted.

    Where it goes on otherwise stands ``PARTING_MARK``.
    """
    pieces: list[Piece] = []
    texts = _texts(column, len(chosen))
    for index, (one, text) in enumerate(zip(chosen, texts, strict=True)):
        if index == same and same >= 0:
            pieces.append(Piece(PARTING_MARK, PARTING, index))
        kind = SAME if index < same else tint(one.token.surprisal)
        pieces.append(Piece(text, kind, index))
    finished = column.finished
    if finished is None:
        return pieces
    written = "".join(texts)
    if finished.text.startswith(written):
        pieces.append(Piece(finished.text[len(written) :], SAME if same >= len(texts) else PLAIN))
    if finished.reason == "end_of_text":
        pieces.append(Piece(SPECIAL_TOKEN, SPECIAL, len(chosen) - 1))
    elif finished.reason == "failed":
        pieces.append(Piece(f"\n✗ {finished.detail or 'the run failed'}", FAILURE))
    return pieces


def _texts(column: Column, count: int) -> list[str]:
    """Return what each of the first ``count`` tokens adds to a column's text."""
    steps = column.steps[:count]
    if all(isinstance(step, TokenStep) for step in steps):
        return [step.text for step in steps if isinstance(step, TokenStep)]
    texts, before = [], ""
    ids = column.token_ids
    for index, step in enumerate(steps):
        if isinstance(step, TokenStep):
            texts.append(step.text)
            continue
        dropped = (one.hypothesis for one in step.dropped)
        beams = (*step.hypotheses, *step.finished, *dropped)
        text = next((one.text for one in beams if one.token_ids == ids[: index + 1]), before)
        texts.append(text[len(before) :])
        before = text
    return texts


def status_row(column: Column, width: int) -> Row:
    """Return how far a column has come, how fast, and why it ended."""
    figures, finished = figures_of(column), column.finished
    speed = f" · {figures.tokens_per_second:,.0f} tok/s" if figures.tokens_per_second else ""
    if finished is None and column.started is None:
        waits = f"waits: {one_line(column.in_turn)}" if column.in_turn else "waits"
        return shorten([("◌ ", "$text-warning"), (waits, DIM)], width)
    if finished is None:
        limit = f" of {column.started.max_new_tokens:,}" if column.started is not None else ""
        row = [("● ", "$text-success"), (f"{figures.tokens:,}{limit}", NUMBER), (speed, NUMBER)]
    else:
        has_failed = finished.reason == "failed"
        style = "bold $text-error" if has_failed else "bold"
        row = [("✗ " if has_failed else "■ ", style), (_REASONS[finished.reason], style)]
        row += [(f" · {token_count(figures.tokens)}", DIM), (speed, DIM)]
    return shorten(row, width)


def seed_of(column: Column) -> int | None:
    """Return the seed that a column draws with, ``None`` where it draws nothing."""
    settings = column.plan.request.settings
    if not settings.do_sample:
        return None
    return settings.seed if column.started is None else column.started.seed


def shared_seed(beside: Beside) -> int | None:
    """Return the seed of all columns that draw, ``None`` where they have several, or none."""
    seeds = {seed_of(one) for one in beside.columns} - {None}
    return seeds.pop() if len(seeds) == 1 else None


def settings_row(beside: Beside, column: int, width: int) -> Row:
    """Return what a column sets otherwise than the baseline; of that, what it sets at all.

    A seed is told where not all have the same.
    """
    own = beside.columns[column].plan.request.settings
    other = beside.comparison.baseline.plan.request.settings if column else Settings()
    told = [
        (one.name, one.one)
        for one in differences(own, other)
        if own.uses(one.name) and one.name not in ("seed", "do_sample")
    ]
    seed = seed_of(beside.columns[column])
    if seed is not None and shared_seed(beside) is None:
        told.append(("seed", seed))
    row: Row = []
    for name, value in told:
        row += [(" · " if row else "", DIM), (one_line(f"{name} {told_value(value)}"), NUMBER)]
    return shorten(row or [("greedy" if not own.do_sample else "the same settings", DIM)], width)


def parting_rows(
    beside: Beside, column: int, divergence: Divergence | None, width: int, height: int
) -> list[Row]:
    """Return where and why a column parts from the baseline, in at most ``height`` lines."""
    one = beside.columns[column]
    if not column:
        return [[(fit("the others are held against this one", width).rstrip(), DIM)]]
    if divergence is None:
        same, is_over = beside.same(column), beside.comparison.is_over
        told = "the very same text" if is_over else f"the same so far: {token_count(same)}"
        return [[(fit(told, width).rstrip(), DIM)]]
    baseline = beside.comparison.baseline
    why = _whose_hand(divergence, beside, column)
    told = f"step {number(divergence.index)}: {why}" if why else ""
    prose = _wrapped(told or where_they_part(divergence, one, baseline), width - 2)
    if len(prose.lines) > height:  # the two tokens stand in the texts as well
        why = why or why_they_part(divergence, one, baseline)
        prose = _wrapped(f"step {number(divergence.index)}: {why}", width - 2)
    rows: list[Row] = [[("".join(piece.text for piece in line), NUMBER)] for line in prose.lines]
    if len(rows) > height:
        rows = [*rows[: height - 1], [(fit(rows[height - 1][0][0] + "…", width - 2), NUMBER)]]
    lead = [(f"{PARTING_MARK} ", "bold " + CHOSEN), *[("  ", "")] * height]
    return [[mark, *row] for mark, row in zip(lead, rows, strict=False)]


def _whose_hand(divergence: Divergence, beside: Beside, column: int) -> str:
    """Return in which of the two texts a person put the token, empty where nobody did."""
    for at, where in ((column, "here"), (0, "in the baseline")):
        step = beside.columns[at].steps[divergence.index : divergence.index + 1]
        if step and is_chosen_by_person(step[0]):
            token = divergence.token if at else divergence.baseline
            text = visible(token.text, keep="") if token is not None else ""
            return f"a person put '{text}' {where}"
    return ""


def _wrapped(sentence: str, width: int) -> Prose:
    prose = Prose(max(8, width))
    prose.append([Piece(sentence, "")])
    return prose


def entropy_row(chosen: Sequence[ChosenToken], cursor: int | None, width: int) -> Row:
    """Return the entropy of the newest steps, or of those around the cursor, as blocks."""
    name = "bits "
    room = max(1, width - len(name))
    last = len(chosen) if cursor is None else min(len(chosen), max(room, cursor + room // 2))
    first = max(0, last - room)
    row: Row = [(name, DIM)]
    for index in range(first, last):
        share = min(1.0, chosen[index].distribution.entropy / _MOST_BITS)
        block = _BLOCKS[round(share * (len(_BLOCKS) - 1))]
        row.append((block, "bold " + CHOSEN if index == cursor else "$primary"))
    return row


def candidate_rows(
    chosen: Sequence[ChosenToken], cursor: int | None, width: int, height: int
) -> list[Row]:
    """Return the candidates of the step that is looked at, as many lines as there is room for."""
    if not chosen:
        return []
    index = len(chosen) - 1 if cursor is None else cursor
    one = chosen[index]
    table = candidate_table(TokenStep(index, one.token, one.distribution, "", 0.0), width)
    if height >= len(table):
        return table
    rows = table[1:6]
    outside = table[6]
    return [*rows[: height - 1], outside] if outside else rows[:height]


_NAMES = (
    "tokens",
    "log p",
    "perplexity",
    "entropy",
    "distinct-1",
    "distinct-2",
    "rep-4",
    "seconds",
)
_SHORT_NAMES = ("tokens", "log p", "ppl", "bits", "dist-1", "dist-2", "rep-4", "s")
_CELLS, _FEWEST_CELLS = 12, 8


def figure_rows(beside: Beside, width: int) -> list[Row]:
    """Return a table of what each column came to, a line for each."""
    is_wide = width >= 12 + _CELLS * len(_NAMES)
    cell, names = (_CELLS, _NAMES) if is_wide else (_FEWEST_CELLS, _SHORT_NAMES)
    name = min(28, max(12, width - cell * len(names)))
    shown = max(1, min(len(names), (width - name) // cell))
    rows: list[Row] = [[(fit("", name), DIM), *((f"{one:>{cell}}", DIM) for one in names[:shown])]]
    for at, column in enumerate(beside.columns):
        style = "bold " + CHOSEN if at == beside.focused else NUMBER
        cells = _figures(figures_of(column))[:shown]
        title = fit(f"{number(at)} {one_line(column.plan.name)}", name)
        rows.append([(title, style), *((f"{one:>{cell}}", NUMBER) for one in cells)])
    return rows


def _figures(figures: ColumnFigures) -> list[str]:
    def told(value: float | None) -> str:
        return "–" if value is None else decimal(value)

    return [
        f"{figures.tokens:,}",
        decimal(figures.logprob, 1) if figures.tokens else "–",
        told(figures.perplexity),
        told(figures.entropy),
        told(figures.distinct_1),
        told(figures.distinct_2),
        f"{figures.repeated:,}",
        decimal(figures.seconds, 2),
    ]


def spread_row(columns: Sequence[Column], width: int) -> Row:
    """Return what several seeds came to: how they begin, their lengths, how many differ."""
    spread = spread_of(columns)
    row: Row = [("first token ", DIM)]
    for text, count in spread.first_tokens:
        row += [(f"'{visible(text, keep='')}'", CHOSEN), (f" {count}  ", NUMBER)]
    lengths = f"{min(spread.lengths):,} to {max(spread.lengths):,}"
    row += [("· tokens ", DIM), (lengths, NUMBER)]
    row += [(" · different ", DIM), (f"{spread.different} of {len(columns)}", NUMBER)]
    return shorten(row, width)

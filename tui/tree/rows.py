"""The tree of runs as rows: guides, what each run wrote, and its facts in columns.

Must never hold state or look at a widget, and never puts a run's text through markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from core.document.tree_records import ROOT, Node, RunFacts, TreeRow
from core.records.steps import FinishReason
from core.text.readable import length, number
from core.text.visible import one_line
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, settings_summary, shorten
from tui.common.visible import fit, visible_prose, visible_token
from tui.prose.lines import Piece, Prose

EMPTY_DOCUMENT = "the empty document"

PROMPT = "bold $text-primary"
_NAME = "bold $text-accent"
_FORK = "bold $text-warning"
_MARKED = "◆ "
_SHORT_REASONS: dict[FinishReason, str] = {
    "end_of_text": "ended",
    "length": "length",
    "context_full": "full",
    "stop_string": "stop text",
    "by_hand": "by hand",
    "cancelled": "stopped",
    "failed": "failed",
}
_REASONS: dict[FinishReason, str] = {
    "end_of_text": "ended its text",
    "length": "reached its length",
    "context_full": "filled the context",
    "stop_string": "wrote a stop string",
    "by_hand": "written by hand",
    "cancelled": "was stopped",
    "failed": "failed",
}


class Columns(NamedTuple):
    """The widths of a row's columns in cells; 0 for one that is left out."""

    label: int
    preset: int
    model: int
    tokens: int
    seed: int
    reason: int

    @classmethod
    def within(cls, width: int) -> Columns:
        """Share ``width`` cells out."""
        preset = 10 if width >= 50 else 0
        model = 14 if width >= 110 else 0
        seed = 10 if width >= 70 else 0
        reason = 9 if width >= 40 else 0
        others = (preset, model, 6, seed, reason)
        label = width - sum(one + 1 for one in others if one)
        return cls(max(8, label), *others)


def guides(rows: Sequence[TreeRow]) -> list[str]:
    """Return what stands before each row's bullet, drawn as a tree.

    A run that goes on where the run before it ended, and is alone to do so, stands below it; so a
    long conversation is no staircase.
    """
    children: dict[int, list[int]] = {}
    for row in rows:
        children.setdefault(row.node.beginning.parent, []).append(row.node.node_id)
    below: dict[int, str] = {ROOT: ""}
    found: list[str] = []
    for row in rows:
        parent, node_id = row.node.beginning.parent, row.node.node_id
        before = below[parent]
        if len(children[parent]) == 1 and not row.is_fork:
            found.append(before)
            below[node_id] = before
        else:
            is_last = children[parent][-1] == node_id
            found.append(before + ("└─" if is_last else "├─"))
            below[node_id] = before + ("  " if is_last else "│ ")
    return found


def head_row(width: int) -> Row:
    """Return the names of the columns."""
    columns = Columns.within(width)
    row: Row = [(fit("    run", columns.label), DIM)]
    names = ("preset", "model", "tokens", "seed", "ended by")
    for name, cells in zip(names, columns[1:], strict=True):
        if cells:
            text = f"{name:>{cells}}" if name in ("tokens", "seed") else fit(name, cells)
            row.append((" " + text, DIM))
    return row


def root_row(width: int, *, is_cursor: bool) -> Row:
    """Return the row of the empty document."""
    return shorten(
        [("  ", ""), _bullet(is_cursor=is_cursor, is_on_path=True), (EMPTY_DOCUMENT, DIM)], width
    )


def run_row(row: TreeRow, guide: str, before: RunFacts | None, width: int, marked: int) -> Row:
    """Return one run as a row of ``width`` cells.

    Args:
        row: The run and its place.
        guide: What stands before its bullet.
        before: The run that it begins from, ``None`` for the empty document: the model is named
            where it is another.
        width: Of the row, in cells.
        marked: The id of the run that is marked for a comparison.
    """
    columns = Columns.within(width)
    run = row.node.run
    most = max(6, columns.label // 2)
    if len(guide) > most:
        guide = "‹" + guide[1 - most :]
    is_other_model = before is None or before.model.name != run.model.name
    label: Row = [
        (_MARKED if row.node.node_id == marked else "  ", CHOSEN),
        (guide, DIM),
        _bullet(is_cursor=row.is_cursor, is_on_path=row.is_on_path),
    ]
    if is_other_model and before is not None and not columns.model:
        label.append((f"{one_line(run.model.name)}: ", "italic " + DIM))
    label += _label(row, columns.label)
    label = shorten(label, columns.label)
    label.append((" " * (columns.label - sum(cell_len(text) for text, _ in label)), ""))
    facts = (
        (fit(one_line(run.preset_name), columns.preset), NUMBER),
        (fit(one_line(run.model.name) if is_other_model else "", columns.model), DIM),
        (f"{len(run.token_ids):>{columns.tokens},}", NUMBER),
        (f"{_seed(run):>{columns.seed}}" if columns.seed else "", DIM),
        (fit(_SHORT_REASONS[run.reason], columns.reason), DIM),
    )
    return [*label, *((" " + text, style) for text, style in facts if text)]


def details(row: TreeRow, width: int, height: int) -> list[Row]:
    """Return all that is known of a run in at most ``height`` rows: facts, settings, its text."""
    run = row.node.run
    facts: Row = [
        (one_line(run.preset_name), PROMPT),
        (f" · {one_line(run.model.name)} · ", DIM),
        (length(len(run.token_ids), len(run.steps) or len(run.token_ids)), NUMBER),
        (f" · {_REASONS[run.reason]}", DIM),
    ]
    if run.settings.do_sample:
        facts += [(" · seed ", DIM), (f"{run.seed}", NUMBER)]
    settings = settings_summary(list(run.settings.to_mapping().items()))
    rows: list[Row] = [
        shorten(facts, width),
        shorten([(one_line(settings) or "the defaults of transformers", DIM)], width),
    ]
    return [*rows, *_text_rows(row.node, width, height - len(rows))][:height]


def title(row: TreeRow) -> str:
    """Return a run's name, or its number, as it stands in titles."""
    return one_line(row.name) if row.name else f"run {row.node.node_id}"


def place(row: TreeRow) -> str:
    """Return in words where a run begins."""
    beginning = row.node.beginning
    if beginning.parent == ROOT:
        return "from the empty document"
    if beginning.begins_conversation:
        return f"begins a conversation after run {beginning.parent}"
    what = "leaves" if row.is_fork else "goes on after"
    at = f" at step {number(row.step - 1)}" if row.is_fork else ""
    return f"{what} run {beginning.parent}{at}"


def _seed(run: RunFacts) -> str:
    return str(run.seed) if run.settings.do_sample else "–"


def _bullet(*, is_cursor: bool, is_on_path: bool) -> tuple[str, str]:
    if is_cursor:
        return "◉ ", "bold " + CHOSEN
    return ("● ", CHOSEN) if is_on_path else ("○ ", DIM)


def _label(row: TreeRow, width: int) -> Row:
    """Return a run's name, what was put there, and the first words it wrote."""
    beginning, run = row.node.beginning, row.node.run
    parts: Row = []
    if row.name:
        parts.append((one_line(row.name) + "  ", _NAME))
    if row.is_fork:
        parts.append((f"fork {number(row.step - 1)} ", _FORK))
        if beginning.inserted_text + run.put_there:
            put = beginning.inserted_text + run.put_there
            parts.append((_put_there(put, width // 2), _FORK))
            parts.append((" ", ""))
    if beginning.begins_conversation:
        parts.append(("new conversation ", _FORK))
    if beginning.inserted_text and not row.is_fork:
        parts.append((fit_end(one_line(beginning.inserted_text), width // 2) + " ", PROMPT))
    words = one_line(run.text[len(run.put_there) * row.is_fork :], 2 * width)
    if words or not run.text:
        parts.append((words, NUMBER) if words else ("nothing was written", "italic " + DIM))
    return parts


def _put_there(text: str, width: int) -> str:
    return fit_end(visible_token(text), width)


def fit_end(text: str, width: int) -> str:
    """Return ``text`` in at most ``width`` cells; a cut is marked."""
    return text if cell_len(text) <= width else fit(text, width)


def _text_rows(node: Node, width: int, height: int) -> list[Row]:
    """Return the beginning of what was put there and of what was written, wrapped."""
    if height < 1:
        return []
    prose = Prose(width)
    room = 2 * width * height  # of a long text, no more is wrapped than can be seen
    put = node.beginning.inserted_text[:room].lstrip("\n")
    if node.beginning.message:  # it has its line's end to itself
        put += "\n"
    written = node.run.text[:room] if put else node.run.text[:room].lstrip("\n")
    prose.append([Piece(put, PROMPT), Piece(written, NUMBER)])
    rows: list[Row] = [
        [(piece.text, piece.kind) for piece in each if piece.text != "\n"] for each in prose.lines
    ]
    if len(rows) > height:
        rows = rows[:height]
        rows[-1] = [*shorten(rows[-1], width - 2), (" …", DIM)]
    return rows


def empty_rows(width: int) -> list[Row]:
    """Return what to say while nothing has been run."""
    sentence = "every run appears here, and every fork under the run that it leaves"
    return [[], shorten([("    " + visible_prose(sentence), "italic " + DIM)], width)]

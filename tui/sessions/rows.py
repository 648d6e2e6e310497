"""Sessions as rows: what each is called or begins with, and its facts in columns.

Must never hold state or look at a widget, and never puts a session's words through markup.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

from core.models.listing import format_bytes
from core.sessions.folder import ListedSession
from core.text.readable import moment
from core.text.visible import one_line
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, shorten
from tui.common.visible import fit, visible_prose
from tui.prose.lines import Piece, Prose

_NAME = "bold $text-accent"
_FAULT = "italic $text-warning"
_WORDS = 300  # characters


class Columns(NamedTuple):
    """The widths of a row's columns in cells; 0 for one that is left out."""

    label: int
    runs: int
    size: int
    changed: int
    model: int

    @classmethod
    def within(cls, width: int) -> Columns:
        """Share ``width`` cells out."""
        others = (
            5 if width >= 70 else 0,
            9 if width >= 50 else 0,
            16 if width >= 40 else 0,
            16 if width >= 100 else 0,
        )
        return cls(max(8, width - sum(one + 1 for one in others if one)), *others)


def head_row(width: int) -> Row:
    """Return the names of the columns."""
    columns = Columns.within(width)
    texts = (
        (fit("  session", columns.label), columns.label),
        (f"{'runs':>{columns.runs}}", columns.runs),
        (f"{'size':>{columns.size}}", columns.size),
        (fit("changed", columns.changed), columns.changed),
        (fit("model", columns.model), columns.model),
    )
    return [(" " * bool(at) + text, DIM) for at, (text, cells) in enumerate(texts) if cells]


def session_row(session: ListedSession, width: int, *, is_at_hand: bool) -> Row:
    """Return one session as a row of ``width`` cells."""
    columns, summary = Columns.within(width), session.summary
    label: Row = [("◉ ", "bold " + CHOSEN) if is_at_hand else ("○ ", DIM)]
    if summary.name:
        label.append((_in_a_line(summary.name) + "  ", _NAME))
    if session.fault:
        label.append((_in_a_line(session.fault), _FAULT))
    elif summary.first_words or not summary.name:
        words = _in_a_line(summary.first_words)
        label.append((words, NUMBER) if words else ("without a prompt", "italic " + DIM))
    label = shorten(label, columns.label)
    label.append((" " * (columns.label - sum(cell_len(text) for text, _ in label)), ""))
    facts = (
        (f"{summary.runs:>{columns.runs},}", NUMBER, columns.runs),
        (f"{format_bytes(session.size):>{columns.size}}", DIM, columns.size),
        (fit(moment(session.changed), columns.changed), NUMBER, columns.changed),
        (fit(_in_a_line(summary.model_name), columns.model), DIM, columns.model),
    )
    return [*label, *((" " + text, style) for text, style, cells in facts if cells)]


def title(session: ListedSession) -> str:
    """Return what a session is called, as it stands in titles and questions."""
    summary = session.summary
    return _in_a_line(summary.name or summary.first_words)[:40].rstrip() or session.path.stem


def details(session: ListedSession, width: int, height: int) -> list[Row]:
    """Return what is known of a session in at most ``height`` rows: facts, file, first words."""
    summary, header = session.summary, session.header
    runs = f"{summary.runs:,} {'run' if summary.runs == 1 else 'runs'}"
    facts: Row = [
        (runs, NUMBER),
        (f" · {format_bytes(session.size)} · changed {moment(session.changed)}", DIM),
    ]
    if summary.model_name:
        facts.append((f" · {_in_a_line(summary.model_name)}", DIM))
    if header is not None and header.program_version:
        facts.append((f" · begun by version {_in_a_line(header.program_version)}", DIM))
    rows: list[Row] = [
        shorten(facts, width),
        shorten([(_in_a_line(str(session.path)), DIM)], width),
    ]
    if session.fault:
        rows.append(shorten([(f"it cannot be opened: {_in_a_line(session.fault)}", _FAULT)], width))
    prose = Prose(width)
    prose.append([Piece(visible_prose(summary.first_words[:_WORDS]), NUMBER)])
    words: list[Row] = [
        [(piece.text, piece.kind) for piece in each if piece.text != "\n"] for each in prose.lines
    ]
    return [*rows, *words][:height]


def empty_rows(width: int) -> list[Row]:
    """Return what to say where nothing is kept yet."""
    sentence = "no session yet: what is generated is kept in one as it comes"
    return [[], shorten([("    " + sentence, "italic " + DIM)], width)]


def _in_a_line(text: str) -> str:
    return visible_prose(one_line(text))

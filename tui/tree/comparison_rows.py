"""Two runs beside each other: what stands in the titles, and the table of what differs.

Must never hold state or look at a widget, and never puts a run's text through markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.document.tree_records import Comparison, RunFacts, TreeRow
from core.playground.looking.document_text import joined
from core.text.readable import number, token_count
from core.text.visible import one_line
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row
from tui.common.visible import fit
from tui.prose.lines import Piece
from tui.prose.turn import MARK, PLAIN
from tui.tree.rows import title

PARTING = 0
"""The step of the first token that the other run has not."""

_NAME_WIDTH = 22


def side_title(row: TreeRow, tokens: int) -> str:
    """Return what stands over one side."""
    return f"{title(row)} · {one_line(row.node.run.preset_name)} · {token_count(tokens)} of its own"


def common_title(common: int) -> str:
    """Return what stands over the common beginning."""
    if not common:
        return "nothing in common"
    return f"in common: {token_count(common)} · they part at token {number(common)}"


def common_pieces(texts: Sequence[str]) -> list[Piece]:
    """Return the common beginning as prose."""
    if not texts:
        return [Piece("the two texts differ from their first token on", MARK)]
    return [Piece(joined(texts), PLAIN)]


def side_pieces(texts: Sequence[str]) -> list[Piece]:
    """Return one side's own end as prose, its first token with the step ``PARTING``."""
    if not texts:
        return [Piece("it ends here: the other goes on from it", MARK)]
    whole = 1
    while not _is_whole(texts, whole):  # a character may be split over the first tokens
        whole += 1
    first = joined(texts[:whole])
    return [Piece(first, PLAIN, PARTING), Piece(joined(texts)[len(first) :], PLAIN)]


def _is_whole(texts: Sequence[str], count: int) -> bool:
    """Whether the first ``count`` tokens are some text, and no character goes on after them."""
    first = joined(texts[:count])
    is_split = first + joined(texts[count:]) != joined(texts)
    return count == len(texts) or (bool(first) and not is_split)


def difference_rows(
    comparison: Comparison, sides: tuple[TreeRow, TreeRow], width: int, height: int
) -> list[Row]:
    """Return a table of the settings that differ, in ``width`` cells and ``height`` rows."""
    first, second = (row.node.run for row in sides)
    named: list[tuple[str, object, object]] = [("", title(sides[0]), title(sides[1]))]
    facts: list[tuple[str, object, object]] = [
        ("preset", first.preset_name, second.preset_name),
        ("model", first.model.name, second.model.name),
        ("seed", _seed(first), _seed(second)),
    ]
    rows = [one for one in facts if one[1] != one[2]]
    rows += [one for one in comparison.settings if one[0] != "seed"]  # that of the run is told
    if not rows:
        return [[("the two runs have the same settings", DIM)]]
    name = min(_NAME_WIDTH, width // 3)
    value = max(1, (width - name) // 2 - 1)
    head, *table = [
        [
            (fit(one, name), DIM),
            (" " + fit(_value(ours), value), NUMBER),
            (" " + fit(_value(theirs), value), CHOSEN),
        ]
        for one, ours, theirs in named + rows
    ]
    left_out = len(table) - (height - 1)
    if left_out > 0:
        table[height - 2 :] = [[(f"… and {left_out + 1} more", "italic " + DIM)]]
    return [head, *table]


def _seed(run: RunFacts) -> object:
    return run.seed if run.settings.do_sample else None


def _value(value: object) -> str:
    if value is None or value == ():
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(str(value))

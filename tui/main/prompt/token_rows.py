"""A text's tokens as rows: each in a box of its own tint, its id below it.

Must never hold state or look at a widget, and never puts a token's text through markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from core.records.prompt_tokens import PromptToken
from tui.common.step_rows import DIM, Row
from tui.common.visible import fit, visible_token

MOST_SHOWN = 1_000
"""So many tokens around the cursor are drawn; nobody reads more at once."""

_FILLS = ("token-even", "token-odd")
_NARROWEST = 8


class TokenRows(NamedTuple):
    """Rows, and which of them holds the token at the cursor."""

    rows: list[Row]
    cursor_row: int


def token_at(tokens: Sequence[PromptToken], position: int) -> int:
    """Return the index of the token that holds the character before ``position``."""
    for index, token in enumerate(tokens):
        if token.end >= position and token.end > token.start:
            return index
    return max(0, len(tokens) - 1)


def token_rows(tokens: Sequence[PromptToken], width: int, at: int) -> TokenRows:
    """Return ``tokens`` in boxes, two rows for a line of them, at most ``width`` cells wide.

    Args:
        tokens: All tokens of the text.
        width: Of the rows, in cells.
        at: The index of the token at the cursor, which is set off.
    """
    first = max(0, min(at - MOST_SHOWN // 2, len(tokens) - MOST_SHOWN))
    last = min(len(tokens), first + MOST_SHOWN)
    rows: list[Row] = []
    if first:
        rows.append([(f"… {first:,} tokens before", "italic " + DIM)])
    cursor_row = 0
    texts: Row = []
    ids: Row = []
    used = 0
    for index in range(first, last):
        text, token_id = _box(tokens[index], max(width, _NARROWEST))
        length = cell_len(text)
        if used and (used + length > width or tokens[index - 1].text.endswith("\n")):
            rows += [texts, ids]
            texts, ids, used = [], [], 0
        if index == at:
            cursor_row = len(rows)
        fill = _FILLS[index % 2]
        style = f"$on-{fill} on ${fill}"
        texts.append((text, f"{'bold underline' if index == at else 'bold'} {style}"))
        ids.append((token_id, style))
        used += length
    rows += [texts, ids] if texts else []
    if last < len(tokens):
        rows.append([(f"… {len(tokens) - last:,} tokens after", "italic " + DIM)])
    return TokenRows(rows, cursor_row)


def _box(token: PromptToken, width: int) -> tuple[str, str]:
    """Return the two lines of a token's box, equally wide."""
    text, token_id = visible_token(token.text), str(token.token_id)
    inner = min(max(cell_len(text), len(token_id)), width - 2)
    return f" {fit(text, inner)} ", f" {fit(token_id, inner)} "

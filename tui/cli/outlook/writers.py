"""What could be said as JSON Lines, which come as it is found, or as a table of all that was found.

Must never let a token begin a new row or cell: control characters are spelled out.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.document.export.writers import json_line
from core.outlook.gathered import Outlook
from core.records.outlook import Growth, Prospect, Reach
from core.text.readable import percent
from core.text.visible import visible
from tui.cli.table import aligned

_ENDS = {
    "end_of_text": "end of text",
    "stop_string": "a stop string",
    "length": "the length asked for",
    "context_full": "the context is full",
}


_MOST_DEPTHS = 8


def growth_lines(growth: Growth, outlook: Outlook) -> Iterator[str]:
    """Yield a record for each text that was found, and one for what is left out behind them.

    ``outlook`` has taken ``growth``; its open mass is what nobody has looked behind yet.
    """
    for one in growth.prospects:
        yield json_line(
            {
                "type": "text",
                "index": one.index,
                "parent": one.parent,
                "depth": one.depth,
                "token_id": one.token_id,
                "token_text": one.token_text,
                "text": one.text,
                "logprob": one.logprob,
                "probability": one.probability,
                "path_logprob": one.path_logprob,
                "path_probability": one.path_probability,
                "end": one.end,
            }
        )
    yield json_line(
        {
            "type": "looked_behind",
            "index": growth.parent,
            "texts": len(growth.prospects),
            "left_out": growth.left_out,
            "left_out_tokens": growth.left_out_tokens,
            "open": outlook.open,
        }
    )


def last_line(outlook: Outlook, reason: str) -> str:
    """Return the last record: why there are no more, and what all are together."""
    return json_line(
        {
            "type": "finished",
            "reason": reason,
            "texts": len(outlook.prospects),
            "ends": outlook.ends,
            "covered": outlook.covered,
            "left_out": outlook.left_out,
            "open": outlook.open,
        }
    )


def table_lines(outlook: Outlook) -> Iterator[str]:
    """Yield a row for every text, likeliest first and each behind what it begins with."""
    rows = [("PROBABILITY", "STEP", "TEXT")]
    rows += [
        (percent(one.path_probability, 2), percent(one.probability, 2), _told(one))
        for one in outlook.in_order()
    ]
    yield from (f"{line}\n" for line in aligned(rows, right=(0, 1)))


def summary(outlook: Outlook, reach: Reach) -> str:
    """Return how much of all that could be said is there, in one sentence."""
    shares = outlook.covered_to()
    shown = [f"{percent(share, 2)} to {depth}" for depth, share in enumerate(shares, start=1)]
    if len(shown) > _MOST_DEPTHS:
        shown[_MOST_DEPTHS - 1 : -1] = ["…"]
    told = f"covered: {', '.join(shown)} token{'' if len(shares) == 1 else 's'}"
    told += f"; {percent(outlook.left_out, 2)} left out for being less likely than {reach.least:g}"
    if outlook.open:
        told += f"; {percent(outlook.open, 2)} not looked behind"
    return told


def _told(one: Prospect) -> str:
    end = _ENDS.get(one.end or "")
    token = f"{'  ' * (one.depth - 1)}'{visible(one.token_text, keep='')}'"
    return f"{token} ({end})" if end else token

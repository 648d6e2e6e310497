"""What the scripted backend makes of an outlook: three texts behind each, by a rule to be followed.

Must never import torch.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence

from core.records.outlook import EndOfProspect, Growth, Prospect, Reach

_SHARES = (0.5, 0.3, 0.2)


def scripted_outlook(texts: Sequence[str], reach: Reach) -> Iterator[Growth]:
    """Yield what follows each text: behind one of n tokens, the ``texts`` from the n-th on.

    The first has half of the probability, the next 30 %, and an end of text 20 %.
    """
    known = 0
    waiting = [(-1.0, 0, 0)]
    while waiting and known < reach.most:
        share, parent, depth = heapq.heappop(waiting)
        found: list[Prospect] = []
        left_out: list[float] = []
        for place, part in enumerate(_SHARES):
            path = -share * part
            if path < reach.least:
                left_out.append(path)
                continue
            known += 1
            is_end = place == 2
            at = (depth + place) % len(texts)
            text = "<end>" if is_end else texts[at]
            is_deepest = depth + 1 == reach.depth
            end: EndOfProspect | None = "depth" if is_deepest else None
            end = "end_of_text" if is_end else end
            found.append(
                Prospect(
                    known,
                    parent,
                    depth + 1,
                    0 if is_end else at + 100,
                    text,
                    "" if is_end else text,
                    math.log(part),
                    math.log(path),
                    end,
                    is_special=is_end,
                )
            )
            if end is None:
                heapq.heappush(waiting, (-path, known, depth + 1))
        yield Growth(parent, tuple(found), math.fsum(left_out), len(left_out))

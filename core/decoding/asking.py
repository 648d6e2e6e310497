"""What the steps of a run ask of a model, and the answers that a run alone has from its own.

So that a run does not know whether its rows are all that the model reads, or some among others'.
Must never choose a token.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch

from core.decoding.run import Run
from core.records.steps import Event


@dataclass(frozen=True, slots=True)
class Asked:
    """Asks for the logits of a run's next tokens.

    ``parents`` are for each row that it wants the one of its rows that it grows from, and
    ``token_ids`` what comes behind it there. Both are empty at first, when the document itself is
    to be read, as its only row.
    """

    parents: tuple[int, ...] = ()
    token_ids: tuple[int, ...] = ()


Steps = Generator[Event | Asked, torch.Tensor | None, None]
"""The events of a run; each ``Asked`` is answered with logits, shape (rows, vocabulary), float32.

They are the run's until it asks again.
"""


def ask(asked: Asked) -> Generator[Asked, torch.Tensor | None, torch.Tensor]:
    """Ask, and return the answer."""
    logits = yield asked
    if logits is None:
        raise RuntimeError("a run asked for logits and got none")
    return logits


def answered(run: Run, steps: Steps) -> Iterator[Event]:
    """Yield the events of ``steps``, those of ``run``, whose own model answers them."""
    logits: torch.Tensor | None = None
    try:
        while True:
            said = steps.send(logits)
            logits = None
            if not isinstance(said, Asked):
                yield said
            elif said.token_ids:
                run.model.reorder(said.parents)
                logits = run.model.decode(said.token_ids)
            else:
                logits = run.prefill()
    except StopIteration:
        return
    finally:
        steps.close()

"""What is weighed from figures, and by applying processors one after the other."""

from __future__ import annotations

import pytest
import torch

from core.decoding.weighing.processors import build_processors
from core.decoding.weighing.step import weigh


def weigh_both_ways(logits, chosen, prompt_length, ends, token_ids):
    """Return what ``weigh`` says in the short way, and in the long one."""
    processors = build_processors(chosen, prompt_length, ends, torch.device("cpu"))
    short = weigh(logits, token_ids, processors, str, beams=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.decoding.weighing.step.process_by_figures", lambda *_: None)
        long = weigh(logits, token_ids, processors, str, beams=False)
    return short, long

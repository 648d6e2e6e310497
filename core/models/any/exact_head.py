"""The head of a 16-bit model, computed in float32.

Rounded to 16 bit, logits that differ become equal, and a token's figures depend on how many were
read with it. Must never hold the weights twice, nor change what the architecture does with logits.
"""

from __future__ import annotations

import torch
from torch import nn
from transformers import PreTrainedModel

from core.models.matrix_products import product

_ROUNDED = (torch.bfloat16, torch.float16)


class ExactHead(nn.Module):
    """Takes the place of a linear layer of 16 bit, whose weights it has: logits are float32."""

    def __init__(self, head: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = head.weight, head.bias

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the logits, shape (…, vocabulary), float32, of ``hidden``, shape (…, inputs)."""
        logits = product(hidden.float(), self.weight)
        return logits if self.bias is None else logits + self.bias.float()


def make_head_exact(module: PreTrainedModel) -> None:
    """Have ``module`` compute its logits in float32, where its head is a linear layer of 16 bit."""
    head = module.get_output_embeddings()  # type: ignore[no-untyped-call]
    if isinstance(head, nn.Linear) and head.weight.dtype in _ROUNDED:
        module.set_output_embeddings(ExactHead(head))  # type: ignore[no-untyped-call]

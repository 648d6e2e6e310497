"""Products with 16-bit matrices that round nothing to 16 bit.

Must never hold a whole matrix in a wider dtype: it is widened piece by piece.
"""

from __future__ import annotations

import torch
from torch.nn import functional

_CPU_PIECE = 2**19
"""Elements that are widened at once: 2 MB of float32, which a core's own cache holds."""

_GPU_PIECE = 2**23
"""The same on a GPU, where the cache is larger and each piece takes two launches."""


def product(hidden: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Multiply ``hidden``, shape (…, inputs), by ``matrix``, shape (outputs, inputs).

    Returns:
        Shape (…, outputs), in the dtype of ``hidden``, in which it is computed.
    """
    if matrix.dtype == hidden.dtype:
        return functional.linear(hidden, matrix)
    piece = _CPU_PIECE if matrix.device.type == "cpu" else _GPU_PIECE
    rows = max(1, piece // matrix.shape[1])
    return torch.cat(
        [functional.linear(hidden, some.to(hidden.dtype)) for some in torch.split(matrix, rows)],
        dim=-1,
    )

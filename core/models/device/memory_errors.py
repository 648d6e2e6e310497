"""How torch, CUDA and the system say that there is not enough memory: each has words of its own.

Must never take another fault for that one.
"""

from __future__ import annotations

import errno

import torch

_SIGNS = (
    "out of memory",  # CUDA, its driver, HIP, MPS, XPU, Triton
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED and those of cuDNN, cuSOLVER, cuFFT
    "allocation_failed",  # CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED
    "memoryallocation",  # cudaErrorMemoryAllocation
    "invalid buffer size",  # MPS, of what no buffer can hold
    "defaultcpuallocator",
    "bad_alloc",
    "cannot allocate memory",
)
"""What the texts of RuntimeErrors have in them, in small letters; few have a class of their own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that there is not enough memory, of a device or of the machine."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in text for sign in _SIGNS)

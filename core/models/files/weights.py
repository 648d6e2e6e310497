"""Weights from a memory map to their device and dtype, one tensor at a time.

Must never hold two copies of a model: each tensor's source is let go before the next one is read.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable

import torch

_MADV_DONTNEED = 4
"""The same number on Linux and macOS."""

_MADV_HUGEPAGE = 14
"""Known to Linux alone."""

_MADV_POPULATE_READ = 22
"""Known to Linux alone, from 5.14 on."""

_LARGE_PAGE = 2 * 2**20


def move_weights(
    module: torch.nn.Module,
    outline: torch.nn.Module,
    device: torch.device,
    report: Callable[[float], None],
) -> None:
    """Move parameters and buffers of ``module`` to ``device``, in the dtypes that ``outline`` has.

    Buffers that no checkpoint holds get their values from ``outline`` too. It may be ``module``
    itself; else its other tensors may be without memory.

    Tensors that are there already stay memory-mapped, but are read once, so that the first step
    does not wait for the disk. ``report`` takes the share that is done, 0 to 1.
    """
    wanted = _named_tensors(outline)
    stored = module.state_dict().keys()
    tensors = _named_tensors(module)
    total = sum(tensor.nbytes for tensor in tensors.values()) or 1
    done = 0
    for name, tensor in tensors.items():
        like = wanted.get(name, tensor)
        done += tensor.nbytes
        if name not in stored:
            tensor.data = like.to(device)
        elif tensor.device == device and tensor.dtype == like.dtype:
            _read_through(tensor)
        else:
            source = tensor.data
            tensor.data = source.to(device, like.dtype)
            release_pages(source)
        report(done / total)


def _named_tensors(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _read_through(tensor: torch.Tensor) -> None:
    """Touch every page of a memory-mapped tensor."""
    if tensor.device.type == "cpu" and tensor.numel():
        stride = max(1, mmap.PAGESIZE // tensor.element_size())
        tensor.detach().flatten()[::stride].sum()


def read_pages(tensor: torch.Tensor) -> None:
    """Read all of a memory-mapped tensor that is about to be copied: one call for all its pages.

    Where the system does not know how (Linux before 5.14, macOS), each page is read when touched.
    """
    if tensor.device.type == "cpu" and sys.platform == "linux":
        _advise(tensor, mmap.PAGESIZE, _MADV_POPULATE_READ)


def release_pages(tensor: torch.Tensor) -> None:
    """Give the memory of a tensor that nobody reads any more back to the system.

    Without this, all pages of a memory-mapped checkpoint stay with the process until its last
    tensor is gone, and the process seems to hold the model twice.
    """
    if tensor.device.type == "cpu":
        _advise(tensor, mmap.PAGESIZE, _MADV_DONTNEED)


def use_large_pages(tensor: torch.Tensor) -> None:
    """Ask for large pages under a tensor that is not yet filled: less looking up of addresses."""
    if tensor.device.type == "cpu" and sys.platform == "linux":
        _advise(tensor, _LARGE_PAGE, _MADV_HUGEPAGE)


def _advise(tensor: torch.Tensor, page: int, advice: int) -> None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "madvise"):
        return
    first = -(-tensor.data_ptr() // page) * page
    length = (tensor.data_ptr() + tensor.nbytes - first) // page * page
    if length > 0:
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(length), advice)

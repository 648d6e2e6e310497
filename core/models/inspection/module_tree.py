"""A configuration to the tree of its modules, as ``print(model)`` shows it, with sizes.

Must never need a weight or allocate one: modules are built on torch's meta device, where tensors
have a shape and no memory. Must never change torch's default dtype: another thread may generate.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook
from transformers import AutoModelForCausalLM

from core.models.files.config import ConfigFile, quiet_transformers
from core.records.errors import PlaygroundError
from core.records.model_report import ModuleNode, TiedWeight, Totals
from core.text.visible import reason

_MOST_MODULES = 100_000


class _TooManyModules(Exception):  # noqa: N818
    """What is being built grows past every model there is."""


def build_on_meta(file: ConfigFile, dtype: torch.dtype, name: str) -> nn.Module:
    """Build the causal language model of ``file`` without memory for its weights.

    Args:
        file: The checked configuration.
        dtype: What all floating-point parameters get.
        name: What sentences call the model.

    Raises:
        PlaygroundError: No model can be built from these values.
    """
    try:
        with quiet_transformers(), torch.device("meta"), _at_most(_MOST_MODULES):
            module: nn.Module = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
                file.config,
                trust_remote_code=False,
                attn_implementation="eager",
                dtype=torch.float32,
            )
    except _TooManyModules:
        raise PlaygroundError(
            f"config.json of {name!r} asks for more than {_MOST_MODULES:,} modules; no model does"
        ) from None
    # Whatever a model class raises on values of anywhere, it is the file that is wrong.
    except Exception as error:
        raise PlaygroundError(
            f"no model can be built from config.json of {name!r}: {reason(error)}"
        ) from error
    for parameter in module.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.to(dtype)
    return module


@contextlib.contextmanager
def _at_most(modules: int) -> Iterator[None]:
    """Stop this thread from registering more than ``modules`` submodules."""
    thread = threading.get_ident()
    count = 0

    def count_one(_parent: nn.Module, _name: str, _child: nn.Module | None) -> None:
        nonlocal count
        if threading.get_ident() == thread:
            count += 1
            if count > modules:
                raise _TooManyModules

    handle: Any = register_module_module_registration_hook(count_one)
    try:
        yield
    finally:
        handle.remove()


def module_tree(module: nn.Module) -> ModuleNode:
    """Return the tree below ``module``; neighbours that are alike in a list become one node."""
    return _node("", module, _ties(module))


def totals(module: nn.Module) -> Totals:
    """Count what is in ``module``, with tied weights once and each time."""
    named = list(module.named_parameters(remove_duplicate=False))
    parameters = list(module.parameters())
    buffers = list(module.buffers())
    count = sum(parameter.numel() for parameter in parameters)
    ties = _ties(module)
    return Totals(
        parameters=count,
        parameters_untied=sum(parameter.numel() for _, parameter in named),
        tied=tuple(
            TiedWeight(name, ties[name], parameter.numel())
            for name, parameter in named
            if name in ties
        ),
        bytes=_size(parameters),
        bytes_by_dtype=_by_dtype(parameters),
        bytes_if=(("float32", 4 * count), ("bfloat16", 2 * count)),
        buffers=sum(buffer.numel() for buffer in buffers),
        buffer_bytes=_size(buffers),
    )


def dtype_name(dtype: torch.dtype) -> str:
    """Return torch's name of ``dtype`` without its package."""
    return str(dtype).removeprefix("torch.")


def _ties(module: nn.Module) -> dict[str, str]:
    """Return each parameter's name that is a second one, with the first name of the same."""
    first: dict[int, str] = {}
    ties: dict[str, str] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if id(parameter) in first:
            ties[name] = first[id(parameter)]
        else:
            first[id(parameter)] = name
    return ties


def _node(path: str, module: nn.Module | None, ties: dict[str, str]) -> ModuleNode:
    if module is None:  # a part that this configuration leaves out; print(model) shows it too
        return ModuleNode(path.rpartition(".")[2], "None", "", 0, 0, None, 0)
    prefix = f"{path}." if path else ""
    children = tuple(_node(prefix + name, child, ties) for name, child in module._modules.items())
    own = list(module.parameters(recurse=False))
    all_of_it = list(module.parameters())
    own_names = [prefix + name for name, _ in module.named_parameters(recurse=False)]
    tied_to = next((ties[name] for name in own_names if name in ties), None)
    return ModuleNode(
        name=path.rpartition(".")[2],
        kind=type(module).__name__,
        description=_description(module),
        parameters=sum(parameter.numel() for parameter in all_of_it),
        own_parameters=sum(parameter.numel() for parameter in own),
        dtype=_common_dtype(all_of_it),
        bytes=_size(all_of_it),
        children=_folded(children) if isinstance(module, nn.ModuleList) else children,
        tied_to=tied_to,
    )


def _description(module: nn.Module) -> str:
    """Return what torch writes between the parentheses of a module, apart from its children."""
    written = type(module).__repr__
    if isinstance(module, nn.ModuleList):
        return ""
    if written is nn.Module.__repr__ or module._modules:
        return module.extra_repr()
    # Some write themselves, such as the Conv1D of transformers.
    return repr(module).removeprefix(f"{type(module).__name__}(").removesuffix(")")


def _folded(children: tuple[ModuleNode, ...]) -> tuple[ModuleNode, ...]:
    """Join neighbours that differ in their names alone, as torch writes them: ``0-47``."""
    groups: list[list[ModuleNode]] = []
    for child in children:
        if groups and replace(groups[-1][0], name="") == replace(child, name=""):
            groups[-1].append(child)
        else:
            groups.append([child])
    return tuple(
        replace(group[0], name=f"{group[0].name}-{group[-1].name}", count=len(group))
        if len(group) > 1
        else group[0]
        for group in groups
    )


def _common_dtype(parameters: list[nn.Parameter]) -> str | None:
    dtypes = {parameter.dtype for parameter in parameters}
    if not dtypes:
        return None
    return dtype_name(dtypes.pop()) if len(dtypes) == 1 else "mixed"


def _size(tensors: list[Any]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _by_dtype(parameters: list[nn.Parameter]) -> tuple[tuple[str, int], ...]:
    sizes: dict[str, int] = {}
    for parameter in parameters:
        name = dtype_name(parameter.dtype)
        sizes[name] = sizes.get(name, 0) + parameter.numel() * parameter.element_size()
    return tuple(sorted(sizes.items(), key=lambda item: -item[1]))

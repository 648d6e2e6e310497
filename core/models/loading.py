"""From a name or folder to a model on its device, behind the engine that suits it.

Must never run code that came with a model, read a pickle, or download anything; nor import
transformers' models where the fast engine does without them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from core.models.base import CausalModel
from core.models.catalog import model_folder
from core.models.device.memory_errors import is_out_of_memory
from core.models.device.placement import SMALL_PARAMETERS, ModelSize, Placement, check_names, place
from core.models.files.folder import check_files
from core.models.files.weights import move_weights
from core.models.gpt2.config import Gpt2Config, NotFastError, read_gpt2_config
from core.models.gpt2.fast_tokenizer import gpt2_tokenizer
from core.models.gpt2.kernel.build import native_library
from core.models.hub.weights import weight_files
from core.models.sandbox.process import ConfinedError, RaisedError, confined
from core.models.sandbox.tokenizer import OpenTokenizer, read_tokenizer
from core.records.errors import PlaygroundError
from core.records.progress import Report
from core.text.codec import TextCodec
from core.text.visible import reason

if TYPE_CHECKING:
    from core.models.gpt2.model import Gpt2Model

ENGINE_NAMES = ("auto", "fast", "transformers")
"""What runs a model; ``auto`` is ``fast`` where that can run it."""

ASSISTANT_NAMES = ("auto", "int8", "none")
"""What guesses tokens; ``auto`` is ``int8`` where it makes runs quicker and takes little memory."""

_INSTEAD_OF_INT8 = "use --dtype bfloat16 or float32"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready, with the codec of its tokenizer and why it is where it is.

    ``tokenizer_fingerprint`` is alike for two models whose token ids mean the same text.
    ``note`` is a phrase on what is odd about its files, empty where nothing is. ``weights`` gives
    what holds them, or None once they are gone.
    """

    name: str
    model: CausalModel
    codec: TextCodec
    placement: Placement
    tokenizer_fingerprint: str
    parameters: int
    weights: weakref.ReferenceType[object]
    note: str = ""

    @property
    def engine(self) -> str:
        """A phrase for a person: what runs the model now."""
        return self.model.engine


def load_model(
    name: str,
    device: str,
    dtype: str,
    report: Report,
    engine: str = "auto",
    assistant: str = "none",
) -> LoadedModel:
    """Load the model ``name``: ``demo``, a folder, or a name in the Hugging Face cache.

    ``assistant`` says what guesses tokens for the fast engine: see ``gpt2_assistant``.

    Weights go straight from a memory map to their device and dtype: beside the model itself,
    there is never more than one tensor of it in memory. Only where a checkpoint mixes dtypes, and
    that of most weights is not the finest, transformers casts them all before they are moved.

    Raises:
        PlaygroundError: It is not there, is no causal language model, cannot be read, is too
            large, or the engine cannot run it; one sentence says which and what to do.
    """
    check_names(device, dtype)
    if engine not in ENGINE_NAMES:
        raise PlaygroundError(f"unknown engine {engine!r}; use one of {', '.join(ENGINE_NAMES)}")
    if assistant not in ASSISTANT_NAMES:
        raise PlaygroundError(
            f"unknown assistant {assistant!r}; use one of {', '.join(ASSISTANT_NAMES)}"
        )
    if dtype == "int8" and engine == "transformers":
        raise PlaygroundError(f"--engine transformers has no int8 weights; {_INSTEAD_OF_INT8}")
    if assistant == "int8" and engine == "transformers":
        raise _no_assistant(name, "--engine transformers does not ask one")
    folder = model_folder(name)
    check_files(folder)
    try:
        return _load(name, folder, device, dtype, report, engine, assistant)
    except BaseException as error:
        if not is_out_of_memory(error):
            raise
    # The error is gone by now, and with it what had been loaded.
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
    raise PlaygroundError(
        f"memory ran out while {name!r} was loaded; close other programs, or choose --dtype"
        " bfloat16, --device cpu or a smaller model"
    )


def _load(
    name: str,
    folder: Path,
    device: str,
    dtype: str,
    report: Report,
    engine: str,
    assistant: str,
) -> LoadedModel:
    if engine != "transformers":
        try:
            return _load_fast(name, folder, device, dtype, report, assistant)
        except NotFastError as obstacle:
            if engine == "fast":
                raise PlaygroundError(
                    f"--engine fast cannot run {name!r}: {obstacle}; use --engine auto"
                ) from None
            if dtype == "int8":
                raise PlaygroundError(
                    f"int8 weights are for the fast engine, which cannot run {name!r}: {obstacle};"
                    " use another --dtype"
                ) from None
            if assistant == "int8":
                raise _no_assistant(name, f"the fast engine cannot run it: {obstacle}") from None
    return _load_general(name, folder, device, dtype, report)


def _load_fast(
    name: str, folder: Path, device: str, dtype: str, report: Report, assistant: str
) -> LoadedModel:
    from core.models.gpt2.checkpoint import read_weights, with_stored_ties
    from core.models.gpt2.kernel.steps import NativeStep
    from core.models.gpt2.model import Gpt2Model
    from core.models.gpt2.weights import parameter_count

    config = read_gpt2_config(folder, name)
    try:
        files = weight_files(folder)
    except PlaygroundError as error:
        raise NotFastError(str(error)) from error
    config = with_stored_ties(files, config)
    report("reading the tokenizer")
    tokenizer = _reading(name, "tokenizer", lambda: gpt2_tokenizer(folder))
    placement = place(_size(name, config, parameter_count(config)), device, dtype)
    if placement.dtype == torch.int8:
        report("preparing the native kernel")
        obstacle = NativeStep.why_not(placement.device, placement.dtype, config)
        if obstacle:
            raise PlaygroundError(
                f"int8 weights need the native kernel, and {obstacle}; {_INSTEAD_OF_INT8}"
            )
    weights, note = read_weights(
        files,
        config,
        placement.device,
        placement.dtype,
        lambda share: report("reading the weights", share),
    )
    _prepare_device(placement, weights.parameters, report)
    # More would wait for each other longer than they work.
    threads = min(2, _ALL_THREADS) if weights.parameters < SMALL_PARAMETERS else _ALL_THREADS
    model = Gpt2Model(weights, config, threads=threads, report=report)
    _take_assistant(name, model, assistant, report)
    model.release_threads()
    return _loaded(name, model, tokenizer, placement, weights.parameters, model, note)


def _take_assistant(name: str, model: Gpt2Model, assistant: str, report: Report) -> None:
    """Give the model the assistant that is wanted."""
    if assistant == "none":
        return
    is_wanted = assistant == "int8"
    obstacle = model.why_no_assistant(is_wanted=is_wanted)
    if obstacle and is_wanted:
        raise _no_assistant(name, obstacle)
    if obstacle:
        return
    report("preparing the assistant")
    model.take_assistant(only_if_it_pays=not is_wanted)


def _no_assistant(name: str, obstacle: str) -> PlaygroundError:
    return PlaygroundError(
        f"{name!r} cannot have an int8 assistant: {obstacle}; leave --assistant int8 out"
    )


def _load_general(name: str, folder: Path, device: str, dtype: str, report: Report) -> LoadedModel:
    from core.models.any.loading import (
        check_dtype,
        keep_quiet,
        mapped_module,
        module_size,
    )
    from core.models.any.model import TransformersModel
    from core.models.files.config import read_config
    from core.models.inspection.module_tree import build_on_meta

    keep_quiet()
    confined().prepare()
    config = read_config(folder, name)
    check_dtype(config, name)
    report("reading the tokenizer")
    tokenizer = _reading(name, "tokenizer", lambda: read_tokenizer(folder))
    size = module_size(name, build_on_meta(config, torch.float32, name))
    placement = place(size, device, dtype)
    report("mapping the weights")
    module, outline, note = _reading(name, "model", lambda: mapped_module(folder, placement.dtype))
    move_weights(
        module,
        outline,
        placement.device,
        lambda share: report("reading the weights", share),
    )
    parameters = module.num_parameters()
    _prepare_device(placement, parameters, report)
    model = TransformersModel(module)
    return _loaded(name, model, tokenizer, placement, parameters, module, note)


def _loaded(
    name: str,
    model: CausalModel,
    tokenizer: OpenTokenizer,
    placement: Placement,
    parameters: int,
    weights: object,
    note: str,
) -> LoadedModel:
    codec = TextCodec(tokenizer.tokenizer, tokenizer.encode)
    held = weakref.ref(weights)
    return LoadedModel(name, model, codec, placement, tokenizer.fingerprint, parameters, held, note)


_ALL_THREADS = torch.get_num_threads()


def _prepare_device(placement: Placement, parameters: int, report: Report) -> None:
    """Set torch up, and have the native kernel ready: the first time it is compiled."""
    if placement.device.type == "cuda":
        # It would plan anew for each length of a text, and a text grows with each token.
        torch.backends.cuda.enable_cudnn_sdp(enabled=False)
    if placement.device.type == "cpu":
        torch.set_num_threads(1 if parameters < SMALL_PARAMETERS else _ALL_THREADS)
        report("preparing the native kernel")
        native_library()


def _reading(name: str, what: str, read: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        return read()
    except RaisedError as error:
        if "ImportError" in error.kinds:
            raise _needs_package(name, error.said) from None
        raise _unreadable(
            name, what, f"{error.kinds[0]}: {reason(Exception(error.said))}"
        ) from None
    except ConfinedError as error:
        raise PlaygroundError(
            f"the {what} of {name!r} {error.fault}; choose another model"
        ) from None
    except PlaygroundError:
        raise
    except ImportError as error:
        raise _needs_package(name, str(error)) from error
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if is_out_of_memory(error):
            raise
        # A damaged or foreign file can raise anything, tokenizers' panics are no Exception; the
        # person needs to know which one it was.
        raise _unreadable(name, what, f"{type(error).__name__}: {reason(error)}") from error


def _needs_package(name: str, said: str) -> PlaygroundError:
    return PlaygroundError(f"{name!r} needs a package that is not here: {said}")


def _unreadable(name: str, what: str, said: str) -> PlaygroundError:
    return PlaygroundError(
        f"the {what} of {name!r} cannot be loaded ({said});"
        " check that the folder was written by save_pretrained()"
    )


def _size(name: str, config: Gpt2Config, parameters: int) -> ModelSize:
    return ModelSize(name, parameters, 2 * config.n_layer * config.n_embd * config.n_positions)

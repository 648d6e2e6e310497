"""config.json of anywhere to a configuration that transformers itself knows.

Must never run code that came with a model, wait on a pipe that pretends to be a file, or hand on
sizes that would fill the memory of this machine when something is built from them.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, PreTrainedConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)
from transformers.utils.logging import get_verbosity, set_verbosity

from core.files.reading import FileError, MissingFileError, read_text
from core.models.files.config_sizes import CONFIG_NAME, check_sizes
from core.records.errors import PlaygroundError
from core.text.visible import one_line, reason

_LARGEST_FILE = 8 * 2**20

_OTHER_TASKS = (
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
    "ForMultipleChoice",
    "ForMaskedLM",
)
# What decides how weights are read, not what is built; a wrong value would stop the building.
_NOT_STRUCTURE = ("auto_map", "dtype", "torch_dtype", "quantization_config")

_SPECIAL_FLOATS = ("Infinity", "-Infinity", "NaN")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A config.json that can be used: as it is written, and as transformers reads it."""

    text: str
    mapping: dict[str, Any]
    config: PreTrainedConfig

    @property
    def model_type(self) -> str:
        """The architecture, by transformers' name."""
        return str(self.mapping["model_type"])


def read_config(folder: Path, name: str) -> ConfigFile:
    """Read and check ``config.json`` in ``folder``; ``name`` is what sentences call the model.

    Raises:
        PlaygroundError: It is missing, broken, of no causal language model that transformers
            knows, or its sizes are absurd.
    """
    text = _read(folder / CONFIG_NAME, name)
    mapping = _parsed(text, name)
    _check_kind(mapping, name)
    _check_weights(folder, mapping, name)
    check_sizes(mapping, name)
    # Whatever a configuration class raises on values of anywhere, it is the file that is wrong.
    try:
        with quiet_transformers():
            config = CONFIG_MAPPING[mapping["model_type"]].from_dict(_structure(mapping))
    except Exception as error:
        raise PlaygroundError(
            f"{CONFIG_NAME} of {name!r} has a value that transformers refuses: {reason(error)}"
        ) from error
    _check_built(config, name)
    return ConfigFile(_in_order(mapping), mapping, config)


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from writing to standard error: what matters is told in a sentence."""
    before = get_verbosity()
    set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        set_verbosity(before)


def field_of(config: object, name: str) -> Any:  # noqa: ANN401
    """Return a field of a configuration, ``None`` where it has no such field for all layers."""
    try:
        return getattr(config, name, None)
    except Exception:
        # Of a configuration whose layers differ, transformers refuses what is not one value.
        return None


def _read(path: Path, name: str) -> str:
    try:
        return read_text(path, _LARGEST_FILE)
    except MissingFileError:
        raise PlaygroundError(
            f"there is no {CONFIG_NAME} in the folder of {name!r}; name a folder with a saved model"
        ) from None
    except FileError as error:
        raise PlaygroundError(
            f"{CONFIG_NAME} of {name!r} {error.fault}; save the model again"
        ) from None


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        mapping = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlaygroundError(
            f"{CONFIG_NAME} of {name!r} is broken JSON: {reason(error)}"
        ) from None
    if not isinstance(mapping, dict):
        raise PlaygroundError(f"{CONFIG_NAME} of {name!r} is no JSON object; save the model again")
    return mapping


def _structure(mapping: dict[str, Any]) -> dict[str, Any]:
    chosen = {key: value for key, value in mapping.items() if key not in _NOT_STRUCTURE}
    decoded: dict[str, Any] = json.loads(json.dumps(chosen), object_hook=_special_float)
    return decoded


def _special_float(mapping: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return the number that transformers writes as ``{"__float__": "Infinity"}``."""
    is_one = list(mapping) == ["__float__"] and mapping["__float__"] in _SPECIAL_FLOATS
    return float(mapping["__float__"]) if is_one else mapping


def _in_order(mapping: dict[str, Any]) -> str:
    return json.dumps(mapping, indent=2, ensure_ascii=True)


def _check_kind(mapping: dict[str, Any], name: str) -> None:
    model_type = mapping.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise PlaygroundError(
            f"{CONFIG_NAME} of {name!r} names no model_type, such as gpt2; add it"
        )
    if model_type not in CONFIG_MAPPING:
        kind = one_line(model_type, 60)
        if "auto_map" in mapping:
            raise PlaygroundError(
                f"{name!r} ({kind}) runs only with code of its own, which is never executed here;"
                " choose a model that transformers knows"
            )
        raise PlaygroundError(
            f"transformers does not know the model_type {kind!r} of {name!r};"
            " a newer transformers may"
        )
    architectures = mapping.get("architectures")
    listed = architectures if isinstance(architectures, list) else []
    tasks = [one for one in listed if isinstance(one, str)]
    is_other = bool(tasks) and all(task.endswith(_OTHER_TASKS) for task in tasks)
    if is_other or model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        kind = one_line(tasks[0] if tasks else model_type, 60)
        raise PlaygroundError(
            f"{name!r} ({kind}) is no causal language model; it cannot continue a text"
        )


def _check_weights(folder: Path, mapping: dict[str, Any], name: str) -> None:
    """Refuse what would have transformers read other weights than those that were looked at."""
    if mapping.get("transformers_weights"):
        raise PlaygroundError(
            f"{CONFIG_NAME} of {name!r} names other weights (transformers_weights); save the model"
            " again without"
        )
    if (folder / "adapter_config.json").exists():
        raise PlaygroundError(
            f"{name!r} is an adapter of another model; merge it into that with peft's"
            " merge_and_unload(), and save the whole"
        )


def _check_built(config: PreTrainedConfig, name: str) -> None:
    if getattr(config, "is_encoder_decoder", False):
        raise PlaygroundError(
            f"{name!r} ({config.model_type}) is an encoder-decoder model;"
            " only causal language models continue a text"
        )
    is_encoder = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    # XLM says so of a model that was trained to continue a text.
    is_causal = getattr(config, "is_decoder", False) or getattr(config, "causal", False)
    if is_encoder and not is_causal:
        raise PlaygroundError(
            f"{name!r} ({config.model_type}) is an encoder that fills gaps;"
            " only causal language models continue a text"
        )
    text_config = config.get_text_config()
    layers = field_of(text_config, "num_hidden_layers")
    if isinstance(layers, int) and layers < 1:
        raise PlaygroundError(f"{CONFIG_NAME} of {name!r} has {layers} layers; it needs at least 1")

"""What a model's own generation_config.json says of decoding, which presets decide instead.

Must never import a model library, and never refuses a file: whoever loads the model does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.files.reading import FileError, read_json_object
from core.records.settings import Settings

FILE_NAME = "generation_config.json"

_LONGEST_TOLD = 24
_LONGEST_VALUE = 10_000
_LARGEST_FILE = 2**20

_NOT_ASKED = ("seed", "eos_token_id", "negative_prompt_ids")
_DEFAULTS: dict[str, Any] = {
    **{
        name: getattr(Settings(), name)
        for name in Settings.__dataclass_fields__
        if name not in _NOT_ASKED
    },
    "bad_words_ids": None,
    "begin_suppress_tokens": None,
    "constraints": None,
    "diversity_penalty": 0.0,
    "dola_layers": None,
    "encoder_no_repeat_ngram_size": 0,
    "encoder_repetition_penalty": 1.0,
    "exponential_decay_length_penalty": None,
    "force_words_ids": None,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "guidance_scale": None,
    "max_length": 20,
    "max_time": None,
    "min_length": 0,
    "num_beam_groups": 1,
    "num_return_sequences": 1,
    "penalty_alpha": None,
    "remove_invalid_values": False,
    "renormalize_logits": False,
    "sequence_bias": None,
    "stop_strings": None,
    "suppress_tokens": None,
    "token_healing": False,
    "top_h": None,
    "watermarking_config": None,
}
"""The fields that decide which tokens ``generate()`` takes, as transformers has them by default."""


def own_settings(folder: Path) -> tuple[str, ...]:
    """Return the decoding settings that the model in ``folder`` asks for, in its file's order.

    As ``name=value`` with the value in JSON, or the name alone where that is longer than anyone's;
    those at their default, token ids and what only concerns speed are left out. A file that cannot
    be read asks for nothing.
    """
    return tuple(
        _as_text(name, value)
        for name, value in _mapping(folder / FILE_NAME).items()
        if name in _DEFAULTS and value is not None and value != _DEFAULTS[name]
    )


def not_used(settings: tuple[str, ...]) -> str:
    """Return a sentence on ``own_settings`` without long values; empty where there are none."""
    if not settings:
        return ""
    told = ", ".join(map(_told, settings))
    return f"{FILE_NAME} sets {told}: not used, since presets decide the settings"


def _told(setting: str) -> str:
    name, _, value = setting.partition("=")
    return setting if len(value) <= _LONGEST_TOLD else name


def _as_text(name: str, value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return f"{name}={shown}" if len(shown) <= _LONGEST_VALUE else name


def _mapping(path: Path) -> dict[str, Any]:
    try:
        return read_json_object(path, _LARGEST_FILE)
    except FileError:
        return {}

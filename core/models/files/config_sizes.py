"""Which numbers of a config.json are believed, before anything is built from them.

Must never import torch or transformers: config.json is read as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.records.errors import PlaygroundError
from core.text.visible import one_line

CONFIG_NAME = "config.json"

_MOST_LAYERS = 1_024
"""The largest models published have fewer than 200."""

_MOST_OF_A_KIND = 100_000
_DEEPEST = 30
_LARGEST_NUMBER = 2**40
_COUNTS = re.compile(r"layer|block|depth|stage|expert|label|head|group|codebook", re.IGNORECASE)
_SIZES = re.compile(r"size|dim|token|vocab|len|param|window|(_|\b)ids?$", re.IGNORECASE)
_LAYERS = re.compile(r"^(n_?layers?|num_(hidden_|decoder_|encoder_)?layers|num_blocks)$")


def check_sizes(mapping: Mapping[str, Any], name: str) -> None:
    """Refuse numbers that would be lists or modules by the billion; ``name`` is the model's.

    Raises:
        PlaygroundError: There is such a number in ``mapping``, the content of config.json.
    """
    for key, value in _whole_numbers(mapping, name):
        most = _LARGEST_NUMBER
        if _LAYERS.match(key):
            most = _MOST_LAYERS
        elif _COUNTS.search(key) and not _SIZES.search(key):
            most = _MOST_OF_A_KIND
        if abs(value) > most:
            shown = f"{value:,}" if abs(value) < 10**18 else "an absurd number"
            raise PlaygroundError(
                f"{CONFIG_NAME} of {name!r} sets {one_line(key, 60)} to {shown};"
                f" at most {most:,} is believed"
            )


def _whole_numbers(mapping: Mapping[str, Any], name: str) -> Iterator[tuple[str, int]]:
    """Yield every whole number with the name it stands under; lists pass theirs on."""
    waiting: list[tuple[str, object, int]] = [("", mapping, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise PlaygroundError(
                f"{CONFIG_NAME} of {name!r} is nested more than {_DEEPEST} levels deep"
            )
        if isinstance(value, dict):
            waiting.extend((inner, content, depth + 1) for inner, content in value.items())
        elif isinstance(value, list):
            waiting.extend((key, content, depth + 1) for content in value)
        elif isinstance(value, int) and not isinstance(value, bool):
            yield key, value

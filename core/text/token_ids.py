"""What there is to say of token ids as such.

Must never know a tokenizer or import torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.records.errors import PlaygroundError


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens two texts have in common at their beginning."""
    length = 0
    for ours, theirs in zip(first, second, strict=False):
        if ours != theirs:
            break
        length += 1
    return length


def check_token_ids(token_ids: Sequence[int], vocabulary_size: int) -> None:
    """Make sure that a model has all of ``token_ids``.

    Raises:
        PlaygroundError: One of them is beyond its vocabulary.
    """
    for token_id in token_ids:
        if not 0 <= token_id < vocabulary_size:
            raise PlaygroundError(
                f"the text has the token {token_id:,}, and the vocabulary of this model ends at"
                f" {vocabulary_size - 1:,}; put the tokenizer that belongs to the model, and its"
                " bos_token_id, into its folder"
            )


def configured_token_ids(name: str, value: object) -> tuple[int, ...]:
    """Return the token ids that a model's configuration sets ``name`` to: none, one, or a list.

    Raises:
        PlaygroundError: Something of it is no token id.
    """
    found: list[int] = []
    for one in value if isinstance(value, list) else [value]:
        if one is None:
            continue
        if isinstance(one, bool) or not isinstance(one, int):
            raise PlaygroundError(
                f"the model's configuration sets {name} to {one!r}, which is no token id; correct"
                " generation_config.json, or config.json where there is none"
            )
        found.append(one)
    return tuple(found)

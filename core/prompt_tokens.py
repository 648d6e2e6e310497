"""One token of a text that a person typed: the record that a tokenizer's view shows.

Must never hold a tokenizer, and imports the standard library alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PromptToken:
    r"""A token of a text, and the characters ``text[start:end]`` that it was made of.

    ``text`` is what the token stands for by itself, bytes of a partial character as ``\xe4``. A
    character that is split over several tokens is within the bounds of each of them. A special
    token that the tokenizer added stands for no character: ``start`` and ``end`` are equal. Some
    tokenizers leave white space out of the bounds.
    """

    token_id: int
    text: str
    start: int
    end: int

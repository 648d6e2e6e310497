"""Where a text stands between two of its tokens: what the next one is decoded behind.

Must never hold a tokenizer, and imports the standard library alone.
"""

from __future__ import annotations

from typing import NamedTuple


class DecodeState(NamedTuple):
    """The tokens that the text of the next one depends on; by itself, a document's beginning.

    ``prefix`` stands before and has its text already: with some tokenizers it decides whether the
    next token begins with a space. ``pending`` are the tokens of a character still incomplete.
    """

    prefix: tuple[int, ...] = ()
    pending: tuple[int, ...] = ()

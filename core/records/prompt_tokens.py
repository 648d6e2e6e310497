"""One token of a text that a person typed, and what its last one says of the text's end.

Must never hold a tokenizer, nor import a library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.records.errors import PlaygroundError

SPACE_AT_THE_END = "the last space is better left out: a word's token brings its own before it"
"""What to tell a person of a prompt that ``ends_in_a_words_space``."""

_ENOUGH_TO_SEE = 100
"""So many characters at the end of a text decide what its last token is."""


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


def ends_in_a_words_space(text: str, tokens_of: Callable[[str], Sequence[PromptToken]]) -> bool:
    """Whether the space at the end of ``text`` is a token that would belong to the next word's.

    A model has seldom seen that, and begins in the midst of a word.

    Args:
        text: A prompt.
        tokens_of: What its tokenizer makes of a text; may raise ``PlaygroundError``.
    """
    if not text.endswith(" "):
        return False
    end = text[-_ENOUGH_TO_SEE:]
    try:
        last, with_a_word = tokens_of(end)[-1].text, tokens_of(end + "a")[-1].text
    except (PlaygroundError, IndexError):  # no model yet, or none that can spell it
        return False
    return last.isspace() and with_a_word.startswith(" ") and not with_a_word.isspace()

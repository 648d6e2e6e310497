"""A text to token ids, or a sentence on why it has none.

Must never import transformers: where a tokenizer computes what its file says, this runs in a
process that can be stopped, see ``core.models.sandbox.process``.
"""

from __future__ import annotations

from typing import NamedTuple

from tokenizers import Tokenizer

from core.records.errors import PlaygroundError
from core.text.spelling import Spelling
from core.text.visible import unexpected


class Encoded(NamedTuple):
    """Token ids, and where in the text each stands: begin and end, in characters."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class Encoder:
    """Encodes with ``tokenizer`` in this process."""

    def __init__(self, tokenizer: Tokenizer, spelling: Spelling) -> None:
        self._tokenizer = tokenizer
        self._spelling = spelling

    def __call__(self, text: str, is_beginning: bool) -> Encoded:
        """Return the tokens of ``text``, with special tokens at the document's beginning.

        Raises:
            PlaygroundError: The tokenizer has no tokens for some of it, or fails at it.
        """
        try:
            # Only the batch form lets other threads run while it works through a long text.
            (encoding,) = self._tokenizer.encode_batch([text], add_special_tokens=is_beginning)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic in Rust is no Exception
            said = unexpected("this model's tokenizer cannot read the text", error)
            raise PlaygroundError(self._spelling.complaint(text) or said) from error
        complaint = self._spelling.complaint(text) if self._spelling.leaves_out else ""
        if complaint:
            raise PlaygroundError(complaint)
        return Encoded(encoding.ids, encoding.offsets)

"""What a tokenizer has no tokens for: found, and told to a person with the character.

A tokenizer without a token for what it does not know either raises at it or leaves it out without
a word. Must never change how a text is tokenised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import BPE, WordLevel, WordPiece

from core.text.decoder import decoded
from core.text.visible import visible

_LONGEST_SHOWN = 40


class Spelling:
    """Finds the first part of a text that ``tokenizer`` cannot spell."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._model: Any = tokenizer.model
        self._token_to_id = tokenizer.token_to_id

    @cached_property
    def leaves_out(self) -> bool:
        """Whether the tokenizer drops what it has no token for, so that encoding tells nothing.

        Only BPE does, where it has neither a token for the unknown nor one for each byte.
        """
        model = self._model
        if not isinstance(model, BPE) or model.unk_token is not None:
            return False
        return not ((model.byte_fallback and self._has_all_bytes) or self._is_byte_level)

    @cached_property
    def letters(self) -> frozenset[str] | None:
        """Every character that a text of tokens can hold; ``None`` where that is any."""
        if self._has_all_bytes or self._is_byte_level:
            return None
        texts = (
            decoded(self._tokenizer, [token_id])
            for token_id in self._tokenizer.get_vocab().values()
        )
        return frozenset(" ".join(texts))

    def complaint(self, text: str) -> str:
        """Return a sentence on what of ``text`` cannot be spelled, empty where all can."""
        part = self._first_unknown(text)
        return "" if part is None else _sentence(part, text)

    def _first_unknown(self, text: str) -> str | None:
        for segment in self._segments(text):
            if not self._is_spelled(segment):
                if isinstance(self._model, WordLevel | WordPiece):
                    return next((one for one in self._pieces(segment) if self._fails(one)), segment)
                return next((one for one in segment if not self._is_spelled(one)), segment)
        return None

    def _segments(self, text: str) -> Iterator[str]:
        """Yield what stands between the tokens that are found in a text before it is split."""
        contents = [one.content for one in self._tokenizer.get_added_tokens_decoder().values()]
        contents.sort(key=len, reverse=True)
        found = re.split("|".join(map(re.escape, filter(None, contents))) or r"(?!)", text)
        yield from filter(None, found)

    def _is_spelled(self, text: str) -> bool:
        return not any(map(self._fails, self._pieces(text)))

    def _pieces(self, text: str) -> list[str]:
        """Return the parts of ``text`` that the model itself is given."""
        if self._tokenizer.normalizer is not None:
            text = self._tokenizer.normalizer.normalize_str(text)
        if self._tokenizer.pre_tokenizer is None:
            return [text] if text else []
        return [piece for piece, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(text)]

    def _fails(self, piece: str) -> bool:
        if self.leaves_out:
            return self._leaves_out_of(piece)
        try:
            self._model.tokenize(piece)
        except Exception:  # the one kind that tokenizers raises
            return True
        return False

    def _leaves_out_of(self, piece: str) -> bool:
        """Whether BPE finds no token to begin with for a character of ``piece``."""
        model, last = self._model, len(piece) - 1
        if model.ignore_merges and self._is_token(piece):
            return False
        for at, character in enumerate(piece):
            token = (model.continuing_subword_prefix or "") * (at > 0) + character
            token += (model.end_of_word_suffix or "") * (at == last)
            if not self._is_token(token) and not self._has_bytes(character):
                return True
        return False

    def _has_bytes(self, character: str) -> bool:
        if not self._model.byte_fallback:
            return False
        return all(self._is_token(_BYTE_TOKENS[byte]) for byte in character.encode())

    def _is_token(self, text: str) -> bool:
        return self._token_to_id(text) is not None

    @cached_property
    def _has_all_bytes(self) -> bool:
        return all(map(self._is_token, _BYTE_TOKENS))

    @cached_property
    def _is_byte_level(self) -> bool:
        """Whether every byte is a token, wherever in a word it stands."""
        model = self._model
        splitting: Any = self._tokenizer.pre_tokenizer
        kinds: Any = splitting if isinstance(splitting, pre_tokenizers.Sequence) else (splitting,)
        if not any(isinstance(one, pre_tokenizers.ByteLevel) for one in kinds):
            return False
        if not isinstance(model, BPE) or model.end_of_word_suffix:
            return False
        has_prefix = bool(model.continuing_subword_prefix)
        return not has_prefix and all(map(self._is_token, pre_tokenizers.ByteLevel.alphabet()))


def _sentence(part: str, text: str) -> str:
    shown = f"'{visible(part[:_LONGEST_SHOWN], keep='')}'"
    if len(part) == 1:
        shown += f" (U+{ord(part):04X}, character {text.find(part) + 1:,} of the text)"
    return (
        f"this model's tokenizer cannot spell {shown}: it has no token for it, nor one for what it"
        " does not know; leave it out"
    )


_BYTE_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(0x100))

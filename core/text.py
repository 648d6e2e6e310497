"""Text to token ids and back, token by token.

Must never hand out half a character: bytes wait until their character is whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

from core.errors import PlaygroundError
from core.prompt_tokens import PromptToken

REPLACEMENT_CHARACTER = "\ufffd"


class TextCodec:
    """Encodes prompts, and decodes one token after the other, over a ``tokenizers.Tokenizer``."""

    # A character of UTF-8 has at most four bytes, and a token at least one.
    _LONGEST_CHARACTER = 4

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._token_texts: dict[int, str] = {}
        # Tokens are decoded behind this one: at a beginning, some decoders strip a leading space.
        self._anchor: list[int] = tokenizer.encode("a", add_special_tokens=False).ids
        self._anchor_length = len(self.decode(self._anchor))

    def encode(self, text: str, *, is_beginning: bool) -> list[int]:
        """Return the token ids of ``text``, with special tokens at the document's beginning.

        Raises:
            PlaygroundError: ``text`` is not valid Unicode (a lone surrogate).
        """
        _check(text)
        return list(self._tokenizer.encode(text, add_special_tokens=is_beginning).ids)

    def tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        """Return what ``encode`` makes of ``text``, with texts and bounds. Any thread may call it.

        Raises:
            PlaygroundError: As ``encode`` does.
        """
        _check(text)
        # Only the batch form lets other threads run while it works through a long text.
        (encoding,) = self._tokenizer.encode_batch([text], add_special_tokens=is_beginning)
        return tuple(
            PromptToken(token_id, self.token_text(token_id), start, end)
            for token_id, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
        )

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of ``token_ids``, with special tokens spelled out."""
        text: str = self._tokenizer.decode(list(token_ids), skip_special_tokens=False)
        return text

    def token_text(self, token_id: int) -> str:
        r"""Return what one token stands for by itself; bytes of a partial character as ``\xe4``."""
        text = self._token_texts.get(token_id)
        if text is None:
            text = self._decode_behind_anchor((token_id,))
            if REPLACEMENT_CHARACTER in text:
                text = self._token_bytes(token_id).decode("utf-8", errors="backslashreplace")
            self._token_texts[token_id] = text
        return text

    def extend(self, pending: tuple[int, ...], token_id: int) -> tuple[str, tuple[int, ...]]:
        """Take one more token after ``pending``, the tokens of a character still incomplete.

        Returns:
            The text that is now whole (maybe empty), and the tokens that are pending now.
        """
        tokens = (*pending, token_id)
        text = self._decode_behind_anchor(tokens)
        is_open = text.endswith(REPLACEMENT_CHARACTER) and self._ends_within_a_character(tokens)
        return ("", tokens) if is_open else (text, ())

    def pending_after(self, token_ids: Sequence[int]) -> tuple[int, ...]:
        """Return the tokens at the end of ``token_ids`` whose character is still incomplete."""
        pending: tuple[int, ...] = ()
        for token_id in token_ids[-2 * self._LONGEST_CHARACTER :]:
            _, pending = self.extend(pending, token_id)
        return pending[-self._LONGEST_CHARACTER :]

    def _ends_within_a_character(self, token_ids: tuple[int, ...]) -> bool:
        """Whether more bytes could make a character of the last ones: U+FFFD itself is whole."""
        data = b"".join(map(self._token_bytes, token_ids[-self._LONGEST_CHARACTER :]))
        for start in range(max(0, len(data) - self._LONGEST_CHARACTER), len(data)):
            try:
                data[start:].decode()
            except UnicodeDecodeError as error:
                if error.start == 0 and error.reason == "unexpected end of data":
                    return True
        return False

    def _decode_behind_anchor(self, token_ids: tuple[int, ...]) -> str:
        return self.decode([*self._anchor, *token_ids])[self._anchor_length :]

    def _token_bytes(self, token_id: int) -> bytes:
        token: str = self._tokenizer.id_to_token(token_id) or ""
        if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
            return bytes([int(token[3:5], 16)])
        return b"".join(_BYTE_OF.get(character, character.encode()) for character in token)


def _check(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PlaygroundError(
            f"the prompt has a broken character at position {error.start + 1}; remove it"
        ) from None


def _byte_of_character() -> dict[str, bytes]:
    """Return byte-level BPE's characters with the bytes they stand for (GPT-2's encoder.py)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    table = {chr(byte): bytes([byte]) for byte in printable}
    table.update({chr(0x100 + offset): bytes([byte]) for offset, byte in enumerate(others)})
    return table


_BYTE_OF = _byte_of_character()

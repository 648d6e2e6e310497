"""Text to token ids and back, token by token.

Must never hand out half a character: bytes wait until their character is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tokenizers import Tokenizer, decoders

from core.records.decode_state import DecodeState
from core.records.errors import PlaygroundError
from core.records.prompt_tokens import PromptToken
from core.records.scores import Scorable
from core.text.decoder import decoded
from core.text.encoder import Encoded, Encoder
from core.text.spelling import Spelling
from core.text.visible import visible

REPLACEMENT_CHARACTER = "\ufffd"

_BEGINNING = DecodeState()
_FALLBACK_BYTE = re.compile("<0x([0-9A-Fa-f]{2})>")


class TextCodec:
    """Encodes prompts, and decodes one token after the other, over a ``tokenizers.Tokenizer``.

    The texts of a document's tokens, put together, are what decoding all of them at once gives;
    but a run of byte-fallback tokens that is not UTF-8 has one replacement mark for each broken
    byte, where the tokenizer would mark the whole characters in it too.

    ``encode`` does as an ``Encoder`` of the same tokenizer, elsewhere; without it, one here does.
    """

    # A character of UTF-8 has at most four bytes, and a token at least one.
    _LONGEST_CHARACTER = 4

    def __init__(
        self, tokenizer: Tokenizer, encode: Callable[[str, bool], Encoded] | None = None
    ) -> None:
        self._tokenizer = tokenizer
        self._spelling = Spelling(tokenizer)
        self._encode = encode or Encoder(tokenizer, self._spelling)
        self._token_texts: dict[int, str] = {}
        self._whole: dict[int, str] = {}
        self._lengths: dict[tuple[int, ...], int] = {(): 0}
        # Byte-level, tokens are bytes one behind the other, whatever stands before or after.
        self._is_byte_level = isinstance(tokenizer.decoder, decoders.ByteLevel)
        # BPEDecoder writes the space between two words only when it sees the second one.
        self._spaces_follow = isinstance(tokenizer.decoder, decoders.BPEDecoder)
        added = tokenizer.get_added_tokens_decoder()
        self.special_token_ids = frozenset(one for one, token in added.items() if token.special)
        """The tokens that ``skip_special_tokens`` leaves out of a text."""
        # At a beginning, some decoders strip a space; this stands there instead of what is unknown.
        self._anchor = () if self._is_byte_level else _plain_token(tokenizer)

    def encode(self, text: str, *, is_beginning: bool) -> list[int]:
        """Return the token ids of ``text``, with special tokens at the document's beginning.

        Raises:
            PlaygroundError: ``text`` is not valid Unicode (a lone surrogate), or the tokenizer has
                no tokens for some of it.
        """
        _check(text)
        return list(self._encode(text, is_beginning).ids)

    def read(self, given: Scorable, *, is_beginning: bool) -> tuple[int, ...]:
        """Return the token ids of a text, none of an empty one; of ids, themselves.

        Raises:
            PlaygroundError: As ``encode`` does.
        """
        if not isinstance(given, str):
            return given
        return tuple(self.encode(given, is_beginning=is_beginning)) if given else ()

    def tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        """Return what ``encode`` makes of ``text``, with texts and bounds. Any thread may call it.

        Raises:
            PlaygroundError: As ``encode`` does.
        """
        _check(text)
        encoding = self._encode(text, is_beginning)
        return tuple(
            PromptToken(token_id, self.token_text(token_id), start, end)
            for token_id, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
        )

    def check_stop_strings(self, stop_strings: Sequence[str]) -> None:
        """Make sure that each of ``stop_strings`` can come in a text of this tokenizer's tokens.

        ``generate()`` refuses those that no token has a part of.

        Raises:
            PlaygroundError: One of them has a character that is in no token.
        """
        if not stop_strings or (letters := self._spelling.letters) is None:
            return
        for stop in stop_strings:
            unknown = next((one for one in stop if one not in letters), None)
            if unknown is not None:
                raise PlaygroundError(
                    f"the stop string '{visible(stop, keep='')}' can never come: no token of this"
                    f" model has '{visible(unknown, keep='')}' (U+{ord(unknown):04X}); change"
                    " stop_strings"
                )

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of ``token_ids``, with special tokens spelled out.

        Raises:
            PlaygroundError: The tokenizer's rules of decoding fail at them.
        """
        return decoded(self._tokenizer, token_ids)

    def token_text(self, token_id: int) -> str:
        r"""Return what one token stands for by itself; bytes of a partial character as ``\xe4``.

        Where words end in a mark of their own (``</w>``), so does the text, in a space.
        """
        text = self._token_texts.get(token_id)
        if text is None:
            if self._spaces_follow:
                text = self.decode((token_id, *self._anchor)).removesuffix(
                    self.decode(self._anchor)
                )
            else:
                text = self._decode_behind(self._anchor, (token_id,))
            if REPLACEMENT_CHARACTER in text:
                text = self._token_bytes(token_id).decode("utf-8", errors="backslashreplace")
            self._token_texts[token_id] = text
        return text

    def extend(
        self, state: DecodeState, token_id: int, *, skip_special_tokens: bool = False
    ) -> tuple[str, DecodeState]:
        """Take one more token where the text stands at ``state``.

        With ``skip_special_tokens`` a special token has no text of its own.

        Returns:
            The text that is now whole (maybe empty), and where the text stands now.
        """
        if skip_special_tokens and token_id in self.special_token_ids:
            return self.rest(state), self._state_behind(state, token_id)
        known = self._whole.get(token_id) if state is _BEGINNING else None
        if known is not None:
            return known, _BEGINNING
        tokens = (*state.pending, token_id)
        text = self._decode_behind(state.prefix, tokens)
        if text.endswith(REPLACEMENT_CHARACTER) and self._ends_within_a_character(tokens):
            return "", DecodeState(state.prefix, tokens)
        after = self._state_behind(state, token_id)
        if state is after is _BEGINNING:
            self._whole[token_id] = text
        return text, after

    def state_after(self, token_ids: Sequence[int]) -> DecodeState:
        """Return where the text of ``token_ids`` stands; only the last ones are looked at."""
        state = DecodeState()
        for token_id in token_ids[-2 * self._LONGEST_CHARACTER :]:
            _, state = self.extend(state, token_id)
        return state._replace(pending=state.pending[-self._LONGEST_CHARACTER :])

    def rest(self, state: DecodeState) -> str:
        """Return the text of what is pending when nothing follows: replacement marks."""
        return self._decode_behind(state.prefix, state.pending) if state.pending else ""

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

    def _state_behind(self, before: DecodeState, token_id: int) -> DecodeState:
        """Return the state behind a token whose text is whole."""
        if self._is_byte_level:
            return _BEGINNING
        if self._tokenizer.id_to_token(token_id) is None:
            return DecodeState(before.prefix)  # a vocabulary may be padded with what has no text
        # A byte before others would be read together with them: the decoder takes a run at once.
        is_byte = self._fallback_byte(token_id) is not None
        return DecodeState(self._anchor if is_byte else (token_id,))

    def _decode_behind(self, prefix: tuple[int, ...], token_ids: tuple[int, ...]) -> str:
        if prefix not in self._lengths:
            self._lengths[prefix] = len(self.decode(prefix))
        return self.decode((*prefix, *token_ids))[self._lengths[prefix] :]

    def _fallback_byte(self, token_id: int) -> int | None:
        """Return the byte that a token such as ``<0xE4>`` stands for, ``None`` for any other."""
        match = _FALLBACK_BYTE.fullmatch(self._tokenizer.id_to_token(token_id) or "")
        return int(match[1], 16) if match else None

    def _token_bytes(self, token_id: int) -> bytes:
        byte = self._fallback_byte(token_id)
        if byte is not None:
            return bytes([byte])
        token: str = self._tokenizer.id_to_token(token_id) or ""
        return b"".join(_BYTE_OF.get(character, character.encode()) for character in token)


def _plain_token(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Return a token of letters alone, such as ``a``, where there is one: none is encoded for it.

    A tokenizer need not have any that a text of ours could be spelled with.
    """
    added = tokenizer.get_added_tokens_decoder()
    second_best: tuple[int, ...] = ()
    for token, token_id in sorted(tokenizer.get_vocab().items(), key=lambda one: one[1]):
        if token_id in added or _FALLBACK_BYTE.fullmatch(token):
            continue
        text = decoded(tokenizer, [token_id])
        if text.isalnum():
            return (token_id,)
        if text and not second_best:
            second_best = (token_id,)
    return second_best


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

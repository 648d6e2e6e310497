"""The texts among the settings as the token ids that they mean to one model.

Must never guess: a text that cannot be what its setting needs is refused in a sentence.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from core.records.errors import PlaygroundError
from core.records.recorded_run import TokenTexts
from core.records.setting_facts.facts import Kind
from core.records.setting_facts.table import FACTS
from core.records.setting_facts.values import Token, Word
from core.records.settings import Settings
from core.text.visible import visible


@dataclass(frozen=True, slots=True)
class ReadText:
    """One text among the settings: which setting has it, and what it is read as.

    ``readings`` are token ids: of the text as it stands and, where it is a word that begins without
    a space, of the text behind one.
    """

    name: str
    text: str
    readings: tuple[tuple[int, ...], ...]


def has_texts(settings: Settings) -> bool:
    """Whether some of ``settings`` are texts that stand for tokens."""
    return any(True for _ in _texts_among(settings))


def read_texts(settings: Settings, texts: TokenTexts) -> Iterator[ReadText]:
    """Yield every text among ``settings`` that stands for tokens, with what it is read as.

    Raises:
        PlaygroundError: The tokenizer has no tokens for one of them.
    """
    for name, kind, text in _texts_among(settings):
        yield ReadText(name, text, _readings(kind, text, texts))


def _texts_among(settings: Settings) -> Iterator[tuple[str, Kind, str]]:
    for name, facts in FACTS.items():
        value: Any = getattr(settings, name)
        if facts.kind == "biases":
            value = [word for word, _ in value]
        elif facts.kind == "word":
            value = [value]
        elif facts.kind not in ("tokens", "words"):
            continue
        for one in value:
            if isinstance(one, str):
                yield name, facts.kind, one


def with_token_ids(settings: Settings, texts: TokenTexts, vocabulary_size: int) -> Settings:
    """Return ``settings`` with the token ids that their texts are read as.

    Raises:
        PlaygroundError: A text of a setting of single tokens is none or several, the tokenizer has
            no tokens for one, or an id is beyond the vocabulary.
    """
    changes: dict[str, Any] = {}
    for name, facts in FACTS.items():
        value: Any = getattr(settings, name)
        if facts.kind == "tokens" and value:
            changes[name] = tuple(_token_id(name, one, texts) for one in value)
            _check(name, changes[name], vocabulary_size)
        elif facts.kind == "words" and value:
            changes[name] = tuple(ids for one in value for ids in _ids(one, texts))
            _check(name, [one for ids in changes[name] for one in ids], vocabulary_size)
        elif facts.kind == "biases" and value:
            pairs = {ids: bias for word, bias in value for ids in _ids(word, texts)}
            changes[name] = tuple(pairs.items())
            _check(name, [one for ids in pairs for one in ids], vocabulary_size)
        elif facts.kind == "word" and value:
            (changes[name],) = (
                _readings("word", value, texts) if isinstance(value, str) else (value,)
            )
            _check(name, changes[name], vocabulary_size)
    changed = {name: one for name, one in changes.items() if one != getattr(settings, name)}
    return dataclasses.replace(settings, **changed) if changed else settings


def told(settings: Settings, name: str, texts: TokenTexts) -> str:
    """Return the value of a setting as a person reads it, token ids as the texts of their tokens.

    ``settings`` have token ids where they may have texts; the words of one value have commas
    between them, the tokens of a word spaces.
    """
    value: Any = getattr(settings, name)
    kind = FACTS[name].kind
    if kind == "tokens":
        return spelled(value, texts)
    if kind == "words":
        return ", ".join(spelled(one, texts) for one in value)
    if kind == "biases":
        return ", ".join(f"{spelled(word, texts)} {bias:+g}" for word, bias in value)
    if kind == "decay" and value is not None:
        return f"{value[1]:g} from token {value[0]:,} on"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def spelled(token_ids: Sequence[int], texts: TokenTexts) -> str:
    """Return tokens as a person reads them, each in quotes."""
    return " ".join(f"'{visible(texts.token_text(one), keep='')}'" for one in token_ids)


def ends_of_text(settings: Settings, of_model: Sequence[int]) -> tuple[int, ...]:
    """Return the tokens that end a text under ``settings``, whose texts are token ids already."""
    return cast("tuple[int, ...]", settings.eos_token_id) or tuple(of_model)


def _ids(word: Word, texts: TokenTexts) -> tuple[tuple[int, ...], ...]:
    return _readings("words", word, texts) if isinstance(word, str) else (word,)


def _readings(kind: str, text: str, texts: TokenTexts) -> tuple[tuple[int, ...], ...]:
    if kind == "word":
        return (tuple(texts.encode(text, is_beginning=True)),)
    spellings = [text]
    if kind != "tokens" and not text[0].isspace():
        spellings.append(f" {text}")
    found: dict[tuple[int, ...], None] = {}
    complaint: PlaygroundError | None = None
    for one in spellings:
        try:
            found[tuple(texts.encode(one, is_beginning=False))] = None
        except PlaygroundError as error:  # a tokenizer may know the word alone, and no spaces
            complaint = complaint or error
    found.pop((), None)
    if not found and complaint is not None:
        raise complaint
    return tuple(found)


def _token_id(name: str, token: Token, texts: TokenTexts) -> int:
    if not isinstance(token, str):
        return token
    ids = [one for reading in _readings("tokens", token, texts) for one in reading]
    if len(ids) == 1:
        return ids[0]
    parts = spelled(ids[:8], texts)
    raise PlaygroundError(
        f"{name} takes texts of one token each, and '{visible(token, keep='')}' is {len(ids)} to"
        f" this model ({parts}); give one of those, or a token's id"
    )


def _check(name: str, ids: Sequence[int], vocabulary_size: int) -> None:
    for token_id in ids:
        if token_id >= vocabulary_size:
            raise PlaygroundError(
                f"{name} names token {token_id:,}, and this model's tokens are 0 to"
                f" {vocabulary_size - 1:,}; give a text, or an id of this model"
            )

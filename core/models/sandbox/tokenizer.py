"""The tokenizer and the chat template in a model's folder: read and run in the confined process.

Must never let what the folder's files say compute in this process. Decoding does happen here, token
by token: by rules that were looked at and take no more time than there is text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from core.files.reading import FileError, read_json_object
from core.models.files.folder import check_files
from core.models.sandbox.process import ConfinedError, RaisedError, StoppedError, confined
from core.records.chat import Message
from core.records.errors import PlaygroundError
from core.records.model_report import SpecialToken, TokenizerFacts
from core.text.encoder import Encoded

_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "tokenizer.model", "vocab.txt")

_TEMPLATE_SECONDS = 5.0
_TEXT_SECONDS = 5.0
_CHARACTERS_PER_SECOND = 50_000
"""A tenth of what a slow machine tokenises."""

_MOST_RULES = 64
_MOST_GROWTH = 64
"""How many times longer a decoder may make a text; real ones replace a character by another."""

_LARGEST_CONFIG = 8 * 2**20
_NO_LIMIT = 10**12
"""transformers writes 1e30 for a maximum length that nobody set."""


@dataclass(frozen=True, slots=True)
class OpenTokenizer:
    """A tokenizer that is ready; ``encode`` is ``None`` where ``tokenizer`` itself may encode.

    ``fingerprint`` is alike for two tokenizers whose token ids mean the same text.
    """

    tokenizer: Tokenizer
    fingerprint: str
    encode: Callable[[str, bool], Encoded] | None = None


def prepare(folder: Path) -> None:
    """Start the confined process where the model in ``folder`` will need it, else end it.

    It takes as long as torch does to be ready, so that it is best started first.
    """
    try:
        config = read_json_object(folder / "config.json", _LARGEST_CONFIG)
    except FileError:  # whoever loads the model will tell
        return
    if config.get("model_type") == "gpt2":
        confined().close()
    else:
        confined().prepare()


def read_tokenizer(folder: Path) -> OpenTokenizer:
    """Return the tokenizer in ``folder``.

    Raises:
        PlaygroundError: There is none, only one that transformers runs in Python, or one that does
            not stay within the limits of the confined process.
    """
    check_files(folder)
    # Without any file, transformers would make up an empty tokenizer.
    if not any((folder / file).is_file() for file in _TOKENIZER_FILES):
        raise PlaygroundError(f"{str(folder)!r} holds no tokenizer; save the model's beside it")
    try:
        opened = confined().open(folder)
    except RaisedError as error:
        if "trust_remote_code" not in error.said:
            raise
        raise PlaygroundError(
            f"the tokenizer in {str(folder)!r} runs only with code of its own, which is never"
            " executed here; choose a model whose tokenizer transformers knows"
        ) from None
    if opened["tokenizer"] is None:
        raise PlaygroundError(
            f"the tokenizer in {str(folder)!r} has no fast form; save it once with"
            " AutoTokenizer.from_pretrained(...).save_pretrained(...)"
        )
    _check_decoder(opened["decoder"], folder)

    def encode(text: str, is_beginning: bool) -> Encoded:
        return _encoded(folder, text, is_beginning)

    tokenizer = Tokenizer.from_str(opened["tokenizer"])
    return OpenTokenizer(tokenizer, opened["fingerprint"], encode)


def _encoded(folder: Path, text: str, is_beginning: bool) -> Encoded:
    seconds = _TEXT_SECONDS + len(text) / _CHARACTERS_PER_SECOND
    try:
        ids, offsets = confined().ask(
            folder, "encode", seconds, text=text, is_beginning=is_beginning
        )
    except RaisedError as error:
        if PlaygroundError.__name__ in error.kinds:
            raise PlaygroundError(error.said) from None
        raise _unread(error) from None
    except StoppedError:
        raise
    except ConfinedError as error:
        raise _unread(error) from None
    return Encoded(ids, [(begin, end) for begin, end in offsets])


def _unread(error: ConfinedError) -> PlaygroundError:
    return PlaygroundError(
        f"this model's tokenizer {error.fault}; try another text, or choose another model"
    )


def has_template(folder: Path) -> bool:
    """Return whether the model in ``folder`` has a chat template; its tokenizer is read anew.

    Raises:
        PlaygroundError: It cannot be read.
    """
    if not _names_template(folder):
        return False
    check_files(folder)
    return bool(confined().open(folder)["has_template"])


def _names_template(folder: Path) -> bool:
    """Return whether the files name a chat template, without starting a process for it."""
    if (folder / "chat_template.jinja").is_file():
        return True
    try:
        config = read_json_object(folder / "tokenizer_config.json", _LARGEST_CONFIG)
    except FileError:
        return False
    return bool(config.get("chat_template"))


def rendered(folder: Path, messages: Sequence[Message]) -> str:
    """Return what the chat template in ``folder`` makes of ``messages``.

    Raises:
        ConfinedError: It refuses them, was stopped, or does not stay within its limits.
    """
    conversation = [{"role": one.role, "content": one.content} for one in messages]
    return str(confined().ask(folder, "render", _TEMPLATE_SECONDS, messages=conversation))


def tokenizer_facts(folder: Path) -> TokenizerFacts:
    """Return what the tokenizer in ``folder`` is; it is read anew.

    Raises:
        PlaygroundError: It cannot be read, or its vocabulary is empty.
    """
    check_files(folder)
    confined().open(folder)
    said = confined().ask(folder, "facts", _TEXT_SECONDS)
    size, limit = said["vocabulary_size"], said["maximum_length"]
    if size < 1:
        raise PlaygroundError("its vocabulary is empty")
    return TokenizerFacts(
        kind=said["kind"],
        vocabulary_size=size,
        added_tokens=max(0, said["all_tokens"] - size),
        maximum_length=int(limit) if limit is not None and limit < _NO_LIMIT else None,
        padding_side=said["padding_side"],
        truncation_side=said["truncation_side"],
        special_tokens=tuple(SpecialToken(*one) for one in said["special_tokens"]),
    )


def _check_decoder(decoder: Any, folder: Path) -> None:  # noqa: ANN401 - JSON
    """Refuse rules of decoding that could take time or memory without end.

    Raises:
        PlaygroundError: There is such a rule.
    """
    growth, rules = 1.0, list(_rules(decoder))
    for rule in rules:
        if rule.get("type") != "Replace":
            continue
        pattern = rule.get("pattern")
        replaced = pattern.get("String") if isinstance(pattern, dict) else None
        if not replaced:
            raise _refused(folder, "by a regular expression")
        growth *= max(1.0, len(rule.get("content", "").encode()) / len(replaced.encode()))
    if growth > _MOST_GROWTH or len(rules) > _MOST_RULES:
        raise _refused(folder, "to what may be far longer")


def _rules(decoder: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    if isinstance(decoder, dict):
        yield decoder
        for inner in decoder.get("decoders") or ():
            yield from _rules(inner)


def _refused(folder: Path, how: str) -> PlaygroundError:
    return PlaygroundError(
        f"the tokenizer in {str(folder)!r} rewrites each token's text {how}, which is not run here;"
        " choose another model"
    )

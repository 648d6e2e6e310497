"""A GPT-2's tokenizer, without transformers where that would make the very same of its files.

Must never import transformers where ``tokenizer.json`` says all: it takes seconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, processors
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from core.files.reading import read_text
from core.models.hub.weights import read_json
from core.models.sandbox.tokenizer import OpenTokenizer, read_tokenizer

_PLAIN_CLASSES = (None, "GPT2Tokenizer", "GPT2TokenizerFast")
_END_OF_TEXT = "<|endoftext|>"
_NAMED_BY_DEFAULT = ("bos_token", "eos_token", "unk_token")
_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
_ENDS = (processors.ByteLevel, processors.TemplateProcessing, type(None))
_MOST_ENDS = 8
"""How many pieces may stand around a text: it is one of them, and could be all of them."""

_LARGEST_FILE = 256 * 2**20
_LISTS_OF_TOKENS = ("additional_special_tokens", "extra_special_tokens")

_Traits = tuple[str | bool, ...]


def gpt2_tokenizer(folder: Path) -> OpenTokenizer:
    """Return the tokenizer in ``folder`` as transformers would.

    Raises:
        PlaygroundError: There is none, or one of its files is no JSON object.
    """
    tokenizer = _plain_tokenizer(folder)
    if tokenizer is None:
        return read_tokenizer(folder)
    # Whoever saved it last may have cut or padded texts; transformers does so only where asked.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    fingerprint = hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
    return OpenTokenizer(tokenizer, fingerprint)


def _plain_tokenizer(folder: Path) -> Tokenizer | None:
    """Return what ``tokenizer.json`` holds, ``None`` where transformers may make other of it.

    For a GPT-2 transformers takes vocabulary, merges and added tokens alone from it, and adds the
    special tokens that the other files name.
    """
    file = folder / "tokenizer.json"
    if not file.is_file():
        return None
    settings = _content(folder / "tokenizer_config.json")
    if settings.get("tokenizer_class") not in _PLAIN_CLASSES or settings.get("add_prefix_space"):
        return None
    text = read_text(file, _LARGEST_FILE)
    if not _says_plain(text):
        return None
    tokenizer = Tokenizer.from_str(text)
    if not _is_plain(tokenizer):
        return None
    added = {token_id: _traits(one) for token_id, one in _added_tokens(tokenizer).items()}
    named = [_traits(one) for one in _named_tokens(folder, settings)]
    return tokenizer if _is_all_added(added, named, settings) else None


def _content(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _says_plain(text: str) -> bool:
    """Return whether the file has no rules of its own, which are not even read in this process."""
    try:
        said = json.loads(text)
        kinds = {name: said[name] and said[name]["type"] for name in _PARTS}
        ends = said["post_processor"]
        if kinds["post_processor"] == "TemplateProcessing" and len(ends["single"]) <= _MOST_ENDS:
            kinds["post_processor"] = None
    except (ValueError, RecursionError, KeyError, TypeError):
        return False
    return all(kind in (None, "ByteLevel") for kind in kinds.values())


def _is_plain(tokenizer: Tokenizer) -> bool:
    """Return whether it splits and merges as GPT2Tokenizer does, whatever it was saved with."""
    splitting, model = tokenizer.pre_tokenizer, tokenizer.model
    processor = tokenizer.post_processor
    return (
        tokenizer.normalizer is None
        and isinstance(processor, _ENDS)
        and isinstance(tokenizer.decoder, decoders.ByteLevel)
        and isinstance(splitting, ByteLevel)
        and not splitting.add_prefix_space
        and bool(splitting.use_regex)
        and isinstance(model, BPE)
        and not (model.dropout or model.ignore_merges or model.byte_fallback)
    )


def _added_tokens(tokenizer: Tokenizer) -> dict[int, AddedToken]:
    added: dict[int, AddedToken] = tokenizer.get_added_tokens_decoder()
    return added


def _named_tokens(folder: Path, settings: Mapping[str, Any]) -> Iterator[object]:
    """Yield the special tokens that the files beside ``tokenizer.json`` name, as they stand."""
    yield from _content(folder / "added_tokens.json")
    for name in _NAMED_BY_DEFAULT:
        if name not in settings:
            yield _END_OF_TEXT
    for mapping in (settings, _content(folder / "special_tokens_map.json")):
        for name, value in mapping.items():
            if name.endswith("_token") and isinstance(value, str | dict):
                yield value
            elif name in _LISTS_OF_TOKENS and value:
                yield from value.values() if isinstance(value, dict) else value


def _is_all_added(
    added: Mapping[int, _Traits], named: Iterable[_Traits], settings: Mapping[str, Any]
) -> bool:
    """Return whether transformers would add the tokens ``added``, and no others."""
    listed = settings.get("added_tokens_decoder")
    if listed is not None:  # transformers takes those in place of the ones in tokenizer.json
        if not isinstance(listed, dict):
            return False
        if {str(one): traits for one, traits in added.items()} != {
            one: _traits(value) for one, value in listed.items()
        }:
            return False
    return set(added.values()).issuperset(named)


def _traits(token: object) -> _Traits:
    """Return what decides where a token is found in a text; text alone has transformers' traits.

    Whether its text is normalised makes no difference without a normalizer.
    """
    if isinstance(token, AddedToken):
        return token.content, token.lstrip, token.rstrip, token.single_word
    mapping = token if isinstance(token, dict) else {"content": token}
    strips = (bool(mapping.get(name)) for name in ("lstrip", "rstrip", "single_word"))
    return str(mapping.get("content")), *strips

"""A folder's tokenizer, asked what it is.

Must never run code that came with a tokenizer, nor fail a whole report: a tokenizer that cannot
be read is a remark in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from core.bounded_file import FileError, is_regular_file
from core.models.config_file import quiet_transformers
from core.models.model_files import check_files
from core.models.report_records import SpecialToken, TokenizerFacts
from core.visible import reason

_VOCABULARIES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)

_NO_LIMIT = 10**12
"""transformers writes 1e30 for a maximum length that nobody set."""


def tokenizer_facts(folder: Path) -> tuple[TokenizerFacts | None, str]:
    """Return the facts of the tokenizer in ``folder``, or ``None`` and why there are none."""
    try:
        check_files(folder)
    except FileError as error:
        return None, str(error)
    if not any(is_regular_file(folder / name) for name in _VOCABULARIES):
        return None, "there are no tokenizer files in the folder"
    # Whatever a tokenizer class raises on files of anywhere, the report goes on without it.
    try:
        with quiet_transformers():
            tokenizer: Any = AutoTokenizer.from_pretrained(
                str(folder.resolve()), local_files_only=True, trust_remote_code=False
            )
            return _facts(tokenizer), ""
    except Exception as error:
        return None, f"the tokenizer cannot be read: {reason(error)}"


def _facts(tokenizer: Any) -> TokenizerFacts:  # noqa: ANN401
    size = int(tokenizer.vocab_size)
    if size < 1:
        raise ValueError("its vocabulary is empty")
    limit = tokenizer.model_max_length
    return TokenizerFacts(
        kind=type(tokenizer).__name__,
        vocabulary_size=size,
        added_tokens=max(0, len(tokenizer) - size),
        maximum_length=int(limit) if limit is not None and limit < _NO_LIMIT else None,
        padding_side=str(tokenizer.padding_side),
        truncation_side=str(tokenizer.truncation_side),
        special_tokens=tuple(_special_tokens(tokenizer)),
    )


def _special_tokens(tokenizer: Any) -> list[SpecialToken]:  # noqa: ANN401
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    found: list[SpecialToken] = []
    for name, value in tokenizer.special_tokens_map.items():
        texts = [str(one) for one in (value if isinstance(value, list | tuple) else (value,))]
        found.extend(SpecialToken(str(name), text, vocabulary.get(text)) for text in texts)
    return found

"""A folder's tokenizer, asked what it is.

Must never run code that came with a tokenizer, nor fail a whole report: a tokenizer that cannot
be read is a remark in it.
"""

from __future__ import annotations

from pathlib import Path

from core.files.reading import FileError, is_regular_file
from core.models.files.folder import check_files
from core.models.sandbox import tokenizer as folder_tokenizer
from core.records.errors import PlaygroundError
from core.records.model_report import TokenizerFacts
from core.text.visible import reason

_VOCABULARIES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)


def tokenizer_facts(folder: Path) -> tuple[TokenizerFacts | None, str]:
    """Return the facts of the tokenizer in ``folder``, or ``None`` and why there are none."""
    try:
        check_files(folder)
    except FileError as error:
        return None, str(error)
    if not any(is_regular_file(folder / name) for name in _VOCABULARIES):
        return None, "there are no tokenizer files in the folder"
    try:
        return folder_tokenizer.tokenizer_facts(folder.resolve()), ""
    except PlaygroundError as error:
        return None, f"the tokenizer cannot be read: {reason(error)}"

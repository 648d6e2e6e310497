"""A folder's tokenizer, asked what it is.

Must never run code that came with a tokenizer, nor fail a whole report: a tokenizer that cannot
be read is a remark in it.
"""

from __future__ import annotations

from pathlib import Path

from core.bounded_file import FileError, is_regular_file
from core.errors import PlaygroundError
from core.models import folder_tokenizer
from core.models.model_files import check_files
from core.models.report_records import TokenizerFacts
from core.visible import reason

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

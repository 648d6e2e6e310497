"""What lies in a model's folder, looked at before a library reads it by itself.

Must never read a file, nor import a model library.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.files.reading import FileError, is_regular_file

_READ_BY_LIBRARIES = (".json", ".txt", ".model", ".jinja", ".tiktoken", ".bpe", ".vocab", ".spm")

_LARGEST_FILE = 256 * 2**20
"""In bytes, weights apart: the largest tokenizers published have 40 MB."""


def check_files(folder: Path) -> None:
    """Refuse a folder in which a library would wait for a pipe or fill the memory from a device.

    Weights are for ``check_inside`` and whoever reads their headers.

    Raises:
        FileError: There is such a file; the sentence names it.
    """
    for entry in _entries(folder):
        if entry.suffix in _READ_BY_LIBRARIES and not entry.is_dir():
            if not is_regular_file(entry):
                raise FileError(
                    entry, "is a broken link or no file; remove it, or put the file itself there"
                )
            if entry.stat().st_size > _LARGEST_FILE:
                raise FileError(
                    entry,
                    f"has more than {_LARGEST_FILE:,} bytes; remove it, or take another model",
                )


def _entries(folder: Path) -> Iterator[Path]:
    """Yield what is in the folder, and the templates that transformers keeps one level deeper."""
    try:
        for entry in sorted(folder.iterdir()):
            yield entry
            if entry.name == "additional_chat_templates" and entry.is_dir():
                yield from sorted(entry.iterdir())
    except OSError as error:
        raise FileError(folder, f"cannot be read: {error.strerror or error}") from None


def check_inside(folder: Path, file: Path) -> None:
    """Refuse a file that a link or a name leads to from ``folder``, but out of it.

    The Hugging Face cache keeps files beside the folders that link to them: there, all that belongs
    to the same repository is inside.

    Raises:
        FileError: ``file`` lies elsewhere.
    """
    try:
        root, target = folder.resolve(), file.resolve()
    except (OSError, RuntimeError) as error:  # a link to itself
        raise FileError(file, f"cannot be read: {error}") from None
    if root.parent.name == "snapshots" and root.parent.parent.name.startswith("models--"):
        root = root.parent.parent
    if not target.is_relative_to(root):
        raise FileError(
            file, "lies outside the model's folder; put the file itself there, not a link"
        )

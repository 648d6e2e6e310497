"""Saves a preset to the file that the user owns, beside those that stand there already.

Must never import torch or transformers, and never leaves a file half written, rewrites what a
person wrote, or puts anything into the program's own file.
"""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

from core.files.reading import read_bytes
from core.files.writing import folder_locked, written_aside
from core.presets.book import Preset, PresetBook, PresetsError
from core.presets.finding import load_presets, own_presets_file, packaged_presets_files
from core.presets.keys import INDISTINCT_KEYS, RESERVED_KEYS
from core.presets.reader import MOST_BYTES, name_fault
from core.presets.yaml_text import with_preset
from core.records.chat import ChatFormat
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.text.visible import one_line, visible

SAVED_KEYS: tuple[str, ...] = tuple(
    key
    for shift in ("", "shift+")
    for number in range(1, 9)
    if (key := f"{shift}f{number}") not in INDISTINCT_KEYS
)
"""The keys that a saved preset may be given; the app has uses of its own for F9 to F12."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def save_preset(
    book: PresetBook,
    name: str,
    settings: Settings,
    description: str = "",
    chat: ChatFormat | None = None,
    taken_keys: frozenset[str] = frozenset(),
) -> Path:
    """Append a preset to the file of ``book``, and return the file.

    The program's own file is copied to the user's configuration folder first, or the file that is
    there already is used. Several programs may save at once. The preset has the first key of
    ``SAVED_KEYS`` that is free and none of ``taken_keys``, or none. Comments and format stay, and
    so do mode and symbolic links; the file is read back before it replaces the old one.

    Raises:
        PlaygroundError: The name cannot be used or is there already, the file cannot be read,
            extended or written, or somebody else changed it meanwhile. Nothing is written then.
    """
    fault = name_fault(name)
    if fault:
        raise PlaygroundError(f"{visible(fault, keep='')}; give another one")
    path = own_presets_file() if book.path in packaged_presets_files() else book.path
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with folder_locked(target.parent):
            source = target if os.path.lexists(target) else book.path
            preset = Preset(name, "", one_line(description, 200), settings, chat)
            _add(source, target, preset, taken_keys)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PlaygroundError(
            f"cannot write {_shown(target)}: {reason}; use --presets with a file of your own"
        ) from None
    return path


def _shown(path: Path) -> str:
    return visible(str(path), keep="")


def _check_file(path: Path) -> None:
    """Refuse what cannot be replaced by a file, before anything waits for it to be read."""
    if path.exists() and not path.is_file():
        raise PlaygroundError(
            f"cannot write {_shown(path)}: it is no regular file; use --presets with one"
        )


def _free_key(book: PresetBook, taken_keys: frozenset[str]) -> str:
    taken = {preset.key for preset in book.presets} | RESERVED_KEYS | taken_keys
    return next((key for key in SAVED_KEYS if key not in taken), "")


def _add(source: Path, target: Path, preset: Preset, taken_keys: frozenset[str]) -> None:
    _check_file(source)
    book = load_presets(source)
    before = read_bytes(source, MOST_BYTES)
    if any(one.name == preset.name for one in book.presets):
        raise PlaygroundError(
            f"there is a preset {preset.name!r} in {_shown(source)} already; give another name"
        )
    preset = dataclasses.replace(preset, key=_free_key(book, taken_keys))
    is_there = source == target
    if is_there and not os.access(target, os.W_OK):
        raise PermissionError(0, "Permission denied")
    mark = _BYTE_ORDER_MARK if before.startswith(_BYTE_ORDER_MARK) else b""
    try:
        text = with_preset(before.removeprefix(mark).decode(), preset)
    except PlaygroundError as error:
        raise PlaygroundError(f"cannot add to {_shown(source)}: {error}") from None
    mode = stat.S_IMODE(target.stat().st_mode) if is_there else None
    with written_aside(target, mark + text.encode(), mode) as written:
        _check_written(written, target, book, preset)
        # An editor takes no lock.
        if (read_bytes(target, MOST_BYTES) if os.path.lexists(target) else None) != (
            before if is_there else None
        ):
            raise PlaygroundError(f"{_shown(target)} was changed meanwhile; save again")
        written.replace(target)


def _check_written(written: Path, target: Path, book: PresetBook, preset: Preset) -> None:
    """Read the file back: every preset as it was, and the added one behind them."""
    try:
        read = load_presets(written)
    except PresetsError as error:
        reason = str(error).replace(_shown(written), _shown(target))
        raise PlaygroundError(f"the preset cannot be added: {reason}") from None
    if read.presets != (*book.presets, preset) or read.model != book.model:
        raise PlaygroundError(
            f"the preset cannot be added to {_shown(target)} without changing another;"
            " write it there by hand"
        )

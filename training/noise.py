"""Beginnings that no story has: random characters, code, other scripts, words nobody knows.

The model must go on from any UTF-8 prompt, so some documents begin with one of these. They carry
no meaning and must never be learned as such; a story always follows.
"""

from __future__ import annotations

import random
from collections.abc import Callable

_CONSONANTS = "bcdfghjklmnpqrstvwxz"
_VOWELS = "aeiouy"
_RANGES = (
    (0x00A1, 0x017F),
    (0x0391, 0x03C9),
    (0x0410, 0x044F),
    (0x05D0, 0x05EA),
    (0x0621, 0x064A),
    (0x0905, 0x0939),
    (0x3041, 0x30FA),
    (0x4E00, 0x9FA5),
    (0x4E00, 0x9FA5),
    (0xAC00, 0xD7A3),
    (0x1F300, 0x1F64F),
    (0x1F300, 0x1F64F),
)
_CODE = (
    "def {w}({w}):\n    return {w} {o} {d}",
    "for {w} in range({d}):\n    print({w})",
    "if ({w} {o} {d}) {{ {w}(); }}",
    '<{w} {w}="{d}">{w}</{w}>',
    '{{"{w}": {d}, "{w}": [{d}, {d}]}}',
    "SELECT {w} FROM {w} WHERE {w} = {d};",
    "#include <{w}.h>",
    "let {w} = {d} {o} {d};",
    "$ {w} --{w} {d}",
    "import {w}",
    "https://{w}.example/{w}?{w}={d}",
    "{w}@{w}.example",
    "{d} {o} {d} =",
    "# {w} {w}",
)


def unknown_word(rng: random.Random) -> str:
    """A word that can be said but means nothing."""
    syllables = rng.randint(1, 4)
    word = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(syllables))
    if rng.random() < 0.4:
        word += rng.choice(_CONSONANTS)
    return word.capitalize() if rng.random() < 0.3 else word


def _unknown_words(rng: random.Random) -> str:
    words = " ".join(unknown_word(rng) for _ in range(rng.randint(1, 8)))
    return words + rng.choice(["", ".", "?", "!", ",", ":"])


def _other_script(rng: random.Random) -> str:
    low, high = rng.choice(_RANGES)
    return "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 20)))


def _any_text(rng: random.Random) -> str:
    letters = (chr(rng.randint(32, 126)) for _ in range(rng.randint(1, 30)))
    return "".join(letters)


def _any_utf8(rng: random.Random) -> str:
    ranges = ((32, 0xD7FF), (0xE000, 0x10FFFF))
    points = (rng.randint(*rng.choice(ranges)) for _ in range(8))
    return "".join(chr(point) for point in points)


def _code(rng: random.Random) -> str:
    parts = rng.choice(_CODE).replace("{{", "\0").replace("}}", "\1")
    while "{w}" in parts:
        parts = parts.replace("{w}", unknown_word(rng).lower(), 1)
    while "{d}" in parts:
        parts = parts.replace("{d}", str(rng.randint(0, 9999)), 1)
    while "{o}" in parts:
        parts = parts.replace("{o}", rng.choice(["+", "-", "*", "<", ">", "=="]), 1)
    return parts.replace("\0", "{").replace("\1", "}")


_KINDS: tuple[Callable[[random.Random], str], ...] = (
    _unknown_words,
    _other_script,
    _other_script,
    _any_text,
    _any_utf8,
    _code,
)


def noise(rng: random.Random) -> str:
    """One such beginning."""
    return rng.choice(_KINDS)(rng)

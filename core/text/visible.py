r"""Untrusted text made harmless to show: control characters are spelled out, widths are known.

So are marks that would stand so high on a letter that they cover the lines around it.

Must never drop a character silently: what cannot be shown is written as ``\x1b`` or ``\u202e``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from wcwidth import wcwidth

SPECIAL_TOKEN = "∎"  # noqa: S105 - a sign, no secret
"""Stands for a special token, which is no text: whatever its name is."""

_HARMFUL = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: cursor moves, colours, bells
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # these reorder the text around them
    "\u2028\u2029"  # line ends that only some programs see
    # Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt, drawn as nothing: a text
    # can hide in them. And the annotation characters, which are not drawn either.
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
    "\ud800-\udfff"  # halves of characters, which no file can hold
    "]"
)
MOST_MARKS = 5
"""So many marks stand on one letter at most: more than any script has there."""

_MAY_STACK = re.compile(f"[\u0300-\U000e01ef]{{{MOST_MARKS + 1}}}")
_MARKS = ("Mn", "Me")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, keep: str = "\n\t", marks: int = 0) -> str:
    r"""Return ``text`` with control and unseen characters spelled out, except those in ``keep``.

    So are marks beyond the first ``MOST_MARKS`` on a letter; ``marks`` stand there already.

    Escape codes (``\x1b``) become readable text, so that no terminal obeys them. A backslash stays
    as it is: the result is for reading, not for turning back.
    """

    def spelled(match: re.Match[str]) -> str:
        character = match.group()
        return character if character in keep else spelled_out(character)

    shown = _HARMFUL.sub(spelled, text)
    return unstacked(shown, spelled_out, marks) if marks or _MAY_STACK.search(shown) else shown


def unstacked(text: str, instead: Callable[[str], str], marks: int = 0) -> str:
    """Return ``text`` with marks beyond ``MOST_MARKS`` on a letter as ``instead`` has them."""
    shown: list[str] = []
    for character in text:
        marks = marks + 1 if _is_mark(character) else 0
        shown.append(character if marks <= MOST_MARKS else instead(character))
    return "".join(shown)


def marks_behind(text: str, marks: int = 0) -> int:
    """Return how many marks stand on the last letter of ``text``, ``marks`` before it."""
    for place, character in enumerate(reversed(text)):
        if character < "\u0300" or not _is_mark(character):
            return place
    return len(text) + marks


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in _MARKS and not _HARMFUL.match(character)


def spelled_parts(text: str, keep: str = "\n\t", marks: int = 0) -> Iterator[tuple[str, bool]]:
    """Yield ``visible`` of them in parts, each with whether it is a character spelled out."""
    end = 0
    for match in _HARMFUL.finditer(text):
        if match.group() not in keep:
            yield from _stacked_parts(text[end : match.start()], marks)
            yield spelled_out(match.group()), True
            end, marks = match.end(), 0
    yield from _stacked_parts(text[end:], marks)


def _stacked_parts(text: str, marks: int) -> Iterator[tuple[str, bool]]:
    start = 0
    for place, character in enumerate(text if marks or _MAY_STACK.search(text) else ""):
        marks = marks + 1 if _is_mark(character) else 0
        if marks > MOST_MARKS:
            if place > start:
                yield text[start:place], False
            yield spelled_out(character), True
            start = place + 1
    if start < len(text):
        yield text[start:], False


def is_label(text: str) -> bool:
    """Whether ``text`` can be a name: no control character, line end or change of direction."""
    joiners = "\u200c\u200d"
    return all(
        one.isprintable() or one in joiners or unicodedata.category(one) == "Zs" for one in text
    )


def one_line(text: str, limit: int = 400) -> str:
    """Return ``text`` as one line of at most ``limit`` characters, without control characters."""
    line = visible(" ".join(text.split()), keep="")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def reason(error: BaseException) -> str:
    """Return what ``error`` says in one short line."""
    if isinstance(error, KeyError):  # which says nothing but the key
        return one_line(f"{error} is unknown or missing", 160)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # A validation error of huggingface_hub names the field on the first line, the fault on the 2nd.
    said = " ".join(lines[:2]) if lines and lines[0].endswith(":") else "".join(lines[:1])
    return one_line(said or type(error).__name__, 160)


def unexpected(what: str, error: BaseException) -> str:
    """Return a sentence on what a library raised: what failed, its kind, and its first line.

    A thread takes ``BaseException`` for such a fault: the panics of libraries in Rust, such as
    ``tokenizers``, are no ``Exception``, and a thread that they end is waited for in vain.
    """
    first_line = (str(error).strip().splitlines() or [""])[0]
    said = f"{type(error).__name__}: {one_line(first_line, 300)}" if first_line else ""
    return f"{what}: {said or type(error).__name__}"


def cell_width(text: str) -> int:
    """Return how many terminal cells ``text`` takes: two for wide characters, none for marks."""
    return sum(_cells(character) for character in text)


def pad(text: str, width: int) -> str:
    """Return ``text`` followed by spaces up to ``width`` cells; longer text stays whole."""
    return text + " " * (width - cell_width(text))


def keep_start(text: str, width: int) -> str:
    """Return the beginning of ``text`` that fits into ``width`` cells, with ``…`` for a cut."""
    if cell_width(text) <= width:
        return text
    room, end = width - 1, 0
    while _cells(text[end]) <= room:
        room -= _cells(text[end])
        end += 1
    return text[:end] + "…"


def keep_end(text: str, width: int) -> str:
    """Return the end of ``text`` that fits into ``width`` cells, after ``…`` where it was cut."""
    if cell_width(text) <= width:
        return text
    room = width - 1
    start = len(text)
    while start > 0 and _cells(text[start - 1]) <= room:
        start -= 1
        room -= _cells(text[start])
    return "…" + text[start:]


def spelled_out(character: str) -> str:
    r"""Return the code of ``character`` as Python writes it, such as ``\u202e``."""
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _cells(character: str) -> int:
    return max(0, wcwidth(character))

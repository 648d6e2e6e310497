"""The finishing touches of a sentence: capital letters, ``an``, and single spaces.

Only spelling is decided here; which words are said must not depend on it.
"""

from __future__ import annotations

import re

_AN = re.compile(r"\b([Aa]) (?=[\"]?(?:[aeioAEIO]|u(?!ni|se)|hour|honest))(?!one\b|once\b)")
_SENTENCE = re.compile(r"(^|\n|[.!?] |\.\" )(\"?)([a-z])")
_QUOTE = re.compile(r"(?:^|(?<=\s))\"[a-z]")
_HALF = re.compile(r",\" [^.!?\"]*, $")
_SPEAKER = re.compile(r"(?m)^([A-Z]\w+(?:, [^:\n]*)?: )([a-z])")
_TITLE = re.compile(
    r"(?<!the )\b(inspector|detective|constable|sergeant|captain|professor|doctor) (?=[A-Z])"
)
_SPACES = re.compile(r" {2,}")


def tidy(text: str) -> str:
    """Capital letters at the start of sentences, ``an`` before vowels, single spaces."""
    text = _SPACES.sub(" ", text).strip().replace(" ,", ",").replace(" .", ".")
    text = text.replace("\\n", "\n").replace("I is ", "I am ").replace("I has ", "I have ")
    text = _AN.sub(lambda m: m.group(1) + "n ", text)
    text = _SENTENCE.sub(lambda m: m.group(1) + m.group(2) + m.group(3).upper(), text)
    text = _SPEAKER.sub(lambda m: m.group(1) + m.group(2).upper(), text)
    text = _TITLE.sub(lambda m: m.group().capitalize(), text)
    return _QUOTE.sub(_open_quote, text)


def _open_quote(match: re.Match[str]) -> str:
    """A capital, unless this is a second half: "Yes," said Tom, "and no."."""
    before = match.string[: match.start()]
    return match.group() if _HALF.search(before) else match.group().upper()

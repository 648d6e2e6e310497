"""A run in Markdown, as one would hand it to a class: what was asked, each step, what came of it.

Must never repeat the text in every row, nor let a text that was written mean anything in Markdown
or HTML.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.document.export.facts import facts_of, how_it_ended, model_called
from core.document.export.tables import CHOICES, choices_of_beam, choices_of_step
from core.records.steps import BeamStep, Event, Finished, Started, TokenStep
from core.text.visible import keep_end, visible

_CHOICE_NAMES = tuple(f"Choice {number}" for number in range(1, CHOICES + 1))
_WIDEST_BEAM = 32
_LEGEND = (
    "Percentages are the model's own, before any setting. A star marks what was chosen, or kept as "
    "a beam; a plus what a person chose. A dot at the beginning is a space."
)


class MarkdownWriter:
    """What a run began from, once; a table of steps; the text that came of it, and why it ended.

    ``about`` is as ``core.document.export.about.about_run`` returns it; what is missing there is
    left out. ``name`` is what the run is called among others of the same text.
    """

    def __init__(self, prompt: str, about: Mapping[str, Any] | None = None, name: str = "") -> None:
        self._name = name
        self._prompt = prompt
        self._about = dict(about or {})
        self._beams = [""]

    def write(self, event: Event) -> Iterator[str]:
        """Yield the beginning when a run starts, the rows of each step, and the end."""
        if isinstance(event, Started):
            yield from self._beginning(event)
        elif isinstance(event, TokenStep):
            chosen = visible(event.token.text, keep="")
            cells = (chosen, *choices_of_step(event))
            yield _row((str(event.index + 1), *map(_with_dots, cells)))
        elif isinstance(event, BeamStep):
            yield from self._beam_rows(event)
        elif isinstance(event, Finished):
            yield from _end(event)

    def _beginning(self, event: Started) -> Iterator[str]:
        model = markdown_text(model_called(str(self._about.get("model") or "")))
        what = f"{markdown_text(self._name)}: what" if self._name else "What"
        yield f"# {what} {model} weighed at each step\n\n"
        facts = facts_of(self._about, event)
        if facts:
            yield _row(("", ""))
            yield _rule(2)
            yield from (_row(fact) for fact in facts)
            yield "\n"
        yield f"## Prompt\n\n{quoted(self._prompt)}\n## Steps\n\n"
        has_beams = (self._about.get("settings") or {}).get("num_beams", 1) > 1
        yield _row(("Step", "Beam" if has_beams else "Token", *_CHOICE_NAMES))
        yield _rule(2 + CHOICES)

    def _beam_rows(self, event: BeamStep) -> Iterator[str]:
        rows = zip(self._beams, event.distributions, strict=False)
        for parent, (text, _) in enumerate(rows):
            beam = f"{parent + 1}: {keep_end(visible(text, keep=''), _WIDEST_BEAM)}".rstrip()
            cells = map(_with_dots, choices_of_beam(event, parent))
            yield _row((str(event.index + 1), beam, *cells))
        self._beams = [one.text for one in event.hypotheses]


def _end(event: Finished) -> Iterator[str]:
    yield f"\n{_LEGEND}\n\n## Text\n\n{quoted(event.text)}\n"
    yield f"{markdown_text(how_it_ended(event))}\n"


_SPACES_OF_A_TOKEN = re.compile(
    r"(?:^|(?<= … )) +(?=[^ (]|$| \()"  # none of them before its probability
)


def _with_dots(cell: str) -> str:
    """Return a cell with dots for the spaces that its token begins with: a table shows none."""
    return _SPACES_OF_A_TOKEN.sub(lambda found: "·" * len(found[0]), cell)


_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]<>&|~$]")
_BEGINS_SOMETHING = re.compile(r"^( *)([#+=-])")
_NUMBER = re.compile(r"^( *\d{1,9})([.)])")
_LEADING_SPACES = re.compile(r"^ +")


def markdown_text(text: str) -> str:
    """Return ``text`` as it stands in a cell: on one line, and without a meaning of its own."""
    return _MEANS_SOMETHING.sub(r"\\\g<0>", visible(text, keep=""))


def quoted(text: str) -> str:
    """Return ``text`` as a block quote that keeps its lines and its spaces."""
    lines = [_line(line) for line in visible(text, keep="\n").split("\n")]
    written = ""
    for line, following in itertools.pairwise([*lines, ""]):
        # A line is broken by a backslash at its end; beside an empty one it is broken anyway.
        written += f"> {line}{chr(92) if line and following else ''}".rstrip() + "\n"
    return written


def _line(line: str) -> str:
    line = _MEANS_SOMETHING.sub(r"\\\g<0>", line)
    line = _NUMBER.sub(r"\1\\\2", line)
    line = _BEGINS_SOMETHING.sub(r"\1\\\2", line)
    line = _LEADING_SPACES.sub(lambda found: "&nbsp;" * len(found[0]), line)
    return line[:-1] + "&nbsp;" if line.endswith(" ") else line


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(markdown_text, cells)) + " |\n"


def _rule(columns: int) -> str:
    return "| " + " | ".join(["---"] * columns) + " |\n"

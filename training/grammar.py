"""A seeded template grammar that writes stories whose parts agree with each other.

The rules are plain text (``data/*.txt``). A file holds sections and word lists::

    = colour: red, green, blue          a list: one choice per comma
    == want                             a section: one choice per line
    {h} wanted (a|the) {colour} {thing:t}.
    == sea.plot                         a plot: the sections of a document, in their order
    start want journey*2-3 storm? end

In a template ``(a|b|)`` chooses one branch, ``{name}`` expands a rule, ``{name:x}`` also remembers
the result, so that ``{x}`` gives the same words again (until the end of the sentence if the name
begins with ``_``), and ``{h.he}`` asks a person for a form.
``cast`` sections bind people and things before a story starts. A sentence template is used at most
once in a document, and a word list avoids the words it gave last.

The same seed must always give the same text: nothing here may use a source of chance other than
the ``random.Random`` that is passed in.
"""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from training.template import GrammarError, Part, parse
from training.tidy import tidy

DATA = Path(__file__).parent / "data"
RECENT = 5
MAX_DEPTH = 40
KEPT = ("h", "p", "k", "ship", "c")

_PRONOUNS = {
    "m": {"he": "he", "him": "him", "his": "his", "self": "himself", "child": "boy"},
    "f": {"he": "she", "him": "her", "his": "her", "self": "herself", "child": "girl"},
    "i": {"he": "I", "him": "me", "his": "my", "self": "myself", "child": "child"},
    "n": {"he": "it", "him": "it", "his": "its", "self": "itself", "child": "one"},
}
_PLOT_STEP = re.compile(r"^([\w.]+?)(?:\*(\d+)-(\d+))?(\?)?$")

Rules = dict[str, list[str]]


@dataclass
class Person:
    """Somebody in a story: a name, what they are, and how they are spoken of."""

    name: str
    role: str
    gender: str
    mood: str = ""

    def form(self, wanted: str, rng: random.Random) -> str:
        """One form of this person: a pronoun, the role, or ``s``, any subject that fits."""
        if wanted == "role":
            return self.role
        if wanted == "s":
            if self.gender == "i":
                return "I"
            roll = rng.random()
            if roll < 0.45:
                return _PRONOUNS[self.gender]["he"]
            return self.name if roll < 0.8 else f"the {self.role}"
        if wanted in _PRONOUNS[self.gender]:
            return _PRONOUNS[self.gender][wanted]
        raise GrammarError(f"a person has no form {wanted!r}")


@dataclass
class Story:
    """What one document knows: its people and things, and what it has already said."""

    rng: random.Random
    bound: dict[str, str | Person] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    recent: dict[str, deque[str]] = field(default_factory=dict)


def load_rules(folder: Path = DATA) -> Rules:
    """Read every rule file; a name that two files define is one rule with both their choices."""
    rules: Rules = {}
    for path in sorted(folder.glob("*.txt")):
        _read_file(path.read_text(encoding="utf-8").splitlines(), rules)
    return rules


def _read_file(lines: Iterable[str], rules: Rules) -> None:
    section = ""
    for raw in lines:
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("== "):
            section = line[3:].strip()
        elif line.startswith("= "):
            name, _, words = line[2:].partition(":")
            rules.setdefault(name.strip(), []).extend(
                w.strip() for w in words.split(",") if w.strip()
            )
        else:
            rules.setdefault(section, []).append(line)


class Grammar:
    """Expands rules into text; holds no state of its own between documents."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = load_rules() if rules is None else rules
        self._parsed: dict[str, list[Part]] = {}

    def genres(self) -> list[str]:
        """The kinds of document the rules can write."""
        return sorted(name[: -len(".plot")] for name in self.rules if name.endswith(".plot"))

    def story(self, genre: str, rng: random.Random, chapters: int = 1) -> str:
        """One document of a genre: paragraphs of sentences, without an end marker.

        Later chapters keep the hero, the place and the animal, and get new things and people.
        """
        story = Story(rng)
        told = [self._chapter(genre, story, link=False)]
        for _ in range(chapters - 1):
            story.bound = {name: story.bound[name] for name in KEPT if name in story.bound}
            told.append(self._chapter(genre, story, link=True))
        return "\n\n".join(told)

    def _chapter(self, genre: str, story: Story, link: bool) -> str:
        for line in self.rules.get(f"{genre}.cast", []):
            self._bind(line, story)
        steps = story.rng.choice(self.rules[f"{genre}.plot"]).split()
        if link:
            steps[0] = "link"
        pieces: list[str] = []
        for step in steps:
            pieces += ["\n"] if step == "/" else self._step(genre, step, story)
        return _join(pieces)

    def expand(self, template: str, story: Story, depth: int = 0) -> str:
        """One text of a template, without the finishing touches of ``tidy``."""
        if depth > MAX_DEPTH:
            raise GrammarError(f"a rule never ends: {template!r}")
        parsed = self._parsed.get(template)
        if parsed is None:
            parsed = self._parsed[template] = parse(template)
        return self._render(parsed, story, depth)

    def _step(self, genre: str, step: str, story: Story) -> list[str]:
        match = _PLOT_STEP.match(step)
        if match is None:
            raise GrammarError(f"{genre}: not a plot step: {step!r}")
        name, low, high, optional = match.groups()
        if optional and story.rng.random() < 0.5:
            return []
        count = story.rng.randint(int(low), int(high)) if low else 1
        own = f"{genre}.{name}"
        return [self._say(own if own in self.rules else name, story) for _ in range(count)]

    def _say(self, name: str, story: Story) -> str:
        choices = self.rules.get(name)
        if not choices:
            raise GrammarError(f"no rule {name!r}")
        fresh = [choice for choice in choices if choice not in story.said]
        template = story.rng.choice(fresh or choices)
        story.said.add(template)
        for name in [name for name in story.bound if name.startswith("_")]:
            del story.bound[name]
        return tidy(self.expand(template, story))

    def _bind(self, line: str, story: Story) -> None:
        name, _, template = line.partition("=")
        if name.strip() in story.bound:
            return
        value = template.strip()
        if not value.startswith("person"):
            text = self.expand(value, story)
            while text in story.bound.values():
                text = self.expand(value, story)
            story.bound[name.strip()] = text
            return
        _, gender, role = [*value.split(), "", ""][:3]
        if gender in ("", "any"):
            gender = story.rng.choice("mf")
        story.bound[name.strip()] = Person(
            name="I" if gender == "i" else self._word("name_" + gender, story),
            role=self._word(role or "role", story),
            gender=gender,
        )

    def _word(self, name: str, story: Story) -> str:
        """A choice of a rule that differs from the last few it gave in this story."""
        choices = self.rules.get(name)
        if not choices:
            raise GrammarError(f"no rule {name!r}")
        recent = story.recent.setdefault(name, deque(maxlen=min(RECENT, len(choices) - 1)))
        choice = story.rng.choice(choices)
        while choice in recent:
            choice = story.rng.choice(choices)
        recent.append(choice)
        return choice

    def _render(self, parsed: list[Part], story: Story, depth: int) -> str:
        out: list[str] = []
        for part in parsed:
            if isinstance(part, str):
                out.append(part)
            elif isinstance(part, tuple):
                out.append(self._slot(part[0], part[1], story, depth))
            elif isinstance(part, list):
                out.append(self._render(story.rng.choice(part), story, depth))
        return "".join(out)

    def _slot(self, name: str, keep: str, story: Story, depth: int) -> str:
        if keep and keep in story.bound:
            name, keep = keep, ""
        base, _, wanted = name.partition(".")
        bound = story.bound.get(base)
        if isinstance(bound, Person):
            return bound.form(wanted, story.rng) if wanted else bound.name
        if bound is not None:
            return bound
        text = self.expand(self._word(name, story), story, depth + 1)
        if keep:
            story.bound[keep] = text
        return text


def _join(pieces: list[str]) -> str:
    text = ""
    for piece in pieces:
        if piece == "\n":
            text = text.rstrip() + "\n"
        elif not text or text.endswith("\n"):
            text += piece
        else:
            text += " " + piece
    return text.strip()

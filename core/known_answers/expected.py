"""What models are known to answer, and the records of a model held against it.

The figures are published ones, or come from transformers' ``generate()``. Must never run a model,
nor import torch or transformers: ``check`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.presets.yaml_nodes import YamlError, parse_yaml
from core.records.errors import PlaygroundError
from core.records.settings import Settings, settings_from_mapping

PUBLISHED_FILE = Path(__file__).with_name("expected.yaml")
DEMO_FILE = Path(__file__).with_name("expected_demo.yaml")

PERCENT_TOLERANCE = 0.01
"""In percentage points: half of it is rounding in print, the rest is that of float32."""

LOGPROB_TOLERANCE = 0.05
"""In nats, for sums over up to a hundred tokens."""

_EXACTLY = 1e-9  # 8.53 and 8.54 differ by a little more than 0.01 in binary

UNSUMMED_TOKENS = 1
"""How many generated tokens the sums leave out at the beginning.

The notebook's ``sequence_logprob`` begins its sum one place late, after the first generated token;
known answers are sums as it makes them.
"""


@dataclass(frozen=True, slots=True)
class KnownChoice:
    """One of the likeliest next tokens, without white space around it; percent to two places."""

    text: str
    percent: float


@dataclass(frozen=True, slots=True)
class KnownStep:
    """The text that a model read, and the likeliest next tokens, the likeliest first."""

    input: str
    choices: tuple[KnownChoice, ...]


@dataclass(frozen=True, slots=True)
class KnownSequence:
    """Settings, and the summed log-probability of the continuation that they find.

    The sum is of natural logarithms, and leaves out the first ``UNSUMMED_TOKENS``.
    """

    name: str
    settings: Settings
    logprob: float


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """All that is known of one model: greedy steps from ``prompt``, and whole continuations.

    ``names`` are the names of the model; ``weights_sha256`` is empty where any copy will do.
    """

    names: tuple[str, ...]
    source: str
    prompt: str
    steps: tuple[KnownStep, ...]
    sequence_prompt: str
    sequences: tuple[KnownSequence, ...]
    weights_sha256: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    """One known choice beside the program's: ``text`` and ``percent`` are ``None`` without one."""

    expected: KnownChoice
    text: str | None
    percent: float | None

    @property
    def difference(self) -> float | None:
        """The program's figure less the known one, in percentage points."""
        return None if self.percent is None else self.percent - self.expected.percent

    @property
    def holds(self) -> bool:
        """Whether it is the same token with the same probability."""
        return (
            self.text == self.expected.text
            and self.difference is not None
            and abs(self.difference) <= PERCENT_TOLERANCE + _EXACTLY
        )


@dataclass(frozen=True, slots=True)
class StepRow:
    """One known step beside the program's; ``input`` is ``None`` where the program had stopped."""

    expected_input: str
    input: str | None
    choices: tuple[ChoiceRow, ...]

    @property
    def has_input(self) -> bool:
        """Whether the program read the same text at this step."""
        return self.input == self.expected_input


@dataclass(frozen=True, slots=True)
class SequenceRow:
    """One known sum beside the program's, with the continuation that the program found."""

    expected: KnownSequence
    logprob: float
    text: str

    @property
    def difference(self) -> float:
        """The program's sum less the known one, in nats."""
        return self.logprob - self.expected.logprob

    @property
    def holds(self) -> bool:
        """Whether the sums are the same."""
        return abs(self.difference) <= LOGPROB_TOLERANCE + _EXACTLY


@dataclass(frozen=True, slots=True)
class KnownAnswersResult:
    """A model held against its known answers, figure by figure."""

    model: str
    device: str
    source: str
    steps: tuple[StepRow, ...]
    sequences: tuple[SequenceRow, ...]

    @property
    def figures(self) -> int:
        """How many figures were compared."""
        return sum(len(step.choices) for step in self.steps) + len(self.sequences)

    @property
    def differing(self) -> int:
        """How many of them differ; a figure after another input than the known one does."""
        choices = sum(
            not (step.has_input and choice.holds) for step in self.steps for choice in step.choices
        )
        return choices + sum(not sequence.holds for sequence in self.sequences)

    @property
    def passed(self) -> bool:
        """Whether every figure holds, and there are any."""
        return self.figures > 0 and self.differing == 0


def known_answers(name: str) -> KnownAnswers:
    """Return the known answers of the model ``name``.

    Raises:
        PlaygroundError: There are none for it; the sentence says for which there are.
    """
    books = [read_known_answers(file) for file in (PUBLISHED_FILE, DEMO_FILE)]
    for book in books:
        if name in book.names:
            return book
    known = " and ".join(book.names[0] for book in books)
    raise PlaygroundError(f"no answers of {name!r} are known; use --model with {known}")


def read_known_answers(file: Path) -> KnownAnswers:
    """Read a file of known answers.

    Raises:
        PlaygroundError: It is missing or not of this form: the program is not whole.
    """
    try:
        document = parse_yaml(file.read_text(encoding="utf-8"))
        return _answers({} if document is None else document.plain())
    except OSError as error:
        reason = error.strerror or "it cannot be read"
    except YamlError as error:
        reason = f"line {error.line}: {error}"
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"it has another form ({type(error).__name__}: {error})"
    raise PlaygroundError(f"{file.name} is unusable: {reason}; install gpt2-playground again")


def _answers(mapping: Mapping[str, Any]) -> KnownAnswers:
    return KnownAnswers(
        names=tuple(str(name) for name in mapping["names"]),
        source=str(mapping["source"]),
        prompt=str(mapping["prompt"]),
        steps=tuple(_step(step) for step in mapping["steps"]),
        sequence_prompt=str(mapping["sequence_prompt"]),
        sequences=tuple(_sequence(sequence) for sequence in mapping["sequences"]),
        weights_sha256=str(mapping.get("weights_sha256", "")),
    )


def _step(mapping: Mapping[str, Any]) -> KnownStep:
    choices = tuple(KnownChoice(str(text), float(percent)) for text, percent in mapping["choices"])
    return KnownStep(str(mapping["input"]), choices)


def _sequence(mapping: Mapping[str, Any]) -> KnownSequence:
    settings = settings_from_mapping(mapping["settings"])
    return KnownSequence(str(mapping["name"]), settings, float(mapping["logprob"]))

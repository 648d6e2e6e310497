"""What a list of sessions tells of each, written again and again so that a file's end has it.

Must never grow with the session: a list reads the beginning and the end of a file alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.files.fields import Fields
from core.records.model_info import ModelInfo
from core.sessions.entries import Entry, ModelReady, OfColumn, PromptSent, RunBegun, SessionNamed
from core.sessions.restoring import Restored

TYPE = "summary"
"""The ``type`` of its lines, which restore nothing."""

EVERY = 32 * 2**10
"""So many bytes of a file, at most, lie between two summaries, but for a longer line."""

_MOST_WORDS = 200  # characters


@dataclass(slots=True)
class Summary:
    """A session in a line; ``first_words`` begin the first prompt, ``runs`` counts all that were.

    Texts are as they were typed: whoever shows them makes them harmless.
    """

    name: str = ""
    first_words: str = ""
    model_name: str = ""
    runs: int = 0

    @classmethod
    def of(cls, state: Restored) -> Summary:
        """Return the summary of a session that was opened."""
        prompts = (*(one.beginning.inserted_text for one in state.tree.nodes), *state.prompts)
        runs = len(state.tree.nodes)
        return cls(state.name, _first_words(prompts), _name(state.model), runs)

    def take(self, entry: Entry) -> None:
        """Tell what happens next in the session."""
        if isinstance(entry, OfColumn):
            self.take(entry.entry)
        elif isinstance(entry, RunBegun):
            self.runs += 1
            self.model_name = entry.model_name
            self.first_words = self.first_words or _first_words([entry.prompt])
        elif isinstance(entry, PromptSent):
            self.first_words = self.first_words or _first_words([entry.text])
        elif isinstance(entry, ModelReady):
            self.model_name = entry.model.name
        elif isinstance(entry, SessionNamed):
            self.name = entry.name

    def record(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "type": TYPE,
            "name": self.name,
            "first_words": self.first_words,
            "model": self.model_name,
            "runs": self.runs,
        }


def summary_of(record: dict[str, Any]) -> Summary:
    """Return the summary that ``Summary.record`` made ``record`` of.

    Raises:
        ValueError: A field is missing or wrong.
    """
    fields = Fields(record)
    return Summary(
        fields.text("name"),
        fields.text("first_words")[:_MOST_WORDS],
        fields.text("model"),
        fields.count("runs"),
    )


def _first_words(prompts: Iterable[str]) -> str:
    begun = (one.strip()[:_MOST_WORDS] for one in prompts)
    return next((one for one in begun if one), "")


def _name(model: ModelInfo | None) -> str:
    return model.name if model is not None else ""

"""One name for one thing: README, keys, help and presets speak in the words of CONTRIBUTING."""

from __future__ import annotations

import re

import pytest

from core.presets.finding import load_presets
from tests.places import REPOSITORY
from tui.actions.pages import PAGES
from tui.help.texts import ABOUT

OTHER_WORDS = {
    "history": "tree, or earlier prompts",
    "continuation": "run, or what the run wrote",
    "branched": "forked",
    "prune": "remove",
    "pruned": "removed",
    "prunes": "removes",
    "generation": "run",
    "transcript": "document",
    "hypothesis": "beam",
    "logits processor": "setting",
}
"""What other programs call it, and what it is called here."""


def glossary():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Words")[2]
    return dict(re.findall(r"^\| ([a-z, ]+) \| (.+) \|$", text, re.MULTILINE))


def readme():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return re.sub(r"```.*?```", "", text.partition("## How it is built")[0], flags=re.DOTALL)


def shown():
    yield "README", readme()
    for page, actions in PAGES.items():
        for action in actions:
            yield f"{action.id} on {page}", f"{action.name}; {action.help}"
    for page, sections in ABOUT.items():
        for title, rows in sections:
            yield f"{title} of {page}", "; ".join(f"{name}: {meaning}" for name, meaning in rows)
    for preset in load_presets(REPOSITORY / "presets.yaml").presets:
        yield f"the preset {preset.name}", preset.description


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_nothing_shown_has_another_word_for_it(word):
    found = [place for place, text in shown() if re.search(rf"\b{word}\b", text, re.IGNORECASE)]

    assert found == [], f"say: {OTHER_WORDS[word]}"


def test_the_glossary_has_the_words_that_are_used():
    words = {one for row in glossary() for one in row.split(", ")} - {"word"}
    used = " ".join(text for _, text in shown()).lower()

    assert 12 <= len(words) <= 20
    assert {"run", "turn", "document", "fork", "branch", "tree", "step", "candidate"} < words
    # A session comes with its page, a branch and the history of prompts are words of the code.
    for word in words - {"session", "branch", "history"}:
        assert re.search(rf"\b{word}", used), word

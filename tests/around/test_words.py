"""One name for one thing: README, keys, help and presets speak in the words of CONTRIBUTING."""

from __future__ import annotations

import ast
import re
from functools import cache

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


TELLS = {"say", "warn", "owe", "warn_unless_told", "note", "complain", "PlaygroundError"}
"""What is called with a sentence for a person."""


def _tells(call):
    name = getattr(call.func, "attr", "") or getattr(call.func, "id", "")
    return name in TELLS or name.endswith("Error")


@cache
def told():
    """Where something is told or refused, and the words of it that stand in the code."""
    found = []
    for path in (one for top in ("core", "tui") for one in (REPOSITORY / top).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            given = node.args if isinstance(node, ast.Call) and _tells(node) else []
            if isinstance(node, ast.Return) and path.parent.name == "actions" and node.value:
                given = [node.value]  # why something cannot be done now
            if given:
                parts = [part for one in given for part in ast.walk(one)]
                text = " ".join(str(getattr(one, "value", "")) for one in parts)
                found.append((f"{path.name}, line {node.lineno}", text))
    return found


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
    yield from told()


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_nothing_shown_has_another_word_for_it(word):
    found = [place for place, text in shown() if re.search(rf"\b{word}\b", text, re.IGNORECASE)]

    assert found == [], f"say: {OTHER_WORDS[word]}"


def test_what_is_told_and_refused_is_looked_at():
    texts = [text for _, text in told()]
    assert any("nothing runs that could be stopped" in one for one in texts)
    assert any("is there already; give another name" in one for one in texts)


def test_the_glossary_has_the_words_that_are_used():
    words = {one for row in glossary() for one in row.split(", ")} - {"word"}
    used = " ".join(text for _, text in shown()).lower()

    assert 12 <= len(words) <= 20
    assert {"run", "turn", "document", "fork", "branch", "tree", "step", "candidate"} < words
    # A session comes with its page, a branch and the history of prompts are words of the code.
    for word in words - {"session", "branch", "history"}:
        assert re.search(rf"\b{word}", used), word

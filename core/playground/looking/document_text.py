"""The texts of a document's tokens, one by one, from what its runs recorded.

Must never trust a tokenizer that is not the one of the run: its texts are used only where they
make up what was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from core.document.tree import Tree
from core.document.tree_records import RunFacts
from core.records.errors import PlaygroundError
from core.records.steps import TokenStep
from core.text.visible import SPECIAL_TOKEN

TokenText = Callable[[int], str]

_BYTES = re.compile(r"(?:\\x[0-9a-f]{2}){2,}")


def document_texts(tree: Tree, node_id: int, token_text: TokenText | None) -> list[str]:
    """Return the text of each token of the document that ends with ``node_id``.

    A token whose text nobody can tell stands as its id, such as ``⟨890⟩``.

    Raises:
        PlaygroundError: There is no such run.
    """
    texts: list[str] = []
    for one in tree.path(node_id):
        node = tree.node(one)
        del texts[node.beginning.kept :]
        texts += _group(node.beginning.inserted_token_ids, node.beginning.inserted_text, token_text)
        texts += _written(node.run, token_text)
    return texts


def joined(texts: Sequence[str]) -> str:
    """Return token texts as prose; characters that were split over several tokens are whole."""
    return _BYTES.sub(_whole, "".join(texts))


def _written(run: RunFacts, token_text: TokenText | None) -> list[str]:
    steps = [step for step in run.steps if isinstance(step, TokenStep)]
    texts = [step.text + SPECIAL_TOKEN * step.is_special for step in steps]
    if len(texts) == len(run.token_ids):
        return texts
    return _group(run.token_ids, run.text, token_text)


def _group(token_ids: Sequence[int], recorded: str, token_text: TokenText | None) -> list[str]:
    if len(token_ids) == 1:
        return [recorded]
    if token_text is not None:
        try:
            texts = [token_text(token_id) for token_id in token_ids]
        except PlaygroundError:
            texts = []
        if texts and _fits(joined(texts), recorded):
            return texts
    return [f"⟨{token_id}⟩" for token_id in token_ids]


def _fits(text: str, recorded: str) -> bool:
    """Whether ``text`` is what was recorded, or that between what nobody typed.

    Such are tokens for beginning and end, and a conversation's template.
    """
    typed = recorded.strip()
    return typed in text if typed else not text.strip()


def _whole(match: re.Match[str]) -> str:
    spelled = match.group()
    try:
        return bytes.fromhex(spelled.replace("\\x", "")).decode()
    except UnicodeError:
        return spelled

"""The rows of the tree's page, drawn of a tree that nobody looks at."""

from __future__ import annotations

from tests.core.sessions.recorded import CHAT, Recorded
from tui.tree.rows import details


def test_a_message_has_a_line_to_itself_before_its_answer():
    work = Recorded()
    work.send("Hello", chat=CHAT)
    (row,) = work.tree.rows()
    texts = ["".join(text for text, _ in one) for one in details(row, 80, 9)]

    assert texts[texts.index("Hello") + 1] == row.node.run.text

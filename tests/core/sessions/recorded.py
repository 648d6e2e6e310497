"""A session's work without an app: what is done to the document and the tree, and is recorded."""

from __future__ import annotations

import dataclasses

from core.backends.scripted import SCRIPTED_MODEL, ScriptedBackend
from core.document.document import Fork
from core.document.tree_records import ROOT
from core.playground.cursor import Cursor
from core.playground.documents import Documents
from core.records.chat import ChatFormat
from core.records.settings import Settings
from core.records.steps import TokenStep
from core.sessions.header import header_line, new_header
from core.sessions.reading import read_contents
from core.sessions.to_json import entry_record, line_of

GREEDY = Settings(max_new_tokens=4)
SAMPLE = Settings(do_sample=True, max_new_tokens=3, seed=5, temperature=0.7)
BEAM = Settings(num_beams=3, max_new_tokens=3)
CHAT = ChatFormat("", "Q: ", "A:")
INFO = dataclasses.replace(
    SCRIPTED_MODEL,
    tokenizer_fingerprint="abc",
    origin="cache",
    revision="0" * 40,
    weights_fingerprint="1f" * 32,
    own_settings=("a", "b"),
    engine="steps",
    placement="here",
    note="n",
    stands_in_for="gpt2-xl",
)
OTHER = dataclasses.replace(INFO, name="other", tokenizer_fingerprint="def", context_size=None)


class Recorded:
    """Does what the playground does, and hands every entry to ``record``."""

    def __init__(self, record=None, restored=None):
        self.entries = []
        self.record = record if record is not None else self.entries.append
        self.documents = Documents(restored, lambda entry: self.record(entry))
        self.cursor = Cursor(self.documents, lambda entry: self.record(entry))
        self.backend = ScriptedBackend()
        self.model = INFO

    @property
    def document(self):
        return self.documents.at_hand

    @property
    def tree(self):
        return self.documents.tree

    def run(self, request, until=None):
        """Let the document's last turn run; ``until`` ends it without an end after so many."""
        self.documents.begin()
        for number, event in enumerate(self.backend.generate(request, lambda: False)):
            self.documents.apply(event)
            if until is not None and number >= until:
                return

    def send(self, prompt, settings=GREEDY, chat=None, until=None, *, by_hand=False):
        request = self.document.begin(
            prompt, "a preset", settings, self.model, chat, is_by_hand=by_hand
        )
        self.run(request, until)

    def write(self, chosen=None):
        self.run(self.document.write(chosen, "a preset", GREEDY, self.model))

    def fork(self, position, put):
        """Put a candidate (its number) or a text in the place of a step."""
        self.cursor.look_at(position)
        turn, step = self.document.selected()
        if isinstance(step, TokenStep):
            chosen, beam = put, None
            if isinstance(put, int):
                chosen = step.distribution.candidates[put]
        else:
            before = turn.steps[step.index - 1].hypotheses if step.index else ()
            beam = before[-1] if before else None
            chosen = step.hypotheses[0].token
        text = "" if isinstance(chosen, str) else chosen.text
        fork = Fork(step.index + 1, text, "old", "" if beam is None else beam.text)
        self.documents.leave(self.document.position, beam)
        self.run(self.document.fork(fork, chosen, "a preset", SAMPLE, self.model))

    def move(self, how, node_id=ROOT):
        getattr(self.documents, how)(*([node_id] if how == "go" else []))

    def look_at(self, position):
        self.cursor.look_at(position)

    def name(self, node_id, name):
        self.documents.rename(node_id, name)

    def remove(self, node_id):
        self.documents.remove(self.tree.plan_removal(node_id))

    def bytes(self):
        """The file that was written."""
        lines = [header_line(new_header()), *(line_of(entry_record(one)) for one in self.entries)]
        return b"".join(lines)

    def restored(self):
        contents = read_contents(self.bytes())
        assert contents.fault == ""
        return contents.state


def without_keys(turns):
    """Turns without the keys of logits, which end with the program."""
    return [dataclasses.replace(turn, key="") for turn in turns]


def assert_same(state, documents):
    """Make sure that what was restored is what was there."""
    tree, live = state.tree, documents.tree
    assert tree.nodes == live.nodes
    assert [node.run.steps for node in tree.nodes] == [node.run.steps for node in live.nodes]
    assert list(tree.rows()) == list(live.rows())
    assert (tree.cursor, tree.tokens_shown, tree.next_id) == (
        live.cursor,
        live.tokens_shown,
        live.next_id,
    )
    assert state.documents.keys() == documents._documents.keys()
    for node_id, turns in state.documents.items():
        assert without_keys(turns) == without_keys(documents._documents[node_id])
    document = state.document()
    assert without_keys(document.turns) == without_keys(documents.at_hand.turns)
    assert document.cursor == documents.at_hand.cursor
    assert document.text == documents.at_hand.text
    assert document.token_ids == documents.at_hand.token_ids
    assert state.cleared_from == documents._cleared_from

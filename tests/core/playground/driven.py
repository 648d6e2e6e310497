"""Drives a playground as a script or a notebook does: ``python -m …driven scripted|demo FILE``.

FILE holds presets; one is added. A process of its own, so that it can tell what was loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

from core.backends.local import LocalBackend
from core.backends.scripted import ScriptedBackend
from core.document.document import Fork
from core.playground.playground import Playground
from core.presets.finding import load_presets
from core.records.settings import Settings

PATIENCE = 90.0
FACES = {"rich", "textual", "tui", "typer"}
MODEL_LIBRARIES = {"torch", "transformers", "tokenizers"}


def drive(playground):
    """Do with a playground all that a person does in the app."""
    assert playground.model.info is not None, playground.model.load_error
    whole = run_a_preset(playground)
    look_back_and_fork(playground)
    playground.moves.undo()
    assert playground.document.text == whole
    playground.moves.redo()
    go_on_by_hand(playground)
    clear_and_restore(playground)
    save_a_preset(playground)
    scored = playground.score(playground.document.text)
    assert len(scored.tokens) == len(scored.token_ids) - scored.unscored > 4
    assert {one.preset_name for one in scored.verdicts} == {"greedy", "nucleus", "cool"}


def run_a_preset(playground):
    assert playground.next_run.preset.name == "greedy"
    assert [one.start for one in playground.prompt_tokens("Once upon")] == [0, 4]
    assert playground.prompts.send("Once upon a time,")
    assert playground.wait_until_at_rest(PATIENCE).steps == 4
    turn = playground.document.turns[-1]
    assert (turn.finished.reason, len(turn.token_ids)) == ("length", 4)
    return playground.document.text


def look_back_and_fork(playground):
    playground.cursor.look_at(1)
    _, step = playground.document.selected()
    chosen, other = playground.lookup.weighed(2)[:2]
    assert chosen.token_id == step.token.token_id
    assert playground.forks.would_repeat(chosen)
    playground.forks.to_candidate(other)
    playground.wait_until_at_rest(PATIENCE)
    turn = playground.document.turns[-1]
    assert turn.fork == Fork(2, turn.steps[0].token.text, step.token.text)
    assert turn.token_ids[0] == other.token_id
    first, second = playground.documents.tree.nodes
    assert second.beginning.parent == first.node_id


def go_on_by_hand(playground):
    playground.by_hand.toggle()
    playground.wait_until_at_rest(PATIENCE)
    third = playground.document.next_token.distribution.candidates[2]
    playground.by_hand.choose(3)
    playground.wait_until_at_rest(PATIENCE)
    step = playground.document.turns[-1].steps[-1]
    assert (step.token.token_id, step.chosen_by) == (third.token_id, "person")
    playground.by_hand.toggle()


def clear_and_restore(playground):
    text = playground.document.text
    playground.moves.clear()
    assert playground.document.text == ""
    assert playground.notices.current.text == "cleared — “clear” again brings it back"
    playground.moves.restore()
    assert playground.document.text == text


def save_a_preset(playground):
    settings = Settings(do_sample=True, temperature=0.5, max_new_tokens=2, seed=3)
    told = playground.next_run.save_preset("cool", settings)
    path = playground.next_run.book.path
    assert told.startswith(f"saved as cool in {path}; it is on ")
    cool = load_presets(path).named("cool")
    assert cool.settings == settings
    playground.next_run.pick(playground.next_run.book.named("cool"))
    assert playground.prompts.send("")
    playground.wait_until_at_rest(PATIENCE)
    turn = playground.document.turns[-1]
    assert (turn.preset_name, len(turn.token_ids)) == ("cool", 2)


def main(which, presets):
    backend = ScriptedBackend() if which == "scripted" else LocalBackend("demo", device="cpu")
    with Playground(lambda _name: backend, load_presets(Path(presets))) as playground:
        playground.wait_until_at_rest(PATIENCE)
        drive(playground)
        text = playground.document.text
    assert playground.document.text == text, "what was written stays when the model is gone"
    assert FACES.isdisjoint(sys.modules), FACES & set(sys.modules)
    assert which != "scripted" or MODEL_LIBRARIES.isdisjoint(sys.modules)
    print("driven", playground.model.info.name)


if __name__ == "__main__":
    main(*sys.argv[1:])

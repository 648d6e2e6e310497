"""Branching in the app: another candidate, undo and redo, steps by hand, why a token won."""

from __future__ import annotations

import pytest
from textual.geometry import Offset
from textual.widgets import OptionList

from core.playground.run_file import file_of_turn
from core.presets.finding import load_presets
from core.presets.writer import SAVED_KEYS
from core.records.settings import Settings
from core.records.steps import TokenStep
from tests.tui.helpers import (
    app_of,
    panel,
    ready,
    run_prompt,
    run_to_end,
    shown_document,
    status,
    stopped,
    until,
)
from tui.common.dialog import DialogScreen
from tui.common.visible import visible_prose, visible_token
from tui.help.screen import HelpScreen
from tui.inputs.screen import InputScreen
from tui.main.preset_list import PresetList
from tui.prose.view import ProseView
from tui.scrub.screen import ScrubScreen
from tui.tree.columns.screen import ColumnsScreen
from tui.tree.screen import TreeScreen


def tokens(pilot):
    return app_of(pilot).playground.document.token_ids


async def offered(pilot):
    """Wait until the candidates of the next token are shown."""
    playground = app_of(pilot).playground
    await until(
        pilot, lambda: not playground.is_busy and playground.document.next_token is not None
    )


def step_at(pilot, position):
    document = app_of(pilot).playground.document
    step = [step for turn in document.turns for step in turn.steps][position]
    assert isinstance(step, TokenStep)
    return step


async def test_another_candidate_is_put_in_its_place_and_the_run_goes_on(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        whole = tokens(pilot)
        prompt = len(whole) - 12
        wanted = step_at(pilot, 4).distribution.candidates[1]
        await pilot.press("home", *["right"] * 4, "f9")
        await pilot.pause(0.2)
        await pilot.press("down", "enter")
        await stopped(pilot)

        forked = tokens(pilot)
        assert forked[: prompt + 4] == whole[: prompt + 4]
        assert forked[prompt + 4] == wanted.token_id != whole[prompt + 4]
        assert len(forked) == prompt + 4 + 1 + 12
        assert " instead of " in shown_document(pilot)

        await pilot.press("ctrl+z")
        assert tokens(pilot) == whole
        await pilot.press("ctrl+y")
        assert tokens(pilot) == forked
        await pilot.press("ctrl+z", "ctrl+z")
        assert tokens(pilot) == ()
        await pilot.press("ctrl+z")
        assert tokens(pilot) == ()


async def test_undo_of_a_fork_in_an_earlier_run_brings_the_later_one_back(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        await run_to_end(pilot, "And then")
        whole = tokens(pilot)
        await pilot.press("home", "right", "f9")
        await pilot.pause(0.2)
        await pilot.press("down", "enter")
        await stopped(pilot)
        assert "And then" not in shown_document(pilot)
        await pilot.press("ctrl+z")
        assert tokens(pilot) == whole
        assert "And then" in shown_document(pilot)


async def test_a_fork_to_the_chosen_token_is_refused_where_it_would_but_repeat_the_text(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        whole = tokens(pilot)
        await pilot.press("home", "f9")
        await pilot.pause(0.2)
        await pilot.press("enter")
        options = app.screen.query_one(OptionList)
        await until(pilot, lambda: "the text would repeat" in options.border_subtitle)
        assert app.screen is not app.main
        assert tokens(pilot) == whole
        await pilot.press("down")
        assert "go on with it" in options.border_subtitle

        await pilot.press("escape", "f3", "f9")
        await pilot.pause(0.2)
        await pilot.press("enter")
        await stopped(pilot)
        assert app.playground.document.turns[-1].preset_name == "sample"
        assert tokens(pilot) != whole


async def test_by_hand_the_chosen_token_is_a_way_back(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+r")
        await run_prompt(pilot, "Once upon a time")
        await stopped(pilot)
        whole = tokens(pilot)
        await pilot.press("f9")
        await pilot.pause(0.2)
        await pilot.press("enter")
        await stopped(pilot)
        assert tokens(pilot)[:-1] == whole


async def test_a_fork_goes_on_as_generate_would_from_there(app):
    import torch
    from transformers import AutoModelForCausalLM

    from core.models.catalog import model_folder

    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        await pilot.press("home", "right", "right", "f9")
        await pilot.pause(0.2)
        await pilot.press("down", "down", "enter")
        await stopped(pilot)
        forked = tokens(pilot)

    model = AutoModelForCausalLM.from_pretrained(model_folder("demo"))
    context = torch.tensor([forked[:-12]])
    expected = model.generate(context, max_new_tokens=12, do_sample=False, pad_token_id=0)
    assert tuple(expected[0].tolist()) == forked


async def test_steps_by_hand(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+r")
        assert "type a beginning" in status(pilot)
        document = app.playground.document
        await run_prompt(pilot, "Once upon a time")
        await offered(pilot)
        assert document.step_count() == 0, (
            "nothing is drawn before a person has seen the candidates"
        )
        assert "step 1 · ◇ yours to choose" in panel(pilot)
        assert "1–5 choose" in status(pilot)
        context = document.turns[0].started.context_token_ids
        expected = []
        for key in ("2", "5", "enter", "1"):
            candidates = document.next_token.distribution.candidates
            numbered = [row for row in panel(pilot).splitlines() if row[:2].strip().isdigit()]
            assert [row.split()[1] for row in numbered] == [
                visible_token(one.text) for one in candidates
            ]
            place = int(key) - 1 if key.isdigit() else 0  # greedy
            expected.append((candidates[place], "person" if key.isdigit() else "settings"))
            await pilot.press(key)
            await offered(pilot)
        await pilot.press(*" of the", "enter")
        await offered(pilot)
        (turn,) = document.turns
        assert tokens(pilot)[: len(context) + 4] == (
            *context,
            *(one.token_id for one, _ in expected),
        )
        assert [(step.token, step.chosen_by) for step in turn.steps[:4]] == expected
        assert "".join(step.text for step in turn.steps[4:]) == " of the"
        assert all(step.chosen_by == "person" for step in turn.steps[4:])
        assert [step.index for step in turn.steps] == list(range(len(turn.steps)))
        assert shown_document(pilot).count("──") == 2, "steps by hand stand in one text"
        assert shown_document(pilot).partition("\n")[2] == visible_prose(document.text)
        assert len(app.playground.documents.tree.nodes) == 1, "and are one run of the tree"
        assert app.playground.documents.tree.node(1).run.token_ids == turn.token_ids
        await pilot.resize_terminal(60, 24)
        assert shown_document(pilot).partition("\n")[2] == visible_prose(document.text)
        await pilot.press("ctrl+r", "x", "backspace")  # a notice goes with the next key
        assert "6 tokens" in status(pilot)
        assert "tok/s" not in status(pilot)


async def test_steps_by_hand_are_looked_at_and_explained_like_any_other(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+r")
        await run_prompt(pilot, "Once upon a time")
        await offered(pilot)
        for key in ("3", "enter", "2"):
            await pilot.press(key)
            await offered(pilot)
        assert "step 4 · ◇" in panel(pilot)
        await pilot.press("left")
        assert "step 3 of 3 · ◀ looking back" in panel(pilot)
        assert "chosen by a person" in panel(pilot)
        assert "1–5 put another here" in status(pilot)
        token = step_at(pilot, 2).token
        await pilot.press("f9")
        await pilot.pause(0.2)
        why = str(app.screen.query_one("#why-text").content)
        assert f"{visible_token(token.text)}  id {token.token_id}" in why
        assert f"rank {token.rank:,}" in why
        assert "a person chose this token" in why
        await pilot.press("escape")
        assert "step 4 · ◇" in panel(pilot), "what is to be chosen is shown again"
        transcript = app.main.transcript
        corner = transcript.content_region.offset - transcript.region.offset
        left = len("Once upon a time")
        for place in range(3):
            await pilot.click(transcript, offset=corner + Offset(left, 1))
            assert app.playground.document.cursor == place
            left += len(step_at(pilot, place).text)
        await pilot.press("end")
        assert "step 4 · ◇" in panel(pilot)


async def test_undo_by_hand_takes_back_one_choice(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("f3", "ctrl+r")
        await run_prompt(pilot, "Once upon a time")
        await offered(pilot)
        texts = [tokens(pilot)]
        for keys in (["2"], ["enter"], [*" and more", "enter"], ["1"]):
            await pilot.press(*keys)
            await offered(pilot)
            texts.append(tokens(pilot))
        for before in reversed(texts[:-1]):
            await pilot.press("ctrl+z")
            await offered(pilot)
            assert tokens(pilot) == before
        await pilot.press("ctrl+z")
        assert tokens(pilot) == ()
        for after in texts:
            await pilot.press("ctrl+y")
            await offered(pilot)
            assert tokens(pilot) == after
        assert len(app.playground.documents.tree.nodes) == 1
        await pilot.press("enter")
        await offered(pilot)
        assert len(app.playground.documents.tree.nodes) == 1, "the run goes on where it ended"
        whole = tokens(pilot)

        await pilot.press("ctrl+z", "ctrl+z")
        await offered(pilot)
        await pilot.press("3")
        await offered(pilot)
        nodes = app.playground.documents.tree.nodes
        assert len(nodes) == 2, "another way from there is a run of its own"
        (row,) = [one for one in app.playground.documents.tree.rows() if one.is_cursor]
        assert row.step == len(texts[3]) - len(texts[0]) + 1
        assert shown_document(pilot).count("──") == 2
        await pilot.press("ctrl+z", "ctrl+y", "ctrl+z", "ctrl+z")
        assert nodes[0].run.token_ids == whole[len(texts[0]) :]


@pytest.mark.parametrize("suffix", ["md", "jsonl", "csv", "txt"])
async def test_a_run_by_hand_is_saved_like_any_other(app, suffix, tmp_path):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+r")
        await run_prompt(pilot, "Once upon a time")
        await offered(pilot)
        for key in ("2", "enter"):
            await pilot.press(key)
            await offered(pilot)
        document = app.playground.document
        file = file_of_turn(str(tmp_path / f"run.{suffix}"), document, document.turns[-1])
        saved = file.write().read_text()
        step = document.turns[-1].steps[0]
        assert step.text.strip() in saved
        assert {"md": "%)+", "jsonl": '"chosen_by": "person"', "csv": ",person,", "txt": ""}[
            suffix
        ] in saved


async def test_a_run_by_hand_draws_as_the_preset_would_under_its_seed(app):
    app.playground.next_run.seed = 5
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("f3")
        await run_to_end(pilot, "Once upon a time")
        whole = tokens(pilot)
        await pilot.press("ctrl+l", "ctrl+r")
        await run_prompt(pilot, "Once upon a time")
        await offered(pilot)
        for _ in range(4):
            await pilot.press("enter")
            await offered(pilot)
        assert tokens(pilot) == whole[: len(tokens(pilot))]
        assert len(tokens(pilot)) == len(whole) - 8


async def test_a_digit_at_an_earlier_step_puts_another_token_there(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        whole = tokens(pilot)
        await pilot.press("ctrl+r", "home", "right")
        second = step_at(pilot, 1).distribution.candidates[1]
        await pilot.press("2")
        await offered(pilot)
        start = len(whole) - 12
        assert tokens(pilot) == (*whole[: start + 1], second.token_id)
        assert app.playground.document.turns[-1].steps[0].chosen_by == "person"


async def test_by_hand_another_preset_weighs_the_next_token_anew(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+r")
        await run_prompt(pilot, "Once upon a time")
        await offered(pilot)
        before = app.playground.document.next_token
        assert "takes the likeliest of" in panel(pilot)
        await pilot.press("f3")
        await offered(pilot)
        assert app.playground.document.next_token is not before
        assert "draws from" in panel(pilot)
        await pilot.press("enter")
        await offered(pilot)
        assert [one.preset_name for one in app.playground.document.turns] == ["greedy", "sample"]
        await pilot.press("ctrl+r")
        assert app.playground.document.next_token is None
        assert "yours to choose" not in panel(pilot)


async def test_typed_text_that_cannot_be_put_there_is_given_back(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+r")
        await run_prompt(pilot, "Once upon a time")
        await offered(pilot)
        await pilot.press("1")
        await offered(pilot)
        before = tokens(pilot)
        long = " word" * 1100
        await run_prompt(pilot, long)
        await stopped(pilot)
        assert "reads at most" in status(pilot) or isinstance(app.screen, DialogScreen)
        assert app.main.prompt.text == long
        assert tokens(pilot) == before
        assert app.playground.document.turns[-1].is_open, "and the run can be gone on with"


async def test_digits_are_text_unless_steps_are_taken_by_hand(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("2")
        assert app_of(pilot).main.prompt.text == "2"
        await pilot.press("ctrl+r", "3")
        assert app_of(pilot).main.prompt.text == "23"


async def test_looking_into_a_step_changes_nothing(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("f3")
        await run_to_end(pilot, "Once upon a time")
        whole = tokens(pilot)
        await pilot.press("ctrl+l")
        await run_prompt(pilot, "Once upon a time")
        await until(pilot, lambda: app_of(pilot).playground.document.step_count() > 0)
        await pilot.press("f9", "right", "n", "left", "escape")
        await stopped(pilot)
        assert tokens(pilot) == whole


async def test_a_token_is_looked_up(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        await pilot.press("home", "f9")
        await pilot.pause(0.2)
        await pilot.press("slash", *" the", "enter")
        found = str(app.screen.query_one("#why-found").content)
        assert "·the" in found
        assert "raw" in found
        await pilot.press("escape")
        await pilot.press("slash")
        app.screen.query_one("#why-look-up").value = "[b]"
        await pilot.press("enter")
        assert "[" in str(app.screen.query_one("#why-found").content)


async def test_going_to_the_next_disagreement_of_two_presets(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("f3")
        await run_to_end(pilot, "Once upon a time")
        await pilot.press("home", "f9")
        screen = app.screen
        await until(pilot, lambda: screen._ghosts is not None)
        expected = screen._ghosts.next_disagreement(0)
        await pilot.press("n")
        cursor = app_of(pilot).playground.document.cursor
        assert expected is not None
        assert (cursor if cursor is not None else 11) == expected


async def test_scrubbed_settings_become_a_run_from_the_first_divergence(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("f3")
        await run_to_end(pilot, "Once upon a time")
        whole = tokens(pilot)
        start = len(whole) - 12
        await pilot.press("f9", "s")
        await until(pilot, lambda: isinstance(app.screen, ScrubScreen))
        screen = app.screen
        await until(pilot, lambda: screen._look is not None)
        await pilot.press(*["left"] * 19)  # a temperature near nothing: always the likeliest
        await until(
            pilot,
            lambda: screen._look is not None and screen._look.scrubbed.settings.temperature < 0.2,
        )
        scrubbed = screen._look.scrubbed
        first = scrubbed.first_divergence
        assert first is not None
        await pilot.press("r")
        await until(pilot, lambda: app.screen is app.main)
        await stopped(pilot)

        forked = tokens(pilot)
        assert forked[: start + first] == whole[: start + first]
        assert forked[start + first] == scrubbed.steps[first].pick != whole[start + first]
        assert app.playground.document.turns[-1].preset_name == "sample*"
        assert app.playground.document.turns[-1].settings.temperature < 0.2


async def test_going_through_the_history_and_removal_it(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        first = tokens(pilot)
        await run_to_end(pilot, "And then")
        await pilot.press("ctrl+b")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen))
        await pilot.press("up", "enter")
        await until(pilot, lambda: app.screen is app.main)
        assert tokens(pilot) == first

        await pilot.press("ctrl+b")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen))
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DialogScreen))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: app.screen is app.main)
        assert tokens(pilot) == ()
        assert app.playground.documents.tree.nodes == ()
        await run_to_end(pilot, "Once upon a time")
        assert tokens(pilot) == first


@pytest.mark.parametrize("keys", [["f9"], ["f2", "enter", "f9"], ["ctrl+b"], ["f11"], ["f9", "T"]])
async def test_help_is_at_hand_on_every_screen(app, keys):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        for key in keys:
            await pilot.press(key)
            await stopped(pilot)
            await pilot.pause(0.1)
        below = app.screen
        assert below is not app.main
        await pilot.press("f12")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is below)


@pytest.mark.parametrize("is_cleared", [False, True])
async def test_a_beam_search_is_compared_by_its_words(app, is_cleared):
    """Also where no run at hand has words for its tokens."""
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "The old king")
        await pilot.press("ctrl+z", "f2")
        await run_to_end(pilot, "The old king")
        if is_cleared:
            await pilot.press("ctrl+l")
        await pilot.press("ctrl+b")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen))
        await pilot.press("home", "down", "m", "down", "c")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen))
        first, second = (view.plain for view in app.screen.query(ProseView))
        texts = [node.run.text for node in app.playground.documents.tree.nodes]
    assert [one.replace("▸", "").rstrip("∎") for one in (first, second)] == texts


@pytest.mark.parametrize(
    ("taken", "key", "shown"), [(("f1",), "f2", "F2"), (SAVED_KEYS[:8], "shift+f1", "⇧F1")]
)
async def test_a_saved_preset_can_be_picked_at_once(app, tmp_path, monkeypatch, taken, key, shown):
    monkeypatch.chdir(tmp_path)
    there = "".join(f"  own{number}: {{key: {one}}}\n" for number, one in enumerate(taken))
    (tmp_path / "presets.yaml").write_text(f"presets:\n{there}")
    settings = Settings(do_sample=True, top_k=7)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        app.playground.next_run.book = load_presets(tmp_path / "presets.yaml")
        told = app.playground.next_run.save_preset("mine", settings)
        app.painting.changed()
        await pilot.press(key)
        picked = app.playground.next_run.preset
        listed = str(app.main.query_one(PresetList).visual)

    assert told.startswith("saved as mine in ")
    assert told.endswith(f"on {shown} now")
    assert (picked.name, picked.key, picked.settings) == ("mine", key, settings)
    assert f"{shown} " in listed
    assert "mine ◂" in listed


async def test_the_document_is_scored_as_it_was_generated(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time ")
        whole = tokens(pilot)
        surprisals = [step_at(pilot, at).token.surprisal for at in range(12)]
        await pilot.press("f9", "T")
        await until(pilot, lambda: getattr(app.screen, "_scored", None) is not None)
        scored = app.screen._scored

        assert scored.token_ids == whole
        assert [one.bits for one in scored.tokens[-12:]] == pytest.approx(surprisals, abs=1e-3)
        written = {one.preset_name: one for one in scored.verdicts}["greedy"]
        assert written.is_reachable, "greedy wrote what stands behind the prompt"


async def test_typed_text_takes_a_tokens_place(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        whole = tokens(pilot)
        start = len(whole) - 12
        before = "".join(step_at(pilot, at).text for at in range(3))
        await pilot.press("home", *["right"] * 3, "f9")
        await pilot.pause(0.2)
        await pilot.press("w", "enter")
        await pilot.pause(0.1)
        assert isinstance(app.screen, InputScreen), "nothing was typed"
        await pilot.press(*" a [b]cat", "enter")
        await until(pilot, lambda: app.screen is app.main)
        await stopped(pilot)

        assert tokens(pilot)[: start + 3] == whole[: start + 3]
        document = app.playground.document
        assert document.text.startswith(f"Once upon a time{before} a [b]cat")
        assert document.turns[-1].started.context_token_ids[: start + 3] == whole[: start + 3]
        assert " · typed instead of " in shown_document(pilot)
        await pilot.press("ctrl+z")
        assert tokens(pilot) == whole

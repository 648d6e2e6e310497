"""What a person may do with a document: go, fork, choose by hand, rerun; and what says why not."""

from __future__ import annotations

import dataclasses

import pytest

from core.backends.scripted import ScriptedBackend
from core.document.document import Fork
from core.playground.fetching import Fetching
from core.playground.notices import Notice
from core.presets.finding import load_presets
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from tests.core.playground.played import BEAM, BOOK, GREEDY, MODEL, SAMPLE, Fetched, gated
from tests.tui.helpers import GatedLoading

NOT_READY = "the model is not ready yet"
RUNNING = "still running — Esc stops it"
HOW_BEAMS_FORK = "beams weigh several texts; F9 goes on from any beam"


def candidate_at(one, position, number):
    one.document.cursor = position
    return one.document.selected()[1].distribution.candidates[number - 1]


class TestFreeToBranch:
    def test_not_while_a_model_loads_or_a_run_goes_on(self, play):
        backend = GatedLoading()
        one = play(backend, is_loaded=False)
        assert not one.playground.runs.allows_change()
        assert (one.notice, one.playground.notices.current.is_warning) == (NOT_READY, True)
        backend.may_load.set()
        one.settle()
        assert one.playground.runs.allows_change()

        backend, gate = gated()
        one = play(backend)
        one.playground.prompts.send("Once")
        assert not one.playground.runs.allows_change()
        assert (one.notice, one.playground.notices.current.is_warning) == (RUNNING, True)
        gate.release(9)
        one.settle()
        assert one.playground.runs.allows_change()

    @pytest.mark.parametrize(
        "what", ["restore", "undo", "redo", "go", "to_candidate", "to_settings"]
    )
    def test_nothing_moves_meanwhile(self, play, what):
        backend, gate = gated()
        one = play(backend)
        gate.release(3)
        one.run("Once")
        candidate = candidate_at(one, 0, 2)
        one.playground.prompts.send(" and")
        gate.release()
        one.until(lambda: one.document.step_count() == 4)
        text = one.document.text
        arguments = {
            "go": (0,),
            "to_candidate": (candidate,),
            "to_settings": (0, Settings()),
        }.get(what, ())
        one.document.cursor = 0
        part = one.playground.forks if what.startswith("to_") else one.playground.moves
        getattr(part, what)(*arguments)
        assert one.notice == RUNNING
        assert one.document.text == text
        gate.release(9)
        one.settle()

    def test_a_notice_that_says_why_is_left(self, play):
        one = play()
        one.playground.notices.warn_unless_told("no")
        assert one.playground.notices.current == Notice("no", is_warning=True)
        one.playground.notices.warn_unless_told("other")
        assert one.notice == "no"


class TestGoing:
    def test_undo_and_redo_and_their_ends(self, play):
        one = play()
        one.playground.moves.undo()
        assert one.playground.notices.current == Notice("there is nothing to undo")
        one.playground.moves.redo()
        assert one.playground.notices.current == Notice("there is nothing to redo")
        one.run("Once")
        one.playground.moves.undo()
        assert (one.document.text, one.playground.notices.current) == ("", None)
        one.playground.moves.redo()
        assert (one.document.text, one.playground.notices.current) == ("Once far, away", None)

    def test_to_any_run_and_a_cleared_one_back(self, play):
        one = play()
        one.run("Once")
        one.run(" and")
        one.playground.notices.warn_unless_told("something")
        one.playground.moves.go(1)
        assert (one.document.text, one.playground.notices.current) == ("Once far, away", None)
        one.playground.moves.clear()
        assert one.document.text == ""
        one.playground.moves.restore()
        assert (one.document.text, one.playground.notices.current) == ("Once far, away", None)

    def test_a_preset_that_is_picked_applies_from_the_next_run_on(self, play):
        backend, gate = gated()
        one = play(backend)
        one.playground.notices.warn_unless_told("something")
        one.playground.next_run.pick(SAMPLE)
        assert (one.playground.next_run.preset, one.playground.notices.current) == (SAMPLE, None)
        one.playground.prompts.send("Once")
        one.playground.next_run.pick(GREEDY)
        assert one.playground.notices.current == Notice("greedy applies to the next run")
        gate.release(9)
        one.settle()
        assert one.document.turns[0].preset_name == "sample"

    def test_nor_is_it_said_while_only_the_next_token_is_weighed(self, play):
        one = play()
        one.run("Once")
        one.playground.by_hand.toggle()
        one.playground.drain()
        one.playground.next_run.pick(SAMPLE)
        assert one.playground.notices.current is None

    def test_a_model_is_switched_to_and_another_fetched(self, play):
        service = Fetched()
        other = ScriptedBackend(info=dataclasses.replace(MODEL, name="other"))
        one = play(others={"other": other}, fetching=Fetching(service))
        one.playground.model.fetch("gpt2")
        assert one.playground.model.fetching.name == "gpt2"
        one.playground.notices.warn_unless_told("something")
        one.playground.model.use("other")
        assert one.playground.notices.current is None
        one.until(lambda: one.playground.model.info is not None)
        assert one.playground.model.info.name == "other"


class TestChoosing:
    def by_hand(self, play, *args, **more):
        one = play(*args, **more)
        one.playground.by_hand.toggle()
        one.run("Once")
        return one

    def test_a_digit_stands_for_a_candidate_only_by_hand_and_where_one_is_shown(self, play):
        one = play()
        assert not one.playground.by_hand.can_choose
        one.run("Once")
        one.document.cursor = 0
        assert not one.playground.by_hand.can_choose
        one.playground.next_run.is_by_hand = True
        assert one.playground.by_hand.can_choose
        one.document.cursor = None
        assert not one.playground.by_hand.can_choose, "the next token is not weighed yet"
        one.settle()
        assert one.playground.by_hand.can_choose
        one.playground.moves.clear()
        assert not one.playground.by_hand.can_choose

    def test_it_does_while_the_next_one_is_being_weighed(self, play):
        one = play()
        one.run("Once")
        one.playground.by_hand.toggle()
        one.playground.drain()
        assert one.document.is_weighing
        assert one.document.next_token is None
        assert one.playground.by_hand.can_choose
        one.settle()

    def test_the_next_token_is_chosen_by_its_number(self, play):
        one = self.by_hand(play)
        second = one.document.next_token.distribution.candidates[1]
        one.playground.by_hand.choose(2)
        one.settle()
        (step,) = one.document.turns[0].steps
        assert (step.token, step.chosen_by) == (second, "person")
        fifth = one.document.next_token.distribution.candidates[4]
        one.playground.by_hand.choose(5)
        one.settle()
        assert one.document.turns[0].steps[-1].token == fifth

    def test_a_number_that_stands_for_none_says_so(self, play):
        one = self.by_hand(play)
        one.playground.by_hand.choose(6)
        assert one.playground.notices.current == Notice(
            "there is no candidate 6 here", is_warning=True
        )
        one.document.next_token = None
        one.playground.by_hand.choose(1)
        assert one.notice == "there is no candidate 1 here"

    def test_nothing_is_chosen_before_it_is_weighed(self, play):
        one = self.by_hand(play)
        asked = len(one.backend.requests)
        one.playground.by_hand.choose(1)
        one.playground.by_hand.choose(1)
        assert one.playground.notices.current == Notice(
            "the next token is not weighed yet", is_warning=True
        )
        one.settle()
        assert len(one.backend.requests) == asked + 1
        one.playground.model.info = None
        one.playground.by_hand.choose(1)
        assert one.notice == "the next token is not weighed yet"

    def test_an_earlier_step_goes_another_way(self, play):
        one = self.by_hand(play)
        for _ in range(2):
            one.playground.by_hand.choose(1)
            one.settle()
        third = candidate_at(one, 0, 3)
        one.playground.by_hand.choose(3)
        one.settle()
        assert [step.token for step in one.document.turns[-1].steps] == [third]
        assert one.document.turns[-1].fork.step == 1

    def test_of_beams_it_says_how_they_fork(self, play):
        one = play()
        one.run("Once", BEAM)
        one.document.cursor = 1
        one.playground.next_run.is_by_hand = True
        one.playground.by_hand.choose(1)
        assert one.playground.notices.current == Notice(HOW_BEAMS_FORK, is_warning=True)


class TestTaking:
    """A click on a candidate: by hand it chooses, else it forks."""

    def test_nothing_without_a_step(self, play):
        one = play()
        one.playground.by_hand.take(1)
        assert (one.playground.notices.current, one.backend.requests) == (None, [])

    def test_a_fork_unless_the_text_would_repeat(self, play):
        one = play()
        one.run("Once")
        one.document.cursor = 1
        one.playground.by_hand.take(1)
        assert one.playground.notices.current == Notice(
            "that is the chosen token: the text would repeat"
        )
        third = candidate_at(one, 1, 3)
        one.playground.by_hand.take(3)
        one.settle()
        assert one.document.turns[-1].fork == Fork(2, third.text, ",")

    def test_by_hand_it_chooses(self, play):
        one = play()
        one.playground.by_hand.toggle()
        one.run("Once")
        one.playground.by_hand.take(2)
        one.settle()
        assert one.document.turns[0].steps[0].token.rank == 2

    def test_of_beams_it_says_how_they_fork(self, play):
        one = play()
        one.run("Once", BEAM)
        one.playground.by_hand.take(1)
        assert one.playground.notices.current == Notice(HOW_BEAMS_FORK, is_warning=True)


class TestAsking:
    def test_the_first_prompt_begins_a_text_and_a_later_one_does_not(self, play):
        class Asked(ScriptedBackend):
            asked = ()

            def prompt_tokens(self, text, *, is_beginning):
                self.asked = (*self.asked, (text, is_beginning))
                return super().prompt_tokens(text, is_beginning=is_beginning)

        one = play(Asked())
        assert len(one.playground.prompt_tokens("Once upon")) == 2
        one.run("Once")
        one.playground.prompt_tokens(" a")
        assert one.backend.asked == (("Once upon", True), (" a", False))

    def test_a_text_is_scored_for_every_preset(self, play):
        one = play()
        scored = one.playground.score("Once upon", lambda: False)
        assert [verdict.preset_name for verdict in scored.verdicts] == [
            preset.name for preset in BOOK.presets
        ]
        with pytest.raises(PlaygroundError, match="was stopped"):
            one.playground.score("Once upon", lambda: True)


class TestSavingPresets:
    def test_the_file_is_used_at_once_and_its_place_told(self, play, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        path = tmp_path / "presets.yaml"
        path.write_text("presets:\n  greedy: {key: f1, settings: {max_new_tokens: 3}}\n")
        one = play(book=load_presets(path))
        told = one.playground.next_run.save_preset(
            "cold", Settings(do_sample=True, temperature=0.5)
        )
        assert [preset.name for preset in one.playground.next_run.book.presets] == [
            "greedy",
            "cold",
        ]
        assert one.playground.next_run.preset.name == "greedy"
        key = one.playground.next_run.book.named("cold").key
        assert told.startswith(f"saved as cold in {one.playground.next_run.book.path}; it is on ")
        assert key

    def test_one_that_no_key_is_left_for_is_in_the_palette(self, play, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        path = tmp_path / "presets.yaml"
        path.write_text("presets:\n  greedy: {key: f1, settings: {max_new_tokens: 3}}\n")
        one = play(book=load_presets(path))
        places = []
        for number in range(30):
            told = one.playground.next_run.save_preset(f"cold {number}", Settings(max_new_tokens=9))
            places.append(told.rpartition("; it is ")[2])
            if not one.playground.next_run.book.named(f"cold {number}").key:
                break
        assert places[-1] == "in the palette (ctrl+p) now"
        assert all(place.startswith("on ") for place in places[:-1])
        assert len(places) > 1

    def test_a_preset_that_is_gone_from_the_file_stays_in_use(self, play, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        path = tmp_path / "presets.yaml"
        path.write_text("presets:\n  greedy: {settings: {max_new_tokens: 3}}\n")
        one = play(book=load_presets(path))
        path.write_text("presets:\n  other: {settings: {max_new_tokens: 5}}\n")
        one.playground.next_run.save_preset("cold", Settings(max_new_tokens=9))
        assert one.playground.next_run.preset.settings.max_new_tokens == 3

"""The token to come by hand, what is told of what comes, and which settings a run has."""

from __future__ import annotations

import dataclasses

import pytest

from core.backends.downloads import Downloaded, DownloadFailed
from core.backends.scripted import ScriptedBackend
from core.models.hub.download import DownloadProgress
from core.playground.fetching import Fetching
from core.records.errors import PlaygroundError
from core.records.steps import EngineChanged, Finished, Started
from tests.core.playground.played import (
    BEAM,
    BOOK,
    CHAT,
    GREEDY,
    MODEL,
    SAMPLE,
    SEEDED,
    Fetched,
    gated,
)
from tests.tui.helpers import EndsAtOnce


class TestTheNextToken:
    """By hand, what comes next is weighed as soon as a document stands still."""

    def by_hand(self, play, *args, **more):
        one = play(*args, **more)
        one.playground.by_hand.toggle()
        return one

    def test_is_weighed_once_behind_a_document(self, play):
        one = self.by_hand(play)
        one.settle()
        assert one.backend.requests == [], "there is no document yet"
        one.run("Once")
        assert one.document.next_token is not None
        assert [request.most_drawn for request in one.backend.requests] == [0]
        one.settle()
        assert len(one.backend.requests) == 1

    def test_behind_what_a_preset_wrote_too(self, play):
        one = play()
        one.run("Once")
        one.playground.by_hand.toggle()
        assert one.playground.is_busy
        one.settle()
        assert [request.most_drawn for request in one.backend.requests] == [None, 0]
        assert one.document.text == "Once far, away"
        one.playground.next_run.pick(SAMPLE)
        one.settle()
        assert len(one.backend.requests) == 3, "other settings weigh it anew"
        one.playground.by_hand.toggle()
        assert one.document.next_token is None
        assert one.notice == "the preset runs by itself again"
        one.settle()
        assert len(one.backend.requests) == 3

    def test_not_where_the_context_is_full(self, play):
        one = play(EndsAtOnce())
        one.run("Once")
        assert one.playground.prompts.is_full
        one.playground.by_hand.toggle()
        assert not one.playground.is_busy

    def test_not_where_only_a_message_can_follow(self, play):
        class Ends(ScriptedBackend):
            def generate(self, request, is_cancelled):
                yield Started((1, 2), (1, 2), 3, 1024, 0)
                yield Finished("end_of_text", (), "", 0.0)

        one = play(Ends(), preset_name="chat")
        one.run("Hello")
        one.playground.by_hand.toggle()
        assert one.playground.prompts.awaits_message
        assert not one.playground.is_busy

    def test_one_that_cannot_be_weighed_says_why_and_is_not_asked_for_again(self, play):
        class Unweighed(ScriptedBackend):
            def generate(self, request, is_cancelled):
                if request.most_drawn == 0:
                    self.requests.append(request)
                    raise PlaygroundError("out of memory")
                yield from super().generate(request, is_cancelled)

        one = play(Unweighed())
        one.run("Once")
        one.playground.by_hand.toggle()
        one.settle()
        assert (one.notice, one.playground.notices.current.is_warning) == ("out of memory", True)
        asked = len(one.backend.requests)
        one.settle()
        assert len(one.backend.requests) == asked
        assert one.document.text == "Once far, away"

    def test_another_model_weighs_it_anew(self, play):
        other = ScriptedBackend(info=dataclasses.replace(MODEL, name="other"))
        one = self.by_hand(play, others={"other": other})
        one.run("Once")
        one.playground.model.use("other")
        one.settle()
        assert [request.most_drawn for request in other.requests] == [0]
        assert one.document.weighed_for[1] == "other"

    def test_a_prompt_by_hand_is_written_into_the_text(self, play):
        one = self.by_hand(play)
        one.run("Once")
        one.run(" upon a")
        assert [step.chosen_by for step in one.document.turns[0].steps] == ["person"] * 2
        assert len(one.document.turns) == 1
        one.run("")
        assert one.document.turns[0].steps[-1].chosen_by == "settings"

    def test_a_message_by_hand_begins_an_answer(self, play):
        one = self.by_hand(play, preset_name="chat")
        one.run("Hello")
        one.run("Bye")
        assert [turn.message for turn in one.document.turns] == ["first", "later"]
        assert all(turn.is_by_hand for turn in one.document.turns)

    def test_beams_by_hand_are_no_beams_and_say_so(self, play):
        one = self.by_hand(play, preset_name="beam")
        one.run("Once")
        (turn,) = one.document.turns
        assert (turn.preset_name, turn.settings.num_beams) == ("beam*", 1)
        one.playground.by_hand.toggle()
        one.playground.moves.clear()
        one.run("Once")
        assert [turn.preset_name for turn in one.document.turns] == ["beam"]


class TestTelling:
    def test_keys_change_with_the_first_step_and_the_end(self, play):
        backend, gate = gated()
        one = play(backend)
        one.playground.prompts.send("Once")
        one.until(lambda: one.document.turns[-1].started is not None)
        seen = []
        for count in (1, 2):
            gate.release()
            changes = one.until(lambda count=count: one.document.step_count() == count)
            seen.append((changes.steps, changes.keys))
        assert seen == [(1, True), (1, False)]
        changes = one.drain()
        assert (changes.anything, changes.steps, changes.keys) == (False, 0, False)
        gate.release()
        assert one.settle().keys

    def test_another_engine_is_told_of(self, play):
        class Changing(ScriptedBackend):
            def generate(self, request, is_cancelled):
                yield EngineChanged("plain torch")
                yield from super().generate(request, is_cancelled)

        one = play(Changing())
        one.run("Once")
        assert one.notice == "the engine is another one now: plain torch"
        assert one.playground.notices.current.is_warning
        assert one.playground.model.info.engine == "plain torch"

    def test_the_end_of_a_download(self, play):
        service = Fetched()
        one = play(fetching=Fetching(service))
        one.playground.model.fetch("wrong")
        assert (one.notice, one.playground.notices.current.is_warning) == (
            "there is no such model",
            True,
        )
        one.playground.model.fetch("gpt2")
        assert one.playground.notices.current is None
        changes = one.drain()
        assert (changes.anything, changes.keys) == (False, False)
        service.events = [DownloadProgress("gpt2", 1, 2, 1.0, None, "model.safetensors")]
        changes = one.drain()
        assert (changes.anything, changes.keys) == (True, False)
        for event, notice, failure in [
            (Downloaded("gpt2", None), "gpt2 is here", ""),
            (DownloadFailed("gpt2", "stopped", was_cancelled=True), "stopped", ""),
            (DownloadFailed("gpt2", "no network", was_cancelled=False), "", "no network"),
        ]:
            one.playground.notices.current = None
            service.events = [event]
            changes = one.drain()
            assert (changes.anything, changes.keys) == (True, True)
            assert (one.notice, changes.failure) == (notice, failure)

    def test_a_space_at_the_end_once_and_not_in_a_conversation(self, play, monkeypatch):
        monkeypatch.setattr(
            "core.playground.prompts.ends_in_a_words_space", lambda text, _: text.endswith(" ")
        )
        one = play()
        told = []
        for preset, prompt in [
            (CHAT, "Hello "),
            (GREEDY, "Once"),
            (GREEDY, "upon "),
            (GREEDY, "a "),
        ]:
            one.run(prompt, preset)
            told.append(one.playground.notices.current is not None)
        assert told == [False, False, True, False]


class TestSettings:
    @pytest.mark.parametrize(
        ("preset", "seed", "expected"),
        [(SAMPLE, None, None), (SAMPLE, 9, 9), (SEEDED, None, 4), (SEEDED, 9, 9), (SAMPLE, 0, 0)],
    )
    def test_the_seed_given_takes_the_place_of_the_preset_s(self, play, preset, seed, expected):
        one = play(preset_name=preset.name, seed=seed)
        one.run("Once")
        assert one.backend.requests[0].settings.seed == expected

    def test_the_first_preset_is_used_unless_one_is_named(self, play):
        assert play().playground.next_run.preset is GREEDY
        assert play(preset_name="beam").playground.next_run.preset is BEAM
        with pytest.raises(PlaygroundError, match="no preset 'bean'"):
            play(preset_name="bean", book=BOOK)


class TestFull:
    def test_is_said_of_the_model_that_was_full_and_of_no_conversation(self, play):
        other = ScriptedBackend(info=dataclasses.replace(MODEL, name="other"))
        one = play(EndsAtOnce(), others={"other": other})
        assert not one.playground.prompts.is_full
        one.run("Once")
        assert one.playground.prompts.is_full
        one.playground.next_run.pick(CHAT)
        assert not one.playground.prompts.is_full, "old turns are left out there"
        one.playground.next_run.pick(GREEDY)
        one.playground.model.use("other")
        assert not one.playground.prompts.is_full, "while it loads"
        one.settle()
        assert not one.playground.prompts.is_full

    def test_a_run_that_ended_otherwise_has_room(self, play):
        one = play()
        one.run("Once")
        assert not one.playground.prompts.is_full

"""Prompts in, records out: what waits, what stops, what is given back, and what is told."""

from __future__ import annotations

from core.backends.scripted import ScriptedBackend
from core.playground.fetching import Fetching
from core.playground.notices import Notice, told_by_name
from core.records.steps import Finished
from tests.core.playground.played import MODEL, Fetched, gated
from tests.tui.helpers import FailingRuns, GatedLoading


class TestSending:
    def test_a_prompt_runs_and_the_next_goes_on_from_it(self, play):
        one = play()
        changes = one.run("Once")
        assert (changes.anything, changes.steps, changes.keys) == (True, 3, True)
        assert (changes.returned_prompt, changes.failure) == (None, "")
        assert one.document.text == "Once far, away"
        one.run(" and")
        assert [request.prompt for request in one.backend.requests] == ["Once", " and"]
        assert one.backend.requests[1].context_token_ids == (10, 100, 101, 102)
        assert len(one.playground.documents.tree.nodes) == 2

    def test_what_it_asks_for_is_recorded(self, play):
        one = play()
        one.run("Once")
        assert one.backend.requests[0].recorder is not None
        assert one.document.turns[0].key == "run 1"

    def test_an_action_that_has_no_key_is_told_by_its_name(self, play):
        backend, gate = gated()
        one = play(backend, told=told_by_name)
        one.playground.prompts.send("Once")
        one.playground.prompts.send("more")
        assert one.notice == "still running — “stop” stops it; your text stays here"
        gate.release(9)
        one.settle()
        one.playground.moves.clear()
        assert one.notice == "cleared — “clear” again brings it back"
        assert told_by_name("by_hand") == "“by hand”"

    def test_a_blank_message_and_none_are_refused_where_an_answer_has_ended(self, play):
        one = play(preset_name="chat")
        for prompt in ("", "  \n"):
            assert not one.playground.prompts.send(prompt)
            assert one.notice == "in a conversation, type a message first"
            assert one.playground.notices.current.is_warning
        assert one.playground.prompts.awaits_message
        one.run("Hello")
        assert not one.playground.prompts.awaits_message, (
            "the answer was cut and can be gone on with"
        )
        one.run("")
        assert one.document.turns[-1].prompt == ""

    def test_blank_text_is_a_prompt_where_there_is_no_conversation(self, play):
        one = play()
        one.run("\n")
        one.run("")
        assert [turn.prompt for turn in one.document.turns] == ["\n", ""]
        assert not one.playground.prompts.awaits_message

    def test_nothing_runs_where_no_model_could_be_loaded(self, play):
        one = play(ScriptedBackend(load_error="the file is gone"))
        assert one.playground.model.load_error == "the file is gone"
        assert not one.playground.prompts.send("Once")
        assert (one.notice, one.playground.notices.current.is_warning) == (
            "no model is loaded, so nothing can run",
            True,
        )

    def test_another_one_while_one_runs_stays_in_the_prompt(self, play):
        backend, gate = gated()
        one = play(backend)
        assert one.playground.prompts.send("Once")
        assert not one.playground.prompts.send("more")
        assert one.notice == "still running — Esc stops it; your text stays here"
        assert one.playground.notices.current.is_warning
        for _ in range(3):
            gate.release()
        one.settle()
        assert len(backend.requests) == 1


class TestWaiting:
    def test_one_prompt_waits_for_the_model(self, play):
        backend = GatedLoading()
        one = play(backend, is_loaded=False)
        one.playground.notices.current = Notice("something else")
        assert one.playground.prompts.send("Once")
        assert one.playground.notices.current is None
        assert (one.playground.prompts.queued, one.document.turns) == ("Once", [])
        assert not one.playground.prompts.send("more")
        assert one.notice == "one prompt is waiting already; your text stays here"
        assert one.playground.notices.current.is_warning
        assert one.playground.is_busy
        backend.may_load.set()
        one.until(lambda: one.document.turns and not one.playground.is_busy)
        assert one.playground.prompts.queued is None
        assert one.document.text == "Once far, away"

    def test_what_waits_can_be_taken_back(self, play):
        backend = GatedLoading()
        one = play(backend, is_loaded=False)
        assert one.playground.stop() is None
        one.playground.prompts.send("Once")
        assert one.playground.stop() == "Once"
        assert one.playground.prompts.queued is None
        backend.may_load.set()
        one.settle()
        assert one.document.turns == []

    def test_what_waits_is_given_back_where_loading_fails(self, play):
        backend = GatedLoading(load_error="the file is gone")
        one = play(backend, is_loaded=False)
        one.playground.prompts.send("Once")
        backend.may_load.set()
        changes = one.settle()
        assert changes.returned_prompt == "Once"
        assert one.playground.prompts.queued is None
        assert changes.failure == "", "it stands where the document would"

    def test_a_failure_that_the_document_would_cover_is_told(self, play):
        one = play(others={"wrong": ScriptedBackend(load_error="the file is gone")})
        one.run("Once")
        one.playground.model.use("wrong")
        changes = one.until(
            lambda: one.playground.model.info is not None and not one.playground.is_busy
        )
        assert changes.failure == "the file is gone"
        assert one.document.text == "Once far, away"
        assert one.playground.model.info == MODEL, "the one before is back"

    def test_so_is_one_that_falls_back_before_there_is_a_document(self, play):
        one = play(others={"wrong": ScriptedBackend(load_error="the file is gone")})
        one.playground.model.use("wrong")
        assert one.playground.prompts.send("Once")
        changes = one.until(lambda: one.document.turns and not one.playground.is_busy)
        assert changes.failure == "the file is gone"
        assert changes.returned_prompt is None, "the model before runs what waits"
        assert one.document.text == "Once far, away"


class TestStopping:
    def test_a_run_keeps_what_came(self, play):
        backend, gate = gated()
        one = play(backend)
        one.playground.prompts.send("Once")
        gate.release()
        one.until(lambda: one.document.step_count() == 1)
        assert not one.playground.runs.is_stopping
        assert one.playground.is_busy
        assert one.playground.stop() is None
        assert one.playground.runs.is_stopping
        one.settle()
        assert not one.playground.runs.is_stopping
        assert one.document.text == "Once far"
        assert one.document.turns[-1].finished.reason == "cancelled"

    def test_clearing_stops_first_and_the_next_prompt_waits_for_that(self, play):
        backend, gate = gated()
        one = play(backend)
        one.playground.prompts.send("Once")
        gate.release()
        one.until(lambda: one.document.step_count() == 1)
        one.playground.moves.clear()
        assert one.playground.runs.is_stopping
        assert one.document.text == "Once far", "until it has stopped"
        assert one.playground.prompts.send("Twice")
        assert one.playground.prompts.queued == "Twice"
        gate.release(20)
        one.until(lambda: one.playground.prompts.queued is None and not one.playground.is_busy)
        assert one.document.text == "Twice far, away"
        assert not one.playground.documents.can_restore
        one.playground.moves.clear()
        assert one.document.turns == []
        assert one.notice == "cleared — ctrl+l again brings it back"
        assert not one.playground.notices.current.is_warning

    def test_a_message_may_wait_for_clearing_though_the_answer_had_ended(self, play):
        one = play(gated()[0], preset_name="chat")
        one.playground.prompts.send("Hello")
        one.until(lambda: one.document.turns[-1].started is not None)
        one.playground.moves.clear()
        assert one.playground.prompts.awaits_message
        assert not one.playground.prompts.send(""), "there will be no answer to go on with"
        one.settle()
        assert one.document.turns == []

    def test_nothing_is_told_of_clearing_what_is_empty(self, play):
        one = play()
        one.playground.moves.clear()
        assert one.playground.notices.current is None
        assert not one.playground.documents.can_restore

    def test_a_download_stops_where_nothing_runs_or_waits(self, play):
        service = Fetched()
        one = play(fetching=Fetching(service))
        one.playground.model.fetch("gpt2")
        assert one.playground.is_busy
        assert one.playground.stop() is None
        assert service.was_cancelled

    def test_what_waits_goes_before_a_download(self, play):
        service, backend = Fetched(), GatedLoading()
        one = play(backend, is_loaded=False, fetching=Fetching(service))
        one.playground.model.fetch("gpt2")
        one.playground.prompts.send("Once")
        assert one.playground.stop() == "Once"
        assert not service.was_cancelled
        backend.may_load.set()


class TestFailing:
    def test_a_run_that_never_began_gives_its_prompt_back_and_changes_nothing(self, play):
        one = play(FailingRuns())
        changes = one.run("Once")
        assert changes.returned_prompt == "Once"
        assert one.notice == "the prompt is longer than the context"
        assert one.playground.notices.current.is_warning
        assert (one.document.turns, one.playground.documents.tree.nodes) == ([], ())

    def test_one_that_had_begun_is_kept_with_its_end(self, play):
        one = play(FailingRuns(after_steps=1))
        changes = one.run("Once")
        assert changes.returned_prompt is None
        assert one.playground.notices.current is None
        assert one.document.turns[-1].finished.reason == "failed"
        assert one.playground.documents.tree.node(1).run.reason == "failed"

    def test_one_without_a_sentence_has_one_all_the_same(self, play):
        class Silent(ScriptedBackend):
            def generate(self, request, is_cancelled):
                yield Finished("failed", (), "", 0.0)

        one = play(Silent())
        one.run("Once")
        assert one.notice == "the run failed before it started"

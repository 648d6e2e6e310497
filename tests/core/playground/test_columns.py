"""Runs side by side without a face: chosen, begun, looked at, kept, gone on with."""

from __future__ import annotations

import dataclasses

import pytest

from core.backends.scripted import ScriptedBackend
from core.playground.looking.choosing import ChosenColumns
from core.records.errors import PlaygroundError
from core.records.steps import Finished, TokenStep
from core.sessions.opening import open_session
from core.sessions.reading import read_contents
from tests.core.playground.played import BEAM, BOOK, GREEDY, SAMPLE, SEEDED, gated


class Parting(ScriptedBackend):
    """Writes other tokens for requests that draw, from the second on."""

    def generate(self, request, is_cancelled):
        written = []
        for event in super().generate(request, is_cancelled):
            if isinstance(event, TokenStep):
                token = event.distribution.candidates[bool(written) and request.settings.do_sample]
                event = dataclasses.replace(event, token=token, text=token.text)
                written.append(token.token_id)
            elif isinstance(event, Finished) and written:
                event = dataclasses.replace(event, token_ids=tuple(written))
            yield event


def chosen(*presets):
    columns = ChosenColumns(BOOK.presets, GREEDY)
    columns.picked = [one.name for one in presets]
    return columns


def begin(one, columns, prompt="Once"):
    one.playground.columns.begin(columns, prompt)
    return one.playground.columns


class TestChoosing:
    def test_presets_are_taken_and_taken_out_again(self):
        columns = ChosenColumns(BOOK.presets, GREEDY)
        columns.choose(SAMPLE)
        columns.choose(BEAM)
        columns.choose(SAMPLE)
        assert columns.picked == ["greedy", "beam"]
        columns.more_seeds(99)
        assert columns.seeds == 6

    def test_what_cannot_stand_side_by_side_is_told(self, play):
        one = play()
        with pytest.raises(PlaygroundError, match="2 to 6 columns"):
            begin(one, chosen(GREEDY))
        columns = chosen(GREEDY)
        columns.next_way()
        with pytest.raises(PlaygroundError, match="draws nothing"):
            begin(one, columns)
        assert one.backend.requests == []


class TestRunning:
    def test_all_have_the_same_dice_behind_the_same_text(self, play):
        one = play()
        one.run("Once", SAMPLE)
        text, seed = one.document.text, one.document.turns[-1].started.seed
        begin(one, chosen(GREEDY, SAMPLE, SEEDED), " upon")
        one.settle()
        first, second, third = one.backend.requests[1:]
        assert first.context_token_ids == second.context_token_ids == (10, 100, 101, 102)
        assert second.settings.seed == third.settings.seed == 4
        assert (second.drawn, second.recorder is not None) == (0, True)
        assert one.document.text == text, "the document at hand stays"
        begin(one, chosen(SAMPLE, SEEDED), "")
        one.settle()
        for request in one.backend.requests[4:]:
            assert (request.settings.seed, request.drawn) == (seed, 3), "the document's own go on"
        columns = chosen(SAMPLE, SEEDED)
        columns.has_same_dice = False
        begin(one, columns, "")
        one.settle()
        assert [one.drawn for one in one.backend.requests[6:]] == [0, 0]

    def test_they_become_runs_of_the_tree_under_what_was_asked(self, play):
        one = play()
        columns = chosen(GREEDY)
        columns.way, columns.preset, columns.sweep = "sweep", "sample", "temperature=0.5,1.0,1.5"
        begin(one, columns)
        one.settle()
        nodes = one.playground.documents.tree.nodes
        assert [node.run.settings.temperature for node in nodes] == [0.5, 1.0, 1.5]
        assert [node.run.preset_name for node in nodes] == ["sample*", "sample", "sample*"]
        assert {node.run.settings.seed for node in nodes} == {None}, "nobody asked for one"
        assert one.document.turns == []
        one.playground.columns.look_closer(2, 1)
        assert one.document.cursor == 1
        one.playground.columns.come_back()
        one.playground.columns.come_back()
        assert one.document.turns == []
        assert one.playground.columns.go_on_with(2)
        assert one.document.text == "Once far, away"
        assert one.playground.documents.store.run(one.document.turns[-1].key) is None
        one.playground.moves.undo()
        assert one.document.turns == []

    def test_stopped_they_stay_as_far_as_they_came(self, play):
        backend, gate = gated()
        one = play(backend)
        begin(one, chosen(GREEDY, SAMPLE))
        gate.release(3)
        columns = one.playground.columns.comparison.columns
        one.until(lambda: sum(len(column.steps) for column in columns) == 3)
        one.playground.stop()
        one.settle()
        assert [column.finished.reason for column in columns] == ["cancelled"] * 2
        assert [len(node.run.token_ids) for node in one.playground.documents.tree.nodes] == [2, 1]


class TestKeeping:
    def test_killed_in_the_middle_nothing_is_lost(self, play, tmp_path):
        backend, gate = gated()
        path = tmp_path / "one.jsonl"
        one = play(backend, session=open_session(path))
        begin(one, chosen(GREEDY, SAMPLE, BEAM))
        gate.release(5)
        columns = one.playground.columns.comparison.columns
        one.until(lambda: sum(len(column.steps) for column in columns) == 5)
        assert one.playground.keeping.session.journal.flush(5)
        state = read_contents(path.read_bytes()).state
        kept = [node.run for node in state.tree.nodes]
        assert [len(run.token_ids) for run in kept] == [2, 2, 1]
        assert [run.reason for run in kept] == ["cancelled"] * 3
        gate.release(99)
        one.settle()
        assert one.playground.close()
        state = read_contents(path.read_bytes()).state
        live = one.playground.documents
        assert state.tree.nodes == live.tree.nodes
        assert [node.run.steps for node in state.tree.nodes] == [
            node.run.steps for node in live.tree.nodes
        ]
        assert state.tree.cursor == live.tree.cursor == 0


class TestLooking:
    def test_cursors_move_together_or_apart_and_from_parting_to_parting(self, play):
        one = play(Parting())
        begin(one, chosen(GREEDY, SAMPLE, BEAM))
        one.settle()
        beside = one.playground.columns.beside
        assert [beside.same(at) for at in range(3)] == [0, 1, 3]
        assert [found and found.index for found in map(beside.divergence, range(3))] == [
            None,
            1,
            None,
        ]
        assert beside.go_to_parting()
        assert (beside.focused, beside.cursor(0), beside.cursor(1)) == (1, 1, 1)
        beside.toggle_together()
        beside.move(1)
        assert (beside.cursor(0), beside.cursor(1)) == (1, 2)
        beside.toggle_together()
        assert [beside.cursor(at) for at in range(3)] == [2, 2, 2]
        beside.move(9)
        assert beside.cursor(1) == 2
        assert beside.go_to_parting(forward=False)
        assert beside.cursor(1) == 1


class TestTurned:
    def test_presets_stand_there_as_they_would_run(self, play):
        one = play()
        next_run = one.playground.next_run
        next_run.pick(SAMPLE)
        next_run.turn(SAMPLE.settings.replace(temperature=0.5))
        columns = ChosenColumns(next_run.presets, next_run.presets[1])
        assert columns.picked == ["sample*"]
        columns.choose(next_run.presets[0])
        begin(one, columns)
        one.settle()
        first, second = (node.run for node in one.playground.documents.tree.nodes)
        assert (first.preset_name, first.settings.temperature) == ("sample*", 0.5)
        assert (second.preset_name, second.settings) == ("greedy", GREEDY.settings)
        columns.way, columns.sweep = "sweep", "temperature=0.1,0.2"
        columns.preset = "sample*"
        begin(one, columns)
        one.settle()
        assert one.playground.documents.tree.node(3).run.preset_name == "sample*"


class TestOfRuns:
    def test_a_fork_and_what_it_left_are_columns_from_their_prompt_on(self, play):
        one = play()
        one.run("Once")
        one.run(" and", SAMPLE)
        one.document.cursor = 4
        one.playground.forks.to_candidate(one.document.selected()[1].distribution.candidates[2])
        one.settle()
        columns = one.playground.columns
        assert columns.of_runs(2, 3)
        first, second = columns.comparison.columns
        assert (first.text, second.text) == (" far, away", " far there far, away")
        assert columns.prompt == " and"
        assert columns.beside.same(1) == 1
        columns.look_closer(0, 2)
        assert one.document.position == 5
        columns.come_back()
        columns.look_closer(1, 1)
        assert one.document.selected()[1].chosen_by == "person"
        columns.come_back()
        assert one.playground.documents.tree.cursor == 3

    def test_what_was_written_on_is_longer_and_other_prompts_are_no_columns(self, play):
        one = play()
        one.run("Once")
        one.run("")
        one.run(" and")
        columns = one.playground.columns
        assert columns.of_runs(1, 2)
        assert [len(column.steps) for column in columns.comparison.columns] == [3, 6]
        assert columns.beside.divergence(1).cause == "ended"
        assert not columns.of_runs(1, 3)
        one.playground.moves.clear()
        one.run("Twice upon")
        assert not columns.of_runs(1, 4)

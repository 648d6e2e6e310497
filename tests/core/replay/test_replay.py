"""Runs saved and run again: nothing differs, and what was planted is found at its step."""

from __future__ import annotations

import copy
import dataclasses
import itertools

import pytest

from core.backends.local import LocalBackend
from core.backends.scripted import SCRIPTED_MODEL, ScriptedBackend
from core.document.export.about import about_run
from core.document.export.reading import ExportedRun, exported_run
from core.document.export.writers import make_writer
from core.records.chat import ChatFormat
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, EngineChanged, Finished, Started
from core.replay.differing import TOLERANCE, TOLERANCE_16_BIT, tolerance_of
from core.replay.runs import FACTS, Place, place_of, replay
from core.sessions.runs import runs_of
from tests.core.sessions.recorded import Recorded

CHAT = ChatFormat("", "Q: ", "A:")
GREEDY = Settings(max_new_tokens=8)
SAMPLE = Settings(max_new_tokens=10, do_sample=True, top_k=0, top_p=0.95)
BEAMS = Settings(max_new_tokens=6, num_beams=3)
STOP = Settings(max_new_tokens=60, stop_strings=(" the", "."))
AT_LEAST = Settings(max_new_tokens=8, min_new_tokens=4, repetition_penalty=1.3)


def never():
    return False


def silent(stage, share=None, /):
    pass


class Shared:
    """The bundled model, which is loaded once and closed at the end of all tests here."""

    def __init__(self, backend):
        self.generate, self.score = backend.generate, backend.score
        self.info = backend.load(silent)

    def load(self, report):
        return self.info

    def close(self):
        pass


@pytest.fixture(scope="module")
def backend():
    backend = LocalBackend("demo", "cpu", "float32")
    yield Shared(backend)
    backend.close()


class Afternoon(Recorded):
    """What a person does, on the bundled model."""

    def __init__(self, backend):
        super().__init__()
        self.backend = backend
        self.model = backend.info

    def run(self, request, until=None):
        super().run(dataclasses.replace(request, recorder=None), until)

    def by_hand(self, *taken, settings=SAMPLE):
        """Go on by hand: with a candidate by its number, a text, or ``None`` for the dice."""
        for one in taken:
            for event in self.backend.generate(
                self.document.weigh_next(settings, self.model), never
            ):
                self.document.apply(event)
            put = one
            if isinstance(one, int):
                put = self.document.next_token.distribution.candidates[one]
            self.run(self.document.write(put, "a preset", settings, self.model))


def greedy(one):
    one.send("A long long time ago,")
    one.send("", AT_LEAST)
    one.send(" Then the wolf", SAMPLE)


def samples(one):
    one.send("Once upon a time", SAMPLE)
    one.move("clear")
    one.send("Once upon a time", dataclasses.replace(SAMPLE, temperature=1.4))
    one.send(" Größe 日本", SAMPLE)
    one.move("clear")
    one.send("", SAMPLE)


def beams(one):
    one.send("The king said", BEAMS)
    one.send("", dataclasses.replace(BEAMS, do_sample=True))
    one.fork(4, None)


def forks(one):
    one.send("Once upon a time", GREEDY)
    one.fork(3, 2)
    one.move("go", 1)
    one.fork(5, " and so the fox")
    one.fork(1, "\n")


def by_hand(one):
    one.send("Once upon", SAMPLE, by_hand=True)
    one.by_hand(1, None, " a dark night", None, None, 4)
    one.send("", GREEDY)
    one.fork(2, 3)


def dice_that_go_on(one):
    one.send("Once upon a time", SAMPLE)
    one.fork(4, 2)
    one.send("", SAMPLE)
    one.move("go", 1)
    one.documents.leave(6)
    warmer = dataclasses.replace(SAMPLE, temperature=1.5)
    one.run(one.document.rerun("a preset*", warmer, one.model))
    one.by_hand(None, 1, None)
    told = [(turn.started.drawn, turn.started.counted) for turn in one.document.turns]
    assert told == [(0, 0), (6, 6), (10, 0)]


def chats(one):
    one.send("Who are you?", SAMPLE, CHAT)
    one.send("Where do you live?", STOP, CHAT)
    one.send("", GREEDY, CHAT)


def stops(one):
    one.send("Once upon a time", STOP)
    one.send("", dataclasses.replace(STOP, num_beams=2))


def broken_off(one):
    request = one.document.begin("Once upon a time", "a preset", SAMPLE, one.model)
    real, asked = one.backend, itertools.count()
    one.backend = copy.copy(real)
    one.backend.generate = lambda request, _: real.generate(request, lambda: next(asked) >= 4)
    one.run(request)
    assert one.document.turns[-1].finished.reason == "cancelled"
    one.backend = real
    one.send("", BEAMS, until=3)


KINDS = [greedy, samples, beams, forks, by_hand, dice_that_go_on, chats, stops, broken_off]


def session(backend, kind):
    one = Afternoon(backend)
    kind(one)
    return list(runs_of(one.restored()))


def again(backend, runs):
    place = Place("demo", "cpu", "float32")
    return list(replay([(run, place) for run in runs], lambda _: backend, silent, never))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_session_comes_out_the_same(backend, kind):
    runs = session(backend, kind)
    found = again(backend, runs)

    assert [one.run for one in found] == runs
    assert [one.difference for one in found] == [None] * len(runs)
    assert all(tuple(one.now) == tuple(one.then) == FACTS for one in found)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_exported_run_comes_out_the_same(backend, kind):
    """Each of a session's runs as its own file, read without the rest of the session."""
    for run in session(backend, kind):
        writer = make_writer("jsonl", run.prompt, run.about)
        events = (run.started, *run.steps, run.finished)
        text = "".join(part for event in events for part in writer.write(event))
        (found,) = again(backend, [exported_run(text, "a file")])
        assert found.difference is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_planted_difference_is_found_at_its_step(backend, kind):
    for run in session(backend, kind):
        for index in {0, len(run.steps) // 2, len(run.steps) - 1} & set(range(len(run.steps))):
            for planted in (figure, choice):
                changed = planted(run, index)
                if changed is not None:
                    (found,) = again(backend, [changed])
                    assert found.difference is not None
                    assert found.difference.index == index


def with_step(run, index, step):
    steps = (*run.steps[:index], step, *run.steps[index + 1 :])
    return dataclasses.replace(run, steps=steps)


def figure(run, index):
    """The same run whose likeliest candidate had another probability."""
    step = run.steps[index]
    if isinstance(step, BeamStep):
        first = step.hypotheses[0]
        first = dataclasses.replace(first, score=first.score - 0.001)
        return with_step(
            run, index, dataclasses.replace(step, hypotheses=(first, *step.hypotheses[1:]))
        )
    first, *others = step.distribution.candidates
    first = dataclasses.replace(first, logprob=first.logprob - 0.002 / first.probability)
    distribution = dataclasses.replace(step.distribution, candidates=(first, *others))
    return with_step(run, index, dataclasses.replace(step, distribution=distribution))


def choice(run, index):
    """The same run with another token chosen, ``None`` where a person chose."""
    step = run.steps[index]
    if isinstance(step, BeamStep):
        hypotheses = step.hypotheses[::-1]
        return with_step(run, index, dataclasses.replace(step, hypotheses=hypotheses))
    other = next(one for one in step.distribution.candidates if one.token_id != step.token.token_id)
    if step.chosen_by == "person" or run.is_by_hand:
        return None
    return with_step(run, index, dataclasses.replace(step, token=other))


def scripted_run(settings=GREEDY, **about):
    events = list(ScriptedBackend().generate(Request("Once upon", settings), never))
    return ExportedRun(
        "Once upon",
        {**about_run(SCRIPTED_MODEL, "a preset", settings), **about},
        settings,
        events[0],
        tuple(events[1:-1]),
        events[-1],
    )


def scripted_again(run, backend=None):
    place = Place("scripted", "cpu", "float32")
    (found,) = replay([(run, place)], lambda _: backend or ScriptedBackend(), silent, never)
    return found


def test_what_was_asked_is_asked_again_by_token_ids_and_the_seed_that_was_used():
    backend = ScriptedBackend()
    run = scripted_run(dataclasses.replace(SAMPLE, max_new_tokens=3))
    run = dataclasses.replace(run, started=dataclasses.replace(run.started, seed=77))
    assert scripted_again(run, backend).difference is None
    (request,) = backend.requests
    assert (request.prompt, request.context_token_ids) == (run.started.prompt_token_ids, ())
    assert request.settings == run.settings.replace(seed=77)


def test_ends_that_differ():
    run = scripted_run()
    for then, difference in (
        ({"finished": dataclasses.replace(run.finished, reason="end_of_text")}, "end"),
        ({"steps": run.steps[:-1]}, "end"),
        ({"steps": (*run.steps, run.steps[-1])}, "end"),
        ({"finished": dataclasses.replace(run.finished, token_ids=(1,))}, "text"),
        ({"finished": dataclasses.replace(run.finished, score=1.0)}, "score"),
    ):
        found = scripted_again(dataclasses.replace(run, **then)).difference
        assert (found.kind, found.index) == (difference, min(len(then.get("steps", run.steps)), 8))


@pytest.mark.parametrize("reason", ["cancelled", "failed"])
def test_a_run_that_broke_off_is_compared_as_far_as_it_came(reason):
    run = scripted_run()
    run = dataclasses.replace(
        run, steps=run.steps[:3], finished=Finished(reason, (100, 101, 102), "", 0.0)
    )
    assert scripted_again(run).difference is None
    first = dataclasses.replace(run.steps[0], token=run.steps[1].token)
    assert scripted_again(with_step(run, 0, first)).difference.kind == "token"


def test_figures_of_16_bit_have_more_room():
    assert tolerance_of("float32", "float32") == tolerance_of(None, "float32") == TOLERANCE
    assert tolerance_of("float32", "bfloat16") == tolerance_of("float16", None) == TOLERANCE_16_BIT
    run = scripted_run()
    moved = figure(run, 2)
    assert scripted_again(moved).difference.kind == "probability"
    half = dataclasses.replace(moved, about={**moved.about, "dtype": "bfloat16"})
    assert scripted_again(half).difference is None


def test_a_candidate_that_came_in_by_rounding_is_no_difference():
    run = scripted_run()
    step = run.steps[1]
    *others, last = step.distribution.candidates
    for logprob, is_same in ((last.logprob, True), (last.logprob + 0.5, False)):
        other = dataclasses.replace(last, token_id=1999, logprob=logprob)
        weighed = dataclasses.replace(step.distribution, candidates=(*others, other))
        found = scripted_again(
            with_step(run, 1, dataclasses.replace(step, distribution=weighed))
        ).difference
        assert (found is None) is is_same


def test_a_run_goes_where_it_ran_unless_another_place_is_given():
    run = scripted_run(device="cuda:1", dtype="bfloat16")
    assert place_of(run) == ("scripted", "cuda:1", "bfloat16")
    assert place_of(run, "demo", "cpu", "float32") == ("demo", "cpu", "float32")
    assert place_of(scripted_run(device=None, dtype=None)) == ("scripted", "auto", "auto")
    with pytest.raises(PlaygroundError, match="give --model"):
        place_of(scripted_run(model=None))


def test_a_model_is_loaded_once_for_runs_in_a_row_and_closed():
    opened = []

    def open_backend(place):
        opened.append((place, ScriptedBackend()))
        return opened[-1][1]

    one, other = Place("scripted", "cpu", "float32"), Place("scripted", "cpu", "float16")
    run = scripted_run()
    places = [one, one, other, one]
    assert len(list(replay([(run, at) for at in places], open_backend, silent, never))) == 4
    assert [place for place, _ in opened] == [one, other, one]
    assert all(backend.closed for _, backend in opened)


def test_a_run_that_is_stopped_is_not_judged():
    run, asked = scripted_run(), itertools.count()
    place = Place("scripted", "cpu", "float32")
    found = replay(
        [(run, place), (run, place)],
        lambda _: ScriptedBackend(),
        silent,
        lambda: next(asked) > len(run.steps) + 4,
    )
    assert [one.difference for one in found] == [None]


def test_another_engine_halfway_is_the_one_of_now():
    class Changing(ScriptedBackend):
        def generate(self, request, is_cancelled):
            for event in super().generate(request, is_cancelled):
                yield event
                if isinstance(event, Started):
                    yield EngineChanged("transformers")

    found = scripted_again(scripted_run(), Changing())
    assert (found.now["engine"], found.difference) == ("transformers", None)

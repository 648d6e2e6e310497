"""A fault at every call into the model and the tokenizer: told, nothing lost, and gone with it."""

from __future__ import annotations

import contextlib
import errno
import inspect
import itertools

import pytest

from core.backends.local import LocalBackend
from core.backends.worker import GenerationService
from core.decoding import choosers, run
from core.models import loading
from core.models.base import CausalModel, LooksAhead, ReadsBySteps, RunsOn, TakesGuesses
from core.records.errors import PlaygroundError
from core.records.loading import LoadFailed, Ready
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, Finished, TokenStep
from core.text.codec import TextCodec
from tests.core.backends.test_worker import is_a, wait_for


class Panic(BaseException):
    """As tokenizers raises it: no ``Exception``."""


KINDS = (
    lambda: RuntimeError("CUDA error\nwith a second line"),
    lambda: Panic("index out of bounds"),
    MemoryError,
    lambda: OSError(errno.EIO, "Input/output error"),
    lambda: KeyError("h.0"),
    SystemExit,
    KeyboardInterrupt,
    StopIteration,
)
CONTRACTS = (CausalModel, LooksAhead, RunsOn, ReadsBySteps, TakesGuesses)
OF_THE_MODEL = sorted({name for one in CONTRACTS for name in vars(one) if not name.startswith("_")})
OF_THE_CODEC = sorted(name for name in vars(TextCodec) if not name.startswith("_"))
WHILE_CHOOSING = (
    (choosers, "choose_greedy"),
    (choosers, "choose_sample"),
    (choosers, "weigh_and_choose"),
    (run, "record_step"),
    (run, "weigh"),
)


class Recorder:
    """Keeps nothing of what it is told."""

    def begin(self, start):
        pass

    def add(self, step):
        pass


SCENARIOS = {
    "greedy": Settings(max_new_tokens=8),
    "sample": Settings(max_new_tokens=8, do_sample=True, seed=3, stop_strings=("!?!",)),
    "beams": Settings(max_new_tokens=4, num_beams=3),
}


class Played:
    """A service with a model on one engine, and what its runs give where nothing breaks.

    ``made`` is how often each scenario calls what is to break.
    """

    def __init__(self, engine, assistant):
        self.backend = LocalBackend("demo", "cpu", engine=engine, assistant=assistant)
        self.service = GenerationService()
        self.service.start(lambda: self.backend)
        assert isinstance(wait_for(self.service, is_a(Ready, LoadFailed))[-1], Ready)
        self.model = self.backend._loaded.model
        self.whole, self.made = {}, {}
        with contextlib.ExitStack() as stack:
            asked = [(TextCodec, name) for name in OF_THE_CODEC]
            asked += [*WHILE_CHOOSING, (Recorder, "begin"), (Recorder, "add")]
            asked += [(owner, name) for name in OF_THE_MODEL if (owner := self.owner(name))]
            made = {one: stack.enter_context(breaking(*one, 0, RuntimeError)) for one in asked}
            for name in SCENARIOS:
                before = {one: count[0] for one, count in made.items()}
                self.whole[name] = self.tokens(self.run(name))
                self.made[name] = {one: count[0] - before[one] for one, count in made.items()}

    def owner(self, name):
        """Return the class that offers ``name`` of the contract, if this engine does."""
        kinds = type(self.model).__mro__
        return next((one for one in kinds if name in vars(one) and one not in CONTRACTS), None)

    def run(self, name):
        """Go on from a run that ended, as a document does."""
        settings = SCENARIOS[name]
        first = self.one(Request("Once upon a time", Settings(max_new_tokens=3)))
        if first[-1].reason == "failed":
            return first
        context = first[0].context_token_ids + first[-1].token_ids
        then = Request(" And then", settings, context_token_ids=context, recorder=Recorder())
        return first + self.one(then)

    def one(self, request):
        self.service.submit(request)
        return wait_for(self.service, is_a(Finished))

    @staticmethod
    def tokens(events):
        return [
            one.token.token_id if isinstance(one, TokenStep) else one.hypotheses
            for one in events
            if isinstance(one, TokenStep | BeamStep)
        ]


@pytest.fixture(
    scope="module", params=[("auto", "int8"), ("auto", "none"), ("transformers", "none")]
)
def played(request):
    played = Played(*request.param)
    yield played
    played.service.close(timeout=10)


@contextlib.contextmanager
def breaking(owner, name, at, error):
    """Have the call number ``at`` of ``owner.name`` raise ``error``; give how many there were."""
    work = vars(owner)[name]
    calls = itertools.count(1)
    made = [0]

    def count():
        made[0] = next(calls)
        if made[0] == at:
            raise error()

    if isinstance(work, property):

        def value(self):
            count()
            return work.fget(self)

        broken = property(value)
    else:

        def broken(*arguments, **more):
            count()
            return work(*arguments, **more)

    setattr(owner, name, broken)
    try:
        yield made
    finally:
        setattr(owner, name, work)


def check(played, owner, name):
    """Break the first and the last call, each time by another kind of fault."""
    kinds = itertools.cycle(KINDS)
    for scenario, whole in played.whole.items():
        made = played.made[scenario][owner, name]
        for at in sorted({min(1, made), made} - {0}):
            kind = next(kinds)
            with breaking(owner, name, at, kind):
                events = played.run(scenario)
            end = events[-1]
            said = (scenario, at, kind)
            if end.reason == "failed":
                assert end.detail, said
                assert "\n" not in end.detail, said
            else:
                assert played.tokens(events) == whole, said
            kept = played.tokens(events)
            assert kept == whole[: len(kept)], said
            assert played.tokens(played.run(scenario)) == whole, said


@pytest.mark.parametrize("name", OF_THE_MODEL)
def test_a_call_into_the_model_that_breaks(played, name):
    owner = played.owner(name)
    if owner is None:
        pytest.skip("this engine does not offer it")
    check(played, owner, name)


@pytest.mark.parametrize("name", OF_THE_CODEC)
def test_a_call_into_the_tokenizer_that_breaks(played, name):
    check(played, TextCodec, name)


@pytest.mark.parametrize(("owner", "name"), WHILE_CHOOSING)
def test_a_choice_that_breaks(played, owner, name):
    check(played, owner, name)


@pytest.mark.parametrize("name", ["begin", "add"])
def test_a_recorder_that_breaks(played, name):
    check(played, Recorder, name)


OF_LOADING = sorted(
    name
    for name, one in vars(loading).items()
    if inspect.isfunction(one) and one.__module__.startswith("core.models") and name[0] != "_"
)


@pytest.mark.parametrize("kind", KINDS[:3], ids=["fault", "panic", "memory"])
def test_a_model_that_breaks_while_it_is_loaded_leaves_the_one_before(kind):
    service = GenerationService()
    service.start(lambda: LocalBackend("demo", "cpu"))
    wait_for(service, is_a(Ready))
    broken = 0
    for name in OF_LOADING:
        with breaking(loading, name, 1, kind) as made:
            service.load(lambda: LocalBackend("demo", "cpu"))
            events = wait_for(service, is_a(Ready))
        failed = [one for one in events if isinstance(one, LoadFailed)]
        assert len(failed) == (made[0] > 0), name
        assert all(one.falls_back and one.message and "\n" not in one.message for one in failed)
        broken += len(failed)
    service.submit(Request("Once", Settings(max_new_tokens=2)))
    assert wait_for(service, is_a(Finished))[-1].reason == "length"
    assert broken >= 4
    service.close(timeout=10)


@pytest.mark.parametrize("kind", KINDS[:3], ids=["fault", "panic", "memory"])
def test_a_model_that_breaks_while_it_is_closed_makes_room_for_the_next(kind):
    service = GenerationService()
    service.start(lambda: LocalBackend("demo", "cpu"))
    wait_for(service, is_a(Ready))
    with breaking(LocalBackend, "close", 1, kind):
        service.load(lambda: LocalBackend("demo", "cpu"))
        assert isinstance(wait_for(service, is_a(Ready, LoadFailed))[-1], Ready)
    service.submit(Request("Once", Settings(max_new_tokens=2)))
    assert wait_for(service, is_a(Finished))[-1].reason == "length"
    assert service.close(timeout=10)


@pytest.mark.parametrize("name", ["encode", "tokens", "token_text", "decode"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_score_that_breaks_is_a_sentence_and_the_next_one_works(played, name, kind):
    whole = played.service.score("Once upon a time", ())
    with breaking(TextCodec, name, 1, kind) as made, contextlib.suppress(PlaygroundError):
        scored = played.service.score("Once upon a time", ())
        assert made[0] == 0
        assert scored == whole
    assert played.service.score("Once upon a time", ()) == whole

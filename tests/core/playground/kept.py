"""Documents that runs are added to, for the tests of them."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

from core.playground.looking.lookup import Lookup
from core.records.model_info import ModelInfo
from core.records.recorded_run import RecordedStep, RunStart
from core.records.settings import Settings
from tests.reference import byte_codec
from tests.tui.written import finished, started, token_step

MODEL = ModelInfo("demo", "cpu", "float32", 1000, 1024, 256, tokenizer_fingerprint="letters")
OTHER = dataclasses.replace(MODEL, name="other", tokenizer_fingerprint="words")
SETTINGS = Settings(do_sample=True, seed=3)
PROMPT_IDS = (1, 2)


def begun(documents, prompt="Once", model=MODEL, **more):
    documents.at_hand.begin(prompt, "sample", SETTINGS, model, **more)
    return documents.begin()


def steps_of(*texts, first=0):
    return [token_step(first + at, 10 + first + at, text) for at, text in enumerate(texts)]


def ended(documents, steps, context=None, reason="length"):
    """Let the run that has begun write ``steps``, and keep it."""
    document = documents.at_hand
    if context is None:
        context = (*before_last(document), *PROMPT_IDS)
    documents.apply(started(context))
    for step in steps:
        documents.apply(step)
    documents.apply(finished(reason, document.turns[-1].steps))


def before_last(document):
    """The ids of the document that the newest run goes on with."""
    turns = document.turns[:-1]
    return turns[-1].started.context_token_ids + turns[-1].token_ids if turns else ()


def run(documents, prompt, *texts, **more):
    begun(documents, prompt, **more)
    ended(documents, steps_of(*texts))
    return documents.at_hand.turns[-1].node_id


def recorded(documents, key, *token_ids):
    recorder = documents.store.recorder(key)
    recorder.begin(RunStart(PROMPT_IDS, SETTINGS, (), 3, "cpu", byte_codec()))
    for token_id in token_ids:
        recorder.add(RecordedStep(token_id, 256, b""))


def shown(documents):
    return documents.at_hand.text


def lookup(documents):
    """What looks steps up where no model is loaded."""
    return Lookup(documents, SimpleNamespace(info=None), SimpleNamespace(token_texts=lambda: None))

"""A token that is put in another's place has the text that it has there."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models

from core.document.document import Turn
from core.playground.documents import Documents
from core.records.recorded_run import RunStart
from core.records.settings import Settings
from core.records.steps import Candidate
from core.text.codec import TextCodec
from tests.core.playground.kept import lookup
from tests.reference import byte_codec


def documents_of(codec, context):
    """Documents that have recorded one run, and its turn."""
    documents = Documents()
    turn = Turn("", "greedy", Settings(), key="run 1")
    start = RunStart(context, Settings(), (), 0, "cpu", codec)
    documents.store.recorder(turn.key).begin(start)
    return documents, turn


def candidate(codec, token_id):
    return Candidate(token_id, codec.token_text(token_id), -1.0, -1.0, 1)


def test_a_word_has_its_space_before_it_where_a_word_has_ended():
    once, was, inner = range(3)
    tokenizer = Tokenizer(models.BPE({"once</w>": once, "was</w>": was, "a": inner}, []))
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    codec = TextCodec(tokenizer)
    documents, turn = documents_of(codec, (once,))
    chosen = candidate(codec, was)

    assert chosen.text == "was "
    assert lookup(documents).placed(chosen, turn, ()).text == " was"
    assert lookup(documents).placed(chosen, turn, (inner,)).text == "was"
    assert lookup(documents).placed(chosen, Turn("", "greedy", Settings()), ()) == chosen


def test_a_part_of_a_character_is_spelled_out_until_the_last_part():
    codec = byte_codec()
    first, second, third = codec.encode("世", is_beginning=True)
    documents, turn = documents_of(codec, (first,))

    assert lookup(documents).placed(candidate(codec, second), turn, ()).text == "\\xb8"
    assert lookup(documents).placed(candidate(codec, third), turn, (second,)).text == "世"

"""The corpus, the tokenizer, the training and the bundled checkpoint."""

# ruff: noqa: S311 - seeded chance is the point

import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel, GPT2Tokenizer

from core.models.base import CausalModel
from tests.places import REPOSITORY
from training import corpus, evaluate, train
from training.grammar import Grammar, Story
from training.noise import noise
from training.template import GrammarError
from training.tidy import tidy
from training.tokenizer import END, train_tokenizer

DEMO = REPOSITORY / "core" / "models" / "demo"
TINY = train.Plan(
    documents=60,
    held_out_documents=8,
    vocabulary=400,
    width=16,
    heads=2,
    layers=1,
    steps=24,
    short=64,
    tokens_per_step=1024,
    warmup=4,
    learning_rate=1e-2,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.fixture(scope="module")
def stories() -> list[str]:
    rng = random.Random(5)
    grammar = corpus.grammar()
    return [grammar.story(genre, rng) for genre in grammar.genres() for _ in range(40)]


@pytest.fixture(scope="module")
def demo() -> tuple[GPT2LMHeadModel, GPT2Tokenizer]:
    return evaluate.load(DEMO)


def test_corpus_depends_on_the_seed_alone() -> None:
    once = list(corpus.documents(3, 30))
    assert once == list(corpus.documents(3, 30))
    assert once[7] == corpus.document(3, 7)
    assert once != list(corpus.documents(4, 30))


def test_workers_give_the_same_corpus_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "CHUNK", 4)
    assert list(corpus.documents(3, 10, workers=2)) == list(corpus.documents(3, 10))


def test_every_rule_can_be_expanded(stories: list[str]) -> None:
    assert len(corpus.grammar().genres()) >= 10
    assert not [s for s in stories if re.search(r"[{}|]", s)]


def test_sentences_agree(stories: list[str]) -> None:
    wrong = re.compile(
        r"\b[Aa] (?:[aeio]\w|hour|honest)|\b[Aa]n (?!hour|honest)[^aeiouAEIOU]"
        r"|\b(?:I is|I has|he were|she were|the the|a the|a a)\b|  |\s[,.]"
    )
    assert [m.group() for s in stories for m in [wrong.search(s)] if m] == []


def test_sentences_begin_with_capitals_and_end(stories: list[str]) -> None:
    lower = re.compile(r"(?:^|\n|[.!?] |\.\" )\"?[a-z]")
    assert [m.group() for s in stories for m in [lower.search(s)] if m] == []
    unsigned = [s for s in stories if not re.match(r"Dear|My dear|To the", s)]
    assert len(unsigned) > len(stories) * 0.9
    assert [s[-40:] for s in unsigned if not re.search(r"[.!?]\"?$", s)] == []


def test_names_stay_the_same() -> None:
    story = Story(random.Random(1))
    grammar = corpus.grammar()
    grammar._bind("h=person f role", story)
    name = grammar.expand("{h}", story)
    assert {grammar.expand("{h}", story) for _ in range(20)} == {name}
    assert {grammar.expand("{h.he} {h.his}", story) for _ in range(20)} == {"she her"}
    assert grammar.expand("{thing:t}", story) == grammar.expand("{t}", story)


def test_tidy() -> None:
    assert tidy("a apple and a useful unicorn. it is a hour") == (
        "An apple and a useful unicorn. It is an hour"
    )
    assert tidy('"yes," said Tom, "and no." he left') == '"Yes," said Tom, "and no." He left'
    assert tidy('he said, "come." captain Tom went') == 'He said, "Come." Captain Tom went'


def test_mistakes_in_rules_are_told() -> None:
    story = Story(random.Random(1))
    with pytest.raises(GrammarError, match="no rule 'nothing'"):
        Grammar({"a": ["b"]}).expand("{nothing}", story)
    with pytest.raises(GrammarError, match="not closed"):
        Grammar({"a": ["b"]}).expand("(one|two", story)
    with pytest.raises(GrammarError, match="never ends"):
        Grammar({"a": ["{a}"]}).expand("{a}", story)


def test_held_out_openings_stay_out() -> None:
    openings = corpus.held_out()
    assert len(openings) == len(set(openings)) == 20
    docs = [doc.text for doc in corpus.documents(1, 400)]
    assert not [o for o in openings for doc in docs if o in doc]


def test_some_documents_are_cut_and_some_begin_with_noise() -> None:
    docs = list(corpus.documents(1, 300))
    cut = [doc for doc in docs if len(doc.pieces) == 2]
    assert 60 < len(cut) < 180
    assert all(doc.unlearned == len(doc.pieces) - 1 for doc in docs)
    assert any(doc.pieces[0].endswith(", ") for doc in cut)
    assert any(doc.pieces[0][-1].isalpha() and doc.pieces[1][0].isalpha() for doc in cut)
    assert 5 < sum(not doc.text.isascii() for doc in docs) < 40
    assert noise(random.Random(1)) == noise(random.Random(1))


@pytest.fixture(scope="module")
def tokenizer() -> GPT2Tokenizer:
    return train_tokenizer((doc.text for doc in corpus.documents(1, 30)), 400)


@settings(max_examples=150, deadline=None)
@given(text=texts)
def test_a_new_tokenizer_gives_any_text_back(tokenizer: GPT2Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


@settings(max_examples=150, deadline=None)
@given(text=texts)
def test_the_bundled_tokenizer_gives_any_text_back(
    demo: tuple[GPT2LMHeadModel, GPT2Tokenizer], text: str
) -> None:
    assert demo[1].decode(demo[1](text)["input_ids"]) == text


@pytest.mark.parametrize(
    "text", ["你好，世界", "🙂 👩‍🚀", "def f(x):\n\treturn x  ", " a , b .", "\n\n"]
)
def test_the_bundled_tokenizer_gives_scripts_and_spaces_back(
    demo: tuple[GPT2LMHeadModel, GPT2Tokenizer], text: str
) -> None:
    assert demo[1].decode(demo[1](text)["input_ids"]) == text


def test_streams_mask_the_noise_and_end_documents(tokenizer: GPT2Tokenizer) -> None:
    docs = [corpus.Document(("xyz", " Once"), unlearned=1), corpus.Document(("The end.",))]
    stream = train.Stream.encode(tokenizer, docs)
    end = tokenizer.eos_token_id
    assert (stream.tokens == end).sum() == 2
    ids, labels = stream.document(0)
    hidden = len(tokenizer("xyz")["input_ids"])
    assert labels[0, :hidden].tolist() == [train.IGNORED] * hidden
    assert labels[0, hidden:].tolist() == ids[0, hidden:].tolist()
    assert tokenizer.decode(stream.document(1)[0][0]) == f"The end.{END}"


def test_batches_start_documents_at_position_0(tokenizer: GPT2Tokenizer) -> None:
    stream = train.Stream.encode(tokenizer, list(corpus.documents(1, 40)))
    tokens, labels, positions = train.batch(stream, 64, 32, np.random.default_rng(1))
    assert tokens.shape == labels.shape == positions.shape == (64, 32)
    assert (positions.diff() == 1).all()
    assert int(positions.max()) < train.CONTEXT
    assert 16 < int((positions[:, 0] == 0).sum()) < 48


def test_the_rate_warms_up_and_falls() -> None:
    rates = [train.rate(step, TINY) for step in range(TINY.steps)]
    assert rates[0] < rates[1] < rates[TINY.warmup] == max(rates)
    assert rates[-1] < 0.1


def test_training_lowers_the_loss_and_saves_a_checkpoint(tmp_path: Path) -> None:
    untrained = train.new_model(TINY, 0)
    facts = train.run(TINY, tmp_path, "cpu")
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert isinstance(model, GPT2LMHeadModel)
    assert tokenizer.eos_token == tokenizer.bos_token == END
    stream = train.Stream.encode(tokenizer, list(corpus.documents(TINY.seed, 8)))
    after = train.document_loss(model, stream, 8)
    assert after < train.document_loss(untrained.eval(), stream, 8) - 0.5
    assert facts["train_loss"] == pytest.approx(after, abs=0.01)
    assert not list(tmp_path.parent.glob(".training-*"))


def test_the_bundled_model_is_a_plain_gpt2(demo: tuple[GPT2LMHeadModel, GPT2Tokenizer]) -> None:
    model, tokenizer = demo
    assert isinstance(model, GPT2LMHeadModel)
    assert model.config.n_positions == tokenizer.model_max_length == 1024
    assert model.config.activation_function == "gelu_new"
    assert next(model.parameters()).dtype == torch.float32
    assert model.config.vocab_size == len(tokenizer)
    assert tokenizer.eos_token_id == model.config.eos_token_id == model.config.bos_token_id
    assert evaluate.folder_size(DEMO) < evaluate.MAX_BYTES


@pytest.fixture(scope="module")
def quick() -> CausalModel:
    return evaluate.load_quick(DEMO)


def test_the_bundled_model_is_worth_watching(
    quick: CausalModel, demo: tuple[GPT2LMHeadModel, GPT2Tokenizer]
) -> None:
    watched = evaluate.watch_all(quick, demo[1], corpus.held_out()[:20], draws=1)
    assert watched
    for seen in watched.values():
        assert len(seen.lengths) == 20
        assert 1 <= seen.entropy <= 3.5
        assert seen.sure < 0.5


def test_verdicts_can_be_missed() -> None:
    dull = evaluate.Watched(entropies=[0.1, 0.1], tops=[0.99, 0.99], lengths=[2])
    lively = evaluate.Watched(entropies=[2.0, 3.0], tops=[0.99, 0.4, 0.5], lengths=[3])
    ways = {"greedy": "a", "beams": "a", "sampled": "b"}
    missed = evaluate.verdicts({"greedy": dull}, ways, evaluate.MAX_BYTES + 1)
    assert not any(missed.values())
    ways["beams"] = "c"
    assert all(evaluate.verdicts({"greedy": lively}, ways, evaluate.MAX_BYTES).values())


def test_loops_are_seen() -> None:
    assert evaluate.loops([1, 2, 3, 4, 3, 4, 3, 4])
    assert not evaluate.loops([1, 2, 3, 4, 5, 3, 4, 3, 4])


def test_any_prompt_is_continued(
    quick: CausalModel, demo: tuple[GPT2LMHeadModel, GPT2Tokenizer]
) -> None:
    texts = evaluate.any_prompt(quick, demo[1])
    assert all(len(text) > len(p) for text, p in zip(texts, evaluate.ANY_UTF8, strict=True))

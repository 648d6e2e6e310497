"""Could this setting have written this: the screen never waits, and marks what was forbidden."""

from __future__ import annotations

import os
import threading

import pytest
from textual import events
from textual.widgets import Input

from core.backends.scripted import ScriptedBackend
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.scores import ScoredText, ScoredToken
from core.records.settings import Settings
from core.records.steps import Candidate
from tests.tui.helpers import BOOK, app_of, make_app, ready, run_prompt, stopped, until
from tests.tui.screen_app import HOSTILE, ScreenApp, check_harmless, shown
from tui.common.row_picker import RowPicker
from tui.inputs.screen import InputScreen
from tui.prose.view import ProseView
from tui.score.input import ScoreInput
from tui.score.rows import drawn_step, score_pieces, summary_row, token_row, verdict_row
from tui.score.screen import ScoreScreen

SIZE = (120, 40)
TEXT = "I sat as a grey cat"  # under the script, a word of n letters has rank n and costs n bits


class Scores:
    """Scores by the script, when it may; notes on which thread, and whether anybody waits."""

    def __init__(self, *, waits=False, error=None):
        self.may_answer = threading.Event()
        if not waits:
            self.may_answer.set()
        self.error = error
        self.texts = []
        self.threads = []
        self.was_left = threading.Event()

    def __call__(self, text, is_cancelled):
        self.texts.append(text)
        self.threads.append(threading.get_ident())
        while not self.may_answer.wait(0.01):
            if is_cancelled():
                self.was_left.set()
                raise PlaygroundError("the scoring was stopped")
        if self.error is not None:
            raise self.error
        return ScriptedBackend().score(text, BOOK.presets, is_cancelled)


def opened(scores):
    return ScreenApp(ScoreScreen(scores, BOOK.presets))


def text_of(pilot):
    return pilot.app.opened.query_one(ProseView)


def picked(pilot):
    picker = pilot.app.opened.query_one(RowPicker)
    return picker.plain.splitlines()[picker.picked].split()[0]


async def score(pilot, text=TEXT):
    pilot.app.opened.query_one(ScoreInput).put(text)
    await pilot.press("enter")


async def scored(pilot, text=TEXT):
    await score(pilot, text)
    await until(pilot, lambda: pilot.app.opened.query_one("#score-result").display)
    await until(pilot, lambda: "perplexity" in shown(pilot))


async def test_a_stranger_is_told_what_to_press():
    async with opened(Scores()).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "could this setting have written this?" in shown(pilot))
        page = shown(pilot)
        assert "Paste or type any text here, or get a file with ctrl+g." in page
        assert page.splitlines()[-1].split("  ")[:3] == [
            " esc close",
            "⏎ score it",
            "^g get a file",
        ]
        await pilot.press("enter")
        assert "type or paste a text first" in shown(pilot)


async def test_a_typed_text_is_scored_elsewhere_and_shown():
    scores = Scores()
    async with opened(scores).run_test(size=SIZE) as pilot:
        await pilot.press(*"I sat", "ctrl+j", "a")
        await pilot.press("enter")
        await until(pilot, lambda: "perplexity" in shown(pilot))
        assert scores.texts == ["I sat\na"]
        assert threading.get_ident() not in scores.threads
        assert (
            "3 tokens · 5.00 bits · perplexity 3.17 a token · greedy leaves at 2: ·the for ·sat"
            in shown(pilot)
        )


async def test_what_was_typed_before_the_key_is_scored():
    """The key goes to the screen and the text to the text area, which may be behind."""
    scores = Scores()
    app = opened(scores)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        area = app.opened.query_one(ScoreInput)
        for letter in "one two":
            area.post_message(events.Key("space" if letter == " " else letter, letter))
        area.post_message(events.Paste(" and three"))
        app.opened.action_score()
        app.opened.action_score()
        await until(pilot, lambda: "perplexity" in shown(pilot))
        assert scores.texts == ["one two and three"]


async def test_every_preset_answers_and_its_forbidden_token_is_marked():
    async with opened(Scores()).run_test(size=SIZE) as pilot:
        await scored(pilot)
        rows = pilot.app.opened.query_one(RowPicker).plain.splitlines()
        assert [" ".join(row.split()) for row in rows] == [
            "greedy ✗ no 1 of 6 1.00 – 2 ·sat takes ·the",
            "beam ? beams weighs whole texts",
            "nucleus ✗ no 4 of 6 7.00 – 5 ·grey top_p",
            "odd ✓ yes 6 14.00 5.04",
            "keyless ✗ no 1 of 6 1.00 – 2 ·sat takes ·the",
        ]
        assert (picked(pilot), text_of(pilot).marked_text) == ("greedy", " sat")
        assert "greedy leaves it at token 2: it takes ·the, not ·sat" in shown(pilot)
        assert "token 2 ·sat 12.5% · rank 3 · 3.00 bits · likeliest ·the 50.0%" in shown(pilot)
        await pilot.press("down")
        assert (picked(pilot), text_of(pilot).marked_text) == ("beam", "")
        assert "of which no single token can tell" in shown(pilot)
        await pilot.press("down")
        assert (picked(pilot), text_of(pilot).marked_text) == ("nucleus", " grey")
        assert "nucleus forbids token 5, ·grey: top_p removes rank 4" in shown(pilot)
        assert "top_p 0.9" in shown(pilot)
        await pilot.press("down")
        assert "odd could have written it, at 2.33 bits a token" in shown(pilot)


async def test_one_looks_at_every_token():
    async with opened(Scores()).run_test(size=SIZE) as pilot:
        await scored(pilot)
        await pilot.press("left", "left", "left")
        assert text_of(pilot).marked_text == "I"
        assert "token 1 I 50.0% · rank 1 · 1.00 bits" in shown(pilot)
        await pilot.press(*["right"] * 9)
        assert text_of(pilot).marked_text == " cat"
        await pilot.click(ProseView, offset=(4, 1))
        await until(pilot, lambda: text_of(pilot).marked_text == " sat")


async def test_the_text_is_edited_and_scored_again():
    scores = Scores()
    async with opened(scores).run_test(size=SIZE) as pilot:
        await scored(pilot)
        await pilot.press("e", "end", "space", "x", "enter")
        await until(pilot, lambda: len(scores.texts) == 2 and "7 tokens" in shown(pilot))
        assert scores.texts[1] == TEXT + " x"


async def test_it_shows_that_it_scores_and_esc_closes_meanwhile():
    scores = Scores(waits=True)
    app = opened(scores)
    async with app.run_test(size=SIZE) as pilot:
        await score(pilot)
        assert "◌ scoring 19 characters…" in shown(pilot)
        await pilot.press("x", "enter", "ctrl+g")
        assert len(scores.texts) == 1
        assert app.opened.query_one(ScoreInput).text == TEXT
        await pilot.press("escape")
        assert app.opened not in app.screen_stack
        await until(pilot, scores.was_left.is_set)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PlaygroundError("the text is [b]too[/b] long"), "✗ the text is [b]too[/b] long"),
        (ValueError("odd"), "✗ the text could not be scored: ValueError: odd"),
    ],
)
async def test_a_failure_is_one_sentence_and_the_text_stays(error, sentence):
    scores = Scores(error=error)
    async with opened(scores).run_test(size=SIZE) as pilot:
        await score(pilot)
        await until(pilot, lambda: sentence in shown(pilot))
        await pilot.press("end", "x")
        await until(pilot, lambda: sentence not in shown(pilot))
        scores.error = None
        await pilot.press("enter")
        await until(pilot, lambda: "6 tokens" in shown(pilot))
        assert "✗ the text" not in shown(pilot)


async def test_a_file_is_scored_as_it_is(tmp_path):
    file = tmp_path / "odd.txt"
    file.write_bytes(b"\xef\xbb\xbfI \x1b[31msat\r\na\n")
    scores = Scores()
    async with opened(scores).run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+g")
        assert isinstance(pilot.app.screen, InputScreen)
        pilot.app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.opened.is_current)
        assert "\x1b[31msat\na" in pilot.app.opened.query_one(ScoreInput).text
        check_harmless(pilot, SIZE[0])
        await pilot.press("enter")
        await until(pilot, lambda: "perplexity" in shown(pilot))
        assert scores.texts == ["I \x1b[31msat\r\na"]
        check_harmless(pilot, SIZE[0])


@pytest.mark.parametrize("kind", ["gone", "folder", "pipe", "latin", "long", "zero", "surrogate"])
async def test_files_that_cannot_be_opened_are_told(tmp_path, kind):
    file = tmp_path / "text.txt"
    sentences = {
        "gone": "is not there",
        "folder": "is not a file",
        "pipe": "is not a file",
        "latin": "is not UTF-8 text",
        "long": "has more than 1,000,000 bytes",
        "zero": "cannot be read",
        "surrogate": "cannot be read",
    }
    path = str(file)
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "latin":
        file.write_bytes(b"\xe4\xff")
    elif kind == "long":
        file.write_bytes(b"a" * 1_000_001)
    elif kind == "zero":
        path = "a\0b"
    elif kind == "surrogate":
        path = "a\ud800b"
    scores = Scores()
    async with opened(scores).run_test(size=(160, 40)) as pilot:
        await pilot.press("ctrl+g")
        screen = pilot.app.screen
        assert isinstance(screen, InputScreen)
        screen.query_one(Input).value = path
        await pilot.press("enter")
        refusal = screen.query_one("#input-refusal")
        assert refusal.display
        words = sentences[kind] if kind not in ("zero", "surrogate") else "✗"
        assert words in str(refusal.content)
        await pilot.press("escape")
        assert pilot.app.opened.query_one(ScoreInput).text == ""


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (30, 8)])
async def test_hostile_texts_are_harmless(size):
    presets = (Preset(HOSTILE, "", HOSTILE, Settings()), *BOOK.presets)

    def scoring(text, is_cancelled):
        return ScriptedBackend().score(text, presets, is_cancelled)

    app = ScreenApp(ScoreScreen(scoring, presets))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.opened.query_one(ScoreInput).post_message(events.Paste(HOSTILE * 9))
        await until(pilot, lambda: "[/b]" in app.opened.query_one(ScoreInput).text)
        check_harmless(pilot, size[0])
        await pilot.press("enter")
        await until(pilot, lambda: app.opened.query_one("#score-result").display)
        for key in ("down", "right", "right"):
            await pilot.press(key)
            check_harmless(pilot, size[0])


async def test_in_the_app_a_run_that_goes_on_is_waited_for_in_words():
    gate = threading.Semaphore(0)
    async with make_app(ScriptedBackend(step_gate=gate)).run_test(size=SIZE) as pilot:
        await ready(pilot)
        app = app_of(pilot)
        await run_prompt(pilot, "once")
        screen = ScoreScreen(app.playground.score, BOOK.presets)
        app.push_screen(screen)
        await pilot.pause()
        screen.query_one(ScoreInput).put(TEXT)
        await pilot.press("enter")
        await until(pilot, lambda: "✗ a run is going on; score the text when" in shown(pilot))
        gate.release(20)
        await stopped(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "6 tokens" in shown(pilot))


def plain(row):
    return "".join(text for text, _ in row)


def test_the_bundled_model_on_a_text_with_split_characters(demo):
    from core.looking_back.given_text.scoring import score_text

    text = "There was a naïve 世界 🦄."
    scored = score_text(demo.model, demo.codec, text, BOOK.presets)
    pieces = score_pieces(text, scored)
    assert "".join(piece.text for piece in pieces) == text
    hidden = next(at for at, one in enumerate(scored.tokens) if not one.text)
    assert scored.tokens[drawn_step(scored, hidden)].text
    assert drawn_step(scored, hidden) > hidden
    assert drawn_step(scored, len(scored.tokens)) == -1
    for verdict in scored.verdicts:
        for width in (30, 60, 80, 200):
            assert len(plain(verdict_row(verdict, scored, width))) <= width


def test_a_first_token_without_a_score_stands_plain():
    whole = ScriptedBackend().score("one two", BOOK.presets, lambda: False)
    scored = ScoredText((), whole.token_ids, 1, whole.tokens[1:], whole.verdicts)
    assert [(one.text, one.step) for one in score_pieces("one two", scored)] == [
        ("one", -1),
        (" two", 0),
    ]
    assert plain(token_row(scored, 0, 80)).startswith("token 2 ·two")


def test_a_conversation_is_shown_with_its_first_token(demo):
    from core.looking_back.given_text.scoring import score_tokens

    read = "A person asks.\nPerson: Hello"
    token_ids = tuple(demo.codec.encode(read, is_beginning=True))
    scored = score_tokens(demo.model, demo.codec, (), token_ids)
    assert scored.unscored == 1
    assert "".join(one.text for one in score_pieces("Hello", scored)) == read


def test_a_text_of_one_token_has_no_score():
    alone = ScoredText((), (1,), 1, ())
    assert "no token has a score" in plain(summary_row(alone, 80))


def test_perplexity_is_told_to_be_of_tokens_where_there_is_room():
    a = Candidate(1, " a", -1.0, -1.0, 1)
    one = ScoredToken(a, " a", (a,), 1.0)
    scored = ScoredText((0,), (1,), 0, (one,))
    assert "perplexity 2.72 a token · always" in plain(summary_row(scored, 80))
    assert "perplexity 2.72 · always the likeliest token" in plain(summary_row(scored, 66))


def test_a_special_token_is_drawn_as_its_mark(demo):
    from core.looking_back.given_text.scoring import score_text

    text = "The king slept.<|endoftext|>The"
    scored = score_text(demo.model, demo.codec, text, BOOK.presets)
    assert [one.is_special for one in scored.tokens].count(True) == 1
    pieces = score_pieces(text, scored)
    assert "".join(piece.text for piece in pieces) == "The king slept.∎The"
    first = score_text(demo.model, demo.codec, "<|endoftext|>The king", BOOK.presets)
    assert "".join(piece.text for piece in score_pieces("<|endoftext|>The king", first)) == (
        "∎The king"
    )

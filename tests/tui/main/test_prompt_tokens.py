"""The prompt's tokens as it is typed: their count, the panel, and no key that waits for them."""

from __future__ import annotations

import threading
import time

import pytest
from textual import events
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from core.backends.scripted import ScriptedBackend
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.prompt_tokens import PromptToken
from core.text.codec import TextCodec
from tests.places import GPT2_TOKENIZER
from tests.tui.helpers import (
    BOOK,
    GatedLoading,
    app_of,
    make_app,
    ready,
    run_to_end,
    typed,
    until,
)
from tui.app.playground import PlaygroundApp
from tui.common.lines_view import LinesView
from tui.common.rows_view import RowsView
from tui.main.prompt.tokens import MOST_CHARACTERS, READ_AT_ONCE, PromptTokens

SIZE = (80, 24)


class Characters(ScriptedBackend):
    """A token a character, whose id is its code."""

    def prompt_tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        first = (PromptToken(1, "<s>", 0, 0),) if is_beginning else ()
        return first + tuple(PromptToken(ord(one), one, at, at + 1) for at, one in enumerate(text))


class Waiting(ScriptedBackend):
    """Reads a long text only when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.may_read = threading.Semaphore(0)
        self.read: list[tuple[str, int]] = []

    def prompt_tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        self.read.append((text, threading.get_ident()))
        if len(text) > READ_AT_ONCE:
            self.may_read.acquire(timeout=10)
        return super().prompt_tokens(text, is_beginning=is_beginning)


def count(pilot):
    line = app_of(pilot).main.query_one("#prompt-line")
    return str(line.border_subtitle or "")


def rows(pilot):
    return app_of(pilot).main.query_one("#prompt-token-rows", RowsView).plain


async def test_the_count_follows_what_is_typed():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        assert count(pilot) == ""
        await pilot.press(*"one", "space", *"two")
        await until(pilot, lambda: count(pilot) == "2 tokens")
        await pilot.press(*["backspace"] * 4)
        await until(pilot, lambda: count(pilot) == "1 token")
        await pilot.press(*["backspace"] * 3)
        await until(pilot, lambda: count(pilot) == "")


async def test_a_run_takes_the_count_with_the_prompt():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "one two")
        await until(pilot, lambda: count(pilot) == "")


async def test_where_there_is_no_frame_the_count_stands_in_the_line():
    async with make_app(ScriptedBackend()).run_test(size=(60, 20)) as pilot:
        await ready(pilot)
        shown = app_of(pilot).main.query_one("#prompt-count", LinesView)
        assert not shown.display
        await pilot.press("a")
        await until(pilot, lambda: count(pilot) == "1 token")
        assert shown.display
        assert shown.plain == "      1 token"
        assert shown.region.right <= 60


async def test_the_panel_comes_and_goes_and_follows_the_cursor():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f10")
        await until(pilot, lambda: "type: each token" in rows(pilot))
        await pilot.press(*"one", "space", *"two")
        await until(pilot, lambda: rows(pilot) == " one  ·two\n 10   11")
        assert typed(pilot) == "one two"
        await pilot.press("f10")
        assert not app_of(pilot).main.query_one(PromptTokens).display


async def test_the_token_at_the_cursor_is_in_sight():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f10")
        app_of(pilot).main.prompt.put("word " * 300 + "last")
        view = app_of(pilot).main.query_one("#prompt-token-rows", RowsView)
        await until(pilot, lambda: view.scroll_offset.y > 0)
        top = view.scroll_offset.y
        in_sight = rows(pilot).split("\n")[top : top + view.size.height]
        assert "·last" in "".join(in_sight)
        app_of(pilot).main.prompt.move_cursor((0, 0))
        await until(pilot, lambda: view.scroll_offset.y == 0)


async def test_what_a_tokenizer_adds_at_the_beginning_is_there_only_at_the_beginning():
    async with make_app(Characters()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f10", "a")
        await until(pilot, lambda: rows(pilot) == " <s>  a\n 1    97")
        await pilot.press("enter")
        await until(pilot, lambda: bool(app_of(pilot).playground.document.turns))
        await pilot.press("b")
        await until(pilot, lambda: rows(pilot) == " b\n 98")


async def test_hostile_tokens_are_harmless():
    async with make_app(Characters()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f10")
        app_of(pilot).main.prompt.put("[/b]\x1b\u202e\t[@click=app.quit]x[/]")
        await until(pilot, lambda: "\\x1b" in rows(pilot))
        shown = rows(pilot)
        assert "\\u202e" in shown
        assert "⇥" in shown
        assert "\u202e" not in shown
        assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 for one in shown if one != "\n")


async def test_a_text_that_has_no_tokens_is_told():
    class Refusing(ScriptedBackend):
        def prompt_tokens(self, text, *, is_beginning):
            raise PlaygroundError("the prompt has a [b]broken[/b] character")

    async with make_app(Refusing()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f10", "a")
        await until(pilot, lambda: rows(pilot) == "the prompt has a [b]broken[/b] character")
        assert count(pilot) == ""


async def test_a_long_paste_is_read_elsewhere_while_keys_go_on():
    backend = Waiting()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f10")
        pasted = "word " * 20_000
        app_of(pilot).main.prompt.post_message(events.Paste(pasted))
        await until(pilot, lambda: bool(backend.read))
        assert count(pilot) == "… tokens"
        assert "reading…" in rows(pilot)
        await pilot.press(*"abc")
        assert typed(pilot) == pasted + "abc"
        backend.may_read.release(10)
        await until(pilot, lambda: count(pilot) == "20,001 tokens")
        assert backend.read[-1][0] == pasted + "abc"
        assert threading.get_ident() not in {thread for _, thread in backend.read}
        assert "tokens before" in rows(pilot)


async def test_a_text_longer_than_any_context_is_not_read():
    backend = Waiting()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f10")
        app_of(pilot).main.prompt.put("a" * (MOST_CHARACTERS + 1))
        await until(pilot, lambda: count(pilot) == "…")
        assert "500,000 characters" in rows(pilot)
        assert not backend.read


async def test_nothing_is_counted_before_a_model_is_there_and_then_it_is():
    backend = GatedLoading()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await pilot.press("f10", *"one")
        await until(pilot, lambda: "the model is being loaded" in rows(pilot))
        assert count(pilot) == ""
        backend.may_load.set()
        await until(pilot, lambda: count(pilot) == "1 token")


async def test_another_model_counts_anew():
    other = ModelInfo("other", "cpu", "float32", 10, 20, 30)
    backends = iter([ScriptedBackend(), Characters(info=other)])
    app = PlaygroundApp(lambda _name: next(backends), BOOK)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press(*"abc")
        await until(pilot, lambda: count(pilot) == "1 token")
        app.playground.model.load_error = "gone"
        app.action_load_again()
        await until(pilot, lambda: count(pilot) == "4 tokens")


async def test_the_known_sentence_under_the_tokenizer_of_gpt2():
    if not (GPT2_TOKENIZER / "vocab.json").is_file():
        pytest.skip("GPT-2's vocab.json and merges.txt are not here")
    tokenizer = Tokenizer(
        BPE.from_file(str(GPT2_TOKENIZER / "vocab.json"), str(GPT2_TOKENIZER / "merges.txt"))
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    codec = TextCodec(tokenizer)

    class Gpt2(ScriptedBackend):
        def prompt_tokens(self, text, *, is_beginning):
            return codec.tokens(text, is_beginning=is_beginning)

    async with make_app(Gpt2()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f10")
        for key in "A long long time ago, ":
            await pilot.press({" ": "space", ",": "comma"}.get(key, key))
        await until(pilot, lambda: count(pilot) == "7 tokens")
        texts, ids = rows(pilot).split("\n")
        assert texts.split() == ["A", "·long", "·long", "·time", "·ago", ",", "·"]
        assert ids.split() == ["32", "890", "890", "640", "2084", "11", "220"]


class HeldUp(ScriptedBackend):
    """Reads no text before the test lets it, however short: as where a model's files compute."""

    def __init__(self) -> None:
        super().__init__()
        self.may_read = threading.Event()
        self.threads: list[int] = []

    def prompt_tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        self.threads.append(threading.get_ident())
        self.may_read.wait(10)
        return super().prompt_tokens(text, is_beginning=is_beginning)


async def test_a_short_text_that_is_not_read_in_time_holds_up_nobody():
    backend = HeldUp()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await ready(pilot)
        began = time.monotonic()
        await pilot.press(*"one", "space", *"two")
        await until(pilot, lambda: app_of(pilot).main.prompt.text == "one two")
        assert time.monotonic() - began < 5
        assert count(pilot) == "… tokens"
        backend.may_read.set()
        await until(pilot, lambda: count(pilot) == "2 tokens")
    assert backend.threads
    assert threading.get_ident() not in backend.threads

"""What a model's tokenizer cannot spell is told in every box; nothing typed ends the app."""

from __future__ import annotations

import dataclasses

import pytest
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE, WordLevel

from core.backends.scripted import ScriptedBackend
from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedStep, RunStart
from core.text.codec import TextCodec
from tests.tui.helpers import app_of, make_app, ready, run_to_end, stopped, until
from tui.common.rows_view import RowsView
from tui.main.prompt.tokens import PromptTokens

IDS = {letter: at for at, letter in enumerate("ACGT")}


class Letters(ScriptedBackend):
    """A backend that knows four letters."""

    def __init__(self, model):
        super().__init__()
        tokenizer = Tokenizer(model)
        tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
        tokenizer.decoder = decoders.Fuse()
        self.codec = TextCodec(tokenizer)

    def prompt_tokens(self, text, *, is_beginning):
        return self.codec.tokens(text, is_beginning=is_beginning)

    def generate(self, request, is_cancelled):
        self.codec.encode(request.prompt, is_beginning=True)
        yield from super().generate(request, is_cancelled)

    def score(self, text, presets, is_cancelled):
        self.codec.encode(text, is_beginning=True)
        return super().score(text, presets, is_cancelled)


@pytest.fixture(params=[WordLevel(IDS), BPE(IDS, [])], ids=["words", "bpe"])
def backend(request):
    return Letters(request.param)


async def test_a_typed_character_is_told_and_the_prompt_stays(backend):
    async with make_app(backend).run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("f10", *"GAx")
        panel = pilot.app.query_one(PromptTokens).query_one(RowsView)
        await until(pilot, lambda: "cannot spell 'x' (U+0078" in panel.plain)
        await pilot.press("enter")
        await until(pilot, lambda: app_of(pilot).playground.notices.current is not None)
        assert "cannot spell 'x'" in app_of(pilot).playground.notices.current.text
        assert app_of(pilot).main.prompt.text == "GAx"


async def test_text_in_a_token_s_place_is_refused_while_the_document_is_whole(backend):
    async with make_app(backend).run_test(size=(100, 30)) as pilot:
        await run_to_end(pilot, "GA")
        await stopped(pilot)
        playground = app_of(pilot).playground
        before = playground.document.text
        with pytest.raises(PlaygroundError, match="cannot spell 'x'"):
            playground.forks.to_text("Ax")
        assert playground.document.text == before


async def test_a_look_up_tells_it_too(backend):
    async with make_app(backend).run_test(size=(100, 40)) as pilot:
        await run_to_end(pilot, "GA")
        playground = app_of(pilot).playground
        turn = playground.document.turns[-1]
        recorder = playground.documents.store.recorder(turn.key)
        recorder.begin(
            RunStart((2, 0), dataclasses.replace(turn.settings), (), 0, "cpu", backend.codec)
        )
        for _ in turn.steps:
            recorder.add(RecordedStep(0, 4, bytes(16)))
        await pilot.press("f9", "slash", "x", "enter")
        await pilot.pause()
        found = str(pilot.app.screen.query_one("#why-found").render())
        assert "cannot spell 'x'" in found

"""What is drawn as nothing is spelled out, and what is drawn is as wide as the layout takes it."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from rich.cells import cell_len
from wcwidth import wcswidth, wcwidth

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, run_to_end
from tui.common.visible import visible_prose, visible_token

IGNORABLE = [
    *("\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u2060\u2064\u206f\u3164"),
    *("\ufe00\ufe0f\ufeff\uffa0\ufff9\U0001bca0\U0001d173\U000e0001\U000e0041\U000e007f\U000e01ef"),
]
UNKNOWN = [
    *("\ufdfd\U0001242b\U0001f1e9\U0001f3fd\ue000\U0010fffd\u0378"),
    *("\u0903\u093e\u0bbf\u102b\u17b6"),  # signs with a cell of their own, or not
]


@pytest.mark.parametrize("one", IGNORABLE + UNKNOWN, ids=lambda one: f"{ord(one):x}")
@pytest.mark.parametrize("shown", [visible_prose, visible_token])
def test_it_is_spelled_out(one, shown):
    code = f"{ord(one):x}"
    drawn = shown(f"a{one}b")
    assert one not in drawn
    assert drawn.startswith("a\\")
    assert drawn.endswith(f"{code}b")


@pytest.mark.parametrize(
    "text", ["é", "世", "かな", "🦄", "e\u0301", "नमस्ते", "سلام", "a\u00a0b", "\u3000"]
)
def test_scripts_stay_as_they_are(text):
    assert visible_prose(text) == text


def test_of_every_character_that_is_drawn_the_width_is_known():
    drawn = 0
    for code in range(0xA0, sys.maxunicode, 7):
        one = chr(code)
        if visible_prose(one) == one:
            drawn += 1
            assert cell_len(one) == wcwidth(one) >= 0
            assert cell_len(f"a{one}") == wcswidth(f"a{one}")
            joins = unicodedata.category(one)[0] == "M" or "HANGUL" in unicodedata.name(one, "")
            assert joins or wcwidth(one) > 0, hex(code)
    assert drawn > 10_000


async def test_nothing_of_it_reaches_the_screen():
    script = [f" a{one}b" for one in IGNORABLE + UNKNOWN]
    async with make_app(ScriptedBackend(texts=tuple(script))).run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "\u200bOnce\u00ad\U000e0041")
        for y in range(40):
            line = "".join(
                segment.text for segment in pilot.app.screen._compositor.render_strips()[y]
            )
            assert not set(line) & set(IGNORABLE + UNKNOWN)
            assert cell_len(line) == sum(max(0, wcwidth(one)) for one in line) == 120
        assert app_of(pilot).playground.document.text.startswith("\u200bOnce\u00ad\U000e0041")

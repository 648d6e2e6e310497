"""Pictures of the inspector and of the prompt's tokens; ``--snapshot-update`` takes them anew."""

from __future__ import annotations

import pytest

from core.backends.scripted import ScriptedBackend
from core.records.model_report import ModelReport
from core.records.prompt_tokens import PromptToken
from tests.tui.app.test_pictures import settled, still
from tests.tui.helpers import app_of, make_app, ready, until
from tests.tui.xl_report import XL, XL_REPORT
from tui.look.themes import PAPER
from tui.models.inspector import InspectorScreen

SIZES = [(80, 24), (120, 40)]
TOKENS = (
    (32, "A"),
    (890, " long"),
    (890, " long"),
    (640, " time"),
    (2084, " ago"),
    (11, ","),
    (198, "\n"),
    (197, "\t"),
    (259, "in"),
    (262, " the"),
    (8776, " distant"),
    (11841, " realm"),
    (286, " of"),
    (12520, " \\xf0\\x9f"),
    (99, "\\xa6"),
    (226, "\\x84"),
    (11, ","),
    (58, "["),
    (14, "/"),
    (65, "b"),
    (60, "]"),
    (220, " "),
)
PROMPT = "A long long time ago,\n\tin the distant realm of 🦄,[/b] "


class Xl(ScriptedBackend):
    """Knows gpt2-xl's report and one prompt's tokens."""

    def __init__(self) -> None:
        super().__init__(info=XL)

    def inspect(self) -> ModelReport:
        return XL_REPORT

    def prompt_tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        if text != PROMPT:
            return ()
        last = len(TOKENS) - 1
        return tuple(
            PromptToken(token_id, token, at, len(PROMPT) if at == last else at + 1)
            for at, (token_id, token) in enumerate(TOKENS)
        )


async def opened(pilot):
    await still(pilot)
    await ready(pilot)
    await pilot.press("f11")
    await until(
        pilot,
        lambda: (
            isinstance(app_of(pilot).screen, InspectorScreen)
            and bool(app_of(pilot).screen._sections)
        ),
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["1", "4", "6"])
def test_inspector(snap_compare, size, key):
    async def before(pilot):
        await opened(pilot)
        await pilot.press(key)
        await settled(pilot)

    assert snap_compare(make_app(Xl()), terminal_size=size, run_before=before)


def test_inspector_light(snap_compare):
    async def before(pilot):
        await opened(pilot)
        pilot.app.theme = PAPER.name
        await settled(pilot)

    assert snap_compare(make_app(Xl()), terminal_size=(120, 40), run_before=before)


@pytest.mark.parametrize("size", [*SIZES, (60, 30)])
def test_prompt_tokens(snap_compare, size):
    async def before(pilot):
        await still(pilot)
        await ready(pilot)
        app_of(pilot).main.prompt.put(PROMPT)
        await pilot.press("f10")
        await settled(pilot)

    assert snap_compare(make_app(Xl()), terminal_size=size, run_before=before)


def test_prompt_tokens_light(snap_compare):
    async def before(pilot):
        await still(pilot)
        await ready(pilot)
        pilot.app.theme = PAPER.name
        app_of(pilot).main.prompt.put(PROMPT)
        await pilot.press("f10")
        await settled(pilot)

    assert snap_compare(make_app(Xl()), terminal_size=(120, 40), run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_count(snap_compare, size):
    async def before(pilot):
        await still(pilot)
        await ready(pilot)
        app_of(pilot).main.prompt.put(PROMPT)
        await settled(pilot)

    assert snap_compare(make_app(Xl()), terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_dials(snap_compare, size):
    """Turned: what is idle, what stands where, and what the picked one is."""

    async def before(pilot):
        await still(pilot)
        await pilot.press("alt+d", "right", *["down"] * 5, "right", "right", "plus")
        await settled(pilot)

    assert snap_compare(make_app(ScriptedBackend()), terminal_size=size, run_before=before)


def test_dials_in_light(snap_compare):
    async def before(pilot):
        pilot.app.theme = PAPER.name
        await still(pilot)
        await pilot.press("alt+d", *["up"] * 9, "right", "plus")
        await settled(pilot)

    assert snap_compare(make_app(ScriptedBackend()), terminal_size=(120, 40), run_before=before)

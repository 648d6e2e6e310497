"""The page in a headless Chromium: nothing runs, nothing is asked for, keys and pointer work."""

from __future__ import annotations

import json

import pytest

from core.document.export.page.page import page_of
from core.text.visible import visible
from tests.core.document.chromium import browser, found
from tests.core.document.page_reader import HOSTILE, run_of

PROGRAM = found()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")

SHOWN = (
    "[...document.querySelectorAll('.w')].filter(one => getComputedStyle(one).display != 'none')"
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(PROGRAM, tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def opened(chromium, tmp_path):
    def open_page(*runs):
        chromium.resize(1200, 900)
        chromium.dialogs.clear()
        chromium.requests.clear()
        chromium.said.clear()
        file = tmp_path / "page.html"
        file.write_text(page_of(runs), encoding="utf-8")
        chromium.open(file)
        return chromium

    return open_page


def texts_of(page, selector):
    return page.value(f"[...document.querySelectorAll({selector!r})].map(one => one.textContent)")


def test_hostile_text_asks_for_nothing_and_stands_as_it_was_written(opened, tmp_path):
    about = {"preset": HOSTILE[0], "model": HOSTILE[3], "settings": dict.fromkeys(HOSTILE, "x")}
    page = opened(*(run_of("a", text, "c", prompt=text, **about) for text in HOSTILE))
    page.value("document.querySelectorAll('.t, summary').forEach(one => one.click())")

    assert texts_of(page, ".prompt") == [visible(text) for text in HOSTILE]
    assert texts_of(page, ".written > .t:nth-of-type(2)") == [visible(text) for text in HOSTILE]
    assert page.dialogs == []
    assert page.requests == [(tmp_path / "page.html").as_uri()]
    assert page.said == []  # the policy had nothing to refuse
    assert page.value("document.scripts.length") == 1
    assert page.value("document.querySelectorAll('img, svg, iframe, link, base').length") == 0


def test_the_policy_refuses_what_a_fault_would_let_in(opened):
    """The second door: were the first one open, nothing would run, load or be styled."""
    page = opened(run_of("a"))
    page.value(
        """document.body.insertAdjacentHTML("beforeend",
        "<img src='https://example.com/a.png' onerror='alert(1)'><p style='color:red' id=styled>"),
        document.body.append(Object.assign(document.createElement("script"),
        { textContent: "alert(2)" })), fetch("https://example.com").catch(() => 0), 0"""
    )

    assert page.dialogs == []
    assert page.value("getComputedStyle(document.querySelector('#styled')).color") != (
        "rgb(255, 0, 0)"
    )
    assert len(page.said) >= 3
    assert all("Content Security Policy" in said for said in page.said)


def test_the_arrow_keys_go_from_token_to_token_and_show_what_was_weighed(opened):
    page = opened(run_of(*(f" word{number}" for number in range(80))), run_of(" b"))
    at = "[...document.querySelectorAll('.t')].indexOf(document.activeElement)"
    page.press("Tab")
    while page.value(at) < 0:
        page.press("Tab")
    assert page.value(at) == 0
    for key, place in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 0)):
        page.press(key)
        assert page.value(at) == place
        assert page.value(f"{SHOWN}.map(one => one.id)") == [f"r1w{place + 1}"]
    page.press("ArrowLeft")
    assert page.value(at) == 0
    page.press("ArrowDown")
    below = page.value(at)
    assert 3 < below < 40
    assert page.value("[...document.activeElement.getClientRects()].at(-1).left") < 120
    page.press("ArrowUp")
    assert page.value(at) == 0
    page.press("End")
    assert page.value(at) == 79
    page.press("Tab")
    while page.value(at) < 0:
        page.press("Tab")
    assert page.value(at) == 80  # one stop of the tab key for each text
    page.press("Escape")
    assert page.value(at) == -1
    assert page.value(f"{SHOWN}.length") == 0


def test_pointing_shows_that_token_alone_and_moves_no_text(opened):
    page = opened(run_of(" a", " longer", " text"))
    page.value("document.querySelector('.t').focus()")
    before = page.value("document.querySelector('.written').getBoundingClientRect().height")
    place = page.value("JSON.stringify(document.querySelector('#r1t2').getBoundingClientRect())")
    box = json.loads(place)
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"] + 9, y=box["y"] + 9)

    assert page.value(f"{SHOWN}.map(one => one.id)") == ["r1w2"]
    after = page.value("document.querySelector('.written').getBoundingClientRect().height")
    assert after == before
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    assert page.value(f"{SHOWN}.map(one => one.id)") == ["r1w1"]


def test_all_but_the_arrow_keys_works_without_the_script(chromium, opened):
    chromium.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page = opened(run_of(" a", " b"))
        assert page.value("document.querySelectorAll('.t[tabindex=\"0\"]').length") == 2
        for place in ("r1w1", "r1w2"):
            page.press("Tab")
            assert page.value(f"{SHOWN}.map(one => one.id)") == [place]
    finally:
        chromium.ask("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_no_width_makes_the_page_scroll_sideways(opened, width):
    page = opened(run_of("x" * 300, "\t" * 9, "日本" * 90, prompt="y" * 300, preset="z" * 300))
    page.resize(width, 844)
    page.value("document.querySelector('.t').focus()")
    root = "document.documentElement"
    assert page.value(f"{root}.scrollWidth <= {root}.clientWidth")
    assert page.value(f"{SHOWN}[0].getBoundingClientRect().right") <= width


def test_paper_shows_text_and_facts_but_no_panels(opened):
    page = opened(run_of(" a", " b"))
    page.value("document.querySelector('.t').focus()")
    page.ask("Emulation.setEmulatedMedia", media="print")
    try:
        assert page.value(f"{SHOWN}.length") == 0
        assert page.value("getComputedStyle(document.querySelector('dl')).display") == "grid"
    finally:
        page.ask("Emulation.setEmulatedMedia", media="")

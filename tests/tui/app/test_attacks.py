"""Texts that attack a terminal, through everything of the app that shows one: none is obeyed."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.backends.local import LocalBackend
from core.backends.scripted import ScriptedBackend
from core.presets.book import Preset, PresetBook
from core.records.chat import ChatFormat
from core.records.settings import Settings
from core.sessions.folder import SessionsFolder
from core.sessions.opening import open_session
from core.sessions.starting import start_session
from core.text.visible import one_line
from tests.attacks import ATTACKS, harm_in
from tests.hostile_model import TOKENS, hostile_name, make_hostile_model
from tests.hostile_session import hostile_session
from tests.terminal import Terminal
from tests.tui.helpers import run_to_end, until
from tui.app.playground import PlaygroundApp
from tui.common.visible import visible_prose, visible_token
from tui.inputs.line import ExactLine
from tui.inputs.stand_ins import drawn, exact, safe_line

SIZE = (100, 30)
EVERY = "".join(TOKENS)
NAMES = tuple("".join(TOKENS[at : at + 14]) for at in range(0, len(TOKENS), 14))


@pytest.fixture(scope="module")
def hostile_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / hostile_name(EVERY)
    make_hostile_model(folder)
    return folder


def presets():
    drawn = Settings(do_sample=True, top_k=0, temperature=1.5, max_new_tokens=60, seed=1)
    names = [f"{number}{one}" for number, one in enumerate(NAMES)]
    return (
        Preset(names[0], "f1", EVERY, dataclasses.replace(drawn, stop_strings=(EVERY,))),
        Preset(names[1], "f2", EVERY, Settings(num_beams=5, max_new_tokens=4)),
        Preset(names[2], "f3", EVERY, drawn, ChatFormat(EVERY, EVERY, EVERY, (EVERY,))),
    )


def look(pilot):
    """See that nothing on the screen is obeyed; return what stands there."""
    strips = pilot.app.screen._compositor.render_strips()
    text = "\n".join(strip.text for strip in strips)
    assert harm_in(text, "\n") == []
    assert {strip.cell_length for strip in strips} == {SIZE[0]}
    styles = {segment.style for strip in strips for segment in strip if segment.style}
    assert not any(style.link or "@click" in style.meta for style in styles)
    return text


async def opens(pilot, screen, *keys):
    """Press keys, see that they open a page, and look at it."""
    await pilot.press(*keys)
    await until(pilot, lambda: type(pilot.app.screen).__name__ == screen)
    look(pilot)


async def put(pilot, *texts):
    """Put texts into the line that asks for one, one after the other, until one is taken."""
    asks = pilot.app.screen
    for text in texts:
        if pilot.app.screen is not asks:
            break
        line = asks.query_one(ExactLine)
        line.focus()
        line.value = ""
        line.replace(text, 0, 0)
        await pilot.pause()
        look(pilot)
        await pilot.press("enter")
        look(pilot)


CHARACTERS = st.one_of(st.sampled_from(sorted(set(EVERY))), st.characters())
TEXTS = st.lists(st.text(CHARACTERS, min_size=1, max_size=30), min_size=8, max_size=8)


@given(TEXTS)
def test_any_text_is_harmless_in_a_line(texts):
    for text in (*texts, "\udfff\ud800".join(texts)):
        assert harm_in(visible_prose(text), "\n") == []
        assert harm_in(visible_token(text), "") == []
        assert harm_in(one_line(text), "") == []
        assert exact(safe_line(text)) == text.replace("\r\n", "\n").replace("\r", "\n")
        assert harm_in(drawn(safe_line(text)), "") == []


@settings(max_examples=3)
@given(TEXTS)
def test_any_text_is_harmless_in_the_app(texts):
    asyncio.run(show_all_of(texts))


async def show_all_of(texts):
    joined = "".join(texts)
    names = [f"{number}{text}" for number, text in enumerate(texts)]
    book = PresetBook(
        Path(joined.replace("\0", "")),
        tuple(Preset(name, "", joined, Settings()) for name in names),
    )
    app = PlaygroundApp(lambda _name: ScriptedBackend(tuple(texts)), book)
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, joined + "\ud800")
        app.playground.notices.warn(joined)
        app.notify(joined, title=joined, markup=True)
        app.copy_to_clipboard(f"{joined}\ud800")
        assert app.clipboard == joined.encode(errors="backslashreplace").decode() + "\\ud800"
        await pilot.press("left")
        await pilot.pause()
        look(pilot)
        await opens(pilot, "HelpScreen", "f12")
        await opens(pilot, "CommandPalette", "escape", "ctrl+p")


async def test_the_app(hostile_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = SessionsFolder(tmp_path / "sessions")
    app = PlaygroundApp(
        lambda name: LocalBackend(name or str(hostile_model), device="cpu"),
        PresetBook(tmp_path / hostile_name(EVERY), presets()),
        session=start_session(folder),
        sessions=folder,
    )
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, EVERY)
        assert "\\x1b" in look(pilot)
        await pilot.press("f10")
        await opens(pilot, "WhyScreen", "home", "f9")
        await pilot.press("right")
        look(pilot)
        await pilot.press("slash")
        await put(pilot, *TOKENS[::20], EVERY)
        await pilot.press("escape", "n")
        await opens(pilot, "InputScreen", "w")
        await pilot.press("escape")
        await opens(pilot, "ScrubScreen", "s")
        await pilot.press("right", "right", "n", "p")
        await until(pilot, lambda: "raw    run" in look(pilot))
        await opens(pilot, "NamePresetScreen", "k")
        await put(pilot, *NAMES)
        await pilot.press("escape", "escape")
        await opens(pilot, "ScoreScreen", "T")
        await until(pilot, lambda: "bits" in look(pilot))
        await pilot.press("escape", "escape", "escape")

        await pilot.press("f2")
        await run_to_end(pilot, "")
        await opens(pilot, "BeamsScreen", "left", "f9")
        await pilot.press("n", "escape", "f3")
        await run_to_end(pilot, EVERY)
        look(pilot)

        await opens(pilot, "TreeScreen", "ctrl+b")
        await opens(pilot, "InputScreen", "e")
        await put(pilot, *NAMES)
        await pilot.press("escape", "m", "up")
        await opens(pilot, "ComparisonScreen", "c")
        await pilot.press("escape")
        await opens(pilot, "DialogScreen", "d")
        await pilot.press("escape", "escape")

        await opens(pilot, "ChooseColumnsScreen", "alt+c")
        look(pilot)
        await opens(pilot, "ColumnsScreen", "enter")
        await until(pilot, lambda: not app.playground.columns.is_running)
        await pilot.press("n")
        await until(pilot, lambda: "■" in look(pilot))
        await pilot.press("escape")

        await opens(pilot, "InputScreen", "left", "ctrl+s")
        await put(pilot, *NAMES, *(f"{hostile_name(one)[:80]}.md" for one in NAMES))
        assert "saved as" in look(pilot)
        await opens(pilot, "ModelsScreen", "ctrl+o")
        await until(pilot, lambda: "looking…" not in look(pilot))
        await put(pilot, NAMES[0])
        await opens(pilot, "DialogScreen")

        await opens(pilot, "MenuScreen", "escape", "ctrl+x")
        await opens(pilot, "HelpScreen", "escape", "f12")
        await opens(pilot, "CommandPalette", "escape", "ctrl+p", *"preset")
        await until(pilot, lambda: "Preset: 0" in look(pilot))
        await pilot.press("escape", "escape")
        await opens(pilot, "SessionsScreen", "alt+s")
        await until(pilot, lambda: "◉" in look(pilot))
        await opens(pilot, "InputScreen", "e")
        await put(pilot, *NAMES)
        await pilot.press("escape", "escape")


# The program on a model whose every word is an attack.
PROGRAM = """
from tests.hostile_session import hostile_backend
from tui.cli import commands as cli, open_app
open_app.make_backend = lambda *_, **__: hostile_backend()
cli.main()
"""

# What textual writes to draw: modes, colours, places, the shape of the mouse, what is asked for.
OWN = re.compile(
    r"\x1b(?:\[\?(?:7|25|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"
    r"|\[\?(?:2026|2048)\$p|\[(?:0|[34]8;5;\d+|[34]8;2;\d+;\d+;\d+|[1-9]|;)*m|\[\d+;\d+H"
    r"|\[[<>]\d*u|\]22;[a-z-]*\x07)"
)


def copied(written):
    """Take what was copied out of what reached a terminal; return the rest, and what was."""
    found = []

    def take(match):
        found.append(base64.b64decode(match[1], validate=True).decode())
        return ""

    return re.sub(r"\x1b\]52;c;([^\x07]*)\x07", take, written), found


def test_the_bytes_that_reach_a_terminal(tmp_path):
    folder = tmp_path / "gpt2-playground" / "sessions"
    path = folder / f"{hostile_name(NAMES[0])[:200]}.jsonl"
    hostile_session(path)
    home = {f"XDG_{one}_HOME": str(tmp_path) for one in ("CONFIG", "DATA", "STATE")}
    environment = {**os.environ, "TERM": "xterm-256color", "HOME": str(tmp_path), **home}
    terminal = Terminal(120, 40, environment, ("-c", PROGRAM, "--session", str(path)))
    terminal.wait_for("going on with", "before you go on")
    terminal.type("\x1b")
    terminal.wait_for("─ presets ─")
    terminal.type("\x18y")
    terminal.wait_for("characters copied")
    terminal.type("\x02")
    terminal.wait_for("go there")
    terminal.type("q")
    terminal.wait_for("─ presets ─")
    terminal.type("\x1bs")
    terminal.wait_for("◉")
    terminal.type("q")
    terminal.wait_for("─ presets ─")
    terminal.type("\x0c")
    terminal.wait_for("bring back")
    pasted = "".join(one for name, one in ATTACKS.items() if "surrogate" not in name)
    terminal.type(f"\x1b[200~{pasted}\x1b[201~")
    terminal.wait_for("[@click=app.quit]x")
    terminal.type("\r")
    terminal.wait_for("the model ended the text")
    terminal.type("\x11")
    assert terminal.end() == 0

    rest, clipboard = copied(terminal.written.decode())
    left = OWN.sub("", rest)
    harm = [left[match.start() :][:20] for match in re.finditer("[^\n\r\x20-\x7e]", left)]
    assert [one for one in harm if harm_in(one[0])] == []
    assert [bool(text) and harm_in(text) for text in clipboard] == [[]]
    session = open_session(path)
    session.close()
    sent = pasted.replace("\0", "").replace("\r", "\n")
    assert session.state.prompts[-1] == sent, "a paste presses no key"

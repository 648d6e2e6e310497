"""Draw the README's pictures: the real app on the bundled model, driven by its keys.

Run with ``python -m docs.screenshots``; needs ``rsvg-convert`` (librsvg), and for the page of HTML
``chromium``, without which that one stays as it is. Must never show what a person at the keyboard
could not see.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual import constants
from textual.pilot import Pilot

from core.backends.local import LocalBackend
from core.presets.finding import find_presets_file, load_presets
from core.sessions.opening import Session, open_session
from tui.app.playground import PlaygroundApp
from tui.app.screenshot import picture

FOLDER = Path(__file__).parent
SIZE = (110, 32)
ZOOM = "1"
SEED = 11
PAGE = "page"
WIDTH, SHOWN, TALLEST = 1200, 920, 4000

# In all colours, whatever terminal this is started from.
constants.COLOR_SYSTEM = "truecolor"  # type: ignore[misc]

Scene = Callable[[Pilot[None]], Awaitable[None]]


async def settle(pilot: Pilot[None]) -> None:
    """Wait until the model is loaded and nothing runs."""
    app = pilot.app
    if not isinstance(app, PlaygroundApp):
        raise TypeError("the pilot must hold the playground")
    while app.playground.is_busy:
        await pilot.pause(0.1)
    await pilot.pause(0.3)


async def nucleus(pilot: Pilot[None]) -> None:
    """Look back at a step at which the nucleus cut something."""
    await pilot.press("f4", *"A long long time ago,", "enter")
    await settle(pilot)
    await pilot.press("home", *["right"] * 26)


async def beams(pilot: Pilot[None]) -> None:
    """Look at live beams in the middle of a search."""
    await pilot.press("f2", *"A long long time ago,", "enter")
    await settle(pilot)
    await pilot.press("home", *["right"] * 40)


async def why(pilot: Pilot[None]) -> None:
    """Ask why a token was chosen, and what the other presets would have picked."""
    await nucleus(pilot)
    await pilot.press("f9")
    await pilot.pause(2)


async def contest(pilot: Pilot[None]) -> None:
    """Ask why the lead of a beam search changed."""
    await beams(pilot)
    await pilot.press("f9", "n")
    await pilot.pause(1)


async def scrub(pilot: Pilot[None]) -> None:
    """Move the temperature over a finished run."""
    await nucleus(pilot)
    await pilot.press("f9", "s")
    await pilot.pause(3)
    await pilot.press(*["left"] * 8)
    await pilot.pause(3)


async def hand(pilot: Pilot[None]) -> None:
    """Choose some tokens by hand; the next one is still to be chosen."""
    await pilot.press("f4", *"A long long time ago,", "ctrl+r", "enter")
    await settle(pilot)
    for key in ("2", "1", "4", "1", "3", "1"):
        await pilot.press(key)
        await settle(pilot)


async def tree(pilot: Pilot[None]) -> None:
    """Put another candidate in a token's place, twice, and look at the tree."""
    await nucleus(pilot)
    await pilot.press("f9")
    await pilot.pause(1)
    await pilot.press("home", "enter")
    await settle(pilot)
    await pilot.press("ctrl+z", "f1", "home", *["right"] * 3, "f9")
    await pilot.pause(1)
    await pilot.press("home", "down", "enter")
    await settle(pilot)
    await pilot.press("ctrl+b")
    await pilot.pause(1)


async def score(pilot: Pilot[None]) -> None:
    """Ask which presets could have written a sentence."""
    await nucleus(pilot)
    await pilot.press("f9", "t")
    await pilot.pause(1)
    await pilot.press(*"Once upon a time there was a king who loved a dragon.", "enter")
    await pilot.pause(3)


async def columns(pilot: Pilot[None]) -> None:
    """Run a prompt under three presets, and look where they part."""
    await pilot.press(*"A long long time ago,", "alt+c")
    await pilot.pause(1)
    await pilot.press("down", "down", "down", "space", "down", "space", "enter")
    await settle(pilot)
    await pilot.press("n")
    await pilot.pause(1)


async def outlook(pilot: Pilot[None]) -> None:
    """Ask what could be said from a prompt on."""
    await pilot.press("f4", *"A long long time ago,", "alt+o")
    await settle(pilot)
    await pilot.pause(3)


async def search(pilot: Pilot[None]) -> None:
    """Look at a whole beam search as one tree."""
    await beams(pilot)
    await pilot.press("f9")
    await pilot.pause(1)
    await pilot.press("W", "n", "n", "n")
    await pilot.pause(2)


async def dials(pilot: Pilot[None]) -> None:
    """Turn the temperature of a preset before a run, with its effect on the step."""
    await nucleus(pilot)
    await pilot.press("alt+d", *["right"] * 6)
    await pilot.pause(2)


SCENES: dict[str, Scene] = {
    "nucleus": nucleus,
    "beams": beams,
    "why": why,
    "contest": contest,
    "scrub": scrub,
    "hand": hand,
    "tree": tree,
    "score": score,
    "columns": columns,
    "outlook": outlook,
    "search": search,
    "dials": dials,
}


def app_of(session: Session | None = None) -> PlaygroundApp:
    """Return the app on the bundled model."""
    presets = load_presets(find_presets_file(None))
    return PlaygroundApp(lambda _name: LocalBackend("demo"), presets, seed=SEED, session=session)


async def draw(name: str, scene: Scene) -> None:
    """Play one scene and write its picture."""
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await scene(pilot)
        await pilot.pause(0.3)
        drawn = picture(app)
    target = FOLDER / f"{name}.png"
    subprocess.run(["rsvg-convert", "-z", ZOOM, "-o", target], input=drawn.encode(), check=True)
    print(target)


async def killed(path: Path) -> None:
    """Fork a story, ask for more of it, and die while that is written."""
    app = app_of(open_session(path))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await nucleus(pilot)
        await pilot.press("f9")
        await pilot.pause(1)
        await pilot.press("home", "enter")
        await settle(pilot)
        await pilot.press("f3", "enter")
        while len(app.playground.document.turns[-1].steps) < 40:
            await pilot.pause(0.01)
        os.kill(os.getpid(), signal.SIGKILL)


def run_killed(path: Path) -> None:
    """Be the process that is killed."""
    asyncio.run(killed(path))


async def exported(path: Path, target: Path) -> None:
    """Open the session again, and save all its runs from the tree."""
    app = app_of(open_session(path))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+b")
        await pilot.pause(1)
        await pilot.press("ctrl+s", "tab", "tab", "ctrl+u", *str(target), "enter")
        await pilot.pause(1)
    app.playground.close()


def _beginning_of(picture: Path) -> str:
    """Return an SVG of the first rows of a picture of ``WIDTH`` by ``TALLEST``."""
    data = base64.b64encode(picture.read_bytes()).decode("ascii")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{SHOWN}">'
        f'<image href="data:image/png;base64,{data}" width="{WIDTH}" height="{TALLEST}"/></svg>'
    )


def draw_page() -> None:
    """Draw the page of a session that was killed, where there is a browser.

    One token's panel is open.
    """
    browser = shutil.which("chromium")
    if browser is None:
        print("page.png is left as it is: chromium is not here")
        return
    target = FOLDER / f"{PAGE}.png"
    with tempfile.TemporaryDirectory() as folder:
        session, file = Path(folder) / "session.jsonl", Path(folder) / "session.html"
        writer = multiprocessing.get_context("spawn").Process(target=run_killed, args=(session,))
        writer.start()
        writer.join()
        if writer.exitcode != -signal.SIGKILL:
            sys.exit("the session to draw was not killed")
        asyncio.run(exported(session, file))
        whole = Path(folder) / "page.png"
        # Whoever opens a place of the page is at that token, as if it had been pointed at. A window
        # that holds the whole page does not scroll there.
        command = [browser, "--headless", "--no-sandbox", "--hide-scrollbars"]
        command += [f"--window-size={WIDTH},{TALLEST}", f"--screenshot={whole}"]
        subprocess.run([*command, f"{file.as_uri()}#r1t27"], check=True, capture_output=True)
        drawn = _beginning_of(whole)
        subprocess.run(["rsvg-convert", "-o", target], input=drawn.encode(), check=True)
    print(target)


def main() -> None:
    """Draw all scenes, or those named on the command line."""
    if shutil.which("rsvg-convert") is None:
        sys.exit("rsvg-convert is not here; install librsvg2-bin (Debian) or librsvg (Homebrew)")
    for name in sys.argv[1:] or [*SCENES, PAGE]:
        if name == PAGE:
            draw_page()
        else:
            asyncio.run(draw(name, SCENES[name]))


if __name__ == "__main__":
    main()

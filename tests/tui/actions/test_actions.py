"""The table of actions, and all that reads it: key bar, menu, palette, help, README."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import cache

import pytest
from textual.app import App
from textual.command import CommandPalette

from core.backends.scripted import ScriptedBackend
from core.presets.key_name import key_name, told_key
from tests.places import REPOSITORY
from tests.tui.helpers import app_of, make_app, ready, run_to_end, status, until
from tui.actions.everywhere import OF_THE_APP
from tui.actions.keys import all_actions
from tui.actions.main_page import MAIN
from tui.actions.pages import PAGES
from tui.actions.prompt_line import CHOOSE, PROMPT
from tui.help.menu import MenuScreen
from tui.help.screen import HelpScreen, HelpText
from tui.main.presets.screen import PresetsScreen
from tui.main.prompt.input import PromptInput
from tui.models.inspector import InspectorScreen
from tui.models.picker import ModelsScreen
from tui.score.screen import ScoreScreen
from tui.tree.outlook.screen import OutlookScreen
from tui.tree.screen import TreeScreen
from tui.why.beams import BeamsScreen
from tui.why.tokens import WhyScreen
from tui.why.whole import WholeSearchScreen

README = REPOSITORY / "README.md"
SENT_BY_ANY_TERMINAL = {
    *("enter", "escape", "tab", "backspace", "up", "down", "left", "right"),
}
"""Besides letters and signs."""

OPENED_BY: dict[str, tuple[list[str], type]] = {
    "why this token": (["f9"], WhyScreen),
    "why these beams": (["f9"], BeamsScreen),
    "the whole search": (["f9", "W"], WholeSearchScreen),
    "what could be said": (["f9", "O"], OutlookScreen),
    "the tree": (["ctrl+b"], TreeScreen),
    "scoring": (["f9", "t"], ScoreScreen),
    "the inspector": (["f11"], InspectorScreen),
    "models": (["ctrl+o"], ModelsScreen),
    "two presets": (["ctrl+x", "C"], PresetsScreen),
}

OF_BEAMS = ("why these beams", "the whole search")


def test_a_key_means_the_same_on_every_page():
    meanings = defaultdict(set)
    for one in all_actions():
        for key in {*one.keys, one.menu_key} - {"", *SENT_BY_ANY_TERMINAL, "home", "end"}:
            meanings[key_name(key)].add(one.id)
    # A key that opens a page closes it too; sections and the setting's own value are digits.
    may_close = {"F9", "^b", "F11", "^o", "alt+s", "alt+o", "q"}
    several = {
        key: ids
        for key, ids in meanings.items()
        if len(ids - ({"close"} if key in may_close else set())) > 1
    }
    assert {"x", "s", "n", "^s"} <= set(meanings)
    for digit in "12345":  # the number of what is listed: a candidate, or a section
        assert several.pop(digit) == {"", f"section_{digit}"}
    several.pop("alt+←"), several.pop("alt+→")  # one has priority over the prompt
    assert several == {}


def test_every_action_has_a_way_that_any_terminal_sends():
    ways = defaultdict(set)
    for page, actions in PAGES.items():
        for one in actions:
            # The document scrolls with the arrows once tab has led to it; scrubbing's with steps.
            if one.call and not one.id.startswith("scroll") and not one.id.endswith("_typing"):
                ways[page, one.id] |= {*one.keys} & SENT_BY_ANY_TERMINAL | {one.menu_key}
    assert len(ways) > 60
    assert [place for place, keys in ways.items() if keys == {""}] == []


def test_the_menu_of_a_page_has_each_character_once():
    assert len(PAGES) > 5
    for page, actions in PAGES.items():
        owners = defaultdict(set)
        for one in actions:
            if one.menu_key and one.call:
                owners[one.menu_key].add(one.id)
        assert all(len(ids) == 1 for ids in owners.values()), page


def test_the_readme_has_the_tables_keys():
    assert readme_table() in README.read_text(encoding="utf-8")


def readme_table():
    actions = {one.id or one.help: one for one in (*OF_THE_APP, *MAIN)[::-1]}
    rows = ["| key | ctrl+x and | does |", "| --- | --- | --- |"]
    for one in (*PROMPT, *MAIN, *OF_THE_APP):
        if one in PROMPT or actions.pop(one.id, None):
            keys = " ".join(told_key(key) for key in one.keys)
            rows.append(f"| {keys} | {one.letter and f'`{one.letter}`'} | {one.help} |")
    return "\n".join(rows)


PEOPLES_WORDS = [
    *(("score", "Score"), ("export", "Save"), ("compare", "Tree"), ("fork", "Why")),
    *(("temperature", "Scrub"), ("download", "Get the model"), ("history", "Tree")),
    *(("key", "Help"), ("exit", "Quit"), ("branch", "Tree"), ("tree", "Tree")),
    *(("probability", "Why"), ("dark", "Light or dark"), ("colour", "Tint")),
    *(("tokenizer", "Inspect"), ("switch", "Models"), ("cancel", "Stop"), ("undo", "Undo")),
    *(("copy", "Copy"), ("explain", "Why"), ("beam", "Preset: beam"), ("settings", "Scrub")),
    *(("screenshot", "Screenshot"), ("theme", "Theme"), ("seed", "Why")),
    *(("perplexity", "Score"), ("save file", "Save"), ("top_p", "Preset: nucleus")),
]


@cache
def found_by_peoples_words():
    """What the open palette finds by each of them: all in one app, which takes half a second."""

    async def search():
        app = make_app(ScriptedBackend())
        async with app.run_test(size=(100, 50)) as pilot:
            await ready(pilot)
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(app.screen, CommandPalette))
            provider = _provider(app)
            return {
                words: [hit.text async for hit in provider.search(words)]
                for words, _ in PEOPLES_WORDS
            }

    return asyncio.run(search())


@pytest.mark.parametrize(("words", "name"), PEOPLES_WORDS)
def test_the_palette_finds_an_action_by_the_words_that_people_use(words, name):
    found = found_by_peoples_words()[words]
    assert any(text.startswith(name) for text in found), found


def _provider(app):
    from tui.app.palette import PlaygroundCommands

    return PlaygroundCommands(app.main)


async def test_the_palette_shows_the_keys_beside_the_names():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        found = [str(hit.match_display) async for hit in _provider(app).search("tree")]
        assert "Tree  ^b · ^x b" in found


@pytest.mark.parametrize("page", OPENED_BY)
async def test_the_help_of_a_page_shows_the_keys_that_are_bound_there(page):
    keys, kind = OPENED_BY[page]
    app = make_app(ScriptedBackend(), "beam" if page in OF_BEAMS else "greedy")
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press(*keys)
        await until(pilot, lambda: isinstance(app.screen, kind))
        bound = {
            key
            for key, one in app.screen.active_bindings.items()
            if one.node is app.screen and one.binding.action in {a.call for a in PAGES[page]}
        }
        await pilot.press("f12")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        told = str(app.screen.query_one(HelpText).content).split("\n\n")[0]
        column = " ".join(line[:21] for line in told.splitlines()).split()
        assert len(bound) >= 2
        assert {key_name(key) for key in bound} <= set(column)
        await pilot.press("escape")
        assert isinstance(app.screen, kind)


@pytest.mark.parametrize(
    "key", ["f5", "ctrl+b", "f9", "ctrl+l", "ctrl+s", "ctrl+n", "escape", "left"]
)
async def test_a_key_of_the_main_page_that_can_do_nothing_says_why(key):
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        before = status(pilot)
        await pilot.press(key)
        assert app.screen is app.main
        assert app.playground.notices.current is not None
        assert status(pilot) != before


@pytest.mark.parametrize("page", sorted(OPENED_BY.keys() - {"models"}))
async def test_a_key_that_has_no_meaning_on_a_page_says_so(page):
    keys, kind = OPENED_BY[page]
    app = make_app(ScriptedBackend(), "beam" if page in OF_BEAMS else "greedy")
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press(*keys)
        await until(pilot, lambda: isinstance(app.screen, kind))
        for count, key in enumerate(("f5", "ctrl+t"), start=1):
            await pilot.press(key)
            await until(pilot, lambda count=count: len(app._notifications) == count)


async def test_the_menu_does_what_its_characters_say():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("ctrl+x", "x")
        await until(pilot, lambda: isinstance(app.screen, WhyScreen))
        await pilot.press("ctrl+x")
        await until(pilot, lambda: isinstance(app.screen, MenuScreen))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("ctrl+x", "3")
        await until(pilot, lambda: app.playground.next_run.preset.name == "nucleus")
        await pilot.press("ctrl+x", "tab", *["down"] * 4, "enter")
        await until(pilot, lambda: app.playground.next_run.preset.name == "keyless")
        await pilot.press("ctrl+x", "u")
        await until(pilot, lambda: not app.playground.document.turns)
        await pilot.press("ctrl+x", "k")
        await until(pilot, lambda: "no text yet" in status(pilot))


async def test_the_characters_behind_the_menus_key_are_never_typed():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+x", *"Zj%ö", "space", "ctrl+x")
        assert not app_of(pilot).main.prompt.text


FRAMES = (
    "#why-body, #tree-details, #score-input, #inspector-report, #score-presets, #score-text,"
    " #beside-step, #outlook-picked, #whole-picked"
)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40)])
@pytest.mark.parametrize("page", sorted(OPENED_BY.keys() - {"models"}))
async def test_no_page_is_short_of_the_screens_right_edge(page, size):
    keys, kind = OPENED_BY[page]
    app = make_app(ScriptedBackend(), "beam" if page in OF_BEAMS else "greedy")
    async with app.run_test(size=size) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press(*keys)
        await until(pilot, lambda: isinstance(app.screen, kind))
        await pilot.pause()
        frames = [one.region for one in app.screen.query(FRAMES) if one.region.width]
        if page != "the inspector":
            assert frames
        assert all(region.right == size[0] for region in frames)


def test_every_action_of_the_app_is_there_under_the_name_that_the_table_calls():
    app = make_app(ScriptedBackend())
    called = {
        one.call.partition(".")[2].partition("(")[0]
        for one in all_actions()
        if one.call.startswith("app.")
    }
    given = {
        action.__name__
        for part in (
            *(app.guide, app.document, app.steps, app.turning),
            *(app.models, app.appearance, app.sessions, app.runs),
        )
        for action in part.actions()
    }
    assert called - given == set()
    # Those have no action of their own: keys of presets, digits, the menu, which every page has.
    assert given - called == {"pick_preset", "choose", "menu"}


def test_the_app_is_one_class_that_holds_its_parts():
    assert type(make_app(ScriptedBackend())).__mro__[1] is App


def test_the_digits_of_the_prompt_are_those_of_the_table():
    bound = [
        (one.key, one.action, one.key_display)
        for one in PromptInput.BINDINGS
        if one.action.startswith("app.choose")
    ]
    assert bound == [(key, f"app.choose({key})", "1–5") for key in CHOOSE.keys]
    assert CHOOSE in PROMPT

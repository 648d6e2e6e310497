"""Where a model has come from, and a name that means a folder here and a model in the cache."""

from __future__ import annotations

import pytest

from core.backends.scripted import ScriptedBackend
from core.models.catalog import DEMO, default_model, find_model, namesake
from core.models.hub.cache import cached_models
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from tests.core.models.hub.conftest import model_files
from tests.core.models.hub.server import COMMIT
from tests.tui.helpers import app_of, make_app, ready
from tui.cli.commands import run
from tui.common.lines_view import LinesView


@pytest.fixture
def here(tmp_path, monkeypatch, cache):
    """The working directory; return what makes a folder with a model in it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def folder(name, files=None):
        path = tmp_path / "here" / name
        path.mkdir(parents=True)
        for file, content in (files or model_files()).items():
            (path / file).write_bytes(content)
        return path

    return folder


def test_where_a_model_lies(here, put):
    put("owner/cached", model_files())
    here("a-folder")
    places = [find_model(name) for name in (DEMO, "owner/cached", "a-folder", "./a-folder")]

    assert [one.origin for one in places] == ["bundled", "cache", "folder", "folder"]
    assert [one.revision for one in places] == ["", COMMIT, "", ""]
    assert {namesake(name) for name in (DEMO, "owner/cached", "a-folder", "./a-folder")} == {""}


BOTH = "is a folder here, which is used, and a model in the cache, which is"


@pytest.mark.parametrize(
    ("cached", "name", "told"),
    [
        ("openai-community/gpt2-xl", "gpt2-xl", f"{BOTH} --model openai-community/gpt2-xl"),
        ("gpt2-xl", "gpt2-xl", f"{BOTH} --model openai-community/gpt2-xl"),
        ("gpt2-xl", "openai-community/gpt2-xl", f"{BOTH} --model gpt2-xl"),
        ("owner/tiny", "owner/tiny", f"{BOTH} used where there is no such folder"),
    ],
)
def test_a_name_that_is_both(here, put, cached, name, told):
    put(cached, model_files())
    assert (find_model(name).origin, namesake(name)) == ("cache", "")
    folder = here(name)

    assert find_model(name).folder.absolute() == folder
    assert find_model(name).name == str(folder), "as it is called from elsewhere"
    assert namesake(name) == f"{name!r} {told}"
    assert namesake(f"./{name}") == ""
    if "--model" in told:
        other = told.rpartition(" ")[2]
        assert (find_model(other).origin, namesake(other)) == ("cache", "")


def test_a_folder_called_demo(here):
    here(DEMO)

    assert find_model(DEMO).origin == "bundled"
    assert namesake(DEMO) == (
        "'demo' is the bundled model; the folder of that name is --model ./demo"
    )


def test_a_folder_takes_the_place_of_no_model_that_nobody_named(here, put):
    """Neither of the default, nor of one that is picked from those in the cache."""
    snapshot = put("openai-community/gpt2-xl", model_files())
    assert default_model() == "gpt2-xl"
    here("gpt2-xl")

    assert find_model(default_model()).folder == snapshot
    assert [find_model(model.name).folder for model in cached_models()] == [snapshot]


def test_the_command_line_says_so(here, put, tiny_model, capfd):
    put("openai-community/gpt2", tiny_model)
    folder = here("gpt2", tiny_model)
    sentence = f"'gpt2' {BOTH} --model openai-community/gpt2"
    said = {}
    for arguments in (["generate", "w1", "--steps", "1"], ["info"]):
        assert run([*arguments, "--model", "gpt2"]) == 0
        said[arguments[0]] = " ".join(capfd.readouterr())
    (here("texts", {"text": b"w1 w2"}) / "text").exists()
    assert run(["score", "texts/text", "--model", "gpt2", "--preset", "greedy"]) == 0
    said["score"] = " ".join(capfd.readouterr())

    assert [command for command, one in said.items() if sentence not in one] == []
    # The name that is kept in a session, which may be opened from another working directory.
    assert f"model: {folder} (folder), cpu" in said["generate"]
    with pytest.raises(PlaygroundError):
        find_model("gpt2-medium")


@pytest.mark.parametrize("origin", ["bundled", "folder", "cache"])
async def test_the_title_says_where_a_model_has_come_from(origin):
    info = ModelInfo("gpt2", "cpu", "float32", 410_000, 1024, 2048, origin=origin, note="ah: two")
    async with make_app(ScriptedBackend(info=info)).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        title = app_of(pilot).main.query_one("#model", LinesView).plain
        assert title == f"gpt2-playground  gpt2 · {origin} · cpu · float32 · 410k"

"""Links and other things in the way of a download: nothing is written through them."""

from __future__ import annotations

import hashlib
import os

import pytest

from core.models.hub.download import download, find_cached
from core.records.errors import PlaygroundError
from tests.core.models.hub.conftest import model_files
from tests.core.models.hub.server import COMMIT, git_hash

NAME = "owner/tiny"
FILES = model_files()
DIGEST = hashlib.sha256(FILES["model.safetensors"]).hexdigest()
SMALL_DIGEST = git_hash(FILES["config.json"])
PRECIOUS = "something of the user's own, longer than any of the files that come " * 2000

PLACES = {
    "a file that comes": f"blobs/{DIGEST}.incomplete",
    "a small file that comes": f"blobs/{SMALL_DIGEST}.incomplete",
    "a file that has come": f"blobs/{DIGEST}",
    "a file of the snapshot": f"snapshots/{COMMIT}/config.json",
    "a file of the snapshot aside": f"snapshots/{COMMIT}/.config.json.new",
    "the reference": "refs/main",
    "the reference aside": "refs/.main.new",
}


@pytest.fixture
def repository(hub, cache):
    hub.add(NAME, FILES)
    return cache / f"models--{NAME.replace('/', '--')}"


@pytest.fixture
def precious(tmp_path):
    file = tmp_path / "precious"
    file.write_text(PRECIOUS)
    return file


def fetch():
    """Download, or be told that it cannot be; return what is said."""
    try:
        download(NAME, lambda _: None, lambda: False)
    except PlaygroundError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_written_through_a_link(repository, precious, place, link):
    at = repository / PLACES[place]
    at.parent.mkdir(parents=True)
    link(precious, at)
    said = fetch()

    assert precious.read_text() == PRECIOUS
    if said:
        assert said == f"{at} is a link or no file, and is not written to; delete it"
        at.unlink()
        assert fetch() == ""
    assert find_cached(NAME) is not None
    assert precious.read_text() == PRECIOUS


@pytest.mark.parametrize("place", PLACES)
def test_a_link_to_nowhere_makes_no_file_there(repository, tmp_path, place):
    at = repository / PLACES[place]
    at.parent.mkdir(parents=True)
    at.symlink_to(tmp_path / "nowhere")
    fetch()

    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("place", ["a file that comes", "a small file that comes"])
def test_a_pipe_is_not_waited_for(repository, place):
    at = repository / PLACES[place]
    at.parent.mkdir(parents=True)
    os.mkfifo(at)

    assert fetch() == f"{at} is a link or no file, and is not written to; delete it"

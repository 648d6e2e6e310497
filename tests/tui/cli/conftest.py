"""What the tests of the command line share: the command line in this process, and its model."""

from __future__ import annotations

import pytest

from core.backends.scripted import ScriptedBackend
from tests.places import REPOSITORY
from tui.cli import generate
from tui.cli.commands import run


@pytest.fixture
def in_the_repository(monkeypatch):
    """Its presets are those that are found."""
    monkeypatch.chdir(REPOSITORY)


@pytest.fixture
def backend(monkeypatch):
    """A scripted backend in the place of a model; ``backend.choices`` is what it was asked for."""
    backend = ScriptedBackend()

    def make_backend(choices, model):
        backend.choices = choices
        return backend

    monkeypatch.setattr(generate, "make_backend", make_backend)
    return backend


@pytest.fixture
def cli(capfd):
    """Run the command line; return its exit code, standard output and standard error."""

    def cli(*arguments):
        code = run(arguments)
        out, err = capfd.readouterr()
        return code, out, err

    return cli

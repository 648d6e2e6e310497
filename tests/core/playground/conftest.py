"""What more than one file of the playground's tests needs set up."""

from __future__ import annotations

import pytest

from tests.core.playground.played import Played


@pytest.fixture
def play():
    """Make playgrounds that are closed at the end."""
    made = []

    def make(*args, **more):
        made.append(Played(*args, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()

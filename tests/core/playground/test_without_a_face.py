"""A script drives the playground as the app does, and loads no front end for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.playground.changes import Changes
from tests.core.playground.played import gated
from tests.places import REPOSITORY

PRESETS = """\
presets:
  greedy: {key: f1, settings: {max_new_tokens: 4}}
  nucleus: {key: f2, settings: {do_sample: true, top_p: 0.9, top_k: 0, max_new_tokens: 4}}
"""


@pytest.mark.parametrize("which", ["scripted", "demo"])
def test_a_script_drives_it(tmp_path, which):
    presets = tmp_path / "presets.yaml"
    presets.write_text(PRESETS)
    command = [sys.executable, "-m", "tests.core.playground.driven", which, str(presets)]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.stdout.startswith("driven "), done.stderr


class TestWaiting:
    def test_until_all_has_come(self, play):
        backend, gate = gated()
        one = play(backend)
        gate.release(9)
        one.playground.prompts.send("Once")
        changes = one.playground.wait_until_at_rest()
        assert (changes.anything, changes.steps, changes.keys) == (True, 3, True)
        assert not one.playground.is_busy
        assert one.playground.wait_until_at_rest(0) == Changes()

    def test_no_longer_than_it_is_told_to(self, play):
        backend, gate = gated()
        one = play(backend)
        one.playground.prompts.send("Once")
        with pytest.raises(TimeoutError, match=r"not at rest after 0\.02 s"):
            one.playground.wait_until_at_rest(0.02)
        gate.release(9)
        one.settle()

    def test_what_came_is_told_in_one(self):
        whole = Changes(steps=2, returned_prompt="Once", failure="")
        whole.add(Changes(anything=True, steps=1, keys=True, failure="it failed"))
        assert whole == Changes(True, 3, True, "Once", "it failed")
        whole.add(Changes())
        assert whole == Changes(True, 3, True, "Once", "it failed")
        whole.add(Changes(returned_prompt=""))
        assert whole.returned_prompt == ""

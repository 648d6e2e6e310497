"""A program that is killed at any moment leaves all but the last second."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time

import pytest

from core.sessions.opening import open_session
from core.sessions.reading import read_contents

WRITER = """
import sys, time
from pathlib import Path
from core.records.steps import Candidate, Distribution, TokenStep
from core.sessions.opening import open_session
from tests.core.sessions.recorded import Recorded

session = open_session(Path(sys.argv[1]))
session.settled()
work = Recorded(session.record)
work.send("Once upon", until=0)
token = Candidate(7, " a", -1.5, -0.5, 1)
step = TokenStep(0, token, Distribution((token,) * 5, 3.25, 50), " a", 0.125)
told = 0
while True:
    session.record(step)
    told += 1
    print(told, time.monotonic(), flush=True)
    time.sleep(0.001)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="clocks of two programs")
def test_killed_at_any_moment_all_but_the_last_second_is_there(tmp_path):
    paths = [tmp_path / f"{number}.jsonl" for number in range(3)]
    moments = [least + secrets.randbelow(500) / 1000 for least in (1.1, 0.0, 0.0)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        for path in paths
    ]
    for path, writer, moment in zip(paths, writers, moments, strict=True):
        writer.stdout.readline()
        time.sleep(moment)
        writer.kill()
        killed = time.monotonic()
        lines = [line.split() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        writer.stdout.close()
        told = [int(number) for number, at in lines if float(at) < killed - 1.0]
        contents = read_contents(path.read_bytes())
        (node,) = contents.state.tree.nodes
        assert len(node.run.steps) >= max(told, default=0)
        assert len(node.run.steps) > 0
        session = open_session(path)
        assert session.is_saved
        assert len(session.state.tree.nodes) == 1
        assert all("is not whole" in note for note in session.notes)
        assert session.close()

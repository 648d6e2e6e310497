"""The report on a model as text, made in a process of its own.

So whoever only asks what a model is keeps neither torch nor transformers, and nothing that these
make of a configuration of anywhere. Must never import a model library.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from core.records.errors import PlaygroundError

_PROGRAM = Path(__file__).with_name("program.py")


def report_apart(folder: Path, name: str, note: str = "", *, is_json: bool = False) -> str:
    """Return what ``inspect_model`` reports, as lines for people or as one JSON object in ASCII.

    Raises:
        PlaygroundError: As ``inspect_model`` raises it, or its process ended without an answer.
    """
    question = {"folder": str(folder.absolute()), "name": name, "note": note, "is_json": is_json}
    code, said = run_program(_PROGRAM, json.dumps(question).encode())
    try:
        answer = json.loads(said)
    except ValueError as error:
        raise PlaygroundError(
            f"nothing can be told of {name!r}: what reads its files ended with code"
            f" {code}; look whether this machine has memory left"
        ) from error
    if "error" in answer:
        raise PlaygroundError(answer["error"])
    return str(answer["report"])


def run_program(program: Path, question: bytes) -> tuple[int, bytes]:
    """Return the code with which a process ends that is given a question, and what it says."""
    # -P, not -m: no "core" or "transformers" in the working directory may be found.
    done = subprocess.run(  # noqa: S603 (this Python, with a file of the program's own)
        [sys.executable, "-P", str(program)],
        input=question,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",  # the working directory may be removed, without which torch ends a process
        check=False,
    )
    return done.returncode, done.stdout

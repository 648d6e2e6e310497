"""Mutants of the modules that ``[tool.mutmut]`` names, drawn with a seed and tried by mutmut.

There are some 7,000, which take hours. Whoever names some, as ``core.document.tree.*``, has those
tried alone. Must never be imported by a test: mutmut is not installed where tests run.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from pathlib import Path

from mutmut.configuration import config
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name


def main():
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("names", nargs="*", help="which mutants, as mutmut calls them")
    parser.add_argument("--draw", type=int, default=200, help="how many, where none is named")
    parser.add_argument("--seed", type=int, default=17, help="which ones these are")
    asked = parser.parse_args()
    names = asked.names or drawn(asked.draw, asked.seed)
    sys.exit(subprocess.call([sys.executable, "-m", "mutmut", "run", *names]))


def drawn(count, seed):
    paths = sorted(path for path in Path("core").rglob("*.py") if config().should_mutate(path))
    names = [
        get_mutant_name(path, name)
        for path in paths
        for name in mutate_file_contents(str(path), path.read_text("utf-8")).mutant_names
    ]
    dice = random.Random(seed)  # noqa: S311 - no secret, but the same again
    return dice.sample(names, min(count, len(names)))


if __name__ == "__main__":
    main()

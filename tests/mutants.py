"""Mutants of the modules that ``[tool.mutmut]`` names, drawn with a seed and tried by mutmut.

There are some 7,500, which take hours: a sample is tried, for so many minutes at most, and those
that no test noticed are told with what was changed. Whoever names some, as
``core.document.tree.*``, has a sample of those. Must never be imported by a test: mutmut is not
installed where tests run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

from mutmut.configuration import config
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name

NOTICED = ("killed", "timeout", "segfault", "caught by type check")
MUTMUT = (sys.executable, "-m", "mutmut")


def main():
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("names", nargs="*", help="of which mutants, as mutmut calls them; * is any")
    parser.add_argument("--draw", type=int, default=200, help="how many of them")
    parser.add_argument("--seed", type=int, default=17, help="which ones these are")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it may take")
    parser.add_argument("--at-once", type=int, default=2, help="how many are tried at a time")
    asked = parser.parse_args()
    until = time.monotonic() + 60 * asked.minutes
    names = drawn(asked.names or ["*"], asked.draw, asked.seed)
    if not names:
        sys.exit("make mutants: there are none of that name")
    begun = time.time()
    code = tried(names, asked.at_once, until)
    statuses = statuses_since(begun, names)
    report(names, statuses)
    sys.exit(code if not statuses else 0)


def drawn(patterns, count, seed):
    paths = sorted(path for path in Path("core").rglob("*.py") if config().should_mutate(path))
    names = [
        get_mutant_name(path, name)
        for path in paths
        for name in mutate_file_contents(str(path), path.read_text("utf-8")).mutant_names
    ]
    names = [name for name in names if any(fnmatch(name, one) for one in patterns)]
    dice = random.Random(seed)  # noqa: S311 - no secret, but the same again
    return dice.sample(names, min(count, len(names)))


def tried(names, at_once, until):
    """Have mutmut try them until ``until``; return its exit code."""
    command = (*MUTMUT, "run", "--max-children", str(at_once), *names)
    running = subprocess.Popen(command, start_new_session=True)
    try:
        return running.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        print("\nthe time is over", flush=True)
        return 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def statuses_since(begun, names):
    """How those ended that were tried; mutmut writes it down with each one."""
    found = {}
    for path in Path("mutants").rglob("*.meta"):
        if path.stat().st_mtime >= begun:
            codes = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
            found |= {name: codes.get(name) for name in names if name in codes}
    return {name: status_by_exit_code[code] for name, code in found.items() if code is not None}


def report(names, statuses):
    counts = Counter(statuses.values())
    told = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    print(f"\n{len(names)} drawn, {len(statuses)} tried: {told or 'none'}")
    for name in sorted(statuses):
        if statuses[name] not in NOTICED:
            shown = subprocess.run((*MUTMUT, "show", name), capture_output=True, text=True)
            lines = [
                line
                for line in shown.stdout.splitlines()
                if line[:1] in "+-" and line[1:2] != line[:1]
            ]
            print(f"\n{statuses[name]}: {name}", *lines, sep="\n")


if __name__ == "__main__":
    main()

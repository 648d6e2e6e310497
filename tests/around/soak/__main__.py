"""Drive the program at random and hold it against its limits: ``make soak ARGS="--minutes 5"``.

Tells how it stands each minute, and prints a table of figures at its end or when ctrl+c ends it;
exits with 1 where a limit is broken or the program ended by itself. What a person does is decided
by ``--seed``; when things happen is not. Others who use the machine make keys late.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import psutil
from tqdm import tqdm

from tests.around.soak.figures import Figures, Sample
from tests.around.soak.kept import Kept
from tests.around.soak.keys import LONG_PRESETS, timed_keys
from tests.around.soak.person import NEW_SESSION, Person
from tests.terminal import Terminal

MINUTES = 30.0
SAMPLE_SECONDS = 5.0
MINUTE = 60.0
KEYS_SECONDS = 4.0
"""So often keys are timed."""

MOST_KEPT, LARGEST_FILE = 90_000, 200 * 2**20
"""Tokens of a session, and bytes of its file, after which a new one is begun: it would be full."""

ROOT = Path(__file__).parents[3]
VOCABULARY = 2048  # of the bundled model


def drive(minutes, seed, home):
    """Use the program for so many minutes; return the figures, and complaints of other kinds."""
    presets = home / "presets.yaml"
    presets.write_text((ROOT / "presets.yaml").read_text() + LONG_PRESETS)
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
        **{f"XDG_{one}_HOME": str(home / one.lower()) for one in ("CONFIG", "DATA", "STATE")},
    }
    program = ("-m", "tui", "--presets", str(presets))
    terminal = Terminal(100, 30, environment, program, folder=home)
    terminal.process.delaybeforesend = None  # pexpect's, for those who type passwords
    terminal.wait_for("presets", "F1", "run")
    terminal.look(3.0)
    process = psutil.Process(terminal.process.pid)
    dice = random.Random(seed)  # noqa: S311 - no secret
    person = Person(terminal, dice)
    kept = Kept(home / "data", VOCABULARY)
    _warm_up(terminal, person, dice)
    figures = Figures(process.memory_full_info().uss)
    last = "nothing"
    try:
        for done in _things_done(terminal, process, person, kept, dice, figures, minutes):
            last = done
    except KeyboardInterrupt:
        print("ended by ctrl+c: these are the figures until then", file=sys.stderr)
    return figures, _complaints(terminal, home, last)


def _things_done(terminal, process, person, kept, dice, figures, minutes):
    """Do one thing after the other for so many minutes, and measure; yield what each was."""
    began = time.monotonic()
    until = began + 60 * minutes
    sample_due = keys_due = began
    minute_due = began + MINUTE
    last = "nothing"
    with tqdm(total=round(60 * minutes), unit="s", mininterval=1.0) as bar:
        while (now := time.monotonic()) < until and terminal.process.isalive():
            bar.update(round(now - began) - bar.n)
            kept.read()
            if now >= sample_due:
                sample_due = now + SAMPLE_SECONDS
                memory = process.memory_full_info().uss
                figures.samples.append(Sample(now - began, memory, kept.tokens, kept.logits))
                bar.set_postfix_str(f"{memory / 2**20:.0f} MB, {kept.tokens:,} tokens, {last}")
            if now >= minute_due:
                minute_due += MINUTE
                bar.write(figures.sentence(), file=sys.stderr)
            if kept.tokens >= MOST_KEPT or kept.file_size >= LARGEST_FILE:
                terminal.type(NEW_SESSION)
                terminal.look(1.0)
            elif now >= keys_due:
                keys_due = now + KEYS_SECONDS
                for kind, seconds in timed_keys(terminal, person, kept, dice):
                    figures.answers.setdefault(kind, []).append(seconds)
            else:
                last = person.do_something()
                yield last


def _warm_up(terminal, person, dice):
    """Do everything once, so that what is loaded when it is needed is there; then begin anew."""
    for thing in ("pick a preset", "run", *person.THINGS):
        person.do(thing)
    terminal.resize(100, 30)
    terminal.type(NEW_SESSION)
    terminal.look(2.0)


def _complaints(terminal, home, last):
    reports = [one.read_text() for one in home.rglob("fault-*.txt")]
    if not terminal.process.isalive():
        said = f"the program ended by itself, with {terminal.end()}, after: {last}"
        return [said, *reports]
    terminal.type("\x1b")
    terminal.look(0.5)
    terminal.type("\x11")
    code = terminal.end()
    found = [] if code == 0 else [f"ctrl+q ended with {code}"]
    if reports or b"Traceback" in terminal.written:
        found += ["the program told of a fault", *reports]
    return found


def main():
    asked = argparse.ArgumentParser(prog="make soak", description=__doc__)
    asked.add_argument("--minutes", type=float, default=MINUTES, help=f"default: {MINUTES:g}")
    asked.add_argument("--seed", type=int, default=1)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as home:
        figures, complaints = drive(options.minutes, options.seed, Path(home))
    print(figures.table())
    complaints += figures.complaints()
    for sentence in complaints:
        print(f"✗ {sentence}", file=sys.stderr)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()

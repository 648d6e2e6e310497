"""How long a key waits for its answer while the model writes as fast as it can.

Timed is from the key's being written to the terminal until the first bytes in which its answer is
seen: a letter that nothing else writes, or the words of a page. A long run goes on when
it is pressed, or it does not count: by the time that the session's file says its steps took.

Must never leave out a key because its answer was late.
"""

from __future__ import annotations

import time

from tests.around.soak.person import F12, SIZES

LONG_RUNS = {"sampling": "\x1bu", "five beams": "\x1bi"}  # alt+u, alt+i
LONG_PRESETS = """
  long:
    key: alt+u
    settings: {max_new_tokens: 900, min_new_tokens: 900, do_sample: true, top_p: 0.9, top_k: 0}
  long beams:
    key: alt+i
    settings: {max_new_tokens: 120, min_new_tokens: 120, num_beams: 5}
"""

_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяґєіїўђјљњћџ"  # no model here writes them
_PATIENCE = 5.0
_PAGES = 0.3  # how often the last key opens a page
_MOST = 4.0  # seconds to wait for the run's end


def timed_keys(terminal, person, kept, dice):
    """Begin a long run, press keys while it goes on, and return ``(kind, seconds)`` of each."""
    person.come_back()
    run, preset = dice.choice(tuple(LONG_RUNS.items()))
    for keys in ("\x0c", preset):  # alone in the context, there is room for it
        terminal.type(keys)
        terminal.look(0.2)
    kept.read()
    ended = len(kept.ends)
    terminal.type("Once")
    terminal.look(0.2)
    began = time.perf_counter()
    terminal.type("\r")
    found = []
    terminal.gather(dice.uniform(0.02, 0.1))
    kinds = [("letter", None, "")] * dice.randint(2, 6)
    if dice.random() < _PAGES:
        kinds.append(("help", F12, "Esc closes"))
    letters = dice.sample(_LETTERS, len(kinds))
    for letter, (kind, key, answer) in zip(letters, kinds, strict=True):
        written = time.perf_counter()
        seconds = terminal.answer_seconds(key or letter, (answer or letter).encode(), _PATIENCE)
        found.append((f"{kind}, {run}", written, seconds))
        terminal.gather(dice.uniform(0.0, 0.03))
    until = time.perf_counter() + _MOST
    while len(kept.ends) <= ended and time.perf_counter() < until:
        terminal.gather(0.1)
        kept.read()
    terminal.resize(*SIZES[0] if terminal.screen.columns > SIZES[0][0] else SIZES[1])
    terminal.look(0.3)  # all is drawn anew: of what came meanwhile nothing was
    person.come_back()
    took = kept.ends[ended] if len(kept.ends) > ended else 0.0
    # The run began after Enter was written, so that it went on for as long after that, at least.
    return [(kind, seconds) for kind, at, seconds in found if at < began + took]

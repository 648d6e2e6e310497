"""What a person does with the program, in no order: each thing is some keys.

Must never press ctrl+q, nor what fetches or switches a model.
"""

from __future__ import annotations

ESCAPE = "\x1b"
LEFT, RIGHT, UP, DOWN, HOME, END = (f"\x1b[{one}" for one in "DCABHF")
PAGE_UP, PAGE_DOWN = "\x1b[5~", "\x1b[6~"
F9, F10, F11, F12 = "\x1b[20~", "\x1b[21~", "\x1b[23~", "\x1b[24~"
PRESETS = ("\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", *(f"\x1b[{one}~" for one in (15, 17, 18, 19)))
CTRL_R, BY_HAND = "\x12", "◇ by hand"
NEW_SESSION, SESSIONS = "\x1bn", "\x1bs"

PROMPTS = (
    "Once upon a time",
    " and then",
    "In the old house by the sea",
    "Ein Mädchen namens Zoë fand",
    "日本の昔話に、",
    "🦊 met 🐻‍❄️ and",
    "e\u0301te\u0301, مرحبا, \u202eabc",
    'She said, "',
)
WORDS = ("temperature", "theme", "copy", "legend", "zzz")
SIZES = ((80, 24), (100, 30), (120, 40), (200, 60), (60, 18), (91, 27))
ENDS = ("html", "svg", "md", "jsonl", "csv", "txt")


class Person:
    """Does things at random, as ``dice`` fall, in a ``terminal``."""

    def __init__(self, terminal, dice):
        self._terminal, self._dice = terminal, dice
        self._saved = 0

    THINGS = {  # noqa: RUF012 - with how often, beside the others
        "run": 30,
        "write on": 8,
        "pick a preset": 14,
        "stop": 8,
        "look back": 8,
        "fork": 6,
        "why": 6,
        "scrub": 5,
        "score": 3,
        "write here": 3,
        "tree": 6,
        "undo": 4,
        "by hand": 4,
        "clear": 10,
        "save": 3,
        "help": 3,
        "palette": 3,
        "inspect": 1,
        "tint": 2,
        "tokens": 2,
        "paste": 2,
        "resize": 5,
        "mouse": 3,
        "sessions": 1,
    }

    def do_something(self):
        """Do one thing and come back to the main page; return what it was."""
        thing = self._dice.choices(tuple(self.THINGS), tuple(self.THINGS.values()))[0]
        self.do(thing)
        return thing

    def do(self, thing):
        getattr(self, "_" + thing.replace(" ", "_"))()
        self.come_back()

    def come_back(self):
        """Close what stands over the main page, and leave nothing typed."""
        for _ in range(6):
            self._press(ESCAPE, wait=0.15)
            if "esc close" not in self._terminal.screen.display[-1].lower():
                break
        self._press("\x15", wait=0.02)
        self._leave_by_hand()

    def _leave_by_hand(self):
        """Have presets run by themselves, as far as the screen tells: a run refuses the key."""
        for _ in range(4):
            if not any(BY_HAND in line for line in self._terminal.screen.display):
                break
            self._press(CTRL_R, wait=0.3)

    def _press(self, *keys, wait=None):
        for key in keys:
            self._terminal.type(key)
            self._terminal.look(self._dice.uniform(0.02, 0.2) if wait is None else wait)

    def _some(self, keys, most):
        self._press(*self._dice.choices(keys, k=self._dice.randint(1, most)), wait=0.04)

    def _run(self):
        self._press(self._dice.choice(PROMPTS), "\r", wait=0.05)
        self._terminal.look(self._dice.uniform(0.1, 1.5))

    def _write_on(self):
        self._press("\r")
        self._terminal.look(self._dice.uniform(0.1, 1.0))

    def _pick_a_preset(self):
        self._press(self._dice.choice(PRESETS))

    def _stop(self):
        self._press(self._dice.choice(PROMPTS) + "\r", wait=self._dice.uniform(0.02, 0.3))
        self._press(ESCAPE)

    def _look_back(self):
        self._some((LEFT, LEFT, RIGHT, HOME, END, PAGE_UP, PAGE_DOWN), 15)

    def _fork(self):
        self._some((LEFT,), 12)
        self._press(F9, DOWN, DOWN, "\r", wait=0.2)
        self._terminal.look(self._dice.uniform(0.1, 0.8))

    def _why(self):
        self._press(F9, wait=0.3)
        self._some((LEFT, LEFT, RIGHT, "n", DOWN, UP, PAGE_DOWN), 12)
        self._press("/", "the", "\r")

    def _scrub(self):
        self._press(F9, "s", wait=0.4)
        self._some((LEFT, RIGHT, UP, DOWN, "n", "p", "0", "f", "-", "+"), 15)
        if self._dice.random() < 0.3:
            self._press("r", wait=0.5)

    def _score(self):
        self._press(F9, "t", wait=0.3)
        self._press(self._dice.choice(PROMPTS), "\r", wait=0.5)
        self._some((LEFT, RIGHT), 6)

    def _write_here(self):
        self._some((LEFT,), 8)
        self._press("\x18", "w", wait=0.2)
        self._press(" a dragon", "\r", wait=0.3)

    def _tree(self):
        self._press("\x02", wait=0.3)
        self._some((UP, DOWN, PAGE_UP, PAGE_DOWN, HOME, END), 8)
        what = self._dice.random()
        if what < 0.4:
            self._press("\r", wait=0.3)
        elif what < 0.6:
            self._press("e", f"branch {self._dice.randint(1, 99)}", "\r")
        elif what < 0.8:
            self._press("m", UP, UP, "c", wait=0.2)

    def _undo(self):
        self._some(("\x1a", "\x1a", "\x19"), 5)

    def _by_hand(self):
        self._press(CTRL_R)
        self._some(("1", "2", "3", "4", "5", "\r"), 8)

    def _clear(self):
        self._press("\x0c")

    def _save(self):
        self._saved += 1
        self._press("\x13", wait=0.2)
        if self._dice.random() < 0.4:
            self._press("\t")
        # The name that is offered goes.
        self._press("\x05\x15", f"run-{self._saved}.{self._dice.choice(ENDS)}", "\r", wait=0.2)

    def _help(self):
        self._press(F12, DOWN, PAGE_DOWN)

    def _palette(self):
        self._press("\x10", self._dice.choice(WORDS), DOWN, wait=0.3)

    def _inspect(self):
        self._press(F11, wait=0.5)
        self._some(("\t", "n", PAGE_DOWN, "2"), 5)

    def _tint(self):
        self._press("\x14")

    def _tokens(self):
        self._press(F10, self._dice.choice(PROMPTS), F10)

    def _paste(self):
        lines = [self._dice.choice(PROMPTS) for _ in range(self._dice.randint(1, 12))]
        self._press(f"\x1b[200~{' '.join(lines)}\x1b[201~", "\r", wait=0.2)

    def _resize(self):
        self._terminal.resize(*self._dice.choice(SIZES))
        self._terminal.look(0.1)

    def _mouse(self):
        x, y = self._dice.randint(1, 60), self._dice.randint(3, 16)
        button = self._dice.choice((0, 64, 65))
        self._press(f"\x1b[<{button};{x};{y}M")
        if not button:
            self._press(f"\x1b[<0;{x};{y}m")

    def _sessions(self):
        self._press(SESSIONS, DOWN, UP)

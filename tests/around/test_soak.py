"""What a drive of ``make soak`` makes of what it measured; the drive itself takes half an hour."""

from __future__ import annotations

import random

import pytest

from tests.around.soak.figures import LOGITS_CEILING, MIB, ROOM, Figures, Sample
from tests.around.soak.kept import Kept
from tests.around.soak.person import BY_HAND, CTRL_R, Person

QUICK = {"letter": [0.01] * 99 + [0.3]}


def drive_of(*samples, answers=QUICK):
    return Figures(200 * MIB, [Sample(*one) for one in samples], answers)


def test_what_grows_with_the_tokens_and_the_logits_breaks_no_limit():
    figures = drive_of(
        (0, 200 * MIB, 0, 0),
        (10, 420 * MIB, 10_000, 200 * MIB),
        (20, 900 * MIB, 90_000, 1800 * MIB),  # of which the program drops all over its ceiling
        (30, 860 * MIB, 0, 0),  # a new session: what was freed stays with the process
    )
    assert figures.complaints() == []
    assert figures.beyond(2) == 900 * MIB - 200 * MIB - LOGITS_CEILING
    assert figures.sentence().startswith("30 s: 860 MB, 0 tokens, 148 MB beside logits of 208 MB")
    assert "| 20 s | 900 MB | 90,000 | 512 MB | 188 MB | 208 MB |" in figures.table()


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ((9, 200 * MIB + ROOM + 3000 * 10_000, 10_000, 0), "after 9 s it took 61 MB"),
        ((9, 900 * MIB, 10_000, 600 * MIB), "after 9 s it took 188 MB beside logits"),
    ],
)
def test_more_memory_than_what_is_kept_needs_is_told(sample, told):
    (complaint,) = drive_of((0, 200 * MIB, 0, 0), sample).complaints()
    assert told in complaint


def test_late_and_too_few_answers_are_told():
    assert "after 300 ms" in drive_of(answers={"letter": [0.01] * 97 + [0.3] * 3}).complaints()[0]
    assert "only 5 keys" in drive_of(answers={"letter": [0.01] * 5}).complaints()[0]


def test_tokens_are_counted_in_the_newest_session_as_it_grows(tmp_path):
    run = b'{"type":"run","settings":{"do_sample":true}}\n'
    step = b'{"type":"step","text":"\\"elapsed\\":9","elapsed":0.5,"is_special":false}\n'
    beams = b'{"type":"beam_step","elapsed":0.75}\n'
    kept = Kept(tmp_path, 2048)
    (tmp_path / "one.jsonl").write_bytes(run + step * 3 + beams + step[:20])
    kept.read()
    assert (kept.tokens, kept.logits) == (4, 3 * (4 * 2048 + 5056))
    with (tmp_path / "one.jsonl").open("ab") as session:
        session.write(step[20:] + b'{"type":"finished"}\n')
    kept.read()
    assert (kept.tokens, kept.ends) == (5, [0.5])
    (tmp_path / "two.jsonl").write_bytes(step)
    kept.read()
    assert (kept.tokens, kept.logits) == (1, 4 * 2048 + 5056)


class Still:
    """A terminal in which nothing happens."""

    def __init__(self):
        self.screen, self.typed = self, []
        self.display = ["esc stop"]

    def type(self, keys):
        self.typed.append(keys)

    def look(self, seconds):
        pass

    def resize(self, columns, rows):
        self.typed.append((columns, rows))


def test_one_seed_does_the_same_things_and_never_leaves_or_fetches():
    def typed(seed):
        terminal = Still()
        person = Person(terminal, random.Random(seed))  # noqa: S311 - no secret
        done = [person.do_something() for _ in range(400)]
        return done, terminal.typed

    done, keys = typed(7)
    assert typed(7) == (done, keys) != typed(8)
    assert set(done) == set(Person.THINGS)
    assert not {"\x11", "\x0e", "\x0f"} & set(keys)


def test_whatever_a_run_refused_the_drive_does_not_stay_by_hand():
    class ByHand(Still):
        def type(self, keys):
            super().type(keys)
            if keys == CTRL_R and self.typed.count(CTRL_R) != 2:  # the second comes during a run
                self.display = ["esc stop"] if BY_HAND in self.display[0] else [f" {BY_HAND} · 3"]

    terminal = ByHand()
    Person(terminal, random.Random(1)).do("by hand")  # noqa: S311 - no secret
    assert (terminal.typed.count(CTRL_R), terminal.display) == (3, ["esc stop"])

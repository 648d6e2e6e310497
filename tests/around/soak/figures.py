"""What a drive has measured, what the limits make of it, and both as a table.

Must never measure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

MIB = 2**20
LOGITS_CEILING = 512 * MIB
"""In bytes: what the program says that it keeps of logits at most."""

BYTES_A_TOKEN = 2048
"""What a token may take that is kept, beside its logits."""

ROOM = 32 * MIB
"""In bytes: what comes and goes with a page, a paste or an export, whatever is kept."""

LONGEST_ANSWER = 0.05
"""In seconds, for 99 of 100 keys."""

FEWEST_ANSWERS = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """The program at one moment: seconds since the drive began, and its own bytes.

    ``tokens`` are those of the session at hand, ``logits`` the bytes that were recorded in it.
    """

    at: float
    memory: int
    tokens: int
    logits: int


@dataclass(slots=True)
class Figures:
    """The samples of a drive and the answers to its keys; ``base`` is what it takes to begin with.

    Memory that was freed stays with the process for what comes next, so that it is held against the
    most that any session kept until then.
    """

    base: int
    samples: list[Sample] = field(default_factory=list)
    answers: dict[str, list[float]] = field(default_factory=dict)

    def most_kept(self) -> int:
        """Return the most tokens that any session kept."""
        return max((one.tokens for one in self.samples), default=0)

    def beyond(self, number: int) -> int:
        """Return the bytes that sample ``number`` takes beside base and logits."""
        seen = self.samples[: number + 1]
        logits = min(LOGITS_CEILING, max(one.logits for one in seen))
        return seen[-1].memory - self.base - logits

    def allowed(self, number: int) -> int:
        """Return the bytes that ``beyond`` may be."""
        return ROOM + BYTES_A_TOKEN * max(one.tokens for one in self.samples[: number + 1])

    def bytes_a_token(self) -> float:
        """Return what a kept token took at the end, beside the logits."""
        return self.beyond(len(self.samples) - 1) / max(1, self.most_kept())

    def slowest(self, share: float) -> float:
        """Return the seconds within which ``share`` of all keys were answered, 0 to 1."""
        every = sorted(one for kind in self.answers.values() for one in kind)
        return _quantile(every, share)

    def sentence(self) -> str:
        """Return how it stands, in a line."""
        if not self.samples:
            return "nothing was measured yet"
        number = len(self.samples) - 1
        one, beyond, allowed = self.samples[-1], self.beyond(number), self.allowed(number)
        return (
            f"{one.at:.0f} s: {one.memory / MIB:.0f} MB, {one.tokens:,} tokens,"
            f" {beyond / MIB:.0f} MB beside logits of {allowed / MIB:.0f} MB that may be;"
            f" 99 of 100 keys within {1000 * self.slowest(0.99):.0f} ms"
        )

    def complaints(self) -> list[str]:
        """Return a sentence for each limit that was broken."""
        found = []
        over = [at for at in range(len(self.samples)) if self.beyond(at) > self.allowed(at)]
        if over:
            worst = max(over, key=lambda at: self.beyond(at) - self.allowed(at))
            took, may = self.beyond(worst) / MIB, self.allowed(worst) / MIB
            found.append(
                f"after {self.samples[worst].at:.0f} s it took {took:.0f} MB beside logits, and may"
                f" take {may:.0f}"
            )
        count = sum(map(len, self.answers.values()))
        if count < FEWEST_ANSWERS:
            found.append(f"only {count} keys were timed: too few to tell")
        elif self.slowest(0.99) > LONGEST_ANSWER:
            found.append(
                f"1 key in 100 was answered after {1000 * self.slowest(0.99):.0f} ms or more"
            )
        return found

    def table(self, rows: int = 12) -> str:
        """Return all of it as Markdown, with ``rows`` of the samples."""
        lines = [
            "| after | memory | tokens kept | logits recorded | beside logits | may be |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        last = len(self.samples) - 1
        shown = (
            sorted({round(last * at / max(1, rows - 1)) for at in range(rows)}) if last >= 0 else []
        )
        for at in shown:
            one = self.samples[at]
            logits = min(LOGITS_CEILING, one.logits) / MIB
            lines.append(
                f"| {one.at:.0f} s | {one.memory / MIB:.0f} MB | {one.tokens:,}"
                f" | {logits:.0f} MB | {self.beyond(at) / MIB:.0f} MB"
                f" | {self.allowed(at) / MIB:.0f} MB |"
            )
        lines += [
            "",
            "| key | times | median | 9 of 10 | 99 of 100 | slowest |",
            "|" + " --- |" * 6,
        ]
        every = [one for kind in self.answers.values() for one in kind]
        for name, found in [*sorted(self.answers.items()), ("all", every)]:
            shares = [
                f"{1000 * _quantile(sorted(found), one):.1f} ms" for one in (0.5, 0.9, 0.99, 1.0)
            ]
            lines.append(f"| {name} | {len(found)} | {' | '.join(shares)} |")
        if self.samples:
            lines += [
                "",
                f"At the end {self.bytes_a_token():,.0f} bytes a token, beside the logits.",
            ]
        return "\n".join(lines)


def _quantile(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

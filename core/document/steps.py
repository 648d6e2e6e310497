"""The steps of a run, kept small: a document has tens of thousands of them, and few are looked at.

Must never change a step: what comes out is what went in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import eq
from typing import overload

from core.document.packing import packed, unpacked
from core.records.steps import BeamStep, Step

_AT_ONCE = 16
"""So many steps are packed together: more take less room, and longer to look at one."""


class Steps(Sequence[Step]):
    """Steps in their order, to which others are appended; equal to those with the same steps.

    Records take some 1,200 bytes for a token, and many times that for beams; packed, a fifth.
    Slices are tuples of records; ``until`` and ``copy`` share what is packed.
    """

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self._packs: list[bytes] = []
        self._ends: list[int] = []  # how many steps there are up to the end of each pack
        self._newest: list[Step] = []
        self._newest.extend(steps)

    def append(self, step: Step) -> None:
        """Add a step, which stays a record until ``pack`` is called, or is among the newest beams.

        Each step of beams tells their whole texts: as records, those of a long run would grow with
        its square.
        """
        self._newest.append(step)
        if isinstance(step, BeamStep) and len(self._newest) >= 2 * _AT_ONCE:
            self._pack_oldest()

    def pack(self) -> None:
        """Make what was appended small; for a run that has ended, when no step is painted anew."""
        while self._newest:
            self._pack_oldest()

    def _pack_oldest(self) -> None:
        steps = self._newest[:_AT_ONCE]
        self._packs.append(packed(steps))
        self._ends.append(self._packed + len(steps))
        del self._newest[:_AT_ONCE]

    def until(self, count: int) -> Steps:
        """Return the first ``count`` steps, or all where there are fewer."""
        shorter = Steps()
        whole = bisect_right(self._ends, count)
        shorter._packs, shorter._ends = self._packs[:whole], self._ends[:whole]
        shorter._newest = list(self[shorter._packed : count])
        if whole < len(self._packs):
            shorter.pack()
        return shorter

    def copy(self) -> Steps:
        """Return the same steps; what is appended to one is not to the other."""
        return self.until(len(self))

    def __len__(self) -> int:
        return self._packed + len(self._newest)

    @overload
    def __getitem__(self, index: int) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Step, ...]: ...

    def __getitem__(self, index: int | slice) -> Step | tuple[Step, ...]:
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        at = index if index >= 0 else len(self) + index
        if at >= self._packed:
            return self._newest[at - self._packed]
        if at < 0:
            raise IndexError(index)
        pack = bisect_right(self._ends, at)
        steps = unpacked(self._packs[pack])
        return steps[at - self._ends[pack]]  # from its end

    def __iter__(self) -> Iterator[Step]:
        for pack in self._packs:
            yield from unpacked(pack)
        yield from self._newest

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Steps):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"Steps({list(self)!r})"

    @property
    def _packed(self) -> int:
        return self._ends[-1] if self._ends else 0

"""The key-value cache of the fast path: grown in place, shared by rows, reordered by a table.

Must never copy a key because beams changed places: what moves is where each row looks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from core.models.gpt2_config import Gpt2Config

FIRST_POSITIONS = 128
"""How many positions a cache has room for at first, where nothing else is asked for."""

_MOST_UNTOUCHED = 2**31
"""So many bytes are asked for at once on the processor, where the system gives memory only as it is
written: to make room for more, all keys and values are copied, half a second for gpt2-xl's."""


class KeyValueCache:
    """Keys and values of rows of equal length.

    ``store`` has shape (layers, 2, heads, positions, slots, head size), in the model's dtype;
    keys come first. At each position row ``i`` reads slot ``table[i, position]`` (int32) and
    writes slot ``i``; rows that grew from one share what they have in common. One row alone has
    all in slot 0. Positions from ``length`` on are free.
    """

    def __init__(
        self,
        config: Gpt2Config,
        device: torch.device,
        dtype: torch.dtype,
        positions: int = FIRST_POSITIONS,
        *,
        is_recorded: bool = False,
    ) -> None:
        """``positions`` is the least that there is room for at first.

        Where steps ``is_recorded``, they read free positions too, which then hold finite numbers;
        and the store for one row and the last one for several both stay in memory, each in its
        place, however often the two take turns.
        """
        self._is_recorded = is_recorded
        self._other_store: torch.Tensor | None = None
        self._config = config
        self._position_bytes = (
            2 * config.n_layer * config.n_head * config.head_size * dtype.itemsize
        )
        self._is_given_as_written = device.type == "cpu" and not is_recorded
        self.length = 0
        self.rows = 1
        first = self._room_for(positions, 1)
        self.store = self._empty(first, 1, device, dtype)
        self.table = torch.zeros((1, first), dtype=torch.int32, device=device)

    def _room_for(self, positions: int, slots: int) -> int:
        """Return for how many positions to make room where ``positions`` are wanted soon."""
        most = self._config.n_positions
        could_take = most * slots * self._position_bytes
        if self._is_given_as_written and could_take <= _MOST_UNTOUCHED:
            return most
        return min(positions, most)

    def _empty(
        self, positions: int, slots: int, device: torch.device, dtype: torch.dtype
    ) -> torch.Tensor:
        config = self._config
        shape = (config.n_layer, 2, config.n_head, positions, slots, config.head_size)
        # Never under large pages: to find them takes a system whose memory is full 0.1 s.
        make = torch.zeros if self._is_recorded else torch.empty
        return make(shape, dtype=dtype, device=device)

    @property
    def capacity(self) -> int:
        """How many positions there is room for."""
        return self.store.shape[3]

    @property
    def slots(self) -> int:
        """How many rows there is room for at each position."""
        return self.store.shape[4]

    def make_room(self, count: int) -> None:
        """Make sure that ``count`` more tokens fit in every row."""
        needed = self.length + count
        if needed > self.capacity:
            self._resize(self._room_for(max(needed, 2 * self.capacity), self.slots), self.slots)

    def append(self, count: int) -> None:
        """Take note that every row has ``count`` more tokens, each row's in its own slot."""
        if self.rows > 1:
            own = torch.arange(self.rows, dtype=torch.int32, device=self.table.device)
            self.table[:, self.length : self.length + count] = own[:, None]
        self.length += count

    def take_back(self) -> None:
        """Forget the newest token of every row."""
        self.length -= 1

    def reorder(self, parents: Sequence[int]) -> None:
        """Make new row ``i`` a copy of old row ``parents[i]``, without copying a key."""
        slots = len(parents)
        if slots > self.slots:
            # One row's room for all positions may be too much for many rows.
            least = max(FIRST_POSITIONS, 2 * self.length)
            wanted = least if self._is_given_as_written else self.capacity
            self._resize(self._room_for(wanted, slots), slots)
        self.table = self.table[torch.tensor(parents, device=self.table.device)]
        self.rows = len(parents)

    def keep(self, row: int, length: int) -> None:
        """Keep the first ``length`` tokens of ``row`` as the only row, all in slot 0."""
        slot = self.table[row, :length]
        moved = slot.nonzero()[:, 0]
        if len(moved):
            self.store[:, :, :, moved, 0] = self.store[:, :, :, moved, slot[moved].long()]
        self.length, self.rows = length, 1
        if self.slots > 1:
            self._resize(self.capacity, 1)
        self.table = torch.zeros_like(self.table[:1])

    def _resize(self, positions: int, slots: int) -> None:
        old = self.store
        live = (
            slice(None),
            slice(None),
            slice(None),
            slice(self.length),
            slice(min(slots, self.slots)),
        )
        other, self._other_store = self._other_store, None
        if other is not None and other.shape[3:5] == (positions, slots):
            self.store = other  # what lies behind the live part may be anything that is finite
        else:
            del other
            self.store = self._empty(positions, slots, old.device, old.dtype)
        self.store[live] = old[live]
        if self._is_recorded and old.shape[3] == positions:
            self._other_store = old
        table = torch.zeros((self.rows, positions), dtype=torch.int32, device=old.device)
        table[:, : self.length] = self.table[: self.rows, : self.length]
        self.table = table

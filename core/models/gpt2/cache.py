"""The key-value cache of the fast path: grown in place, shared by rows, reordered by a table.

Must never copy a key because beams changed places: what moves is where each row looks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from core.models.gpt2.config import Gpt2Config

FIRST_POSITIONS = 128
"""How many positions there is room for at first; then twice as many, as often as it takes."""

_MOST_UNTOUCHED = 2**31
"""So many bytes are asked for at once on the processor, where the system gives memory only as it is
written: to make room for more, all keys and values are copied, half a second for gpt2-xl's."""


class KeyValueCache:
    """Keys and values of rows of equal length; it takes no memory before the first token comes.

    ``store`` has shape (layers, 2, heads, positions, slots, head size), in the model's dtype;
    keys come first. At each position row ``i`` reads slot ``table[i, position]`` (int32) and
    writes slot ``i``; rows that grew from one share what they have in common. One row alone has
    all in slot 0. Positions from ``length`` on are free.

    What it keeps is made outside inference mode, whoever calls: so it can be written in any.
    """

    def __init__(
        self,
        config: Gpt2Config,
        device: torch.device,
        dtype: torch.dtype,
        alone: int = FIRST_POSITIONS,
        *,
        is_recorded: bool = False,
    ) -> None:
        """``alone`` is for how many positions one row has room at first.

        Where steps ``is_recorded``, they read free positions too, which then hold finite numbers;
        and the store for one row and the last one for several both stay in memory, each in its
        place, while the two take turns and neither grows.
        """
        self._config, self._alone, self._is_recorded = config, alone, is_recorded
        self._device, self._dtype = device, dtype
        self._position_bytes = (
            2 * config.n_layer * config.n_head * config.head_size * dtype.itemsize
        )
        self._is_given_as_written = device.type == "cpu" and not is_recorded
        self.clear()

    @torch.inference_mode(mode=False)
    def clear(self) -> None:
        """Forget all rows but an empty one, and give all memory back; nothing is asked for."""
        self._spare: torch.Tensor | None = None
        self.length, self.rows = 0, 1
        self.store = self._empty(0, 1)
        self.table = torch.zeros((1, 0), dtype=torch.int32, device=self._device)

    def _room_for(self, positions: int, slots: int) -> int:
        """Return for how many positions to make room where at least ``positions`` are needed."""
        most = self._config.n_positions
        could_take = most * slots * self._position_bytes
        if self._is_given_as_written and could_take <= _MOST_UNTOUCHED:
            return most
        room = self._alone if slots == 1 else FIRST_POSITIONS
        while room < positions:
            room *= 2
        return min(room, most)

    def _empty(self, positions: int, slots: int) -> torch.Tensor:
        config = self._config
        shape = (config.n_layer, 2, config.n_head, positions, slots, config.head_size)
        # Never under large pages: to find them takes a system whose memory is full 0.1 s.
        make = torch.zeros if self._is_recorded else torch.empty
        return make(shape, dtype=self._dtype, device=self._device)

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
            self._move(needed, self.slots)

    def append(self, count: int) -> None:
        """Take note that every row has ``count`` more tokens, each row's in its own slot."""
        if self.rows > 1:
            own = torch.arange(self.rows, dtype=torch.int32, device=self._device)
            self.table[:, self.length : self.length + count] = own[:, None]
        self.length += count

    def take_back(self) -> None:
        """Forget the newest token of every row."""
        self.length -= 1

    @torch.inference_mode(mode=False)
    def reorder(self, parents: Sequence[int]) -> None:
        """Make new row ``i`` a copy of old row ``parents[i]``, without copying a key."""
        if len(parents) > self.slots:
            self._move(self.length, len(parents))
        self.table = self.table[torch.tensor(parents, device=self._device)]
        self.rows = len(parents)

    @torch.inference_mode(mode=False)
    def keep(self, row: int, length: int) -> None:
        """Keep the first ``length`` tokens of ``row`` as the only row, all in slot 0."""
        slot = self.table[row, :length]
        moved = slot.nonzero()[:, 0]
        if len(moved):
            self.store[:, :, :, moved, 0] = self.store[:, :, :, moved, slot[moved].long()]
        self.length, self.rows = length, 1
        if self.slots > 1:
            self._move(length, 1)
        self.table = torch.zeros_like(self.table[:1])

    @torch.inference_mode(mode=False)
    def _move(self, positions: int, slots: int) -> None:
        """Go on in a store with at least ``positions``, and exactly ``slots``."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.shape[4] == slots and spare.shape[3] >= positions:
            store = spare  # what lies behind the live part may be anything that is finite
        else:
            del spare  # never three at once
            store = self._empty(self._room_for(positions, slots), slots)
        old, rows = self.store, min(slots, self.slots)
        store[:, :, :, : self.length, :rows] = old[:, :, :, : self.length, :rows]
        if self._is_recorded and (slots == 1) != (self.slots == 1):
            self._spare = old
        table = torch.zeros((self.rows, store.shape[3]), dtype=torch.int32, device=self._device)
        table[:, : self.length] = self.table[: self.rows, : self.length]
        self.store, self.table = store, table

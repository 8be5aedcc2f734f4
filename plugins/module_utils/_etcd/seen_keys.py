# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Which keys were seen, how often, and where first: 20 bytes for each place in the table, which is at most 60 % full.

A key is told from others by 64 bits of its hash, which Python salts anew in each process: among ten million keys, two
are taken for one with a probability of 1 in 300,000.
"""

from __future__ import annotations

import heapq
import typing as t
from array import array

_ALL_BITS = 0xFFFFFFFFFFFFFFFF
_FIRST_SLOTS = 1 << 10
MAX_SLOTS = 1 << 20  # 21 MB, and half of that while it is made


class TableFull(Exception):
    """There are more keys than the table takes."""


class SeenKeys:
    """The table. `max_slots` is a power of two."""

    def __init__(self, max_slots: int = MAX_SLOTS) -> None:
        self._max_slots = max_slots
        self._used = 0
        self._make(min(_FIRST_SLOTS, max_slots))

    def _make(self, slots: int) -> None:
        self._mask, self._limit = slots - 1, slots * 3 // 5
        self._codes = array("Q", bytes(8 * slots))
        self._counts = array("I", bytes(4 * slots))
        self._places = array("Q", bytes(8 * slots))

    def add(self, code: int, place: int) -> bool:
        """See the key of that hash at a place; whether for the first time. Raises TableFull."""
        code = code & _ALL_BITS or 1
        codes, mask = self._codes, self._mask
        slot = code & mask
        found = codes[slot]
        while found:
            if found == code:
                self._counts[slot] += 1
                return False
            slot = (slot + 1) & mask
            found = codes[slot]
        codes[slot], self._counts[slot], self._places[slot] = code, 1, place
        self._used += 1
        if self._used > self._limit:
            self._grow()
        return True

    def _grow(self) -> None:
        codes, counts, places = self._codes, self._counts, self._places
        if 2 * len(codes) > self._max_slots:
            raise TableFull
        self._make(2 * len(codes))
        new, mask = self._codes, self._mask
        for old, code in enumerate(codes):
            if code:
                slot = code & mask
                while new[slot]:
                    slot = (slot + 1) & mask
                new[slot], self._counts[slot], self._places[slot] = code, counts[old], places[old]

    def most_seen(self, top: int) -> list[tuple[int, int]]:
        """How often and where first, of the keys seen most often; none of those seen once."""
        several: t.Iterator[tuple[int, int]] = (
            (count, self._places[slot]) for slot, count in enumerate(self._counts) if count > 1
        )
        return heapq.nlargest(top, several)


__all__ = ("MAX_SLOTS", "SeenKeys", "TableFull")

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Which keys were seen, how often, and where first: 20 bytes for each, and 4 for each slot of an index that is at most
60 % full.

A key is told from others by 64 bits of its hash, which Python salts anew in each process: among ten million keys, two
are taken for one with a probability of 1 in 300,000.
"""

from __future__ import annotations

import heapq
import typing as t
from array import array
from itertools import islice

_FIRST_SLOTS = 1 << 10
MAX_SLOTS = 1 << 21  # 34 MB with all keys that they are for


class TableFull(Exception):
    """There are more keys than the table takes."""


class SeenKeys:
    """The table. Its columns are there to be read and written in place: `index` has in each slot the number of an
    entry, or 0, which is nobody's; `further` is how often a key was seen after the first time. As many entries are used
    as `used` says, and `index` is another one after each `reserve`."""

    index: array[int]
    mask: int

    def __init__(self, max_slots: int = MAX_SLOTS, expected: int = 0) -> None:
        """`max_slots` is a power of two; `expected` is how many keys there may be."""
        self._max_slots = max_slots
        self.used = 0
        self.codes, self.further, self.places = array("q", [0]), array("I", [0]), array("Q", [0])
        slots = _FIRST_SLOTS
        while slots < expected:
            slots *= 2
        self._make(min(slots, max_slots))

    def _make(self, slots: int) -> None:
        self.mask, self._limit = slots - 1, slots * 3 // 5
        self.index = array("I", [0]) * slots
        for entry in range(1, self.used + 1):
            self.index[self.slot_of(self.codes[entry])] = entry

    def slot_of(self, code: int) -> int:
        """The slot of a key, or the one that is free for it; `code` is its hash, and not 0."""
        index, codes, mask = self.index, self.codes, self.mask
        slot = code & mask
        while index[slot] and codes[index[slot]] != code:
            slot = (slot + 1) & mask
        return slot

    def reserve(self, codes: t.Sequence[int]) -> None:
        """Make room for these keys, of which some may be known. Raises TableFull."""
        more = len(codes)
        while self.used + more > self._limit and 2 * len(self.index) <= self._max_slots:
            self._make(2 * len(self.index))
        if self.used + more > self._limit:
            more = len({code for code in codes if not self.index[self.slot_of(code)]})
            if self.used + more > self._limit:
                raise TableFull
        missing = self.used + more + 1 - len(self.codes)
        if missing > 0:
            for column in (self.codes, self.further, self.places):
                column.frombytes(bytes(missing * column.itemsize))

    def most_seen(self, top: int) -> list[tuple[int, int]]:
        """How often and where first, of the keys seen most often; none of those seen once."""
        entries = islice(zip(self.further, self.places), 1, self.used + 1)
        return heapq.nlargest(top, ((further + 1, place) for further, place in entries if further))


__all__ = ("MAX_SLOTS", "SeenKeys", "TableFull")

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What is counted, by whose keys it is."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, fields, replace

from .kubernetes_keys import OTHERS, Owner, owner_of
from .usage_growth import Level, Levels

# The places of these fields in `Sums`.
_LIVE_KEYS, _LIVE_BYTES, _HISTORY_REVISIONS, _HISTORY_BYTES = 0, 1, 4, 5
Counted = t.List[int]
Grouping = t.Callable[[Owner], Owner]

MAX_DIRECTORIES = 20000  # about 10 MB: a cluster has one for each resource and namespace


@dataclass(frozen=True)
class Sums:
    """Bytes are those of etcd's records: key, value and some twenty bytes of numbers. All that is not the newest
    revision of a key that exists is history, tombstones included. `managed_fields_bytes` are a part of the live bytes,
    None if nobody asked for them."""

    live_keys: int
    live_bytes: int
    leased_keys: int
    encrypted_keys: int
    history_revisions: int
    history_bytes: int
    tombstones: int
    managed_fields_bytes: int | None


@dataclass(frozen=True)
class Consumer(Sums):
    """The sums of an owner. What is not told apart is `*`."""

    group: str
    resource: str
    namespace: str


class _Numbers(t.Dict[bytes, int]):
    """The number of the sums that the keys in a directory count for; an unknown one is asked for."""

    def __init__(self, ask: t.Callable[[bytes], int]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, directory: bytes) -> int:
        return self._ask(directory)


class Tallies:
    """Sums by directory, and by resource alone for directories beyond the first `MAX_DIRECTORIES`. They are numbered,
    and each column has one number for each, to be added to."""

    def __init__(self, prefix: str, max_directories: int = MAX_DIRECTORIES, *, managed_fields: bool = False) -> None:
        self._prefix, self._max_directories, self._with_managed_fields = prefix, max_directories, managed_fields
        self.numbers = _Numbers(self._number_of)
        self._others: dict[Owner, int] = {}
        # The order of `Sums`.
        self._columns: tuple[list[int], ...] = tuple([] for _field in fields(Sums))
        (
            self.live_keys,
            self.live_bytes,
            self.leased_keys,
            self.encrypted_keys,
            self.history_revisions,
            self.history_bytes,
            self.tombstones,
            self.managed_fields_bytes,
        ) = self._columns

    def _number_of(self, directory: bytes) -> int:
        """The number of the sums of a directory that is not told apart yet."""
        if len(self.numbers) < self._max_directories:
            return self.numbers.setdefault(directory, self._new())
        owner = _by_resource(owner_of(directory, self._prefix))
        if owner not in self._others:
            if len(self._others) >= self._max_directories:
                owner = _ALL
            if owner not in self._others:
                self._others[owner] = self._new()
        return self._others[owner]

    def _new(self) -> int:
        for column in self._columns:
            column.append(0)
        return len(self.history_revisions) - 1

    def _sums_of(self, number: int) -> Counted:
        return [column[number] for column in self._columns]

    def _merged(self, grouping: Grouping) -> dict[Owner, Counted]:
        merged: dict[Owner, Counted] = {}
        owners = ((owner_of(directory, self._prefix), number) for directory, number in self.numbers.items())
        for each in (owners, self._others.items()):
            for owner, number in each:
                known = merged.setdefault(grouping(owner), [0] * len(self._columns))
                known[:] = map(sum, zip(known, self._sums_of(number)))
        return merged

    def total(self) -> Sums:
        """The sums of all keys."""
        return self._shown([sum(column) for column in self._columns])

    def _shown(self, sums: Counted) -> Sums:
        found = Sums(*sums)
        return found if self._with_managed_fields else replace(found, managed_fields_bytes=None)

    def resources(self, top: int) -> tuple[Consumer, ...]:
        """The resources with most bytes, live and history together, over all namespaces."""
        return self._largest(self._merged(_by_resource), top)

    def namespaces(self, top: int) -> tuple[Consumer, ...]:
        """The namespaces with most bytes, over all resources."""
        return self._largest(self._merged(_by_namespace), top)

    def consumers(self, top: int) -> tuple[Consumer, ...]:
        """The resources in one namespace with most bytes."""
        return self._largest(self._merged(lambda owner: owner), top)

    def _largest(self, merged: t.Mapping[Owner, Counted], top: int) -> tuple[Consumer, ...]:
        def rank(item: tuple[Owner, Counted]) -> tuple[int, Owner]:
            owner, sums = item
            return -(sums[_LIVE_BYTES] + sums[_HISTORY_BYTES]), owner

        ranked = sorted(merged.items(), key=rank)[:top]
        return tuple(Consumer(**vars(self._shown(sums)), **owner._asdict()) for owner, sums in ranked)

    def levels(self, size_bytes: int, revision: int) -> Levels:
        """What all resources and all namespaces have, in a file of that size and revision."""
        resources = None if _ALL in self._others else _levels(self._merged(_by_resource))
        namespaces = None if self._others else _levels(self._merged(_by_namespace))
        return Levels(size_bytes, revision, resources, namespaces)


_ALL = Owner(OTHERS, OTHERS, OTHERS)


def _by_resource(owner: Owner) -> Owner:
    return owner._replace(namespace=OTHERS)


def _by_namespace(owner: Owner) -> Owner:
    return Owner(OTHERS, OTHERS, owner.namespace)


def _levels(merged: t.Mapping[Owner, Counted]) -> dict[Owner, Level]:
    return {
        owner: Level(sums[_LIVE_BYTES], sums[_LIVE_KEYS], sums[_LIVE_KEYS] + sums[_HISTORY_REVISIONS])
        for owner, sums in merged.items()
    }


__all__ = ("MAX_DIRECTORIES", "Consumer", "Sums", "Tallies")

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What is counted, by whose keys it is."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .kubernetes_keys import OTHERS, Owner, directory_of, owner_of

# The fields of a sum while it is counted, which are those of `Sums`.
LIVE_KEYS, LIVE_BYTES, LEASED_KEYS, ENCRYPTED_KEYS, HISTORY_REVISIONS, HISTORY_BYTES, TOMBSTONES = range(7)
Counted = t.List[int]
Grouping = t.Callable[[Owner], Owner]

MAX_DIRECTORIES = 20000  # about 10 MB: a cluster has one for each resource and namespace


@dataclass(frozen=True)
class Sums:
    """Bytes are those of etcd's records: key, value and some twenty bytes of numbers. All that is not the newest
    revision of a key that exists is history, tombstones included."""

    live_keys: int
    live_bytes: int
    leased_keys: int
    encrypted_keys: int
    history_revisions: int
    history_bytes: int
    tombstones: int


@dataclass(frozen=True)
class Consumer(Sums):
    """The sums of an owner. What is not told apart is `*`."""

    group: str
    resource: str
    namespace: str


class Tallies:
    """Sums by directory, and by resource alone for directories beyond the first `MAX_DIRECTORIES`."""

    def __init__(self, prefix: str, max_directories: int = MAX_DIRECTORIES) -> None:
        self._prefix, self._max_directories = prefix, max_directories
        self._told_apart: dict[bytes, Counted] = {}
        self._others: dict[Owner, Counted] = {}

    def of(self, key: bytes) -> Counted:
        """The sums that a key counts for, to be added to."""
        directory = directory_of(key)
        found = self._told_apart.get(directory)
        return self._unknown(directory) if found is None else found

    def _unknown(self, directory: bytes) -> Counted:
        if len(self._told_apart) < self._max_directories:
            return self._told_apart.setdefault(directory, [0] * 7)
        owner = _by_resource(owner_of(directory, self._prefix))
        if owner not in self._others and len(self._others) >= self._max_directories:
            owner = _ALL
        return self._others.setdefault(owner, [0] * 7)

    def _merged(self, grouping: Grouping) -> dict[Owner, Counted]:
        merged: dict[Owner, Counted] = {}
        owners = ((owner_of(directory, self._prefix), sums) for directory, sums in self._told_apart.items())
        for each in (owners, self._others.items()):
            for owner, sums in each:
                known = merged.setdefault(grouping(owner), [0] * 7)
                known[:] = map(sum, zip(known, sums))
        return merged

    def total(self) -> Sums:
        """The sums of all keys."""
        return Sums(*self._merged(lambda _owner: _ALL).get(_ALL, [0] * 7))

    def resources(self, top: int) -> tuple[Consumer, ...]:
        """The resources with most bytes, live and history together, over all namespaces."""
        return _largest(self._merged(_by_resource), top)

    def namespaces(self, top: int) -> tuple[Consumer, ...]:
        """The namespaces with most bytes, over all resources."""
        return _largest(self._merged(lambda owner: Owner(OTHERS, OTHERS, owner.namespace)), top)

    def consumers(self, top: int) -> tuple[Consumer, ...]:
        """The resources in one namespace with most bytes."""
        return _largest(self._merged(lambda owner: owner), top)


_ALL = Owner(OTHERS, OTHERS, OTHERS)


def _by_resource(owner: Owner) -> Owner:
    return owner._replace(namespace=OTHERS)


def _largest(merged: t.Mapping[Owner, Counted], top: int) -> tuple[Consumer, ...]:
    def rank(item: tuple[Owner, Counted]) -> tuple[int, Owner]:
        owner, sums = item
        return -(sums[LIVE_BYTES] + sums[HISTORY_BYTES]), owner

    return tuple(
        Consumer(**vars(Sums(*sums)), **owner._asdict()) for owner, sums in sorted(merged.items(), key=rank)[:top]
    )


__all__ = (
    "ENCRYPTED_KEYS",
    "HISTORY_BYTES",
    "HISTORY_REVISIONS",
    "LEASED_KEYS",
    "LIVE_BYTES",
    "LIVE_KEYS",
    "MAX_DIRECTORIES",
    "TOMBSTONES",
    "Consumer",
    "Sums",
    "Tallies",
)

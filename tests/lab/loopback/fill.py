# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling a loopback cluster until etcd refuses writes, and telling whether a recovery kept what was in it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal

from lab.client import Alarm, Client, Put
from lab.errors import EtcdError, LabError
from lab.loopback.bulk import Writer
from lab.loopback.member import MemberProcess, Members
from lab.record import Record
from lab.workload import EVENTS_PER_LEASE, MAX_TXN_KEYS, Workload, batches

WRITERS = 3
_TXN_SECONDS = 60.0
_PROGRESS_SECONDS = 0.1
_ALARM_SECONDS = 10.0
# The first part of the live data is written blindly, the rest by what the first was seen to take.
_BLIND_SHARE = 0.7
# etcd commits, and only then counts again, ten times a second.
_SETTLED_SECONDS = 0.3
_SETTLE_POLL_SECONDS = 0.1
# There is an event about every 20 kB of live data (see the workload's mix).
_BYTES_PER_EVENT = 20_000


@dataclass(frozen=True)
class Progress:
    """How far a fill is: size of the leader's file and its goal in bytes, and seconds so far."""

    db_size: int
    goal: int
    seconds: float


@dataclass(frozen=True)
class Filled:
    """What a fill left behind, as the leader saw it afterwards.

    ``live_bytes`` is what was in use when only keys that stay had been written, so about what is left after compaction
    and defragmentation. ``refusal`` is etcd's text for the refused write and ``alarms`` what was listed then (both
    empty if the fill was one up to a size).
    """

    db_size: int
    live_bytes: int
    keys: int
    revision: int
    seconds: float
    refusal: str
    alarms: tuple[Alarm, ...]


def fill(
    cluster: Members,
    *,
    until: Literal["nospace", "bytes"] = "nospace",
    size_bytes: int | None = None,
    live_fraction: float = 0.2,
    event_ttl: tuple[int, int] = (60, 3600),
    keys_per_txn: int = MAX_TXN_KEYS,
    seed: int = 1,
    progress: Callable[[Progress], None] = lambda _progress: None,
) -> Filled:
    """Write keys like Kubernetes' until writes are refused for space, or until the file has ``size_bytes``.

    ``live_fraction`` is the share of the goal (the quota, or ``size_bytes``) that stays live, 1.5 MB at least; the rest
    is history of pods that are updated again and again. Events are attached to leases whose seconds are spread evenly
    over ``event_ttl``. A transaction holds up to ``keys_per_txn`` keys and makes one revision; fewer keys make more
    revisions, and take longer. The same seed writes the same transactions; how many fit depends a little on etcd's
    timing. ``progress`` is called about ten times a second.
    """
    if (until == "bytes") != (size_bytes is not None):
        raise LabError("a fill needs size_bytes with until='bytes', and only then")
    leader = cluster.leader()
    with leader.client() as client:
        goal = client.quota() if size_bytes is None else size_bytes
        if goal <= 0:
            raise LabError("this cluster has no quota to be filled up to")
        run = _Fill(leader, client, goal, keys_per_txn, progress)
        workload = Workload(seed=seed, leases=_grant_leases(client, live_fraction * goal, event_ttl))
        live_bytes = run.write_live(workload.live(), live_fraction * goal)
        refusal = run.write(workload.updates(), stop_at=size_bytes)
        if until == "nospace" and not refusal:
            raise LabError("the writers were done without a refusal")
        alarms = _await_alarm(client) if until == "nospace" else ()
        status = client.status()
        return Filled(
            db_size=status.db_size,
            live_bytes=live_bytes,
            keys=client.count(),
            revision=status.revision,
            seconds=run.seconds,
            refusal=refusal,
            alarms=alarms,
        )


def compare(cluster: Members, before: Record, changed: Collection[str] = ()) -> list[str]:
    """Return what is not any more as it was, one sentence each, and which of the keys ``changed`` still is."""
    return before.losses(cluster.record(), changed=changed)


class _Fill:
    """One fill under way."""

    def __init__(
        self, leader: MemberProcess, client: Client, goal: int, keys_per_txn: int, progress: Callable[[Progress], None]
    ) -> None:
        self._leader = leader
        self._client = client
        self._goal = goal
        self._keys_per_txn = keys_per_txn
        self._progress = progress
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._start

    def write_live(self, puts: Iterator[Put], target: float) -> int:
        """Write keys until ``target`` bytes of the file are in use, and return how many are."""
        before = self._settled_in_use()
        first = _Limited(puts, (target - before) * _BLIND_SHARE)
        self._write_all(first)
        in_use = self._settled_in_use()
        if first.bytes:
            self._write_all(_Limited(puts, (target - in_use) * first.bytes / (in_use - before)))
        return self._settled_in_use()

    def _write_all(self, puts: Iterator[Put]) -> None:
        if self.write(puts, stop_at=None):
            raise LabError("the quota was used up by keys that should stay; the live fraction is too large for it")

    def write(self, puts: Iterator[Put], *, stop_at: int | None) -> str:
        """Write until the file has ``stop_at`` bytes or etcd refuses; return the refusal's text or nothing."""
        supply = _Supply(batches(puts, self._keys_per_txn))
        with Writer(self._leader, timeout=_TXN_SECONDS) as writer, ThreadPoolExecutor(WRITERS) as pool:
            jobs = [pool.submit(_write_supply, writer, supply) for _writer in range(WRITERS)]
            try:
                self._watch(jobs, supply, stop_at)
            finally:
                supply.close()
            # All are asked, so that a writer that failed for another reason is heard.
            return max(job.result() for job in jobs)

    def _watch(self, jobs: list[Future[str]], supply: _Supply, stop_at: int | None) -> None:
        pending = set(jobs)
        while pending:
            pending = wait(pending, _PROGRESS_SECONDS, FIRST_EXCEPTION).not_done
            db_size = self._client.status().db_size
            self._progress(Progress(db_size, self._goal, self.seconds))
            if (stop_at is not None and db_size >= stop_at) or any(job.done() and job.exception() for job in jobs):
                supply.close()

    def _settled_in_use(self) -> int:
        """Return the bytes in use once etcd has counted all that was written."""
        in_use, since = -1, time.monotonic()
        while time.monotonic() - since < _SETTLED_SECONDS:
            now = self._client.status().db_size_in_use
            if now != in_use:
                in_use, since = now, time.monotonic()
            time.sleep(_SETTLE_POLL_SECONDS)
        return in_use


class _Supply:
    """Batches for several writers, in order, until closed."""

    def __init__(self, source: Iterator[list[Put]]) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._closed = False

    def next(self) -> list[Put] | None:
        """Return the next batch, None if there is none any more."""
        with self._lock:
            return None if self._closed else next(self._source, None)

    def close(self) -> None:
        """Give out no more."""
        self._closed = True


class _Limited(Iterator[Put]):
    """Puts of a source until their keys and values have ``limit`` bytes; ``bytes`` says how many they had."""

    def __init__(self, source: Iterator[Put], limit: float) -> None:
        self._source = source
        self._limit = limit
        self.bytes = 0

    def __next__(self) -> Put:
        if self.bytes >= self._limit:
            raise StopIteration
        put = next(self._source)
        self.bytes += len(put.key) + len(put.value)
        return put


def _write_supply(writer: Writer, supply: _Supply) -> str:
    """Write batches until there are none or one is refused for space; return the refusal's text or nothing."""
    while (batch := supply.next()) is not None:
        try:
            writer.txn(batch)
        except EtcdError as error:
            if not error.is_nospace:
                raise
            return error.message
    return ""


def _grant_leases(client: Client, live_bytes: float, event_ttl: tuple[int, int]) -> list[int]:
    """Grant the leases for the events of so much live data; under NOSPACE none could be had any more."""
    number = max(2, math.ceil(live_bytes / _BYTES_PER_EVENT / EVENTS_PER_LEASE))
    shortest, longest = event_ttl
    return [client.grant_lease(shortest + (longest - shortest) * n // (number - 1)) for n in range(number)]


def _await_alarm(client: Client) -> tuple[Alarm, ...]:
    deadline = time.monotonic() + _ALARM_SECONDS
    while time.monotonic() < deadline:
        if alarms := client.alarms():
            return alarms
        time.sleep(_SETTLE_POLL_SECONDS)
    raise LabError(f"writes are refused, but no alarm was listed within {_ALARM_SECONDS:.0f} s")

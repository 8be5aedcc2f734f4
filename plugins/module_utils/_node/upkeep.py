# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Upkeep of a member: what the files of its node tell, with etcd up or down, of what is done for it and what runs out:
its certificates, its database, the schedule of the node tool, and the snapshots of this collection."""

from __future__ import annotations

import typing as t

from .._core.records import Fields


class CertificateReport(t.NamedTuple):
    """One certificate file that the manifest names. `use` is server, peer, client or ca; `days_left` counts from the
    node's clock and is negative once it has expired."""

    use: str
    path: str
    days_left: float

    @classmethod
    def read(cls, found: Fields) -> CertificateReport:
        return cls(found.text("use"), found.text("path"), found.number("days_left"))


class SnapshotReport(t.NamedTuple):
    """The newest snapshot of this collection on a node. `taken_at` is in seconds since 1970, by the node's clock."""

    path: str
    taken_at: float
    age_seconds: float

    @classmethod
    def read(cls, found: Fields) -> SnapshotReport:
        return cls(found.text("path"), found.number("taken_at"), found.number("age_seconds"))


class Upkeep(t.NamedTuple):
    """The upkeep of one node's member. None is what cannot be read, or what there is none of. `quota_bytes` is that of
    the manifest (-1: switched off), `version` the one in the name of its image; `last_run` is when the last scheduled
    run of the node tool ended, `last_run_seconds` how long ago that is. `defrag_bytes_per_second` is how fast it has
    defragmented the member."""

    certificates: tuple[CertificateReport, ...]
    db_size_bytes: int | None
    quota_bytes: int | None
    auto_compaction: bool
    version: str
    scheduled: bool
    last_run: float | None
    last_run_seconds: float | None
    last_run_success: bool | None
    last_snapshot: SnapshotReport | None
    defrag_bytes_per_second: float | None

    @property
    def days_left(self) -> float | None:
        """The days until the first of the member's own certificates expires, None if none can be read."""
        return min((each.days_left for each in self.certificates), default=None)

    @classmethod
    def read(cls, found: Fields) -> Upkeep:
        snapshot = found.record_or_none("last_snapshot")
        return cls(
            certificates=tuple(map(CertificateReport.read, found.records("certificates"))),
            db_size_bytes=found.whole_or_none("db_size_bytes"),
            quota_bytes=found.whole_or_none("quota_bytes"),
            auto_compaction=found.flag("auto_compaction"),
            version=found.text("version"),
            scheduled=found.flag("scheduled"),
            last_run=found.number_or_none("last_run"),
            last_run_seconds=found.number_or_none("last_run_seconds"),
            last_run_success=found.flag("last_run_success") if found.has("last_run_success") else None,
            last_snapshot=SnapshotReport.read(snapshot) if snapshot else None,
            defrag_bytes_per_second=found.number_or_none("defrag_bytes_per_second"),
        )


__all__ = ("CertificateReport", "SnapshotReport", "Upkeep")

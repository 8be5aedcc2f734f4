# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A snapshot of the member of this node, for whoever wants one: what it has to hold, whether there is one, and taking
it with its place in the catalog."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.failures import Failure
from .._etcd.api import Status
from .._node.member import LocalMember
from . import catalog, sources, take
from .catalog import Snapshot


@dataclass(frozen=True)
class Origin:
    """The member that a snapshot is taken of, and the revision that it has to hold."""

    status: Status
    name: str
    revision: int


def origin_of(member: LocalMember) -> Origin:
    """Ask the member who it is. Raises EtcdError."""
    status = member.endpoint.status()
    name = next((each.name for each in member.endpoint.members() if each.member_id == status.member_id), "member")
    # Without a leader there is nothing newer to be had; with one, this member may still be behind it.
    return Origin(status, name, member.endpoint.revision() if status.leader_id else status.revision)


def reusable(member: LocalMember, directory: str, origin: Origin) -> Snapshot | None:
    """A snapshot that holds all there is, None if that cannot be told: the member's own file has to say it."""
    if member.manifest is None:
        return None
    try:
        put = sources.last_put(member.manifest.database, origin.revision)
    except Failure:
        return None
    cluster_id, revision = origin.status.cluster_id, origin.revision
    return catalog.reusable(directory, cluster_id=cluster_id, ca_sha256=member.ca_sha256(), put=put, revision=revision)


def write(
    member: LocalMember, directory: str, origin: Origin, *, methods: t.Sequence[str], timeout: float, keep: int
) -> tuple[Snapshot, list[str], list[str]]:
    """Take a snapshot and remember it; with `keep`, remove all but so many. Returns it, why the methods before did not
    work, and the paths that were removed. Raises Failure, OSError."""
    fingerprints, manifest, status = member.ca_sha256(), member.manifest, origin.status
    written, tried = take.take(
        sources.Source(member.endpoint, manifest=manifest, tls=member.tls, timeout=timeout),
        directory,
        methods=methods,
        cluster_id=status.cluster_id,
        ca_sha256=fingerprints[0] if fingerprints else "",
        member=origin.name,
        revision=origin.revision,
        size_bytes=status.db_size_bytes,
        data_dir=manifest.data_dir if manifest else None,
    )
    catalog.remember(written)
    pruned = catalog.prune(directory, spare=written.path, cluster_id=status.cluster_id, keep=keep) if keep else []
    return written, tried, pruned


__all__ = ("Origin", "origin_of", "reusable", "write")

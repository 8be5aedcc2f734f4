# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The catalog of snapshots that were written here: which one can be reused, and which ones are pruned."""

from __future__ import annotations

import json
import os
import typing as t

from .._core import files
from .._core.failures import Failure
from .format import verify


class Snapshot(t.NamedTuple):
    """A verified file and its origin. `created` is in seconds since 1970."""

    path: str
    cluster_id: str
    ca_sha256: str
    member: str
    revision: int
    size_bytes: int
    sha256: str
    method: str
    created: float


def remember(snapshot: Snapshot) -> None:
    """Write the record of a snapshot beside it. Raises OSError."""
    files.put(_record_path(snapshot.path), json.dumps(snapshot._asdict(), indent=1).encode(), 0o600)


def record_of(path: str) -> Snapshot | None:
    """What was remembered of the snapshot at that path, None if nothing was."""
    try:
        snapshot = Snapshot(**json.loads(files.content(_record_path(path))))
    except (OSError, TypeError, ValueError):
        return None
    return snapshot if snapshot.path == path else None


def reusable(
    directory: str, *, cluster_id: int, ca_sha256: t.Container[str], put: int, revision: int
) -> Snapshot | None:
    """The newest snapshot of this cluster that holds every value there is, verified again; None if there is none.

    `put` is the revision of the newest value in the member's own database (`last_put`). After it there can only
    be deletions - under NOSPACE leases go on expiring - and the snapshot still holds their values. One that is ahead of
    the cluster's `revision` is of the time before a restore, which can keep the cluster's id.
    """
    for snapshot in _known(directory, cluster_id):
        if not put <= snapshot.revision <= revision or snapshot.ca_sha256 not in ca_sha256:
            continue
        try:
            if verify(snapshot.path).sha256 == snapshot.sha256:
                return snapshot
        except Failure:
            continue
    return None


def newest(directory: str, *, cluster_id: int, ca_sha256: t.Container[str]) -> Snapshot | None:
    """The newest snapshot of this cluster by its record alone, not verified; None if there is none. Raises OSError."""
    return next((found for found in _known(directory, cluster_id) if found.ca_sha256 in ca_sha256), None)


def prune(directory: str, *, spare: str, cluster_id: int, keep: int) -> list[str]:
    """Remove all but the newest `keep` snapshots of this cluster, never `spare`; return their paths. Raises OSError."""
    others = [snapshot.path for snapshot in _known(directory, cluster_id) if snapshot.path != spare]
    gone = others[max(keep - 1, 0) :]
    for path in gone:
        for each in (path, _record_path(path)):
            if os.path.exists(each):
                os.unlink(each)
    return gone


def _known(directory: str, cluster_id: int) -> list[Snapshot]:
    """The snapshots of a cluster that have a record, newest first."""
    found = []
    prefix = f"etcd-{cluster_id:x}-"
    for name in os.listdir(directory) if os.path.isdir(directory) else ():
        if name.startswith(prefix) and name.endswith(".db.json"):
            snapshot = record_of(os.path.join(directory, name[: -len(".json")]))
            if snapshot and os.path.exists(snapshot.path):
                found.append(snapshot)
    # By revision first: clocks are set back, revisions are not.
    return sorted(found, key=lambda snapshot: (-snapshot.revision, -snapshot.created))


def _record_path(path: str) -> str:
    return path + ".json"


__all__ = ("Snapshot", "newest", "prune", "record_of", "remember", "reusable")

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The upkeep of a node's member, collected from files alone. Nothing is asked, and nothing that cannot be read is a
failure: it is not known then."""

from __future__ import annotations

import os
from contextlib import suppress

from .._core.failures import Failure
from .._core.files import reading, text
from .._etcd.bolt import HEAD_BYTES, metas
from .._etcd.checks import version_of
from .._etcd.x509 import validities
from .._node.report import NodeReport
from .._node.settings import MemberSettings
from .._node.settings_source import read_settings
from .._node.upkeep import CertificateReport, SnapshotReport, Upkeep
from . import tool_files

_DAY = 86400.0
# The uses of the files that a manifest names. The server's own certificate serves clients of other members as well.
_FILES = (
    ("server", "cert-file"),
    ("peer", "peer-cert-file"),
    ("ca", "trusted-ca-file"),
    ("ca", "peer-trusted-ca-file"),
)


def read_upkeep(report: NodeReport, snapshot_dir: str, now: float, root: str = "") -> Upkeep | None:
    """The upkeep of the member of this report, None if its manifest cannot be read any more. `now` is the node's clock
    in seconds since 1970; `snapshot_dir` is empty if there is none; `root` is empty but in tests."""
    try:
        manifest = read_settings(report.manifest)
    except (Failure, OSError):
        return None
    last = tool_files.last_run(root)
    return Upkeep(
        certificates=certificates(manifest, now),
        db_size_bytes=_size(manifest.database),
        quota_bytes=manifest.quota_bytes,
        auto_compaction=manifest.setting("auto-compaction-retention", "0") not in ("", "0"),
        version=image_version(manifest.image),
        scheduled=tool_files.is_scheduled(root),
        last_run=last.ended if last else None,
        last_run_seconds=round(max(now - last.ended, 0.0), 1) if last else None,
        last_run_success=last.success if last else None,
        last_snapshot=_last_snapshot(report, snapshot_dir, now),
        defrag_bytes_per_second=tool_files.speed_of(
            tool_files.recent_speeds(tool_files.measured_speeds(root), now), report.name
        ),
    )


def certificates(manifest: MemberSettings, now: float) -> tuple[CertificateReport, ...]:
    """The certificates of the member, and that of the client which asks it, each file once. Of a file with more than
    one certificate the first counts, as with TLS itself; of a CA's, the one that lasts longest."""
    files = [(use, manifest.file(name)) for use, name in _FILES]
    client = manifest.tls_files()
    if client:
        files.insert(2, ("client", client.client_cert))
    first: dict[str, str] = {}
    for use, path in files:
        if path:
            first.setdefault(path, use)
    found = ((use, path, _ends(path, use)) for path, use in first.items())
    return tuple(
        CertificateReport(use, path, round((ends - now) / _DAY, 2)) for use, path, ends in found if ends is not None
    )


def _ends(path: str, use: str) -> float | None:
    try:
        ends = [each.not_after.timestamp() for each in validities(text(path, encoding="ascii", errors="replace"))]
    except (OSError, ValueError, OverflowError):
        return None
    return max(ends) if use == "ca" else ends[0]


def image_version(image: str) -> str:
    """The version in the tag of an image, such as 3.6.5 in registry.k8s.io/etcd:3.6.5-0; empty if it has none."""
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    numbers = version_of(tag)
    return ".".join(map(str, numbers)) if numbers else ""


def _size(path: str) -> int | None:
    """The size of a database as etcd counts it against the quota: the file itself is longer, it grows ahead."""
    try:
        with reading(path) as file:
            newest = max(metas(file.read(HEAD_BYTES)), key=lambda meta: meta.txid, default=None)
    except OSError:
        return None
    return newest.pages * newest.page_size if newest else None


def _last_snapshot(report: NodeReport, directory: str, now: float) -> SnapshotReport | None:
    known = report.known_cluster_id
    if not known or not os.path.isdir(directory):
        return None
    from .._snapshot import catalog  # few nodes have snapshots, and each start would have to read it

    with suppress(OSError, TypeError, ValueError):
        newest = catalog.newest(directory, cluster_id=int(known, 16), ca_sha256=report.ca_sha256)
        if newest:
            return SnapshotReport(newest.path, float(newest.created), round(max(now - newest.created, 0.0), 1))
    return None


__all__ = ("certificates", "image_version", "read_upkeep")

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""One member of a cluster and the connection to it: by default the one of this host's static pod manifest."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from .._core.failures import Failure
from .._core.files import free_bytes, text
from .._core.records import Json
from .._etcd.api import Endpoint
from .._etcd.errors import TimedOut, TlsRejected
from .._etcd.quota import Capacity, Quota
from .._etcd.transport import ANSWER_SECONDS, GatewayTransport, TlsFiles
from .._etcd.view import ClusterView, MemberView, inspect_cluster
from .._etcd.wal import read_ids
from .._etcd.x509 import fingerprints
from .etcd_manifest import DEFAULT_PATH, EtcdManifest, read_manifest
from .foreign_etcd import elsewhere
from .memory import memory_bytes

_TLS_OPTIONS = ("ca_cert", "client_cert", "client_key")

# What names the member: the defaults of the modules' options, and of the node tool.
DEFAULTS: Json = {
    "ca_cert": None,
    "client_cert": None,
    "client_key": None,
    "endpoint": None,
    "manifest": DEFAULT_PATH,
    "timeout": ANSWER_SECONDS,
}


class LocalMember:
    """The member that the options name: by default the one of this host's static pod manifest."""

    def __init__(self, params: Json) -> None:
        """Raises Failure, among them EtcdError."""
        self._timeout: float = params["timeout"]
        self._manifest = _manifest(params)
        self.tls = _tls(params, self._manifest)
        self._elsewhere = bool(params["endpoint"])
        self._silent: dict[str, str] = {}
        self._quotas: dict[int, Quota] = {}
        self.endpoint = self.connect(params["endpoint"] or (self._manifest.endpoint if self._manifest else ""))

    def connect(self, url: str) -> Endpoint:
        """Connect to any member of the cluster: they all trust the same CA. Raises TimedOut at once for one that was
        silent before: a module that inspects the cluster again and again would wait for it each time."""
        if url in self._silent:
            raise TimedOut(self._silent[url], endpoint=url)
        return Endpoint(GatewayTransport(url, self.tls, timeout=self._timeout))

    def inspect_cluster(self) -> ClusterView:
        """The cluster as this member knows it."""
        manifest = self.manifest
        view = inspect_cluster(
            self.endpoint, self.connect, manifest_quota_bytes=manifest.quota_bytes if manifest else None
        )
        for member in view.members:
            if member.role == "silent" and not member.busy:
                self._silent.update(dict.fromkeys(member.member.client_urls, member.error))
        self._quotas.update({member.id: member.quota for member in view.answering if member.quota.known})
        return replace(view, members=tuple(self._with_known_quota(member) for member in view.members))

    def _with_known_quota(self, member: MemberView) -> MemberView:
        """A member whose metrics do not answer now, with the quota that they said before."""
        return member if member.quota.known else replace(member, quota=self._quotas.get(member.id, member.quota))

    @cached_property
    def manifest(self) -> EtcdManifest | None:
        """The manifest, if the member that answers is this host's own; None if its files lie elsewhere."""
        if self._manifest is None or not self._elsewhere:
            return self._manifest
        own = read_ids(self._manifest.wal_dir)
        return self._manifest if own and own.member_id == self.endpoint.status().member_id else None

    def ca_sha256(self) -> list[str]:
        """The fingerprints of the CA, which tell this cluster from others. Empty if etcd speaks plain http."""
        return ca_sha256(self.tls.ca_cert) if self.tls else []

    def free_disk_bytes(self) -> int | None:
        """The free space on the disk of the member's data; None if that disk is not this host's."""
        manifest = self.manifest
        return free_bytes(manifest.data_dir) if manifest else None

    def capacity(self, db_bytes: int) -> Capacity | None:
        """What this host has for a database of that size; None if the member is not its own, or nothing says it."""
        free, memory = self.free_disk_bytes(), memory_bytes()
        if self.manifest is None or free is None or memory is None:
            return None
        return Capacity(memory, free, db_bytes, self.manifest.memory_limit_bytes)


def ca_sha256(path: str) -> list[str]:
    """The fingerprints of the certificates in a CA file. Raises TlsRejected."""
    try:
        return fingerprints(text(path, encoding="ascii", errors="replace"))
    except (OSError, ValueError) as exc:
        raise TlsRejected(f"the CA certificate {path!r} cannot be used: {exc}") from exc


def _manifest(params: Json) -> EtcdManifest | None:
    try:
        return read_manifest(params["manifest"])
    except FileNotFoundError:
        if params["endpoint"] and all(params[name] for name in _TLS_OPTIONS):
            return None
        raise Failure(
            "manifest_missing",
            " ".join([f"There is no {params['manifest']} on this host.", *elsewhere()]),
            "Run this on a control-plane node, or give endpoint, ca_cert, client_cert and client_key.",
        ) from None


def _tls(params: Json, manifest: EtcdManifest | None) -> TlsFiles | None:
    files = manifest.tls_files() if manifest else None
    if files is None and not all(params[name] for name in _TLS_OPTIONS):
        return None
    return TlsFiles(
        ca_cert=params["ca_cert"] or (files.ca_cert if files else ""),
        client_cert=params["client_cert"] or (files.client_cert if files else ""),
        client_key=params["client_key"] or (files.client_key if files else ""),
    )


__all__ = ("DEFAULTS", "LocalMember", "ca_sha256")

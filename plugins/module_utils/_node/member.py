# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""One member of a cluster and the connection to it: by default the one of this host."""

from __future__ import annotations

import os
import typing as t
from functools import cached_property

from .._core.failures import Failure, Refused
from .._core.files import free_bytes, text
from .._core.records import Json
from .._core.side_by_side import importing
from .._etcd import connection
from .._etcd.api import Endpoint
from .._etcd.errors import EtcdError, InvalidEndpoint, LibraryMissing, TimedOut, TlsRejected
from .._etcd.estimates import DiskRoom
from .._etcd.quota import Capacity, Quota
from .._etcd.transport import ANSWER_SECONDS, TlsFiles
from .._etcd.view import ClusterView, MemberView, inspect_cluster
from .._etcd.wal import read_ids
from .._etcd.x509 import fingerprints
from .etcd_manifest import DEFAULT_PATH
from .memory import memory_bytes
from .settings import MemberSettings
from .settings_source import read_settings

if t.TYPE_CHECKING:
    from .._core.command import CommandResult

_TLS_OPTIONS = ("ca_cert", "client_cert", "client_key")

# What names the member: the defaults of the modules' options, and of the node tool.
DEFAULTS: Json = {
    "ca_cert": None,
    "client_cert": None,
    "client_key": None,
    "endpoint": None,
    "manifest": DEFAULT_PATH,
    "timeout": ANSWER_SECONDS,
    "transport": connection.AUTO,
}
# How it is reached, if its own settings do not tell that.
CONNECTION_OPTIONS = (*_TLS_OPTIONS, "endpoint", "transport")
# What is wrong with these options themselves. Anything else may be the member's own matter, and pass.
_WRONG_CONNECTION = (InvalidEndpoint, LibraryMissing, TlsRejected)


class LocalMember:
    """The member that the options name: by default the one of this host."""

    def __init__(self, params: Json) -> None:
        """Raises Failure, among them EtcdError."""
        self._timeout: float = params["timeout"]
        self._way: str = params["transport"]
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
        return Endpoint(
            connection.connect(
                url,
                self.tls,
                way=self._way,
                timeout=self._timeout,
                etcdctl=self._etcdctl,
                grpc_url=self._manifest.grpc_url(url) if self._manifest else url,
            )
        )

    def _etcdctl(self, words: t.Sequence[str], stdin: str, timeout: float) -> CommandResult:
        # Here, since each start of a module would have to read it, and few members need it.
        with importing:
            from .etcdctl import Etcdctl

        return Etcdctl(self._manifest, self.tls)(words, stdin, timeout)

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
        return view._replace(members=tuple(self._with_known_quota(member) for member in view.members))

    def _with_known_quota(self, member: MemberView) -> MemberView:
        """A member whose metrics do not answer now, with the quota that they said before."""
        return member if member.quota.known else member._replace(quota=self._quotas.get(member.id, member.quota))

    @cached_property
    def manifest(self) -> MemberSettings | None:
        """The settings, if the member that answers is this host's own; None if its files lie elsewhere."""
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

    def disk_room(self) -> DiskRoom | None:
        """That space, and whether the log shares it; None as above."""
        manifest, free = self.manifest, self.free_disk_bytes()
        if manifest is None or free is None:
            return None
        return DiskRoom(free, with_log=_same_disk(manifest.data_dir, manifest.wal_dir))

    def capacity(self, db_bytes: int) -> Capacity | None:
        """What this host has for a database of that size; None if the member is not its own, or nothing says it."""
        free, memory = self.free_disk_bytes(), memory_bytes()
        if self.manifest is None or free is None or memory is None:
            return None
        return Capacity(memory, free, db_bytes, self.manifest.memory_limit_bytes)


def _same_disk(one: str, other: str) -> bool:
    """Whether both are on one filesystem, also if that cannot be told."""
    try:
        return os.stat(one).st_dev == os.stat(other).st_dev
    except OSError:
        return True


def ca_sha256(path: str) -> list[str]:
    """The fingerprints of the certificates in a CA file. Raises TlsRejected."""
    try:
        return fingerprints(text(path, encoding="ascii", errors="replace"))
    except (OSError, ValueError) as exc:
        raise TlsRejected(f"the CA certificate {path!r} cannot be used: {exc}") from exc


def given_options(params: Json) -> dict[str, str]:
    """Those of `CONNECTION_OPTIONS` that somebody gave."""
    return {name: params[name] for name in CONNECTION_OPTIONS if params[name] not in (None, "", DEFAULTS[name])}


def connection_refusal(params: Json, error: EtcdError) -> Refused | None:
    """The reason why nothing is to be done if the member could not be asked because of options that somebody gave; None
    if none was given, or if they are not what is wrong: a member that is down is one to bring back."""
    given = given_options(params)
    if not given or not isinstance(error, _WRONG_CONNECTION):
        return None
    told = ", ".join(f"{name}={value}" for name, value in given.items())
    return Refused(
        "wrong_connection",
        f"its etcd cannot be asked with {told}: {error.reason}.",
        "Correct that for this host, or leave it out: then the manifest says it.",
    )


def _manifest(params: Json) -> MemberSettings | None:
    try:
        return read_settings(params["manifest"])
    except FileNotFoundError:
        if params["endpoint"] and all(params[name] for name in _TLS_OPTIONS):
            return None
        # Here, since each start of a module would have to read it, and only one on the wrong host needs it.
        from .foreign_etcd import elsewhere

        raise Failure(
            "manifest_missing",
            " ".join([f"There is no {params['manifest']} on this host.", *elsewhere()]),
            "Run this on a control-plane node, or give endpoint, ca_cert, client_cert and client_key.",
        ) from None


def _tls(params: Json, manifest: MemberSettings | None) -> TlsFiles | None:
    files = manifest.tls_files() if manifest else None
    if files is None and not all(params[name] for name in _TLS_OPTIONS):
        return None
    return TlsFiles(
        ca_cert=params["ca_cert"] or (files.ca_cert if files else ""),
        client_cert=params["client_cert"] or (files.client_cert if files else ""),
        client_key=params["client_key"] or (files.client_key if files else ""),
    )


__all__ = ("CONNECTION_OPTIONS", "DEFAULTS", "LocalMember", "ca_sha256", "connection_refusal", "given_options")

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The seam between the modules and the library: options in, a member to ask, results and errors out."""

from __future__ import annotations

import typing as t
from functools import cached_property

from ansible.module_utils.basic import AnsibleModule

from ._etcd import plan
from ._etcd.api import Endpoint
from ._etcd.cluster import ClusterView, MemberView, look
from ._etcd.errors import EtcdError, TimedOut, TlsRejected
from ._etcd.maintenance import Refused
from ._etcd.manifest import DEFAULT_PATH, EtcdManifest, ManifestError, read_manifest
from ._etcd.snapshot import SnapshotError, free_bytes
from ._etcd.transport import GatewayTransport, Json, TlsFiles
from ._etcd.wal import read_ids
from ._etcd.x509 import fingerprints

CONNECTION_SPEC: Json = {
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},  # the path of a file, not a key
    "endpoint": {"type": "str"},
    "manifest": {"type": "path", "default": DEFAULT_PATH},
    "timeout": {"type": "float", "default": 10.0},
}
WORK_SPEC: Json = {"work_timeout": {"type": "float", "default": 600.0}}
UNSAFE_SPEC: Json = {"allow_unsafe_version": {"type": "bool", "default": False}}

_TLS_OPTIONS = ("ca_cert", "client_cert", "client_key")


class LocalMember:
    """The member that the options name: by default the one of this host's static pod manifest."""

    def __init__(self, params: Json) -> None:
        """Raises ManifestError and EtcdError."""
        self._timeout: float = params["timeout"]
        self._manifest = _manifest(params)
        self.tls = _tls(params, self._manifest)
        self._elsewhere = bool(params["endpoint"])
        self._silent: dict[str, str] = {}
        self.endpoint = self.connect(params["endpoint"] or (self._manifest.endpoint if self._manifest else ""))

    def connect(self, url: str) -> Endpoint:
        """Any member of the cluster: they all trust the same CA. Raises TimedOut at once for one that was silent
        before: a module that looks again and again would wait for it each time."""
        if url in self._silent:
            raise TimedOut(self._silent[url], endpoint=url)
        return Endpoint(GatewayTransport(url, self.tls, timeout=self._timeout))

    def look(self) -> ClusterView:
        """The cluster as this member knows it."""
        manifest = self.manifest
        view = look(self.endpoint, self.connect, manifest_quota_bytes=manifest.quota_bytes if manifest else None)
        for member in view.members:
            if member.role == "silent" and not member.busy:
                self._silent.update(dict.fromkeys(member.member.client_urls, member.error))
        return view

    @cached_property
    def manifest(self) -> EtcdManifest | None:
        """The manifest, where the member that answers is this host's own; None where its files lie elsewhere."""
        if self._manifest is None or not self._elsewhere:
            return self._manifest
        own = read_ids(self._manifest.wal_dir)
        return self._manifest if own and own.member_id == self.endpoint.status().member_id else None

    def ca_sha256(self) -> list[str]:
        """What tells this cluster from others: the fingerprints of its CA. Empty where etcd speaks plain http."""
        return ca_sha256(self.tls.ca_cert) if self.tls else []

    def free_disk_bytes(self) -> int | None:
        """What is free on the disk of the member's data; None where that disk is not this host's."""
        manifest = self.manifest
        return free_bytes(manifest.data_dir) if manifest else None


def ca_sha256(path: str) -> list[str]:
    """The fingerprints of the certificates in a CA file. Raises TlsRejected."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return fingerprints(file.read())
    except (OSError, ValueError) as exc:
        raise TlsRejected(f"the CA certificate {path!r} cannot be used: {exc}") from exc


def _manifest(params: Json) -> EtcdManifest | None:
    try:
        return read_manifest(params["manifest"])
    except FileNotFoundError:
        if params["endpoint"] and all(params[name] for name in _TLS_OPTIONS):
            return None
        raise ManifestError(
            f"There is no {params['manifest']} on this host. Run this on a control-plane node, or give endpoint,"
            " ca_cert, client_cert and client_key"
        ) from None


def _tls(params: Json, manifest: EtcdManifest | None) -> TlsFiles | None:
    found = manifest.tls_files() if manifest else None
    if found is None and not all(params[name] for name in _TLS_OPTIONS):
        return None
    return TlsFiles(
        ca_cert=params["ca_cert"] or (found.ca_cert if found else ""),
        client_cert=params["client_cert"] or (found.client_cert if found else ""),
        client_key=params["client_key"] or (found.client_key if found else ""),
    )


def run(
    module: AnsibleModule, body: t.Callable[[AnsibleModule, LocalMember], Json], *, doing: str, untouched: str
) -> None:
    """Run a module's body and end with its result, or with one message: what was tried (`doing`), on which member, why
    it failed, and what is still true (`untouched`)."""
    where = module.params["endpoint"] or module.params["manifest"]
    try:
        member = LocalMember(module.params)
        where = member.endpoint.url
        result = body(module, member)
    except Refused as exc:
        module.fail_json(msg=f"{doing} through {where} was refused. {exc} {untouched}")
    except (ManifestError, SnapshotError) as exc:
        module.fail_json(msg=f"{doing} failed. {_sentence(exc)} {untouched}")
    except OSError as exc:
        module.fail_json(msg=f"{doing} failed: {exc}. {untouched}")
    except EtcdError as exc:
        module.fail_json(msg=f"{doing} through {exc.endpoint or where} failed: {_sentence(exc)} {untouched}")
    module.exit_json(**result)


def _sentence(exc: Exception) -> str:
    text = str(exc)
    return text if text.endswith(".") else f"{text}."


def cluster_result(view: ClusterView) -> Json:
    """The `cluster` that modules return."""
    return {
        "cluster_id": f"{view.cluster_id:x}",
        "leader": view.name_of(view.leader_id) if view.has_quorum else None,
        "has_quorum": view.has_quorum,
        "revision": view.revision,
        "alarms": [
            {
                "alarm": alarm.kind,
                "member_id": f"{alarm.member_id:x}",
                "member": found.name if found else None,
            }
            for alarm in view.alarms
            for found in (view.by_id(alarm.member_id),)
        ],
        "members": [member_result(member) for member in view.members],
    }


def member_result(member: MemberView) -> Json:
    """One entry of `cluster.members`."""
    return {
        "member_id": f"{member.id:x}",
        "name": member.name,
        "role": member.role,
        "endpoint": member.endpoint,
        "client_urls": list(member.member.client_urls),
        "peer_urls": list(member.member.peer_urls),
        "error": member.error,
        "version": member.version,
        "db_size_bytes": member.size_bytes,
        "db_size_in_use_bytes": member.in_use_bytes,
        "quota_bytes": member.quota.bytes,
        "quota_source": member.quota.source,
        "quota_used": round(member.used, 4),
        "raft_applied_index": member.applied_index,
    }


def diagnosis_result(view: ClusterView, *, allow_unsafe: bool) -> Json:
    """The `diagnosis` that the info modules return."""
    needs_recovery = plan.needs_recovery(view)
    reasons = (
        plan.corrupt_refusal(view),
        plan.quorum_refusal(view),
        plan.version_refusal(view, allowed=allow_unsafe or not needs_recovery),
    )
    return {
        "needs_recovery": needs_recovery,
        "refusals": [reason for reason in reasons if reason],
        "findings": plan.findings(view),
        "expected_seconds": plan.expected_seconds(view),
    }


__all__ = (
    "CONNECTION_SPEC",
    "UNSAFE_SPEC",
    "WORK_SPEC",
    "LocalMember",
    "ca_sha256",
    "cluster_result",
    "diagnosis_result",
    "member_result",
    "run",
)

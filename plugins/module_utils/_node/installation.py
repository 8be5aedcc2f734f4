# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What runs an etcd, and where its settings are: told from its process and from traces, which are files of the node.

Paths and command lines are those in the sources of kubespray 2.22 to 2.31, RKE2 1.22 to 1.36, k3s, k0s and
etcd-manager; those of OpenShift and Cluster API are what their documentation names.
"""

from __future__ import annotations

import os
import re
import typing as t

from .control_group import container_of, group_of, units_of
from .settings import is_unit

# The kinds of a node whose etcd is the static pod of a manifest.
KUBEADM, ETCD_ONLY, CLUSTER_API = "kubeadm", "etcd_only", "cluster_api"
# Those whose etcd runs otherwise, and is worked on all the same.
RKE2, K3S, KUBESPRAY, SYSTEMD, CONFIG_FILE = "rke2", "k3s", "kubespray", "systemd", "config_file"
TOOL = "tool"  # no etcd, but what works on its files


class DatabaseUser(t.NamedTuple):
    """A process that has a database open for writing. `cgroup` is the text of its `/proc/PID/cgroup`, `database` the
    path as its own mount namespace has it."""

    pid: int
    words: tuple[str, ...]
    cgroup: str
    database: str

    @property
    def program(self) -> str:
        return self.words[0]


class Installation(t.NamedTuple):
    """What runs an etcd: its kind, the same as a noun phrase, and a sentence on where its settings are."""

    kind: str
    what: str
    settings: str


class _Distribution(t.NamedTuple):
    """An installation, a path that only its nodes have, and what its command line or the path of its data matches."""

    installation: Installation
    trace: str
    pattern: str


_CONFIG = "set etcd-arg in /etc/rancher/{0}/config.yaml, and restart {1} on one server after the other."
_DISTRIBUTIONS = (
    _Distribution(
        Installation(RKE2, "the etcd of RKE2", f"RKE2 writes its settings: {_CONFIG.format('rke2', 'rke2-server')}"),
        "/var/lib/rancher/rke2/server/db/etcd",
        "/rke2/",
    ),
    _Distribution(
        Installation(K3S, "the etcd within k3s", f"k3s writes its settings: {_CONFIG.format('k3s', 'k3s')}"),
        "/var/lib/rancher/k3s/server/db/etcd",
        r"^(\S*/)?k3s(-server)? |/k3s/",
    ),
    _Distribution(
        Installation(
            "k0s",
            "the etcd of k0s",
            "Its settings are spec.storage.etcd.extraArgs in k0s's own file (/etc/k0s/k0s.yaml), which k0scontroller"
            " reads when it starts.",
        ),
        "/var/lib/k0s/etcd",
        "/k0s/",
    ),
    _Distribution(
        Installation(
            "kops",
            "an etcd of kOps, run by its etcd-manager",
            "Its settings are spec.etcdClusters[].manager.env of the kOps cluster, and come with a rolling update.",
        ),
        "/opt/kops",
        r"^/opt/etcd-v\d",
    ),
)
# In a pod, and its command line is like any other.
_OPENSHIFT = Installation("openshift", "the etcd of OpenShift", "OpenShift's etcd operator owns its settings.")
_OPENSHIFT_TRACE = "/etc/kubernetes/manifests/etcd-pod.yaml"

_KUBESPRAY_FILE = "/etc/etcd.env"
KUBESPRAY_FILES = (_KUBESPRAY_FILE, "/etc/etcd-events.env")
_KUBESPRAY_SETTINGS = (
    f"Its settings are in {_KUBESPRAY_FILE}, which kubespray (from etcd_quota_backend_bytes and"
    " etcd_compaction_retention) or KubeKey writes."
)
_UNIT_FILES = tuple(
    f"{directory}/etcd.service"
    for directory in ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
)
_CLUSTER_API_DIRECTORY = "/run/cluster-api"  # gone after a reboot
_CLIENT_OF = {"docker": "docker", "libpod": "podman", "nerdctl": "nerdctl"}

POD = Installation(
    "pod",
    "etcd in a pod",
    "See which pod it is (crictl ps --name etcd). If its manifest was moved away just now, put that very file back.",
)
TRACES = (
    *(each.trace for each in _DISTRIBUTIONS),
    _OPENSHIFT_TRACE,
    _KUBESPRAY_FILE,
    *_UNIT_FILES,
    _CLUSTER_API_DIRECTORY,
)


def of_process(user: DatabaseUser, traces: t.Container[str]) -> Installation:
    """What runs the etcd of a process. `traces` are those of `TRACES` that are on the node."""
    for each in _DISTRIBUTIONS:
        if re.search(each.pattern, " ".join((*user.words, user.database))):
            return each.installation
    if os.path.basename(user.program) in ("etcdctl", "etcdutl"):
        return Installation(TOOL, "a tool that works on its files", "Wait until it is done.")
    group = group_of(user.cgroup)
    if "kubepods" in group:
        return _OPENSHIFT if _OPENSHIFT_TRACE in traces else POD
    container = container_of(user.cgroup)
    if container:
        client, number = _CLIENT_OF[container[1]], container[2]
        found = Installation(
            "container",
            f"etcd in the container {number} of {client}",
            f"Its settings are those of the container ({client} inspect {number}).",
        )
    else:
        unit = next(reversed(units_of(user.cgroup)), "")
        if not unit:
            return Installation(
                "unknown",
                "started by something that is not known here",
                f"Find out what started it (ps -o ppid,cgroup,args -p {user.pid}): its settings are there.",
            )
        found = _of_unit(unit)
    return found._replace(kind=KUBESPRAY, settings=_KUBESPRAY_SETTINGS) if _KUBESPRAY_FILE in traces else found


def of_traces(traces: t.Container[str]) -> tuple[Installation, ...]:
    """What may run an etcd on this node when it runs."""
    found = [each.installation for each in _DISTRIBUTIONS if each.trace in traces]
    if _OPENSHIFT_TRACE in traces:
        found.append(_OPENSHIFT)
    if _KUBESPRAY_FILE in traces:
        found.append(_of_unit("etcd.service")._replace(kind=KUBESPRAY, settings=_KUBESPRAY_SETTINGS))
    elif any(path in traces for path in _UNIT_FILES):
        found.append(_of_unit("etcd.service"))
    return tuple(found)


def of_manifest(path: str, traces: t.Container[str], exists: t.Callable[[str], bool] = os.path.exists) -> str:
    """The kind of a node whose etcd is the static pod of this manifest: kubeadm's own, of Cluster API, or a host of
    kubeadm's external etcd, which has neither an API server nor a kubeconfig."""
    if _CLUSTER_API_DIRECTORY in traces:
        return CLUSTER_API
    manifests = os.path.dirname(path)
    above = os.path.dirname(manifests)
    of_control_planes = (f"{manifests}/kube-apiserver.yaml", f"{above}/admin.conf", f"{above}/kubelet.conf")
    return KUBEADM if any(map(exists, of_control_planes)) else ETCD_ONLY


def of_member(path: str, config_file: str, files: t.Container[str], traces: t.Container[str]) -> str:
    """The kind of a node whose member is worked on: `path` names its settings, a manifest or a unit; `files` are the
    environment files of the unit."""
    for each in _DISTRIBUTIONS:
        if config_file and re.search(each.pattern, config_file):
            return each.installation.kind
    if is_unit(path):
        return KUBESPRAY if any(file in files for file in KUBESPRAY_FILES) else SYSTEMD
    return CONFIG_FILE if config_file else of_manifest(path, traces)


def _of_unit(unit: str) -> Installation:
    return Installation(
        SYSTEMD,
        f"etcd as the systemd unit {unit}",
        f"Its settings are those of the unit (systemctl cat {unit}). If it is that of Kubernetes, name it:"
        f" recover_manifest, harden_manifest or status_manifest={unit}, or the modules' option manifest.",
    )


__all__ = (
    "CLUSTER_API",
    "CONFIG_FILE",
    "ETCD_ONLY",
    "K3S",
    "KUBEADM",
    "KUBESPRAY",
    "KUBESPRAY_FILES",
    "POD",
    "RKE2",
    "SYSTEMD",
    "TOOL",
    "TRACES",
    "DatabaseUser",
    "Installation",
    "of_manifest",
    "of_member",
    "of_process",
    "of_traces",
)

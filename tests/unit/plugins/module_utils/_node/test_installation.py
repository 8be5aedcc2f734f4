# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs an etcd, by what a node shows of it."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node import installation
from ansible_collections.controlplane.etcd.plugins.module_utils._node.installation import DatabaseUser

ID = "0123456789ab" + "c" * 52
UNIT = "0::/system.slice/{}.service\n"
POD = "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f9a.slice/cri-containerd-" + ID + ".scope\n"
OF_KUBEADM = "etcd --name=cp1 --data-dir=/var/lib/etcd"
VAR = "/var/lib/etcd"
RANCHER = "/var/lib/rancher/{}/server/db/etcd"
ENV, OPENSHIFT = "/etc/etcd.env", "/etc/kubernetes/manifests/etcd-pod.yaml"

# Its command line, its control group, its data directory, the traces; the kind, and words of what it is.
PROCESSES: list[tuple[str, str, str, str, list[str], str, str]] = [
    ("kubespray", "/usr/local/bin/etcd", UNIT.format("etcd"), VAR, [ENV], "kubespray", "the systemd unit etcd.service"),
    ("its events", "/usr/local/bin/etcd", UNIT.format("etcd-events"), VAR, [ENV], "kubespray", "etcd-events.service"),
    (
        "kubespray with Docker",
        "/usr/local/bin/etcd",
        f"0::/system.slice/docker-{ID}.scope\n",
        VAR,
        [ENV],
        "kubespray",
        "the container 0123456789ab of docker",
    ),
    ("Debian", "/usr/bin/etcd", UNIT.format("etcd"), "/var/lib/etcd/default", [], "systemd", "unit etcd.service"),
    (
        "the first version of control groups",
        "/usr/bin/etcd",
        "12:pids:/a.service\n1:name=systemd:/system.slice/etcd.service\n0::/b.service\n",
        VAR,
        [],
        "systemd",
        "unit etcd.service",
    ),
    (
        "a unit in a node that is a container",
        "/usr/bin/etcd",
        f"0::/docker/{ID}/system.slice/etcd.service\n",
        VAR,
        [],
        "systemd",
        "unit etcd.service",
    ),
    ("Docker with cgroupfs", "etcd", f"1:name=systemd:/docker/{ID}\n", VAR, [], "container", "0123456789ab of docker"),
    ("Podman", "etcd", f"0::/machine.slice/libpod-{ID}.scope\n", VAR, [], "container", "0123456789ab of podman"),
    ("RKE2", f"etcd --config-file={RANCHER.format('rke2')}/config", POD, RANCHER.format("rke2"), [], "rke2", "RKE2"),
    ("RKE2 elsewhere", "etcd --config-file=/data/rke2/server/db/etcd/config", POD, VAR, [], "rke2", "RKE2"),
    ("k3s", "/usr/local/bin/k3s server", UNIT.format("k3s"), "/data/db/etcd", [], "k3s", "within k3s"),
    ("k3s, by its title", "k3s-server server", UNIT.format("k3s"), "/data/db/etcd", [], "k3s", "within k3s"),
    ("k0s", "/var/lib/k0s/bin/etcd --name=a", UNIT.format("k0scontroller"), "/var/lib/k0s/etcd", [], "k0s", "of k0s"),
    ("kOps", "/opt/etcd-v3.5.21/etcd", POD, "/rootfs/mnt/master-vol-0a/data/etcd", [], "kops", "of kOps"),
    ("OpenShift", f"{OF_KUBEADM} --logger=zap", POD, VAR, [OPENSHIFT], "openshift", "of OpenShift"),
    ("kubeadm", OF_KUBEADM, POD, VAR, [], "pod", "in a pod"),
    ("kubeadm with cgroupfs", OF_KUBEADM, f"0::/kubepods/burstable/pod0f9a/{ID}\n", VAR, [ENV], "pod", "in a pod"),
    ("etcdutl", "/usr/local/bin/etcdutl defrag", UNIT.format("x"), VAR, [ENV], "tool", "a tool"),
    ("by hand", "etcd", "0::/user.slice/user-0.slice/session-3.scope\n", VAR, [ENV], "unknown", "not known here"),
    ("no control group", "etcd", "", VAR, [], "unknown", "not known here"),
    ("a path that is alike", "/opt/k3s-tools/etcd", "0::/\n", VAR, [], "unknown", "not known here"),
]


@pytest.mark.parametrize(("command", "cgroup", "data", "traces", "kind", "what"), table(PROCESSES))
def test_of_process(command: str, cgroup: str, data: str, traces: list[str], kind: str, what: str) -> None:
    user = DatabaseUser(4711, tuple(command.split()), cgroup, f"{data}/member/snap/db")
    found = installation.of_process(user, traces)
    assert found.kind == kind
    assert what in found.what
    assert found.settings.endswith(".")


def test_settings_are_where_they_stay() -> None:
    """What is written anywhere else is undone by whoever owns it."""
    words = {
        "rke2": "etcd-arg in /etc/rancher/rke2/config.yaml, and restart rke2-server",
        "k3s": "etcd-arg in /etc/rancher/k3s/config.yaml, and restart k3s",
        "k0s": "spec.storage.etcd.extraArgs in k0s's own file",
        "kops": "spec.etcdClusters[].manager.env",
        "openshift": "OpenShift's etcd operator",
        "kubespray": "/etc/etcd.env, which kubespray (from etcd_quota_backend_bytes",
    }
    found = {each.kind: each.settings for each in installation.of_traces(installation.TRACES)}
    assert found.keys() == words.keys()
    for kind, text in words.items():
        assert text in found[kind]


TRACES: list[tuple[str, list[str], list[str]]] = [
    ("none", [], []),
    ("Debian", ["/usr/lib/systemd/system/etcd.service"], ["systemd"]),
    ("kubespray", ["/etc/systemd/system/etcd.service", ENV], ["kubespray"]),
    ("RKE2, and a unit", [RANCHER.format("rke2"), "/etc/systemd/system/etcd.service"], ["rke2", "systemd"]),
    ("Cluster API", ["/run/cluster-api"], []),
    ("what is not looked for", ["/etc/passwd"], []),
]


@pytest.mark.parametrize(("traces", "expected"), table(TRACES))
def test_of_traces(traces: list[str], expected: list[str]) -> None:
    assert [each.kind for each in installation.of_traces(traces)] == expected


MANIFESTS: list[tuple[str, list[str], list[str], str]] = [
    ("kubeadm", [], ["/e/k/manifests/kube-apiserver.yaml", "/e/k/admin.conf", "/e/k/kubelet.conf"], "kubeadm"),
    ("an API server that was moved away", [], ["/e/k/admin.conf", "/e/k/kubelet.conf"], "kubeadm"),
    ("no kubeconfig of an administrator", [], ["/e/k/kubelet.conf"], "kubeadm"),
    ("etcd alone", [], ["/e/k/pki/ca.crt"], "etcd_only"),
    ("another file of that name", [], ["/e/k/manifests/admin.conf", "/e/admin.conf"], "etcd_only"),
    ("Cluster API", ["/run/cluster-api"], ["/e/k/admin.conf"], "cluster_api"),
]


@pytest.mark.parametrize(("traces", "there", "expected"), table(MANIFESTS))
def test_of_manifest(traces: list[str], there: list[str], expected: str) -> None:
    assert installation.of_manifest("/e/k/manifests/etcd.yaml", traces, there.__contains__) == expected


MEMBERS: list[tuple[str, str, str, list[str], str]] = [
    ("RKE2", "/x/etcd.yaml", "/var/lib/rancher/rke2/server/db/etcd/config", [], "rke2"),
    ("k3s", "k3s.service", "/var/lib/rancher/k3s/server/db/etcd/config", [], "k3s"),
    ("a pod with a file", "/x/etcd.yaml", "/etc/etcd.yml", [], "config_file"),
    ("kubespray", "etcd.service", "", ["/etc/etcd.env"], "kubespray"),
    ("its events", "etcd-events.service", "", ["/etc/etcd-events.env"], "kubespray"),
    ("Debian", "etcd.service", "", ["/etc/default/etcd"], "systemd"),
    ("a unit with a file", "etcd.service", "/etc/etcd.yml", [], "systemd"),
    ("a manifest", "/nowhere/manifests/etcd.yaml", "", [], "etcd_only"),
]


@pytest.mark.parametrize(("path", "config_file", "files", "kind"), table(MEMBERS))
def test_of_member(path: str, config_file: str, files: list[str], kind: str) -> None:
    assert installation.of_member(path, config_file, files, ()) == kind

#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_node_info
short_description: Inspect the etcd member of a node, also while it is down
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Collects what a node knows about its own etcd - manifest, certificates, ids, disk, run lock - and, if the member
    answers, what M(controlplane.etcd.etcd_info) returns.
  - Unlike that module it does not fail if the member does not answer, nor on a node without etcd. The roles of this
    collection begin with it.
extends_documentation_fragment:
  - controlplane.etcd._connection
  - controlplane.etcd._connection.unsafe
  - controlplane.etcd._attributes
  - controlplane.etcd._attributes.info

options:
  data_dir:
    description:
      - Data directory to look for if there is no manifest. Data without a manifest means that somebody removed the
        manifest.
    type: path
    default: /var/lib/etcd
  kubelet_unit:
    description:
      - Name of the kubelet's systemd unit.
    type: str
    default: kubelet
  lock_path:
    description:
      - Path of the run lock, see M(controlplane.etcd.run_lock).
    type: path
    default: /run/etcd-maintenance.lock
  snapshot_dir:
    description:
      - Directory of snapshots, as M(controlplane.etcd.etcd_snapshot) writes them; it is only inspected. Empty leaves it
        out.
    type: path
    default: /var/backups/etcd
"""

EXAMPLES = r"""
---
- name: Inspect the node
  controlplane.etcd.etcd_node_info:
  become: true
  register: node

- name: Say why its member does not answer
  ansible.builtin.debug:
    msg: "{{ node.error }}"
  when:
    - node.present
    - not node.answers
"""

RETURN = r"""
---
answers:
  description: Whether the node's own member answers.
  returned: success
  type: bool
  sample: true
apiserver_etcd_urls:
  description: URLs of the etcd that the node's API server uses, those of single resources last. Empty if it has no API
    server.
  returned: on a node without etcd
  type: list
  elements: str
  sample: ["https://192.0.2.11:2379"]
apiserver_manifest:
  description: Path of the manifest of the node's API server, whether or not there is one.
  returned: success
  type: str
  sample: /etc/kubernetes/manifests/kube-apiserver.yaml
ca_sha256:
  description: SHA-256 of each certificate in the file of etcd's CA, which tells clusters apart if ids do not.
  returned: success
  type: list
  elements: str
  sample: [9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08]
cluster:
  description: The cluster as this member knows it, as RV(controlplane.etcd.etcd_info#module:cluster).
  returned: when the member answers
  type: dict
cluster_id:
  description: Id of the cluster from the node's own write-ahead log, in hexadecimal; known even with etcd down.
  returned: success
  type: str
  sample: cdf818194e3a8c32
diagnosis:
  description: What follows from it, as RV(controlplane.etcd.etcd_info#module:diagnosis).
  returned: when the member answers
  type: dict
disks:
  description: The filesystems of the node that matter to etcd.
  returned: on a node with etcd
  type: list
  elements: dict
  contains:
    eviction_bytes:
      description: The kubelet reports DiskPressure while less than that is free, by its configuration
        (C(/var/lib/kubelet/config.yaml)) or its defaults. V(0) if it does not watch this filesystem.
      returned: always
      type: int
      sample: 6442450944
    free_bytes:
      description: What is free there.
      returned: always
      type: int
      sample: 21474836480
    leftovers:
      description: What nobody uses any more, as far as can be told, the largest first - files of interrupted snapshots
        and defragmentations of etcd, copies of C(kubeadm upgrade), all but the newest snapshot of this collection.
      returned: always
      type: list
      elements: dict
      contains:
        path:
          description: The file or directory.
          returned: always
          type: str
          sample: /etc/kubernetes/tmp/kubeadm-backup-etcd-2026-01-02-03-04-05
        size_bytes:
          description: What it takes.
          returned: always
          type: int
          sample: 2147483648
    path:
      description: One directory on it, the first of its uses.
      returned: always
      type: str
      sample: /var/lib/etcd
    reflinks:
      description: Whether it is of a type that can share the blocks of two files.
      returned: always
      type: bool
      sample: false
    snapshot:
      description: The newest snapshot of this collection there, empty if there is none.
      returned: always
      type: str
      sample: ""
    uses:
      description: What lies there - V(data) and V(wal) of etcd, V(snapshots) of this collection, and the directory of
        the V(kubelet).
      returned: always
      type: list
      elements: str
      sample: [data, wal, kubelet]
error:
  description: Why the member does not answer, else empty.
  returned: success
  type: str
  sample: ""
further:
  description: Units of this node that run another etcd of Kubernetes, such as that for events alone.
  returned: on a node with etcd
  type: list
  elements: str
  sample: [etcd-events.service]
installation:
  description:
    - What has made the node, as far as its files tell. V(kubeadm); V(etcd_only) for a host of kubeadm's external etcd,
      which has neither an API server nor a kubeconfig; V(cluster_api) for a machine that Cluster API owns.
      V(kubespray) for a unit with kubespray's or KubeKey's file, V(systemd) for any other one, V(rke2), V(k3s), and
      V(config_file) for a static pod with a configuration file of etcd's own.
  returned: on a node with etcd
  type: str
  sample: kubeadm
kubelet:
  description: The kubelet of the node.
  returned: on a node with etcd
  type: dict
  contains:
    held:
      description: Who stopped it for a while, null if it is not held. See M(controlplane.etcd.kubelet).
      returned: always
      type: dict
      contains:
        owner:
          description: Id of the run that holds it.
          returned: always
          type: str
          sample: admin:4711:8812345
        timer:
          description: Name of the timer that starts it again.
          returned: always
          type: str
          sample: etcd-maintenance-release-0a1b2c3d4e5f
        until:
          description: When that is, in seconds since 1970 by the node's clock.
          returned: always
          type: float
          sample: 1795428300.0
    last_lines:
      description: Its last lines, if it does not run and would not be started.
      returned: always
      type: list
      elements: str
      sample: []
    refusal:
      description: Why it would not be started or restarted, empty if it may be.
      returned: always
      type: str
      sample: ""
    running:
      description: Whether it runs.
      returned: always
      type: bool
      sample: true
    stopped:
      description: Whether it is installed but not running.
      returned: always
      type: bool
      sample: false
    unit:
      description: Name of its systemd unit.
      returned: always
      type: str
      sample: kubelet
lock:
  description: Who holds the run lock on this node, null if nobody does.
  returned: success
  type: dict
  contains:
    owner:
      description: Who holds it, in readable form.
      returned: always
      type: str
      sample: root@admin, recover
    run:
      description: Id of the run.
      returned: always
      type: str
      sample: admin:4711:8812345
    until:
      description: When it expires, in seconds since 1970 by the node's clock.
      returned: always
      type: float
      sample: 1795428000.0
manifest:
  description: What names the settings of the member, the path of the manifest or the name of a systemd unit.
  returned: success
  type: str
  sample: /etc/kubernetes/manifests/etcd.yaml
member_id:
  description: Id of the node's own member from its write-ahead log, in hexadecimal; known even with etcd down.
  returned: success
  type: str
  sample: 8e9e05c52164694d
memory_bytes:
  description: How much memory the node has, null if the system does not say. If the node is itself in a cgroup with a
    limit (v1 or v2), as one that is a container, that limit counts.
  returned: on a node with etcd
  type: int
  sample: 16756170752
memory_limit_bytes:
  description: The memory limit of etcd's own container (C(resources.limits.memory) in its manifest), null if it has
    none.
  returned: on a node with etcd
  type: int
  sample: 4294967296
name:
  description: Name of the node's member.
  returned: success
  type: str
  sample: cp1
other_etcd:
  description: Other etcds that were found, such as that of Patroni or of k0s, each in a sentence.
  returned: on a node without a manifest
  type: list
  elements: str
  sample: []
play:
  description: Id of the play in which the node was inspected, added on the controller.
  returned: always
  type: str
  sample: 0a1b2c3d-4e5f-6071-8293-000000000007
present:
  description: Whether the node has an etcd that is worked on. What is about that is missing if it has none.
  returned: success
  type: bool
  sample: true
probes:
  description: The probes of the static pod.
  returned: on a node with etcd
  type: list
  elements: dict
  contains:
    handler:
      description: How it asks, V(httpGet), V(tcpSocket), V(exec) or V(grpc).
      returned: always
      type: str
      sample: httpGet
    initial_delay:
      description: Seconds before the first one.
      returned: always
      type: float
      sample: 10.0
    kind:
      description: V(startup), V(liveness) or V(readiness).
      returned: always
      type: str
      sample: startup
    path:
      description: What is asked, with its query. Empty if RV(probes[].handler) is not V(httpGet).
      returned: always
      type: str
      sample: /health?serializable=false
    period:
      description: Seconds between two of them.
      returned: always
      type: float
      sample: 10.0
    port:
      description: The port that is asked, null if the manifest does not give it.
      returned: always
      type: int
      sample: 2381
    threshold:
      description: How many in a row have to fail.
      returned: always
      type: int
      sample: 24
    timeout:
      description: Seconds that one may take.
      returned: always
      type: float
      sample: 15.0
process:
  description: The process of the node's etcd, null if it is not running.
  returned: on a node with etcd
  type: dict
  contains:
    pid:
      description: Its process id.
      returned: always
      type: int
      sample: 4711
    seconds:
      description: For how long it has been running.
      returned: always
      type: float
      sample: 86.2
refusals:
  description: Why nothing is to be done to its cluster, as far as this node alone knows - options for the way to its
    member with which that cannot be asked. Each has a V(code) and a V(text).
  returned: on a node with etcd
  type: list
  elements: dict
  sample: []
start_seconds:
  description: For how long the member is expected to read its log and its database when it starts, in seconds.
  returned: on a node with etcd
  type: float
  sample: 47.1
strategy:
  description: The strategy of the play in which the node was inspected, added on the controller.
  returned: always
  type: str
  sample: linear
stray_files:
  description: Files beside the manifest that the kubelet takes, or may take, for the same pod.
  returned: on a node with etcd
  type: list
  elements: str
  sample: ["/etc/kubernetes/manifests/etcd.yaml.bak"]
unit:
  description: The systemd unit that runs the member, null if a static pod does.
  returned: on a node with etcd
  type: dict
  contains:
    last_lines:
      description: Its last lines, if it is not active.
      returned: always
      type: list
      elements: str
      sample: []
    notes:
      description: What may kill its etcd or leave it down, each in a sentence.
      returned: always
      type: list
      elements: str
      sample: []
    of_events:
      description: Whether it runs the second etcd of a Kubernetes cluster, which has its events alone.
      returned: always
      type: bool
      sample: false
    refusal:
      description: Why it would not be started or restarted, empty if it may be.
      returned: always
      type: str
      sample: ""
    running:
      description: Whether it runs.
      returned: always
      type: bool
      sample: true
    unit:
      description: Its name.
      returned: always
      type: str
      sample: etcd.service
upkeep:
  description: What the files of the node tell of the member's upkeep, with etcd up or down. Null if the manifest could
    not be read a second time; within it null is what cannot be read, or what there is none of.
  returned: on a node with etcd
  type: dict
  contains:
    auto_compaction:
      description: Whether the manifest switches on etcd's own compaction (C(--auto-compaction-retention)). The API
        server compacts every five minutes all the same.
      returned: always
      type: bool
      sample: false
    certificates:
      description: The certificates of the member, of the client that asks it, and of their CA, each file once.
      returned: always
      type: list
      elements: dict
      contains:
        days_left:
          description: Days until it expires, by the node's clock; negative if it has.
          returned: always
          type: float
          sample: 353.2
        path:
          description: The file.
          returned: always
          type: str
          sample: /etc/kubernetes/pki/etcd/server.crt
        use:
          description: V(server), V(peer), V(client) or V(ca).
          returned: always
          type: str
          sample: server
    db_size_bytes:
      description: Size of the member's database as etcd counts it against the quota; its file grows ahead of that.
      returned: always
      type: int
      sample: 524288000
    defrag_bytes_per_second:
      description: How fast the node tool has defragmented this member in the last days, or the slowest other one of
        this cluster.
      returned: always
      type: float
      sample: 94371840.0
    last_run:
      description: When the last scheduled run of the node tool ended here, in seconds since 1970 by the node's clock.
      returned: always
      type: float
      sample: 1795428000.0
    last_run_seconds:
      description: How long ago that is.
      returned: always
      type: float
      sample: 5400.0
    last_run_success:
      description: Whether it succeeded; one that had nothing to do did.
      returned: always
      type: bool
      sample: true
    last_snapshot:
      description: The newest snapshot of this collection in O(snapshot_dir), by its record.
      returned: always
      type: dict
      contains:
        age_seconds:
          description: How old it is.
          returned: always
          type: float
          sample: 86400.0
        path:
          description: The file.
          returned: always
          type: str
          sample: /var/backups/etcd/etcd-cdf818194e3a8c32-cp1-r812345.db
        taken_at:
          description: When it was taken, in seconds since 1970 by the node's clock.
          returned: always
          type: float
          sample: 1795341600.0
    quota_bytes:
      description: The quota in the manifest, V(-1) if it is switched off, null if none is set.
      returned: always
      type: int
      sample: 8589934592
    scheduled:
      description: Whether the schedule of the node tool is installed, see M(controlplane.etcd.etcd_schedule).
      returned: always
      type: bool
      sample: true
    version:
      description: The version of etcd in the name of its image, empty if it names none.
      returned: always
      type: str
      sample: 3.6.5
waiting_may_help:
  description: Whether a member that does not answer may still begin to, which one that refuses this node's certificate
    will not.
  returned: on a node with etcd
  type: bool
  sample: false
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import run_lock
from ..module_utils._core.records import Json
from ..module_utils._member_module import CONNECTION_SPEC, UNSAFE_SPEC
from ..module_utils._module import run
from ..module_utils._node import kubelet
from ..module_utils._node.inspection import inspect_node, inspect_without_etcd
from ..module_utils._node_tool.upkeep import read_upkeep


def result(module: AnsibleModule) -> Json:
    """The result of the module. Raises Failure, OSError."""
    report = inspect_node(module.params)
    if report:
        report = report._replace(upkeep=read_upkeep(report, module.params["snapshot_dir"], time.time()))
    found = report.as_result() if report else {"present": False, **inspect_without_etcd(module.params["manifest"])}
    return {"changed": False, **found}


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            **UNSAFE_SPEC,
            "data_dir": {"type": "path", "default": "/var/lib/etcd"},
            "kubelet_unit": {"type": "str", "default": kubelet.UNIT},
            "lock_path": {"type": "path", "default": run_lock.DEFAULT_PATH},
            "snapshot_dir": {"type": "path", "default": "/var/backups/etcd"},
        },
        supports_check_mode=True,
    )
    run(module, result, doing="Looking at the node")


if __name__ == "__main__":
    main()

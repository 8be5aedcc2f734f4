#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_node_info
short_description: Look at the etcd member of a node, also while it is down
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Collects what a node knows about its own etcd - manifest, certificates, ids, disk, run lock - and, where the member
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
"""

EXAMPLES = r"""
---
- name: Look at the node
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
ca_sha256:
  description: SHA-256 of each certificate in the file of etcd's CA, which tells clusters apart where ids do not.
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
error:
  description: Why the member does not answer, else empty.
  returned: success
  type: str
  sample: ""
free_disk_bytes:
  description: What is free on the disk that holds the member's data, null where there is no data directory.
  returned: success
  type: int
  sample: 21474836480
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
      description: What it said last, where it does not run and would not be started.
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
  description: Path of the manifest.
  returned: success
  type: str
  sample: /etc/kubernetes/manifests/etcd.yaml
member_id:
  description: Id of the node's own member from its write-ahead log, in hexadecimal; known even with etcd down.
  returned: success
  type: str
  sample: 8e9e05c52164694d
memory_bytes:
  description: How much memory the node has, null if the system does not say. Limits of a container do not count.
  returned: on a node with etcd
  type: int
  sample: 16756170752
name:
  description: Name of the node's member.
  returned: success
  type: str
  sample: cp1
play:
  description: Id of the play in which the node was looked at, added on the controller.
  returned: always
  type: str
  sample: 0a1b2c3d-4e5f-6071-8293-000000000007
present:
  description: Whether the node has a manifest of etcd. Everything else is missing if it has none.
  returned: success
  type: bool
  sample: true
probes:
  description: The probes of the static pod.
  returned: on a node with etcd
  type: list
  elements: dict
  contains:
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
      description: What is asked, with its query.
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
pyyaml:
  description: Whether the Python that runs this module has PyYAML, which only the editing of kubeadm's files needs.
  returned: on a node with etcd
  type: bool
  sample: true
strategy:
  description: The strategy of the play in which the node was looked at, added on the controller.
  returned: always
  type: str
  sample: linear
stray_files:
  description: Files beside the manifest that the kubelet takes, or may take, for the same pod.
  returned: on a node with etcd
  type: list
  elements: str
  sample: ["/etc/kubernetes/manifests/etcd.yaml.bak"]
waiting_may_help:
  description: Whether a member that does not answer may still begin to, which one that refuses this node's certificate
    will not.
  returned: on a node with etcd
  type: bool
  sample: false
wal_bytes:
  description: Size of the member's log, which it reads when it starts.
  returned: on a node with etcd
  type: int
  sample: 320000000
"""

import importlib.util
import os
import time
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import command, run_lock
from ..module_utils._core.failures import Failure
from ..module_utils._core.files import free_bytes
from ..module_utils._etcd import quota as sizing
from ..module_utils._etcd.errors import LASTING, EtcdError
from ..module_utils._etcd.transport import Json
from ..module_utils._etcd.view import ClusterView
from ..module_utils._etcd.wal import read_ids, wal_bytes
from ..module_utils._module import (
    CONNECTION_SPEC,
    UNSAFE_SPEC,
    LocalMember,
    ca_sha256,
    cluster_result,
    diagnosis_result,
)
from ..module_utils._node import kubelet, kubelet_hold, process, static_pods
from ..module_utils._node.etcd_manifest import EtcdManifest, read_manifest

# Members that all answer elect a leader within a second or two, on busy disks a little later. Whoever looks in that
# moment must not take them for a cluster that has lost its leader.
_ELECTION_SECONDS = 5.0
_POLL_SECONDS = 0.5


def of_kubelet(unit: str) -> Json:
    """How the kubelet stands, and who holds it."""
    held = kubelet_hold.read_hold(unit)
    state = {"unit": unit, "held": asdict(held) if held else None}
    try:
        found = kubelet.unit(command.run, unit)
    except Failure as exc:
        return {**state, "running": False, "stopped": False, "refusal": str(exc), "last_lines": []}
    stopped = found.exists and not found.running
    refusal = kubelet.start_refusal(found, held=held is not None) or ""
    said = kubelet.last_lines(command.run, unit) if refusal and stopped else []
    return {**state, "running": found.running, "stopped": stopped, "refusal": refusal, "last_lines": said}


def of_process(manifest: EtcdManifest) -> Json | None:
    pid = process.find(manifest)
    return {"pid": pid, "seconds": process.age(pid)} if pid else None


def of_memory(path: str = "/proc/meminfo") -> int | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return sizing.parse_memory(file.read())
    except OSError:
        return None


def of_node(manifest: EtcdManifest, lock_path: str, unit: str) -> Json:
    """What is known even with etcd down. Raises Failure, OSError."""
    if not manifest.ca_cert:
        raise Failure(
            "manifest_unusable", f"{manifest.path} has no --trusted-ca-file: etcd without TLS is not supported"
        )
    fingerprints = ca_sha256(manifest.ca_cert)
    ids = read_ids(manifest.wal_dir)
    held = run_lock.read(lock_path)
    return {
        "present": True,
        "manifest": manifest.path,
        "name": manifest.name,
        "ca_sha256": fingerprints,
        "cluster_id": f"{ids.cluster_id:x}" if ids else None,
        "member_id": f"{ids.member_id:x}" if ids else None,
        "free_disk_bytes": free_bytes(manifest.data_dir) if os.path.isdir(manifest.data_dir) else None,
        "memory_bytes": of_memory(),
        "pyyaml": importlib.util.find_spec("yaml") is not None,
        "lock": asdict(held) if held else None,
        "kubelet": of_kubelet(unit),
        "probes": [asdict(probe) for probe in manifest.probes],
        "process": of_process(manifest),
        "stray_files": static_pods.strays(manifest.path),
        "wal_bytes": wal_bytes(manifest.wal_dir),
    }


def _look(params: Json) -> ClusterView:
    """The cluster as it is once an election has had its time. Raises Failure."""
    deadline = time.monotonic() + _ELECTION_SECONDS
    while True:
        view = LocalMember(params).inspect_cluster()
        may_elect = len(view.answering_voters) >= view.majority
        if view.has_quorum or not may_elect or time.monotonic() > deadline:
            return view
        time.sleep(_POLL_SECONDS)


def of_cluster(params: Json) -> Json:
    """What the member itself says, or why it says nothing. Raises Failure."""
    try:
        view = _look(params)
    except EtcdError as exc:
        return {"answers": False, "error": str(exc), "waiting_may_help": not isinstance(exc, LASTING)}
    diagnosis = diagnosis_result(view, allow_unsafe=params["allow_unsafe_version"])
    return {
        "answers": True,
        "error": "",
        "waiting_may_help": False,
        "cluster": cluster_result(view),
        "diagnosis": diagnosis,
    }


def look(params: Json) -> Json:
    """The whole result. Raises Failure, OSError."""
    try:
        manifest = read_manifest(params["manifest"])
    except FileNotFoundError:
        if os.path.isdir(os.path.join(params["data_dir"], "member")):
            raise Failure(
                "manifest_missing",
                f"{params['manifest']} is missing, but {params['data_dir']}/member is there: somebody removed the"
                " manifest, so this member is not running. Put it back (kubeadm init phase etcd local writes one)",
            ) from None
        return {"present": False}
    return {**of_node(manifest, params["lock_path"], params["kubelet_unit"]), **of_cluster(params)}


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            **UNSAFE_SPEC,
            "data_dir": {"type": "path", "default": "/var/lib/etcd"},
            "kubelet_unit": {"type": "str", "default": kubelet.UNIT},
            "lock_path": {"type": "path", "default": run_lock.DEFAULT_PATH},
        },
        supports_check_mode=True,
    )
    try:
        result = look(module.params)
    except (Failure, OSError) as exc:
        module.fail_json(msg=f"Looking at the node failed: {exc}. Nothing was changed.")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

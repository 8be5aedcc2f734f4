#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubeadm_configmap
short_description: Set arguments of etcd in kubeadm's ConfigMap
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Sets and removes C(etcd.local.extraArgs) in the key C(ClusterConfiguration) of the ConfigMap C(kubeadm-config) in
    C(kube-system). No running etcd changes, but C(kubeadm upgrade) and C(kubeadm join) write etcd's manifest from it,
    and what is not there is lost then.
  - The text is edited as M(controlplane.etcd.kubeadm_config) edits a file, and refused if that refuses it. All else
    in the ConfigMap stays as it is, its other keys, labels and annotations included.
  - It is read and replaced with C(kubectl) on the node, and read back, and edited on the controller in between; so the
    node needs no PyYAML. A task with C(async) is refused for that. A change that somebody else makes in between is not
    overwritten - then it is read and edited once more, and if that happens again it fails.
  - The API server has to answer, and etcd to accept writes. If etcd is full, run the playbook
    C(controlplane.etcd.recover) first.
extends_documentation_fragment:
  - controlplane.etcd._lease
  - controlplane.etcd._extra_args
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff shows the C(ClusterConfiguration) alone.
options:
  apiserver_manifest:
    description:
      - Path of the API server's static pod manifest, which gives the address of the node's own API server.
    type: path
    default: /etc/kubernetes/manifests/kube-apiserver.yaml
  kubeconfig:
    description:
      - Path of the kubeconfig of an administrator, on the node. Its key never leaves the node.
    type: path
    default: /etc/kubernetes/admin.conf
  kubectl:
    description:
      - Path of C(kubectl) on the node.
      - When not given, it is looked for in the search path, C(/usr/bin), C(/usr/local/bin), C(/opt/bin) and
        C(/snap/bin).
    type: path
  server:
    description:
      - URL of the API server to ask, for example V(https://192.0.2.11:6443). Its certificate is verified for it.
      - When not given, it is the node's own one of O(apiserver_manifest), since a virtual address or a load
        balancer may be down; on a node without one it is what O(kubeconfig) says.
    type: str
  timeout:
    description:
      - Seconds that one request may take.
    type: float
    default: 10.0
requirements:
  - C(kubectl) on the node.
seealso:
  - module: controlplane.etcd.kubeadm_config
"""

EXAMPLES = r"""
---
- name: Let the next kubeadm upgrade keep a quota of 8 GiB
  controlplane.etcd.kubeadm_configmap:
    extra_args:
      quota-backend-bytes: 8GiB
      auto-compaction-mode: periodic
      auto-compaction-retention: 1h
  become: true
  run_once: true

- name: Remove an argument again, through the API server of another node
  controlplane.etcd.kubeadm_configmap:
    remove:
      - max-wals
    server: https://192.0.2.12:6443
  become: true
  run_once: true
"""

RETURN = r"""
---
away:
  description:
    - Whether no API server, or not its etcd, has answered, which may change by itself. False if there is no C(kubectl),
      or if the ConfigMap is refused.
  returned: failure
  type: bool
  sample: true
backup_file:
  description: A copy of the old text, on the node. Empty in check mode and if nothing changed.
  returned: success
  type: str
  sample: /etc/kubernetes/etcd-backup/kubeadm-config.ClusterConfiguration.20261123T205937Z
extra_args:
  description:
    - All arguments that the ConfigMap holds afterwards, by name; in check mode, those that it would hold. An argument
      without a value is empty.
  returned: success
  type: dict
  sample:
    auto-compaction-mode: periodic
    auto-compaction-retention: 1h
    quota-backend-bytes: "8589934592"
replaced:
  description:
    - Arguments that have another value after it, or are gone, with the value that they had before; in check mode, those
      that would.
  returned: success
  type: dict
  sample:
    quota-backend-bytes: "2147483648"
server:
  description: The API server that was asked; empty if only O(kubeconfig) gives it.
  returned: success
  type: str
  sample: https://192.0.2.11:6443
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.records import Json
from ..module_utils._kubeadm import backups, configmap, exchange
from ..module_utils._kubeadm.kubectl import KEY, NAME, NAMESPACE, Kubectl, conflict
from ..module_utils._module import LEASE_SPEC, run
from ..module_utils._node.apiserver import ADMIN_CONF, API_MANIFEST

PLACE = f"the ConfigMap {NAME} in {NAMESPACE}"
DOING = f"Setting etcd.local.extraArgs in {PLACE}"


def configure(module: AnsibleModule) -> Json:
    """Read the ConfigMap, or write what the controller has made of it; the result of the module. Raises Failure,
    OSError."""
    params: Json = module.params
    backups.refuse_backup_dir(params["backup_dir"])
    kubectl = Kubectl(
        kubeconfig=params["kubeconfig"],
        program=params["kubectl"],
        server=params["server"],
        apiserver_manifest=params["apiserver_manifest"],
        timeout=params["timeout"],
    )
    old = configmap.read(kubectl)
    result: Json = {"changed": False, "backup_file": "", "server": kubectl.server}
    new = exchange.received_text(params)
    if new is None:
        subject = f"The ConfigMap {NAME}"
        return {**result, **exchange.to_edit(params, old.text, doing=DOING, place=PLACE, subject=subject)}
    if exchange.fingerprint(old.text) != new.sha256:
        raise conflict()
    backup_file = backups.back_up(old.text.encode("utf-8"), f"{NAME}.{KEY}", params["backup_dir"])
    configmap.write(kubectl, old, new.text)
    return {**result, "changed": True, "backup_file": backup_file}


def main() -> None:
    module = AnsibleModule(
        {
            **exchange.EXTRA_ARGS_SPEC,
            **LEASE_SPEC,
            "apiserver_manifest": {"type": "path", "default": API_MANIFEST},
            "kubeconfig": {"type": "path", "default": ADMIN_CONF},
            "kubectl": {"type": "path"},
            "server": {"type": "str"},
            "timeout": {"type": "float", "default": 10.0},
        },
        supports_check_mode=True,
    )
    run(module, configure, doing=DOING)


if __name__ == "__main__":
    main()

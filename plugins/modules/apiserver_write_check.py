#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: apiserver_write_check
short_description: Verify that the API server of a control-plane node accepts writes again
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Asks the API server of this very node, at the address in its manifest, since a virtual address or a load balancer
    may be down. It waits until that one is ready, creates an object in C(kube-system) and deletes it again.
  - With O(kubelet_unit), it first ends the back-off of static pods that do not run.
  - Fails only if etcd itself refuses the write. If something else does, such as an admission webhook that cannot be
    reached, or if the API server is not ready in time, the result says so.
extends_documentation_fragment:
  - controlplane.etcd._lease
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode nothing is written, and nothing is waited for.
options:
  apiserver_manifest:
    description:
      - Path of the API server's static pod manifest.
    type: path
    default: /etc/kubernetes/manifests/kube-apiserver.yaml
  kubeconfig:
    description:
      - Path of the kubeconfig of an administrator. Its key is used on the node only. If the default is not there, that
        of RKE2 (C(/etc/rancher/rke2/rke2.yaml)) is used.
    type: path
    default: /etc/kubernetes/admin.conf
  kubelet_unit:
    description:
      - Name of the systemd unit of the kubelet. If it is given, and a static pod in the directory of
        O(apiserver_manifest) does not run, the kubelet is restarted first, as by M(controlplane.etcd.kubelet) with
        O(controlplane.etcd.kubelet#module:only_if_backed_off). If that fails, there is a warning.
    type: str
    default: ""
  resource:
    description:
      - What is created. Of O(resource=events) the API server may have an etcd of its own.
    type: str
    choices: [leases, events]
    default: leases
  timeout:
    description:
      - Seconds that one request may take.
    type: float
    default: 10.0
  unlock:
    description:
      - Give O(lock_path) back if it is that of O(run), once the write was accepted, or if the node has no API server.
        For a run that does nothing on this node after that.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait until it is ready. With V(0) it is asked once.
    type: float
    default: 120.0
"""

EXAMPLES = r"""
---
- name: Verify that kubectl can write again
  controlplane.etcd.apiserver_write_check:
  become: true

- name: Verify that it can write events, which have an etcd of their own
  controlplane.etcd.apiserver_write_check:
    resource: events
  become: true
"""

RETURN = r"""
---
address:
  description: The address that was asked, empty if there is none.
  returned: success
  type: str
  sample: https://192.0.2.11:6443
backed_off:
  description: The static pods that did not run, and for how long the kubelet logged that it would wait.
  returned: with O(kubelet_unit)
  type: list
  elements: str
  sample: ["kube-apiserver (back-off 1m20s)"]
outcome:
  description:
    - V(accepted), the write was accepted; V(refused), something other than etcd refused it; V(not ready), it was not
      ready in time; V(absent), the node has no manifest of an API server; V(ready), in check mode.
  returned: success
  type: str
  sample: accepted
reason:
  description: Why it was not accepted, in a few words, else empty.
  returned: success
  type: str
  sample: ""
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 0.4
unlocked:
  description: Whether the lock was given back.
  returned: with O(unlock)
  type: bool
  sample: true
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import command, files
from ..module_utils._core.failures import Failure
from ..module_utils._core.records import Json
from ..module_utils._module import LEASE_SPEC, run, with_unlock
from ..module_utils._node import kubelet_hold
from ..module_utils._node.apiserver import ADMIN_CONF, API_MANIFEST, RESOURCES, ApiServer, address_of
from ..module_utils._node.apiserver_write_check import Outcome, check_writes


def work(module: AnsibleModule) -> Json:
    found = end_back_off(module) if module.params["kubelet_unit"] else {}
    found = {**check(module), **found}
    return with_unlock(module, found, done=found["outcome"] in ("accepted", "absent"))


def end_back_off(module: AnsibleModule) -> Json:
    directory = os.path.dirname(module.params["apiserver_manifest"])
    try:
        ended = kubelet_hold.end_back_off(
            command.run, module.params["kubelet_unit"], directory, check=module.check_mode
        )
    except Failure as exc:  # the write tells what became of it
        module.warn(f"Whether static pods of this node are in back-off was not seen, or not ended: {exc}")
        return {"backed_off": []}
    return {"backed_off": ended, "changed": bool(ended)}


def check(module: AnsibleModule) -> Json:
    path: str = module.params["apiserver_manifest"]
    try:
        address = address_of(files.text(path), path)
        api = ApiServer(
            address,
            module.params["kubeconfig"],
            timeout=module.params["timeout"],
            resource=module.params["resource"],
        )
    except FileNotFoundError:
        return result(Outcome("absent"))
    except (Failure, OSError) as exc:
        return result(Outcome("refused", str(exc)))
    outcome, seconds = check_writes(api, module.params["wait_timeout"], check=module.check_mode)
    return result(outcome, str(address), seconds)


def result(outcome: Outcome, address: str = "", seconds: float = 0.0) -> Json:
    return {
        "changed": False,
        "address": address,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "seconds": round(seconds, 1),
    }


def main() -> None:
    module = AnsibleModule(
        {
            **LEASE_SPEC,
            "kubeconfig": {"type": "path", "default": ADMIN_CONF},
            "apiserver_manifest": {"type": "path", "default": API_MANIFEST},
            "kubelet_unit": {"type": "str", "default": ""},
            "resource": {"type": "str", "choices": list(RESOURCES), "default": RESOURCES[0]},
            "timeout": {"type": "float", "default": 10.0},
            "unlock": {"type": "bool", "default": False},
            "wait_timeout": {"type": "float", "default": 120.0},
        },
        supports_check_mode=True,
    )
    run(module, work, doing="Checking the API server", unchanged="What was done to etcd stays done.")


if __name__ == "__main__":
    main()

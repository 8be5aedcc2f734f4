#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubelet
short_description: Restart the kubelet of a control-plane node, or release one that is held
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Restarting a kubelet ends the back-off that keeps a crashed etcd down for up to five minutes. It tries again within
    two seconds. What is running keeps running.
  - A kubelet is held by M(controlplane.etcd.etcd_wait). It is stopped then, and a systemd timer restarts it even if it
    is never released.
  - A kubelet that somebody else has stopped or masked is not started.
extends_documentation_fragment:
  - controlplane.etcd._lease
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
options:
  after:
    description:
      - With O(state=released), start the kubelet only after this many seconds, by its timer. The module does not wait
        for that.
    type: float
    default: 0.0
  kubelet_unit:
    description:
      - Name of the systemd unit.
    type: str
    default: kubelet
  manifest:
    description:
      - Path of etcd's static pod manifest. Its directory is the manifests directory of O(only_if_backed_off).
      - If it is the name of a systemd unit, such as V(etcd.service), no kubelet runs etcd - with O(state=restarted)
        that unit is restarted instead, whatever its start limit counts, and not waited for.
    type: path
    default: /etc/kubernetes/manifests/etcd.yaml
  only_if_backed_off:
    description:
      - With O(state=restarted), restart the kubelet only if a static pod of the manifests directory is not running.
    type: bool
    default: false
  owner:
    description:
      - With O(state=released), only what this one holds is released; without it, whatever is held.
    type: str
  state:
    description:
      - V(restarted) restarts it and returns at once. Waiting is a task of its own (M(controlplane.etcd.etcd_wait)), so
        that all kubelets of a cluster are restarted at the same time.
      - V(released) starts a kubelet that is held, and does nothing to others. It needs no O(run), and renews no lock.
    type: str
    choices: [released, restarted]
    required: true
notes:
  - It has to run as root.
requirements:
  - Python 3.8 or newer on the node.
seealso:
  - module: controlplane.etcd.etcd_wait
"""

EXAMPLES = r"""
---
- name: Restart all kubelets at once
  controlplane.etcd.kubelet:
    state: restarted
  become: true

- name: Wait for etcd
  controlplane.etcd.etcd_wait:
  become: true
"""

RETURN = r"""
---
backed_off:
  description: The static pods that were not running, and for how long the kubelet logged that it would wait.
  returned: with O(only_if_backed_off)
  type: list
  elements: str
  sample: ["kube-apiserver (back-off 1m20s)"]
held_until:
  description: When its timer starts the kubelet, in seconds since 1970 by the node's clock; null if it is not held.
  returned: success
  type: float
  sample: 1795428300.0
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import command
from ..module_utils._core.records import Json
from ..module_utils._module import LEASE_SPEC, run
from ..module_utils._node import kubelet, kubelet_hold
from ..module_utils._node.etcd_manifest import DEFAULT_PATH
from ..module_utils._node.settings import is_unit


def restart(module: AnsibleModule) -> Json:
    unit: str = module.params["kubelet_unit"]
    result: Json = {"changed": True, "held_until": None}
    if module.params["only_if_backed_off"]:
        manifests_dir = os.path.dirname(module.params["manifest"])
        backed_off = kubelet_hold.end_back_off(command.run, unit, manifests_dir, check=module.check_mode)
        return {**result, "changed": bool(backed_off), "backed_off": backed_off}
    if is_unit(module.params["manifest"]):
        restart_member(module.params["manifest"], check=module.check_mode)
        return result
    kubelet_hold.startable(command.run, unit)
    if not module.check_mode:
        kubelet_hold.restart_and_release(command.run, unit)
    return result


def restart_member(name: str, *, check: bool) -> None:
    """Restart the unit of a member that no kubelet runs. Raises Failure, Refused."""
    # Here, since each start of this module would have to read it, and few members need it.
    from ..module_utils._node import systemd_unit

    systemd_unit.startable(command.run, name)
    if not check:
        systemd_unit.restart(command.run, name)


def release(module: AnsibleModule) -> Json:
    unit, owner, after = (module.params[name] for name in ("kubelet_unit", "owner", "after"))
    held = kubelet_hold.read_hold(unit)
    if held is None or owner not in (None, held.owner):
        return {"changed": False, "held_until": None}
    if not module.check_mode and after > 0:
        kubelet_hold.schedule_release(command.run, unit, owner=held.owner, seconds=after)
    elif not module.check_mode:
        kubelet_hold.release(command.run, unit)
    return {"changed": True, "held_until": kubelet_hold.held_until(unit)}


def main() -> None:
    module = AnsibleModule(
        {
            **LEASE_SPEC,
            "after": {"type": "float", "default": 0.0},
            "kubelet_unit": {"type": "str", "default": kubelet.UNIT},
            "manifest": {"type": "path", "default": DEFAULT_PATH},
            "only_if_backed_off": {"type": "bool", "default": False},
            "owner": {"type": "str"},
            "state": {"type": "str", "choices": ["released", "restarted"], "required": True},
        },
        supports_check_mode=True,
    )
    if module.params["state"] == "restarted":
        run(module, restart, doing="Restarting the kubelet", unchanged="What is running keeps running.")
    else:
        # Also by a run that has lost its lock: it releases nobody's hold but its own.
        unchanged = "Its timer, if it has one, still starts it."
        run(module, release, doing="Releasing the kubelet", unchanged=unchanged, leased=False)


if __name__ == "__main__":
    main()

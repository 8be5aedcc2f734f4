#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_wait
short_description: Wait until the etcd of a control-plane node answers, and hold its kubelet if needed
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Waits until the etcd of this node answers and knows a leader. If it answers but knows none, it is waited for only as
    long as an election may take.
  - A kubelet is held while the probes of the static pod would kill etcd in the middle of the work. It is stopped, and a
    systemd timer set beforehand restarts it even if the run dies. Nothing is edited.
  - A kubelet that somebody else has stopped or masked is not started.
  - The running etcd is found in C(/proc), by the name and data directory of the manifest, whatever the runtime is.
extends_documentation_fragment:
  - controlplane.etcd._lease.both
  - controlplane.etcd._lease
  - controlplane.etcd._connection
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - It inspects etcd once and does not wait.
options:
  hold_kubelet:
    description:
      - Stop the kubelet as soon as the process of etcd is there. If etcd dies before it answers, the kubelet is started
        again, and stopped again as soon as the next process is there.
    type: bool
    default: false
  hold_seconds:
    description:
      - Seconds after which its timer starts a held kubelet. Calling the module again resets the timer.
    type: float
    default: 300.0
  kubelet_unit:
    description:
      - Name of the kubelet's systemd unit.
    type: str
    default: kubelet
  owner:
    description:
      - Who holds the kubelet, such as the id of a run.
    type: str
  revive:
    description:
      - Restart the kubelet whenever it has been running for a minute and has no etcd, which ends a back-off.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait for etcd, on top of the time that it is expected to need to read its log and its database.
    type: float
    default: 120.0
  while_reading:
    description:
      - Wait up to three times as long as it is expected to read, if its process is seen to. Without it, only the time
        to read the log comes on top of O(wait_timeout). For members on which the work does not depend.
    type: bool
    default: true
seealso:
  - module: controlplane.etcd.kubelet
"""

EXAMPLES = r"""
---
- name: Wait for etcd
  controlplane.etcd.etcd_wait:
  become: true

- name: Wait for etcd, and stop its kubelet for ten minutes
  controlplane.etcd.etcd_wait:
    hold_kubelet: true
    hold_seconds: 600
    owner: maintenance
  become: true

- name: Start the kubelet again
  controlplane.etcd.kubelet:
    state: released
    owner: maintenance
  become: true
"""

RETURN = r"""
---
etcd:
  description: The process of etcd.
  returned: success
  type: dict
  contains:
    answers:
      description: Whether it answers. Always true, except in check mode.
      returned: always
      type: bool
      sample: true
    knows_leader:
      description: Whether it knows a leader.
      returned: always
      type: bool
      sample: true
    new:
      description: Whether it was started after the kubelet's own last start.
      returned: always
      type: bool
      sample: true
    pid:
      description: Its process id, null if it is not running.
      returned: always
      type: int
      sample: 4711
    seconds:
      description: How long the module waited for it.
      returned: always
      type: float
      sample: 2.4
held_until:
  description: When its timer starts the kubelet, in seconds since 1970 by the node's clock; null if it is not held.
  returned: success
  type: float
  sample: 1795428300.0
"""

from dataclasses import fields

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import command
from ..module_utils._core.failures import Failure
from ..module_utils._core.records import Json
from ..module_utils._etcd.api import Status
from ..module_utils._member_module import CONNECTION_SPEC
from ..module_utils._module import LEASE_SPEC, run
from ..module_utils._node.kubelet import UNIT
from ..module_utils._node.kubelet_hold import held_until, startable
from ..module_utils._node.member import LocalMember
from ..module_utils._node.settings_source import read_settings
from ..module_utils._node.wait import Waiting, WaitOptions


def wait(module: AnsibleModule) -> Json:
    options = WaitOptions(**{field.name: module.params[field.name] for field in fields(WaitOptions)})
    try:
        manifest = read_settings(module.params["manifest"])
    except FileNotFoundError as exc:
        raise Failure("manifest_missing", f"There is no {exc.filename} on this node.") from exc

    def status() -> Status:
        """The status of a member that is made for each call: a kept one would remember who was silent."""
        return LocalMember(module.params).endpoint.status()

    waiting = Waiting(manifest, options, status)
    would_hold = options.hold_kubelet and startable(command.run, options.kubelet_unit).running
    etcd, changed = (waiting.inspect(), would_hold) if module.check_mode else waiting.until_it_answers()
    return {"changed": changed, "etcd": etcd.as_result(), "held_until": held_until(options.kubelet_unit)}


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            **LEASE_SPEC,
            "hold_kubelet": {"type": "bool", "default": False},
            "hold_seconds": {"type": "float", "default": 300.0},
            "kubelet_unit": {"type": "str", "default": UNIT},
            "owner": {"type": "str"},
            "revive": {"type": "bool", "default": False},
            "wait_timeout": {"type": "float", "default": 120.0},
            "while_reading": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    run(module, wait, doing="Waiting for etcd", unchanged="Nothing else was changed.")


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_delete
short_description: Delete what is safe to lose from an etcd cluster, even while it refuses writes
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Deletes all keys of a resource of Kubernetes, or of one namespace of it, from etcd itself. etcd takes deletes also
    while it refuses writes for lack of space, and while no API server runs.
  - Works in small batches, so that other requests get in between, and goes on where an earlier run was cut off.
  - Only events, and reports that are written again, are deleted without a further word. Objects vanish under their
    controllers, without their finalizers, so anything else belongs deleted through the API server.
  - It makes no room by itself. M(controlplane.etcd.etcd_compact) frees the pages, M(controlplane.etcd.etcd_defrag)
    gives them back. Take a snapshot first (M(controlplane.etcd.etcd_snapshot)); there is no other way back.
extends_documentation_fragment:
  - controlplane.etcd._lease.both
  - controlplane.etcd._lease
  - controlplane.etcd._connection
  - controlplane.etcd._connection.work
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - The keys are counted. How many bytes they take is told by M(controlplane.etcd.etcd_usage_info).
options:
  allow_anything:
    description:
      - Delete also what is not known as safe to lose. Make sure that nothing depends on it.
    type: bool
    default: false
  batch_keys:
    description:
      - How many keys are deleted at once, 1 to 10000.
    type: int
    default: 500
  keys_below:
    description:
      - Directories of keys, each a resource or one namespace of it. They end in a slash; nothing in them stands for
        anything else.
    type: list
    elements: str
    required: true
  prefix:
    description:
      - What the API server's keys begin with (its C(--etcd-prefix)).
    type: str
    default: /registry
seealso:
  - module: controlplane.etcd.etcd_usage_info
  - module: controlplane.etcd.etcd_compact
"""

EXAMPLES = r"""
---
- name: Say how many events there are
  controlplane.etcd.etcd_delete:
    keys_below: /registry/events/
  become: true
  run_once: true
  check_mode: true

- name: Delete Kyverno's reports, and the events of one namespace
  controlplane.etcd.etcd_delete:
    keys_below:
      - /registry/wgpolicyk8s.io/policyreports/
      - /registry/events/batch/
  become: true
  run_once: true
"""

RETURN = r"""
---
deleted:
  description: What was deleted, or would be.
  returned: success
  type: list
  elements: dict
  contains:
    directory:
      description: The directory; one that is inside of another one is not listed.
      returned: always
      type: str
      sample: /registry/events/
    key_count:
      description: How many keys.
      returned: always
      type: int
      sample: 30211
key_count:
  description: How many keys in all.
  returned: success
  type: int
  sample: 30211
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 4.1
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.failures import Failure, refuse
from ..module_utils._core.records import Json, plain
from ..module_utils._etcd import checks, deletion
from ..module_utils._etcd.deletable import deletable
from ..module_utils._etcd.kubernetes_keys import DEFAULT_PREFIX
from ..module_utils._etcd.polling import await_leader
from ..module_utils._member_module import CONNECTION_SPEC, WORK_SPEC, run_with_member
from ..module_utils._module import LEASE_SPEC
from ..module_utils._node.member import LocalMember

MAX_BATCH_KEYS = 10000


def delete(module: AnsibleModule, member: LocalMember) -> Json:
    params = module.params
    if not 1 <= params["batch_keys"] <= MAX_BATCH_KEYS:
        raise Failure("invalid_option", f"batch_keys is {params['batch_keys']}.", f"It takes 1 to {MAX_BATCH_KEYS}.")
    directories = deletable(params["keys_below"], prefix=params["prefix"], anything=params["allow_anything"])
    view = await_leader(member.inspect_cluster)
    refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view))
    started = time.monotonic()
    deadline = started + params["work_timeout"]
    if module.check_mode:
        found = [deletion.count(member.endpoint, each) for each in directories]
    else:
        found = [
            deletion.delete(member.endpoint, each, deadline=deadline, batch_keys=params["batch_keys"])
            for each in directories
        ]
    key_count = sum(each.key_count for each in found)
    return {
        "changed": key_count > 0,
        "deleted": plain(found),
        "key_count": key_count,
        "seconds": round(time.monotonic() - started, 1),
    }


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            **LEASE_SPEC,
            **WORK_SPEC,
            "allow_anything": {"type": "bool", "default": False},
            # Keys of etcd, and no secrets.
            "batch_keys": {"type": "int", "default": deletion.BATCH_KEYS, "no_log": False},
            "keys_below": {"type": "list", "elements": "str", "required": True, "no_log": False},
            "prefix": {"type": "str", "default": DEFAULT_PREFIX},
        },
        supports_check_mode=True,
    )
    unchanged = "What was deleted before stays deleted; no other keys were touched."
    run_with_member(module, delete, doing="Deleting keys", unchanged=unchanged)


if __name__ == "__main__":
    main()

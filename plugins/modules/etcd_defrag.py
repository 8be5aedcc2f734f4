#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_defrag
short_description: Defragment one member of an etcd cluster
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Rewrites the file of one member - by default the one of this node - without its free pages, and waits until the
    member has caught up with the others again. Meanwhile that member serves nothing.
  - A leader first hands its leadership over to a voter that answers, so that writes do not wait for it. A write that is
    under way in that moment may have to be repeated.
  - It waits for a compaction that the member is still carrying out, since it would reclaim nothing before.
  - Defragment one member after the other, the leader last; the role P(controlplane.etcd.recover#role) does that.
  - Refused without a leader, under a CORRUPT alarm, for a learner, while a member that answers is behind the others,
    if the disk is too small for the copy, and for etcd 3.5.0 to 3.5.5.
extends_documentation_fragment:
  - controlplane.etcd._lease.both
  - controlplane.etcd._lease
  - controlplane.etcd._connection
  - controlplane.etcd._connection.unsafe
  - controlplane.etcd._connection.work
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - What only an earlier compaction would change is not refused, and RV(after_bytes) is what is in use now.
options:
  min_free_bytes:
    description:
      - Skip the member unless at least this much could be gained.
    type: int
    default: 0
  min_free_share:
    description:
      - Skip the member unless at least this share of its file, from V(0) to V(1), could be gained.
    type: float
    default: 0.0
  snapshot_dir:
    description:
      - Directory of snapshots, as M(controlplane.etcd.etcd_snapshot) writes them. If the disk is too small for the
        copy, the failure names what lies there on the same disk.
    type: path
    default: /var/backups/etcd
"""

EXAMPLES = r"""
---
- name: Defragment the member of each node, one after the other
  controlplane.etcd.etcd_defrag:
  become: true
  throttle: 1

- name: Only if it is worth it
  controlplane.etcd.etcd_defrag:
    min_free_bytes: 104857600
    min_free_share: 0.45
  become: true
  throttle: 1
"""

RETURN = r"""
---
after_bytes:
  description: Size of the file afterwards.
  returned: success
  type: int
  sample: 311427072
before_bytes:
  description: Size of the file before.
  returned: success
  type: int
  sample: 2146672640
line:
  description: All of it in one line.
  returned: success
  type: str
  sample: "cp1: 2047.2 MiB -> 297.0 MiB in 3.4 s"
member:
  description: Name of the member.
  returned: success
  type: str
  sample: cp1
moved_leader_to:
  description: Who leads now, empty if the member did not lead.
  returned: success
  type: str
  sample: ""
seconds:
  description: How long the member did not serve.
  returned: success
  type: float
  sample: 3.4
skipped:
  description: Why the member was not defragmented, else empty.
  returned: success
  type: str
  sample: ""
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.failures import Refused
from ..module_utils._core.records import Json
from ..module_utils._core.text import sentences
from ..module_utils._etcd import defragmentation
from ..module_utils._member_module import CONNECTION_SPEC, UNSAFE_SPEC, WORK_SPEC, run_with_member
from ..module_utils._module import LEASE_SPEC
from ..module_utils._node import disks, process
from ..module_utils._node.member import LocalMember


def what_may_go(member: LocalMember, snapshot_dir: str) -> str:
    """What is left over on the disk of the member's data, and that a snapshot is there; empty if nothing is."""
    if member.manifest is None:
        return ""
    found = disks.disks(member.manifest, snapshot_dir, process.find(member.manifest))
    disk = next(disk for disk in found if disks.DATA in disk.uses)
    taken = f"The snapshot {disk.snapshot} is on the same disk: move it to another one." if disk.snapshot else ""
    return sentences(taken, disks.removable(disk.leftovers))


def defragment(module: AnsibleModule, member: LocalMember) -> Json:
    params = module.params
    if member.disk_room() is None:
        module.warn("The member is not this host's own: whether its disk has room for the copy could not be checked.")
    try:
        done = defragmentation.defragment(
            member.inspect_cluster,
            member.endpoint,
            rule=defragmentation.Rule(params["min_free_bytes"], params["min_free_share"]),
            room=member.disk_room,
            allow_unsafe=params["allow_unsafe_version"],
            timeout=params["work_timeout"],
            check=module.check_mode,
        )
    except Refused as refused:
        if refused.code == "disk_too_small":
            refused.advice = sentences(refused.advice, what_may_go(member, params["snapshot_dir"]))
        raise
    return {
        "changed": done.changed,
        "member": done.member,
        "before_bytes": done.before_bytes,
        "after_bytes": done.after_bytes,
        "seconds": round(done.seconds, 1),
        "moved_leader_to": done.moved_leader_to,
        "skipped": done.skipped,
        "line": defragmentation.summary(done, check=module.check_mode),
    }


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            **LEASE_SPEC,
            **UNSAFE_SPEC,
            **WORK_SPEC,
            "min_free_bytes": {"type": "int", "default": 0},
            "min_free_share": {"type": "float", "default": 0.0},
            "snapshot_dir": {"type": "path", "default": "/var/backups/etcd"},
        },
        supports_check_mode=True,
    )
    unchanged = "Later members were not touched. Run this again; members that are done are left alone."
    run_with_member(module, defragment, doing="Defragmenting the member", unchanged=unchanged)


if __name__ == "__main__":
    main()

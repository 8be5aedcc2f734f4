#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_snapshot
short_description: Write a verified snapshot of an etcd member
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Writes the member's database and its SHA-256 into one file, which C(etcdutl snapshot restore) takes with its hash
    check on. The file gets its name only when it is whole, verified, and not older than the revision read before.
  - By default the fastest way that works is taken. V(reflink) and V(file) copy the member's own file, which is allowed
    while etcd runs as long as no transaction ends meanwhile; V(etcdctl) runs the program beside the running etcd,
    inside its container and without rights on the node; V(gateway) streams through the JSON gateway, which always works
    and is the slowest.
extends_documentation_fragment:
  - controlplane.etcd._lease.both
  - controlplane.etcd._lease
  - controlplane.etcd._connection
  - controlplane.etcd._connection.work
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
options:
  directory:
    description:
      - Where to write it, on the node. Created with mode 0700 if it is missing.
    type: path
    required: true
  keep:
    description:
      - How many snapshots of this cluster to keep there, this one included. Older ones that this module has written are
        removed. V(0) keeps all.
    type: int
    default: 0
  method:
    description:
      - Which way to take.
    type: str
    choices: [auto, reflink, file, etcdctl, gateway]
    default: auto
  reuse:
    description:
      - Reuse an existing snapshot of this cluster, if it is still whole and holds every value that the member has.
        Later deletions do not count - an expired lease deletes, also while writes are refused for lack of space.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Write a snapshot of this node's member and keep the newest three
  controlplane.etcd.etcd_snapshot:
    directory: /var/backups/etcd
    keep: 3
  become: true
"""

RETURN = r"""
---
member:
  description: Name of the member.
  returned: success
  type: str
  sample: cp1
method:
  description: The way that worked.
  returned: success
  type: str
  sample: file
path:
  description: The file. Empty in check mode.
  returned: success
  type: str
  sample: /var/backups/etcd/etcd-cdf818194e3a8c32-cp1-r9817731.db
pruned:
  description: Older snapshots that were removed.
  returned: success
  type: list
  elements: str
  sample: []
reused:
  description: Whether the file had been there before.
  returned: success
  type: bool
  sample: false
revision:
  description: The newest revision in it.
  returned: success
  type: int
  sample: 9817731
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 2.7
size_bytes:
  description: Size of the file.
  returned: success
  type: int
  sample: 2147483680
tried:
  description: The ways that did not work, and why.
  returned: success
  type: list
  elements: str
  sample: ["reflink: the filesystem makes no reflinks (Operation not supported)"]
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.failures import Refused
from ..module_utils._core.records import Json
from ..module_utils._member_module import CONNECTION_SPEC, WORK_SPEC, run_with_member
from ..module_utils._module import LEASE_SPEC
from ..module_utils._node.member import LocalMember
from ..module_utils._snapshot import of_member
from ..module_utils._snapshot.catalog import Snapshot
from ..module_utils._snapshot.sources import METHODS


def snapshot(module: AnsibleModule, member: LocalMember) -> Json:
    params, started = module.params, time.monotonic()
    directory, keep = params["directory"], params["keep"]
    if keep < 0:
        raise Refused("invalid_option", f"keep is {keep}; it takes 0, which keeps all, or a number of snapshots.")
    origin = of_member.origin_of(member)
    found = of_member.reusable(member, directory, origin) if params["reuse"] else None
    if found:
        return result(found, changed=False, reused=True, seconds=time.monotonic() - started)
    if module.check_mode:
        cluster_id, size_bytes = f"{origin.status.cluster_id:x}", origin.status.db_size_bytes
        planned = Snapshot("", cluster_id, "", origin.name, origin.revision, size_bytes, "", params["method"], 0)
        return result(planned, changed=True)
    methods = METHODS if params["method"] == "auto" else (params["method"],)
    written, tried, pruned = of_member.write(
        member, directory, origin, methods=methods, timeout=params["work_timeout"], keep=keep
    )
    return result(written, changed=True, tried=tried, pruned=pruned, seconds=time.monotonic() - started)


def result(
    found: Snapshot,
    *,
    changed: bool,
    reused: bool = False,
    seconds: float = 0.0,
    tried: list[str] | None = None,
    pruned: list[str] | None = None,
) -> Json:
    return {
        "changed": changed,
        "path": found.path,
        "member": found.member,
        "revision": found.revision,
        "size_bytes": found.size_bytes,
        "method": found.method,
        "reused": reused,
        "seconds": round(seconds, 1),
        "tried": tried or [],
        "pruned": pruned or [],
    }


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            **LEASE_SPEC,
            **WORK_SPEC,
            "directory": {"type": "path", "required": True},
            "keep": {"type": "int", "default": 0},
            "method": {"type": "str", "choices": ["auto", *METHODS], "default": "auto"},
            "reuse": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run_with_member(module, snapshot, doing="Writing a snapshot", unchanged="Nothing else was changed.")


if __name__ == "__main__":
    main()

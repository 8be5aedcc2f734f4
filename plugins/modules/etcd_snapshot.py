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
    while etcd runs as long as no transaction ends meanwhile; V(etcdctl) runs the program beside the running etcd, also
    inside a container; V(gateway) streams through the JSON gateway, which always works and is the slowest.
extends_documentation_fragment:
  - controlplane.etcd._connection
  - controlplane.etcd._connection.work
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
options:
  directory:
    description:
      - Where to write it, on the node. Created with mode 0700 where it is missing.
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
      - Take a snapshot of this cluster that is there already, if it is still whole and nothing but deletions happened
        since. An expired lease deletes, also while writes are refused for lack of space.
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
from dataclasses import replace

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._etcd import snapshot as snapshots
from ..module_utils._etcd.api import KeyCount
from ..module_utils._etcd.errors import EtcdError
from ..module_utils._etcd.snapshot import METHODS, Snapshot
from ..module_utils._etcd.transport import Json
from ..module_utils._member import CONNECTION_SPEC, WORK_SPEC, LocalMember, run


def count(member: LocalMember) -> KeyCount | None:
    """The live keys, None where there is no quorum to count them."""
    try:
        return member.endpoint.count_keys()
    except EtcdError:
        return None


def snapshot(module: AnsibleModule, member: LocalMember) -> Json:
    params, started = module.params, time.monotonic()
    status = member.endpoint.status()
    name = next((each.name for each in member.endpoint.members() if each.member_id == status.member_id), "member")
    keys = count(member) if status.leader_id else None  # without a leader it would only cost the server's time limit
    directory, cluster_id = params["directory"], status.cluster_id
    if params["reuse"] and keys:
        found = snapshots.reusable(directory, cluster_id=cluster_id, keys=keys.keys, revision=keys.revision)
        if found:
            return result(found, changed=False, reused=True, seconds=time.monotonic() - started)
    if module.check_mode:
        planned = Snapshot("", f"{cluster_id:x}", name, status.revision, status.db_size_bytes, "", params["method"], 0)
        return result(planned, changed=True)
    manifest = member.manifest
    written, tried = snapshots.take(
        snapshots.Source(member.endpoint, manifest=manifest, tls=member.tls, timeout=params["work_timeout"]),
        directory,
        methods=METHODS if params["method"] == "auto" else (params["method"],),
        cluster_id=cluster_id,
        member=name,
        revision=status.revision,
        size_bytes=status.db_size_bytes,
        data_dir=manifest.data_dir if manifest else None,
    )
    if keys:
        written = replace(written, keys=keys.keys, keys_revision=keys.revision)
    snapshots.remember(written)
    pruned = snapshots.prune(directory, cluster_id=cluster_id, keep=params["keep"]) if params["keep"] else []
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
            **WORK_SPEC,
            "directory": {"type": "path", "required": True},
            "keep": {"type": "int", "default": 0},
            "method": {"type": "str", "choices": ["auto", *METHODS], "default": "auto"},
            "reuse": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run(module, snapshot, doing="Writing a snapshot", untouched="Nothing else was changed.")


if __name__ == "__main__":
    main()

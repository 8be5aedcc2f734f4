#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_usage_info
short_description: See what fills a database of etcd, from its file alone
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Counts keys and bytes in a snapshot or in the database of the node's own member, by resource and namespace, live
    data and history apart. etcd and the API server may be down.
  - Nothing is asked of etcd, and nothing is copied or written. Of values only the first bytes are read, unless
    O(managed_fields) is set, so it does not matter whether they are encrypted.
  - While etcd writes, the file is read up to three times. If etcd has written each time, RV(consistent) is false, and
    numbers may be off by what was written meanwhile; a snapshot (M(controlplane.etcd.etcd_snapshot)) stands still.
extends_documentation_fragment:
  - controlplane.etcd._attributes
  - controlplane.etcd._attributes.info
options:
  managed_fields:
    description:
      - Also tell what C(managedFields) take, in which the API server keeps who has set which field. All live values are
        read for that, which takes several times as long. Of values that are neither JSON nor protobuf of Kubernetes,
        and of encrypted ones, nothing is counted.
    type: bool
    default: false
  manifest:
    description:
      - Static pod manifest of etcd, which names the data directory if O(path) is not given.
    type: path
    default: /etc/kubernetes/manifests/etcd.yaml
  path:
    description:
      - A snapshot, or the file C(member/snap/db) of a member. Without it, the database of the node's own member.
    type: path
  prefix:
    description:
      - What the API server's keys begin with (its C(--etcd-prefix)).
    type: str
    default: /registry
  since:
    description:
      - An earlier look, to tell how fast the database grows, and what of it (RV(growth)). A snapshot, or another
        database of the same cluster.
      - The time between both is that from when the snapshot was taken, as its record beside it says, or else from the
        last change of the file. A database that etcd has open is of now.
    type: path
  top:
    description:
      - How many entries each list has at most.
    type: int
    default: 10
seealso:
  - module: controlplane.etcd.etcd_snapshot
"""

EXAMPLES = r"""
---
- name: See what fills the database of this node's member
  controlplane.etcd.etcd_usage_info:
  become: true
  register: usage

- name: Say which resource has most of it
  ansible.builtin.debug:
    msg: >-
      {{ usage.resources[0].resource }}: {{ usage.resources[0].live_bytes | human_readable }} live,
      {{ usage.resources[0].history_bytes | human_readable }} of history

- name: See what has grown since the last snapshot
  controlplane.etcd.etcd_usage_info:
    since: /var/backups/etcd/etcd-before.db
  become: true

- name: See what filled it when a snapshot was taken
  controlplane.etcd.etcd_usage_info:
    path: /var/backups/etcd/etcd-before.db
    top: 50
"""

RETURN = r"""
---
consistent:
  description: Whether nobody has written to the file while it was read.
  returned: success
  type: bool
  sample: true
consumers:
  description: The resources in one namespace with most bytes, live and history together, the largest first.
  returned: success
  type: list
  elements: dict
  contains: &consumer
    encrypted_keys:
      description: How many of the live keys have a value that the API server has encrypted.
      returned: always
      type: int
      sample: 0
    group:
      description: Group of the resource, empty if the key names none, as for all that is built in.
      returned: always
      type: str
      sample: kyverno.io
    history_bytes:
      description: What all other revisions take, which a compaction removes.
      returned: always
      type: int
      sample: 734003200
    history_revisions:
      description: How many other revisions are kept, tombstones included.
      returned: always
      type: int
      sample: 51200
    leased_keys:
      description: How many of the live keys end with a lease, as events do.
      returned: always
      type: int
      sample: 0
    live_bytes:
      description: What the newest revisions take, as etcd stores them - key, value and some twenty bytes of numbers.
      returned: always
      type: int
      sample: 104857600
    live_keys:
      description: How many keys exist.
      returned: always
      type: int
      sample: 7311
    managed_fields_bytes:
      description: What C(managedFields) take of the live bytes. Null without O(managed_fields).
      returned: always
      type: int
      sample: 20971520
    namespace:
      description: The namespace, empty for what is in none, V(*) if it is not told apart. After the first 20,000
        directories of keys no more are.
      returned: always
      type: str
      sample: default
    resource:
      description: The resource, as its keys name it, V(*) if it is not told apart. Of keys that are not the API
        server's, their first two directories.
      returned: always
      type: str
      sample: policyreports
    tombstones:
      description: How many of the other revisions are deletions.
      returned: always
      type: int
      sample: 320
file:
  description: Where the bytes of the file are. All but RV(file.size_bytes) add up to that.
  returned: success
  type: dict
  contains:
    free_bytes:
      description: Pages that nothing is in, which a defragmentation removes.
      returned: always
      type: int
      sample: 209715200
    history_bytes:
      description: As RV(total.history_bytes).
      returned: always
      type: int
      sample: 734003200
    live_bytes:
      description: As RV(total.live_bytes).
      returned: always
      type: int
      sample: 104857600
    other_buckets_bytes:
      description: Pages of what is not keys - leases, members, users, alarms.
      returned: always
      type: int
      sample: 8192
    overhead_bytes:
      description: What is needed to find the revisions, and gaps in their pages.
      returned: always
      type: int
      sample: 31457280
    size_bytes:
      description: Size of the file.
      returned: always
      type: int
      sample: 1080041472
growth:
  description: What has changed since O(since), per hour. Null without that.
  returned: success
  type: dict
  contains:
    namespaces:
      description: As RV(growth.resources), over all resources of a namespace. Empty where there are too many
        directories of keys to tell all namespaces apart.
      returned: always
      type: list
      elements: dict
      contains: &grown
        group:
          description: As RV(consumers[].group).
          returned: always
          type: str
          sample: kyverno.io
        live_bytes_per_hour:
          description: By how much the live data grow, below 0 if they shrink.
          returned: always
          type: int
          sample: 52428800
        live_keys_per_hour:
          description: By how many keys they do.
          returned: always
          type: int
          sample: 3650
        namespace:
          description: As RV(consumers[].namespace).
          returned: always
          type: str
          sample: "*"
        resource:
          description: As RV(consumers[].resource).
          returned: always
          type: str
          sample: policyreports
        revisions_per_hour:
          description: By how many more revisions are kept, live and history. A compaction makes that fewer.
          returned: always
          type: int
          sample: 25600
    resources:
      description: What has changed most in live bytes, grown or shrunk, over all namespaces of a resource. What is as
        it was is not listed.
      returned: always
      type: list
      elements: dict
      contains: *grown
    revisions_per_hour:
      description: How far the revision of etcd comes, which is what is written.
      returned: always
      type: int
      sample: 61200
    seconds:
      description: The time between both looks.
      returned: always
      type: float
      sample: 3600.0
    size_bytes_per_hour:
      description: By how much the file grows. It never shrinks without a defragmentation.
      returned: always
      type: int
      sample: 104857600
hottest:
  description: The keys of which most revisions are kept, tombstones included; none with only one.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: The key.
      returned: always
      type: str
      sample: /registry/leases/kube-node-lease/worker1
    revisions:
      description: How many are kept.
      returned: always
      type: int
      sample: 4711
largest:
  description: The live keys whose newest revision takes most.
  returned: success
  type: list
  elements: dict
  contains:
    bytes:
      description: What it takes.
      returned: always
      type: int
      sample: 1048576
    key:
      description: The key.
      returned: always
      type: str
      sample: /registry/configmaps/default/dashboards
leases:
  description: How many leases there are.
  returned: success
  type: int
  sample: 120
namespaces:
  description: As RV(consumers), over all resources of a namespace.
  returned: success
  type: list
  elements: dict
  contains: *consumer
path:
  description: The file that was read.
  returned: success
  type: str
  sample: /var/lib/etcd/member/snap/db
resources:
  description: As RV(consumers), over all namespaces of a resource.
  returned: success
  type: list
  elements: dict
  contains: *consumer
revision:
  description: The newest revision in it.
  returned: success
  type: int
  sample: 812345
total:
  description: The sums of all keys.
  returned: success
  type: dict
  contains:
    encrypted_keys:
      description: As RV(consumers[].encrypted_keys).
      returned: always
      type: int
      sample: 0
    history_bytes:
      description: As RV(consumers[].history_bytes).
      returned: always
      type: int
      sample: 734003200
    history_revisions:
      description: As RV(consumers[].history_revisions).
      returned: always
      type: int
      sample: 51200
    leased_keys:
      description: As RV(consumers[].leased_keys).
      returned: always
      type: int
      sample: 0
    live_bytes:
      description: As RV(consumers[].live_bytes).
      returned: always
      type: int
      sample: 104857600
    live_keys:
      description: As RV(consumers[].live_keys).
      returned: always
      type: int
      sample: 7311
    managed_fields_bytes:
      description: As RV(consumers[].managed_fields_bytes).
      returned: always
      type: int
      sample: 20971520
    tombstones:
      description: As RV(consumers[].tombstones).
      returned: always
      type: int
      sample: 320
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.failures import Failure
from ..module_utils._core.records import Json, plain
from ..module_utils._etcd.kubernetes_keys import DEFAULT_PREFIX
from ..module_utils._etcd.usage import look_at
from ..module_utils._etcd.usage_count import TOP, Wanted
from ..module_utils._module import run
from ..module_utils._node.etcd_manifest import DEFAULT_PATH
from ..module_utils._node.settings_source import read_settings
from ..module_utils._snapshot.usage_since import grown_since


def database(params: Json) -> str:
    """The file to read. Raises Failure, OSError."""
    if params["path"]:
        return str(params["path"])
    try:
        return read_settings(params["manifest"]).database
    except FileNotFoundError as exc:
        raise Failure(
            "manifest_missing", f"There is no {exc.filename} on this node.", "Name the file to read (path)."
        ) from exc


def usage(module: AnsibleModule) -> Json:
    """The result of the module. Raises Failure, OSError."""
    params: Json = module.params
    if params["top"] < 0:
        raise Failure("invalid_option", f"top is {params['top']}.", "It takes 0 or more.")
    path = database(params)
    wanted = Wanted(params["prefix"], params["top"], params["managed_fields"])
    look = look_at(path, wanted)
    if not look.usage.consistent:
        module.warn(f"etcd wrote to {path} while it was read, so the numbers may be off by what it wrote.")
    since = params["since"]
    growth = grown_since(since, path, look.levels, wanted) if since else None
    return {"changed": False, "path": path, **plain(look.usage), "growth": plain(growth)}


def main() -> None:
    module = AnsibleModule(
        {
            "managed_fields": {"type": "bool", "default": False},
            "manifest": {"type": "path", "default": DEFAULT_PATH},
            "path": {"type": "path"},
            "prefix": {"type": "str", "default": DEFAULT_PREFIX},
            "since": {"type": "path"},
            "top": {"type": "int", "default": TOP},
        },
        supports_check_mode=True,
    )
    run(module, usage, doing="Reading the database", leased=False)


if __name__ == "__main__":
    main()

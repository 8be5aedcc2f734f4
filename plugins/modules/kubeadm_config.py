#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kubeadm_config
short_description: Set arguments of etcd in a kubeadm configuration file
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Sets and removes C(etcd.local.extraArgs) of the C(ClusterConfiguration) in a file as C(kubeadm init --config) takes
    it. No running etcd changes. C(kubeadm init phase etcd local --config) reads the file; C(kubeadm upgrade) and
    C(kubeadm join) read the ConfigMap C(kubeadm-config) instead, which M(controlplane.etcd.kubeadm_configmap) edits.
  - The shape follows the C(apiVersion) of that document itself, whichever kubeadm is installed - a map up to
    C(v1beta3), a list of name and value from C(v1beta4) on. Values that are written are quoted strings.
  - Only the lines of these arguments change. Comments, order, quotes, line breaks and all other documents stay byte for
    byte. If a name that is set has several entries, one remains.
  - What cannot be edited safely in place is refused, with the lines to write by hand - flow style and JSON, what an
    anchor shares with another place, tags, merge keys. So is what kubeadm itself would refuse or ignore - a comment or
    nothing before the first C(---) or between two of them, a kind given twice, external etcd, the shape of another
    version, a number or boolean without quotes that is not being set.
  - An argument that C(etcd.local.extraEnvs) sets as well is refused, because etcd does not start with both.
  - The file is read on the node, edited on the controller, and written on the node unless somebody has changed it in
    between; so the node needs no PyYAML. A task with C(async) is refused for that.
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
      - The diff shows the C(ClusterConfiguration) alone, because other documents may hold tokens.
options:
  path:
    description:
      - Path of the file on the node. Of a symbolic link the target is edited.
    type: path
    required: true
seealso:
  - module: controlplane.etcd.kubeadm_configmap
"""

EXAMPLES = r"""
---
- name: Give etcd a quota of 8 GiB and let it compact by itself
  controlplane.etcd.kubeadm_config:
    path: /etc/kubernetes/kubeadm-config.yaml
    extra_args:
      quota-backend-bytes: 8GiB
      auto-compaction-mode: periodic
      auto-compaction-retention: 1h
  become: true

- name: Remove an argument again
  controlplane.etcd.kubeadm_config:
    path: /etc/kubernetes/kubeadm-config.yaml
    remove:
      - max-wals
  become: true
"""

RETURN = r"""
---
backup_file:
  description: The copy of the old file. Empty in check mode and if nothing changed.
  returned: success
  type: str
  sample: /etc/kubernetes/etcd-backup/kubeadm-config.yaml.20261123T205937Z
extra_args:
  description:
    - All arguments that the file holds afterwards, by name; in check mode, those that it would hold. An argument
      without a value is empty.
  returned: success
  type: dict
  sample:
    auto-compaction-mode: periodic
    auto-compaction-retention: 1h
    quota-backend-bytes: "8589934592"
path:
  description: The file, of a symbolic link its target.
  returned: success
  type: str
  sample: /etc/kubernetes/kubeadm-config.yaml
replaced:
  description:
    - Arguments that have another value after it, or are gone, with the value that they had before; in check mode, those
      that would.
  returned: success
  type: dict
  sample:
    quota-backend-bytes: "2147483648"
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import files
from ..module_utils._core.failures import Refused
from ..module_utils._core.records import Json
from ..module_utils._kubeadm import backups, config, exchange
from ..module_utils._module import LEASE_SPEC, run


def configure(module: AnsibleModule, doing: str) -> Json:
    """Read the file, or write what the controller has made of it; the result of the module. Raises Failure, OSError."""
    path: str = module.params["path"]
    backup_dir: str = module.params["backup_dir"]
    backups.refuse_backup_dir(backup_dir)
    old = config.read(path)
    text = config.text_of(old)
    result: Json = {"changed": False, "path": os.path.realpath(path), "backup_file": ""}
    new = exchange.received_text(module.params)
    if new is None:
        return {**result, **exchange.to_edit(module.params, text, doing=doing, place=path, subject=path)}
    if exchange.fingerprint(text) != new.sha256:
        raise Refused("changed_meanwhile", f"Somebody else changed {path} at the same time.", "Run this again.")
    data = new.text.encode("utf-8")

    def check_written(found: bytes) -> None:
        if found != data:
            raise OSError("what was read back is not what was written")

    backup_file = backups.back_up(old, path, backup_dir)
    files.replace(path, old, data, check_written)
    return {**result, "changed": True, "backup_file": backup_file}


def main() -> None:
    module = AnsibleModule(
        {**exchange.EXTRA_ARGS_SPEC, **LEASE_SPEC, "path": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    doing = f"Setting etcd.local.extraArgs in {module.params['path']}"
    run(module, lambda module: configure(module, doing), doing=doing)


if __name__ == "__main__":
    main()

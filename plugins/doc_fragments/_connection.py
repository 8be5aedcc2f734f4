# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options by which modules find the member that they ask, and others that several of them share."""

from __future__ import annotations


# Private to this collection: it may change at any time, without notice.
class ModuleDocFragment:
    # The options that tell which member is asked; modules that have them are the action group.
    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/controlplane.etcd.etcd) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - controlplane.etcd.etcd
options:
  ca_cert:
    description:
      - Path of the CA certificate that signed etcd's certificates, on the node.
      - Read from O(manifest) if it is not given.
    type: path
  client_cert:
    description:
      - Path of the client certificate to show, on the node.
      - If it is not given, C(healthcheck-client.crt) beside the CA of O(manifest) is used, else
        C(apiserver-etcd-client.crt), else the server's own certificate.
    type: path
  client_key:
    description:
      - Path of the key of O(client_cert). The key never leaves the node.
    type: path
  endpoint:
    description:
      - URL of the member to ask, for example V(https://192.0.2.11:2379).
      - If it is not given, it is the address at which this node reaches the member of O(manifest).
    type: str
  manifest:
    description:
      - Path of etcd's static pod manifest. Addresses, certificates, data directory and quota are read from it.
    type: path
    default: /etc/kubernetes/manifests/etcd.yaml
  timeout:
    description:
      - Seconds that one ordinary call may take. A member that takes longer counts as not answering.
    type: float
    default: 10.0
notes:
  - The module needs nothing but Python on the node. It talks to etcd's JSON gateway over verified TLS.
  - It has to run as root, because the keys below C(/etc/kubernetes/pki) are root's.
  - If O(manifest) does not exist, O(endpoint), O(ca_cert), O(client_cert) and O(client_key) are all required.
requirements:
  - Python 3.8 or newer on the node.
"""

    # How long the one slow call of a module may take.
    WORK = r"""
options:
  work_timeout:
    description:
      - Seconds to wait for the work itself. etcd carries on with it after that.
    type: float
    default: 600.0
"""

    # The gate before versions that can lose data.
    UNSAFE = r"""
options:
  allow_unsafe_version:
    description:
      - Go on with etcd 3.5.0 to 3.5.5 as well. There a member that dies during a defragmentation can come back with
        different data from the other members.
    type: bool
    default: false
"""

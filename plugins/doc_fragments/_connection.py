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
      - Path of etcd's static pod manifest, or name of the systemd unit that runs it, such as V(etcd.service).
        Addresses, certificates, data directory and quota are read from there, or from the configuration file of etcd
        that it names.
      - If the default does not exist, the etcd of Kubernetes on this node is looked for - that of RKE2 or k3s, or a
        unit of systemd that kubespray or the like has written, that the API server of this node uses, or in whose
        database keys of Kubernetes are seen. An etcd that may be another's, and one of several, has to be named.
    type: path
    default: /etc/kubernetes/manifests/etcd.yaml
  timeout:
    description:
      - Seconds that one ordinary call may take. A member that takes longer counts as not answering.
    type: float
    default: 10.0
  transport:
    description:
      - The way to etcd. V(gateway) is its JSON gateway, which needs nothing but Python on the node. V(grpc) needs the
        Python library C(etcd3) on the node. V(etcdctl) needs that program, beside the node's running etcd, as in the
        images of kubeadm, or in C(PATH).
      - With V(auto), it is the gateway, and for members that say they have none (C(--enable-grpc-gateway=false)), or
        whose port hangs up as one without HTTP does, gRPC if the library is there, and else C(etcdctl).
      - C(etcdctl) streams no snapshot, disarms all alarms or none, and up to etcd 3.5 it lists no members without
        quorum.
    type: str
    choices:
      - auto
      - gateway
      - grpc
      - etcdctl
    default: auto
notes:
  - The module needs nothing but Python on the node, unless etcd's JSON gateway is off. It talks to etcd over verified
    TLS.
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

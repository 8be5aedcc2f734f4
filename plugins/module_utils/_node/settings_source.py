# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Where the settings of this node's member are: in the manifest that is named, in a systemd unit, or in what RKE2 or
k3s write. Found by itself on a node without kubeadm's manifest, if exactly one etcd can be Kubernetes'.

What reads units is imported for a unit only: each start of a module on a node of kubeadm would have to read it.
"""

from __future__ import annotations

import os

from .._core import command
from .etcd_manifest import DEFAULT_PATH, read_manifest
from .settings import K3S_DATA_DIR, Found, MemberSettings, is_unit

RKE2_MANIFEST = "/var/lib/rancher/rke2/agent/pod-manifests/etcd.yaml"
_K3S_UNIT = "k3s.service"
_K3S_DATA = f"{K3S_DATA_DIR}/server/db/etcd"


def read_settings(name: str) -> MemberSettings:
    """The settings that this names: the path of a manifest, or a systemd unit. On a node that has not kubeadm's
    manifest they are found. Raises Failure; FileNotFoundError if there are none."""
    found = find_source(name).name
    if not found:
        raise FileNotFoundError(2, "No such file or directory", name)
    return settings_of(found)


def settings_of(name: str) -> MemberSettings:
    """As `read_settings`, of the very name."""
    if not is_unit(name):
        return read_manifest(name)
    from .systemd_unit import read_unit
    from .unit_settings import settings_of_unit

    unit = read_unit(command.run, name)
    refused = unit.refusal() if unit.masked and not unit.words else None
    if refused:  # systemd shows nothing of it
        raise refused
    return settings_of_unit(unit)


def find_source(name: str) -> Found:
    """What names the settings of this node's member. Raises Refused if several may be meant."""
    if is_unit(name) or name != DEFAULT_PATH or os.path.lexists(name):
        return Found(name)
    if os.path.lexists(RKE2_MANIFEST):
        return Found(RKE2_MANIFEST)
    if os.path.isdir(_K3S_DATA):
        return Found(_K3S_UNIT)
    from . import unit_choice

    return unit_choice.choose(unit_choice.candidates(), unit_choice.api_servers_etcd())


__all__ = ("RKE2_MANIFEST", "find_source", "read_settings", "settings_of")

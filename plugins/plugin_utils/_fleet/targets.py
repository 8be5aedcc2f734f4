# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Targets of the playbooks: the pattern of hosts that they work on, and why there is none.

They run as root on whatever is meant. So all hosts of an inventory are meant only if somebody has just listed them.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from .options import CLOSE, alike

VARIABLE = "etcd_target"
# Names that kubeadm's, kubespray's and other inventories have for control planes, and for nothing else.
CONTROL_PLANES = (
    "control_plane",
    "controlplane",
    "k8s_masters",
    "kube-master",
    "kube_control_plane",
    "kube_master",
    "masters",
)
# Names that other software has as well: they count only if there is none of the first.
GENERIC = ("controllers", "master", "server")
# kubespray's group of the hosts that run etcd, which may be none of the control planes.
ETCD = "etcd"
NOBODY = "!all"


@dataclass(frozen=True)
class Targets:
    """The pattern of hosts, one that nobody matches if it is refused."""

    pattern: str
    refusals: tuple[Refused, ...] = ()


def find_targets(
    groups: t.Mapping[str, t.Sequence[str]],
    sources: t.Sequence[str],
    asked: str | t.Sequence[str] | None,
    *,
    extra: t.Collection[str],
) -> Targets:
    """The targets among the hosts of `groups`. `sources` are the inventories as they were named, `asked` is the value
    of etcd_target, `extra` names all variables that were given with -e."""
    slips = [name for name in sorted(extra) if name != VARIABLE and alike(name, VARIABLE) >= CLOSE]
    if slips:
        return _refused(
            "unknown_option", f"There is no variable {slips[0]}.", f"Name the hosts with -e {VARIABLE}=GROUP."
        )
    if asked is not None:
        if VARIABLE not in extra:
            return _refused(
                "no_target_group",
                f"{VARIABLE} was not given with -e: a playbook chooses its hosts before it reads other variables.",
                f"Give it with -e {VARIABLE}=GROUP.",
            )
        if not asked:
            return _refused("no_target_group", f"{VARIABLE} is empty.", "Name a group or hosts, or leave it out.")
        return Targets(asked if isinstance(asked, str) else ",".join(asked))
    filled = {name for name, hosts in groups.items() if hosts and name not in ("all", "ungrouped")}
    known = [name for name in CONTROL_PLANES if name in filled]
    found = known or ([] if ETCD in filled else [name for name in GENERIC if name in filled])
    if not set(groups.get(ETCD, ())) <= {host for name in found for host in groups[name]}:
        found = [*found, ETCD]
    if found:
        return Targets(":".join(found))
    if sources and all("," in source for source in sources):  # that is how Ansible tells a list of hosts
        return Targets("all")
    has = f"It has {', '.join(sorted(filled))}" if filled else "It has no group with hosts"
    names = ", ".join((*CONTROL_PLANES, *GENERIC, ETCD))
    return _refused(
        "no_target_group",
        f"The inventory has no group of control-plane nodes that is known here ({names})."
        f" {has}. All of its hosts are not taken for control-plane nodes.",
        f"Name the group or the hosts with -e {VARIABLE}=GROUP, or list the nodes: -i cp1,cp2,cp3, (the trailing comma"
        " is required).",
    )


def _refused(code: str, reason: str, advice: str) -> Targets:
    return Targets(NOBODY, (Refused(code, reason, advice),))


__all__ = ("CONTROL_PLANES", "ETCD", "GENERIC", "NOBODY", "Targets", "find_targets")

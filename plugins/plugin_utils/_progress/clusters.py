# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Names of clusters, for a run over more than one: of the inventory's groups, the one that is that cluster."""

from __future__ import annotations

import typing as t


def cluster_key(result: t.Mapping[str, t.Any]) -> str:
    """What tells the cluster of a node from others, in a result of etcd_node_info; empty if there is none."""
    certificates = result.get("ca_sha256")
    if isinstance(certificates, (list, tuple)) and certificates:
        return ",".join(sorted(map(str, certificates)))
    return str(result.get("cluster_id") or "")


def cluster_names(keys: t.Mapping[str, str], groups: t.Mapping[str, t.Iterable[str]]) -> dict[str, str]:
    """The name of its cluster for each host, from the hosts' keys and groups: the smallest group that holds all its
    hosts and none of another, else its first host."""
    sizes: dict[str, int] = {}
    for names in groups.values():
        for name in names:
            sizes[name] = sizes.get(name, 0) + 1
    found = {}
    for key in set(filter(None, keys.values())):
        hosts = [host for host, other in keys.items() if other == key]
        others = {group for host, other in keys.items() if other != key for group in groups.get(host, ())}
        common = set.intersection(*(set(groups.get(host, ())) for host in hosts)) - others - {"all", "ungrouped"}
        name = min(common, key=lambda group: (sizes[group], group), default=hosts[0])
        found.update(dict.fromkeys(hosts, name))
    return found


__all__ = ("cluster_key", "cluster_names")

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The API servers of a cluster: what is said about them, and whether any of them accepts writes."""

from __future__ import annotations

import typing as t

from ...module_utils._core.failures import Failure
from ...module_utils._node.report import ClusterReport
from .reports import Fleet
from .results import ApiServerCheck


def hosts_of_api_servers(fleet: Fleet, cluster: ClusterReport | None) -> tuple[str, ...]:
    """The hosts without etcd whose API server uses this cluster: it names a URL at which a member is to be asked. None
    as long as no member answers."""
    urls = {_plain(url) for member in cluster.members for url in member.client_urls} if cluster else set()
    return tuple(sorted(host for host, used in fleet.etcd_urls.items() if urls & set(map(_plain, used))))


def _plain(url: str) -> str:
    return url.rstrip("/").lower()


def api_server_lines(checks: t.Mapping[str, ApiServerCheck]) -> list[str]:
    """The lines on a write through each node's own API server; none on nodes without one."""
    accepted = [host for host, check in checks.items() if check.outcome == "accepted"]
    ready = [host for host, check in checks.items() if check.outcome == "ready"]
    said = [f"The API servers of {', '.join(accepted)} accept writes."] if accepted else []
    if ready:
        said.append(f"The API servers of {', '.join(ready)} are ready; nothing was written through them.")
    for host, check in checks.items():
        if check.outcome == "refused":
            said.append(f"The API server of {host} did not take the write, but not because of etcd: {check.reason}.")
        elif check.outcome == "not ready":
            since = f"is still not up after {check.seconds:.0f} s" if round(check.seconds) else "is not up"
            said.append(f"The API server of {host} {since}: {check.reason}.")
    return said


def still_starting(checks: t.Mapping[str, ApiServerCheck]) -> list[str]:
    """The hosts whose API server may yet accept a write, in the order in which they were asked."""
    return [host for host, check in checks.items() if check.outcome in ("refused", "not ready")]


def any_accepts(checks: t.Mapping[str, ApiServerCheck]) -> bool:
    """Whether Kubernetes can write through one of them."""
    return any(check.outcome == "accepted" for check in checks.values())


def none_accepts(checks: t.Mapping[str, ApiServerCheck]) -> Failure | None:
    """The failure of a cluster none of whose API servers accepted a write, None if one did. Nodes without one, and
    check mode, in which nothing is written, do not count."""
    asked = {host: checks[host] for host in still_starting(checks)}
    if not asked or len(asked) < sum(check.outcome != "absent" for check in checks.values()):
        return None
    reasons = "; ".join(f"{host}: {check.reason or check.outcome}" for host, check in asked.items())
    return Failure(
        "no_apiserver_accepts",
        f"etcd accepts writes, but none of the API servers that were asked accepted one ({reasons}).",
        "See why (crictl ps -a, crictl logs, journalctl --unit kubelet on these nodes), then run this again. If it is"
        " only the kubeconfig, name another one (recover_kubeconfig).",
        unchanged="What was done to etcd stays done.",
    )


__all__ = ("any_accepts", "api_server_lines", "hosts_of_api_servers", "none_accepts", "still_starting")

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of a status, for the report: a cluster that is full, the same after its recovery, a healthy one."""

from __future__ import annotations

import typing as t

MIB = 1024**2
GIB = 1024**3
Json = dict[str, t.Any]


def member(name: str, **other: t.Any) -> Json:
    return {
        "name": name,
        "host": name,
        "role": "follower",
        "version": "3.6.16",
        "size_bytes": 100 * MIB,
        "in_use_bytes": 90 * MIB,
        "quota_bytes": 2 * GIB,
        "quota_source": "status",
        "full_percent": 4.9,
        "fragmentation_percent": 10.0,
        "lag": 0,
        "alarms": [],
        "cause": "",
        "certificate_days_left": 211.4,
        "probes": "kubeadm 1.31 or newer (kills after 80 s)",
        "kubelet": "running",
        "schedule": "installed",
        "last_maintenance_at": "2026-11-29T03:17:09Z",
        "last_snapshot": {"path": f"/var/backups/etcd/etcd-{name}.db", "taken_at": None, "age_seconds": 79_200.0},
        **other,
    }


def consumer(
    resource: str, live_mib: float, history_mib: float, *, group: str = "", namespace: str = "*", keys: int = 1000
) -> Json:
    return {
        "group": group,
        "resource": resource,
        "namespace": namespace,
        "live_keys": keys,
        "live_bytes": int(live_mib * MIB),
        "history_revisions": keys * 3,
        "history_bytes": int(history_mib * MIB),
        "tombstones": 12,
        "encrypted_keys": 0,
        "leased_keys": 0,
        "managed_fields_bytes": None,
    }


RESOURCES = [
    consumer("policyreports", 612.4, 488.2, group="kyverno.io", keys=48_211),
    consumer("events", 141.0, 402.7, keys=301_876),
    consumer("secrets", 171.3, 12.9, keys=4_120),
    consumer("workflows", 64.2, 71.8, group="argoproj.io", keys=911),
    consumer("configmaps", 58.8, 9.6, keys=2_377),
    consumer("pods", 22.4, 40.1, keys=3_004),
    consumer("leases", 0.4, 38.5, group="coordination.k8s.io", keys=212),
    consumer("jobs", 18.9, 7.7, group="batch", keys=2_650),
    consumer("endpointslices", 4.0, 14.1, group="discovery.k8s.io", keys=640),
    consumer("replicasets", 9.2, 1.3, group="apps", keys=1_480),
]
NAMESPACES = [
    consumer("*", 540.1, 611.0, namespace="payments", keys=188_000),
    consumer("*", 302.8, 260.4, namespace="build", keys=120_414),
    consumer("*", 41.7, 66.0, namespace="", keys=1_020),
]
CONSUMERS = [
    consumer("policyreports", 402.0, 391.5, group="kyverno.io", namespace="payments", keys=31_030),
    consumer("events", 90.2, 260.0, namespace="build", keys=188_202),
]
ADVICE = [
    {
        "group": "kyverno.io",
        "resource": "policyreports",
        "what": "Results of Kyverno's background scans, one report for each resource that is checked.",
        "remedy": "Turn the reports off, or delete them: they are written anew at the next scan.",
        "command": "kubectl delete policyreports.kyverno.io --all --all-namespaces",
        "setting": "",
        "anchor": "docs/usage.md#policyreports",
    },
    {
        "group": "",
        "resource": "events",
        "what": "What happened to objects in the last hour; something fails again and again if they are many.",
        "remedy": "Find what repeats itself, keep them for less time, or give them an etcd of their own.",
        "command": "kubectl get events --all-namespaces --sort-by=.count",
        "setting": "--event-ttl=30m",
        "anchor": "docs/usage.md#events",
    },
]


def usage(host: str = "cp1") -> Json:
    live, history = (sum(each[key] for each in RESOURCES) + 21 * MIB for key in ("live_bytes", "history_bytes"))
    overhead, other, free = 61 * MIB, MIB // 8, 40 * MIB
    return {
        "host": host,
        "advice": ADVICE,
        "record": {
            "revision": 8_123_450,
            "consistent": True,
            "path": "/var/lib/etcd/member/snap/db",
            "leases": 3_002,
            "file": {
                "size_bytes": live + history + overhead + other + free,
                "live_bytes": live,
                "history_bytes": history,
                "overhead_bytes": overhead,
                "other_buckets_bytes": other,
                "free_bytes": free,
            },
            "total": {**consumer("*", 0, 0, keys=366_402), "live_bytes": live, "history_bytes": history},
            "resources": RESOURCES,
            "namespaces": NAMESPACES,
            "consumers": CONSUMERS,
            "largest": [{"key": "/registry/configmaps/build/dashboards", "bytes": 1_048_000}],
            "hottest": [{"key": "/registry/leases/kube-node-lease/worker1", "revisions": 4_711}],
            "growth": {
                "seconds": 7_200.0,
                "size_bytes_per_hour": 31 * MIB,
                "revisions_per_hour": 40_110,
                "resources": [_growth("events", 12.2, 24_110), _growth("policyreports", 9.0, 880)],
                "namespaces": [],
            },
        },
    }


def _growth(resource: str, mib: float, keys: int) -> Json:
    return {
        "group": "",
        "resource": resource,
        "namespace": "*",
        "live_bytes_per_hour": int(mib * MIB),
        "live_keys_per_hour": keys,
        "revisions_per_hour": 3 * keys,
    }


def cluster(name: str, **other: t.Any) -> Json:
    members = [member(f"{name}{number}") for number in (1, 2, 3)]
    members[1]["role"] = "leader"
    return {
        "name": name,
        "hosts": [each["host"] for each in members],
        "cluster_id": "6c260764f7a6d3f7",
        "verdict": "ok",
        "version": "3.6.16",
        "versions": ["3.6.16"],
        "leader": members[1]["name"],
        "size_bytes": 100 * MIB,
        "in_use_bytes": 90 * MIB,
        "quota_bytes": 2 * GIB,
        "full_percent": 4.9,
        "fragmentation_percent": 10.0,
        "alarms": [],
        "headline": "Writes are accepted.",
        "members": members,
        "growth": None,
        "usage": None,
        "findings": [],
        **other,
    }


def document(*clusters: Json, taken_at: str = "2026-11-30T01:02:03Z") -> Json:
    verdicts = [each["verdict"] for each in clusters]
    worst = next((each for each in ("critical", "warning") if each in verdicts), "ok")
    return {"schema": 1, "taken_at": taken_at, "verdict": worst, "clusters": list(clusters), "without_etcd": []}


def full_cluster(name: str = "cp") -> Json:
    used = usage(f"{name}1")
    size = used["record"]["file"]["size_bytes"]
    full = {"size_bytes": size, "in_use_bytes": size - 40 * MIB, "full_percent": size / (2 * GIB) * 100}
    members = [member(f"{name}{number}", **full, fragmentation_percent=1.9) for number in (1, 2, 3)]
    members[0] |= {"role": "leader", "alarms": ["NOSPACE"]}
    members[2] |= {"kubelet": "held until 01:12:40", "certificate_days_left": 9.2}
    return cluster(
        name,
        verdict="critical",
        leader=f"{name}1",
        **full,
        fragmentation_percent=1.9,
        alarms=["NOSPACE"],
        headline=f"The NOSPACE alarm is armed (by {name}1): the whole cluster refuses writes.",
        members=members,
        growth={"bytes_per_hour": 31 * MIB, "seconds_to_full": 0.0, "since": "2026-11-29T23:02:03Z"},
        usage=used,
        findings=[
            {
                "code": "nospace_alarm",
                "severity": "critical",
                "text": f"The NOSPACE alarm is armed (by {name}1): the whole cluster refuses writes.",
                "hosts": [f"{name}1"],
                "anchor": "docs/runbook.md#nospace_alarm",
            },
            {
                "code": "certificate_expires_soon",
                "severity": "warning",
                "text": "etcd's server certificate expires in 9 days.",
                "hosts": [f"{name}3"],
                "anchor": "docs/runbook.md#certificate_expires_soon",
            },
        ],
    )


def recovered_cluster(name: str = "cp") -> Json:
    after = cluster(name, headline="Writes are accepted through every member, and by every API server.")
    size = {"size_bytes": 1_190 * MIB, "in_use_bytes": 1_184 * MIB, "full_percent": 58.1, "fragmentation_percent": 0.5}
    after["members"] = [{**each, **size} for each in after["members"]]
    return {**after, **size}


def healthy_cluster(name: str = "edge") -> Json:
    growth = {"bytes_per_hour": 3 * MIB, "seconds_to_full": 2_400_000.0, "since": "2026-11-29T03:17:09Z"}
    return cluster(name, growth=growth)


def unknown_cluster() -> Json:
    """Everything that may be null is."""
    nulls = dict.fromkeys(cluster("x"), None)
    return {**nulls, "name": "lost", "verdict": "warning", "members": [dict.fromkeys(member("x")), member("lost2")]}

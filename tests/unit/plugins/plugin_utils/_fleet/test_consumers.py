# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines on what fills a database, from results of all kinds."""

from __future__ import annotations

from unit.builders import MIB, Json

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.consumers import consumer_lines


def consumer(resource: str, group: str = "", *, live: int, history: int = 0, keys: int = 7) -> Json:
    return {
        "group": group,
        "resource": resource,
        "namespace": "*",
        "live_bytes": live * MIB,
        "history_bytes": history * MIB,
        "live_keys": keys,
    }


def usage(*resources: Json, largest: tuple[str, ...] = ()) -> Json:
    total = {key: sum(each[key] for each in resources) for key in ("live_bytes", "history_bytes")}
    return {
        "resources": list(resources),
        "total": total,
        "largest": [{"key": key, "bytes": 1} for key in largest],
        "hottest": [],
    }


def test_the_largest_come_with_advice() -> None:
    reports = consumer("policyreports", "wgpolicyk8s.io", live=70, keys=7000)
    found = consumer_lines(usage(reports, consumer("events", live=20, history=4), consumer("pods", live=3)))
    assert found[0] == (
        "What fills it (93.0 MiB live, 4.0 MiB history): policyreports.wgpolicyk8s.io 70.0 MiB in 7000 keys; events"
        " 20.0 MiB in 7 keys, 4.0 MiB history."
    )
    assert [line.partition(":")[0] for line in found[1:]] == ["policyreports.wgpolicyk8s.io", "events"]
    assert "Delete: kubectl delete events --all --all-namespaces --wait=false." in found[2]
    assert "Setting: --event-ttl=30m. " in found[2]
    assert found[2].endswith("See docs/usage.md#events.")


def test_no_more_than_three_are_named() -> None:
    found = consumer_lines(usage(*(consumer(f"kind{number}", "x.io", live=20) for number in range(5))))
    assert [line.partition(":")[0] for line in found[1:]] == ["kind0.x.io", "kind1.x.io", "kind2.x.io"]
    assert "Look: kubectl get kind0.x.io --all-namespaces" in found[1]


def test_what_is_true_of_all_of_it() -> None:
    found = consumer_lines(usage(consumer("leases", live=1, history=90)))
    assert found[-1].startswith("Most of it is history")
    assert len(found) == 3


def test_keys_that_are_known() -> None:
    helm = "/registry/secrets/shop/sh.helm.release.v1.web.v7"
    assert "Old releases of Helm" in consumer_lines(usage(consumer("secrets", live=9), largest=(helm,)))[1]


def test_names_from_etcd_are_only_text() -> None:
    (first, second) = consumer_lines(usage(consumer("\x1b[2Jpods\n", live=9)))
    assert "\\x1b[2Jpods\\x0a 9.0 MiB" in first
    assert second.startswith("\\x1b[2Jpods\\x0a: ")
    assert "kubectl" not in second


def test_no_result() -> None:
    assert consumer_lines({}) == []
    assert consumer_lines({"skipped": True, "msg": "no"}) == []
    assert consumer_lines(usage()) == []
    assert consumer_lines({"msg": "It is damaged.\x1b"}) == [
        "What fills it is not known, and nothing depends on that. It is damaged.\\x1b"
    ]

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Advice on what fills a database: by name, by the keys that are known, and on all of it together."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usual_consumers import advice_for, kubectl_name

MIB = 1 << 20


def consumer(resource: str, group: str = "", *, live: int = 90, history: int = 10, **more: Any) -> dict[str, Any]:
    return {"group": group, "resource": resource, "live_bytes": live * MIB, "history_bytes": history * MIB, **more}


def anchors(*consumers: dict[str, Any], keys: tuple[str, ...] = ()) -> list[str]:
    return [each["anchor"].partition("#")[2] for each in advice_for(consumers, keys=keys)]


@pytest.mark.parametrize(
    ("resource", "group", "anchor"),
    [
        ("events", "", "events"),
        ("policyreports", "wgpolicyk8s.io", "policy-reports"),
        ("clusterpolicyreports", "wgpolicyk8s.io", "policy-reports"),
        ("ephemeralreports", "reports.kyverno.io", "policy-reports"),
        ("admissionreports", "kyverno.io", "policy-reports"),
        ("backgroundscanreports", "kyverno.io", "policy-reports"),
        ("updaterequests", "kyverno.io", "kyverno"),
        ("vulnerabilityreports", "aquasecurity.github.io", "scanner-reports"),
        ("workflows", "argoproj.io", "argo-workflows"),
        ("pipelineruns", "tekton.dev", "tekton"),
        ("secrets", "", "secrets"),
        ("jobs", "", "jobs"),
        ("pods", "", "pods"),
        ("replicasets", "", "replicasets"),
        ("leases", "", "leases"),
        ("endpointslices", "", "endpoints"),
        ("ciliumidentities", "cilium.io", "cilium"),
        ("configmaps", "", "configmaps"),
        ("certificaterequests", "cert-manager.io", "cert-manager"),
        ("orders", "acme.cert-manager.io", "cert-manager"),
        ("bundles", "fleet.cattle.io", "rancher"),
        ("snapshots", "longhorn.io", "rancher"),
        ("/calico/v1", "", "other-keys"),
        ("*", "", "other-keys"),
        ("widgets", "example.com", "anything-else"),
        ("pods", "metrics.k8s.io", "anything-else"),
        ("notcilium", "notcilium.io", "anything-else"),
    ],
)
def test_each_is_known_by_its_name(resource: str, group: str, anchor: str) -> None:
    (advice,) = advice_for([consumer(resource, group)])
    assert (advice["group"], advice["resource"], advice["anchor"]) == (group, resource, f"docs/usage.md#{anchor}")
    assert advice["what"].endswith((".", ".)"))
    assert advice["remedy"].endswith((".", ".)"))
    assert "{" not in advice["command"]


def test_the_commands_name_what_was_found() -> None:
    reports, events, leases, unknown = advice_for(
        [
            consumer("policyreports", "wgpolicyk8s.io"),
            consumer("events"),
            consumer("leases"),
            consumer("widgets", "example.com"),
        ]
    )
    delete = "kubectl delete policyreports.wgpolicyk8s.io --all --all-namespaces --wait=false"
    assert reports["command"] == delete
    assert events["setting"] == "--event-ttl=30m"
    assert leases["command"] == ""
    assert unknown["command"].startswith("kubectl get widgets.example.com --all-namespaces")


def test_old_releases_of_helm_are_known_by_their_keys() -> None:
    plain = advice_for([consumer("secrets")], keys=["/registry/secrets/shop/password"])
    found = advice_for([consumer("secrets")], keys=["/registry/secrets/shop/sh.helm.release.v1.web.v7"])
    assert "most often" in plain[0]["what"]
    assert found[0]["what"] == "Old releases of Helm, each with the whole chart in it."
    assert found[0]["command"] == plain[0]["command"]
    assert "owner=helm,status=superseded" in found[0]["command"]


def test_what_is_true_of_all_of_it() -> None:
    assert anchors(consumer("pods", live=50, history=51)) == ["pods", "history"]
    assert anchors(consumer("pods", live=50, history=50)) == ["pods"]
    assert anchors(consumer("pods", managed_fields_bytes=40 * MIB)) == ["pods", "managed-fields"]
    assert anchors(consumer("pods", managed_fields_bytes=None)) == ["pods"]
    assert anchors() == []


def test_nothing_from_etcd_gets_into_a_shell() -> None:
    (advice,) = advice_for([consumer("x; rm -rf /", "example.com")])
    assert advice["resource"] == "x; rm -rf /"
    assert advice["command"] == ""


@given(st.text(), st.text())
def test_a_command_has_only_plain_words(resource: str, group: str) -> None:
    assert re.fullmatch(r"[a-z0-9.-]*", kubectl_name(group, resource))
    (advice,) = advice_for([consumer(resource, group)])
    words = shlex.split(advice["command"])
    assert " ".join(words) == advice["command"]
    assert all(re.fullmatch(r"[A-Za-z0-9./=,-]+", word) for word in words)

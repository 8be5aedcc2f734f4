# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose keys these are: as API servers write them, and what others write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.kubernetes_keys import (
    directory_of,
    owner_of,
    readable,
)

KEYS: list[tuple[str, str, tuple[str, str, str]]] = [
    ("namespaced", "/registry/pods/kube-system/etcd-cp1", ("", "pods", "kube-system")),
    ("in no namespace", "/registry/namespaces/default", ("", "namespaces", "")),
    ("nodes are called minions", "/registry/minions/cp1", ("", "nodes", "")),
    ("replication controllers", "/registry/controllers/default/a", ("", "replicationcontrollers", "default")),
    ("services", "/registry/services/specs/default/kubernetes", ("", "services", "default")),
    ("endpoints", "/registry/services/endpoints/default/kubernetes", ("", "endpoints", "default")),
    ("custom", "/registry/kyverno.io/policyreports/shop/a", ("kyverno.io", "policyreports", "shop")),
    ("custom, in no namespace", "/registry/kyverno.io/clusterpolicies/a", ("kyverno.io", "clusterpolicies", "")),
    ("aggregated", "/registry/apiregistration.k8s.io/apiservices/v1.", ("apiregistration.k8s.io", "apiservices", "")),
    ("leases of API servers", "/registry/masterleases/192.0.2.1", ("", "masterleases", "")),
    ("ranges", "/registry/ranges/serviceips", ("", "ranges", "")),
    ("colons", "/registry/clusterroles/system:node", ("", "clusterroles", "")),
    ("in the prefix itself", "/registry/health", ("", "/registry", "")),
    ("in nothing", "compact_rev_key", ("", "/", "")),
    ("in the root", "/health", ("", "/", "")),
    ("another prefix", "/registry2/pods/a/b", ("", "/registry2/pods", "")),
    ("Calico", "/calico/resources/v3/projectcalico.org/nodes/cp1", ("", "/calico/resources", "")),
    ("Cilium", "cilium/state/identities/v1/id/1", ("", "cilium/state", "")),
    ("an empty key", "", ("", "/", "")),
    ("slashes alone", "///", ("", "/", "")),
]


@pytest.mark.parametrize(("key", "owner"), table(KEYS))
def test_owner(key: str, owner: tuple[str, str, str]) -> None:
    assert owner_of(directory_of(key.encode())) == owner


@pytest.mark.parametrize("prefix", ["/one/two", "one/two", "/one/two/"])
def test_prefix_of_an_api_server(prefix: str) -> None:
    assert owner_of(b"/one/two/pods/default", prefix) == ("", "pods", "default")
    assert owner_of(b"/registry/pods/default", prefix) == ("", "/registry/pods", "")


def test_what_is_no_text() -> None:
    assert owner_of(b"/registry/a\xff") == ("", "a\\xff", "")
    assert readable(b"a\xff") == "a\\xff"


@given(st.binary(max_size=40))
def test_anything_has_an_owner(key: bytes) -> None:
    for each in (key, b"/registry/" + key):
        "".join(owner_of(directory_of(each))).encode()

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of clusters in a run over more than one."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.plugin_utils._progress.clusters import cluster_key, cluster_names

GROUPS = {
    "p1": ["all", "control_plane", "prod", "prod_control_plane"],
    "p2": ["all", "control_plane", "prod", "prod_control_plane"],
    "worker": ["all", "prod"],
    "t1": ["all", "control_plane", "test"],
}


def test_key() -> None:
    assert cluster_key({"ca_sha256": ["b", "a"], "cluster_id": "c"}) == "a,b"
    assert cluster_key({"ca_sha256": [], "cluster_id": "c"}) == "c"
    assert cluster_key({"present": False}) == ""


def test_the_smallest_group_that_is_the_cluster() -> None:
    names = cluster_names({"p1": "a", "p2": "a", "t1": "b"}, GROUPS)
    assert names == {"p1": "prod_control_plane", "p2": "prod_control_plane", "t1": "test"}


def test_the_first_host_if_no_group_is_the_cluster() -> None:
    shared = {"p1": ["all", "etcd"], "p2": ["all", "etcd"], "t1": ["all", "etcd"]}
    assert cluster_names({"p1": "a", "p2": "a", "t1": "b"}, shared) == {"p1": "p1", "p2": "p1", "t1": "t1"}


def test_hosts_without_etcd_have_none() -> None:
    assert cluster_names({"p1": "a", "worker": ""}, GROUPS) == {"p1": "prod_control_plane"}

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be set with an installer, so that its next run keeps a setting."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.module_utils._node.systemd_unit import EnvironmentFile, EtcdUnit
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.owners import (
    advice,
    container_advice,
    variables_of,
)

KUBESPRAY = EtcdUnit("etcd.service", ("etcd",), {}, (EnvironmentFile("/etc/etcd.env", False),))
OTHER = EtcdUnit("etcd.service", ("etcd",), {}, (), fragment="/etc/systemd/system/etcd.service")
WANTED = {
    "quota-backend-bytes": "8589934592",
    "auto-compaction-retention": "1",
    "auto-compaction-mode": "periodic",
    "max-concurrent-streams": "9",
}


def test_variables_of_kubespray() -> None:
    assert variables_of(KUBESPRAY, WANTED) == {
        "etcd_quota_backend_bytes": 8589934592,
        "etcd_compaction_retention": "1",
        "etcd_extra_vars": {"ETCD_MAX_CONCURRENT_STREAMS": "9"},
    }
    assert variables_of(KUBESPRAY, {"auto-compaction-mode": "revision"}) == {
        "etcd_extra_vars": {"ETCD_AUTO_COMPACTION_MODE": "revision"}
    }
    assert variables_of(OTHER, WANTED) == {}


def test_advice() -> None:
    found = advice(KUBESPRAY, "/etc/etcd.env", variables_of(KUBESPRAY, WANTED))
    assert 'set etcd_quota_backend_bytes: 8589934592, etcd_compaction_retention: "1", etcd_extra_vars: {ETCD_' in found
    assert "may write it again" in advice(OTHER, OTHER.fragment, {})
    assert advice(OTHER, "/etc/default/etcd", {}) == ""


def test_advice_for_a_container() -> None:
    of_kubespray = container_advice(KUBESPRAY, WANTED)
    assert "etcd_deployment_type: docker): set etcd_quota_backend_bytes: 8589934592, etcd_compaction" in of_kubespray
    assert "--tags=etcd --limit=etcd" in of_kubespray
    quadlet = EtcdUnit("etcd.service", ("podman",), {}, (), source="/etc/containers/systemd/etcd.container")
    assert container_advice(quadlet, {"max-wals": "5"}) == (
        "podman makes the unit from /etc/containers/systemd/etcd.container: put --max-wals=5 into its Exec= (what is a"
        " variable there already, into its Environment=: etcd exits on both), then systemctl daemon-reload and"
        " systemctl restart etcd.service, on one member after the other."
    )
    assert container_advice(OTHER, WANTED).startswith("Change its settings where that container is made")

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hardening a cluster that can be asked only by what the variables of each host say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from integration.support.ansible_commands import Run
from integration.support.connections import asked_with, connection_variables, own_certificates, with_own_client_ca
from integration.support.recovery import inventory
from integration.support.settings import MIB
from lab.loopback.cluster import Cluster
from lab.loopback.kubelet import Kubelet

WANTED = {
    "harden_quota_backend_bytes": "64MiB",
    "harden_method": "patch",
    "harden_record": False,
    "harden_schedule_state": "unmanaged",
}


def test_each_host_is_asked_with_what_is_its_own(
    make_cluster: Callable[..., Cluster], playbook: Callable[..., Run], tmp_path: Path
) -> None:
    cluster = with_own_client_ca(make_cluster, tmp_path / "clients")
    own = connection_variables(cluster)
    with ExitStack() as stack:
        for node in cluster.nodes:
            stack.enter_context(Kubelet(node))
        own["cp2"]["harden_client_cert"] = str(tmp_path / "no-such.crt")
        before = [node.manifest.read_bytes() for node in cluster.nodes]
        wrong = playbook(
            inventory(tmp_path / "wrong.yml", cluster, more=own), extra_vars=WANTED, name="controlplane.etcd.harden"
        )
        assert wrong.rc == 2, wrong.out
        assert f"client_cert={tmp_path}/no-such.crt" in wrong.flat
        assert [node.manifest.read_bytes() for node in cluster.nodes] == before

        own = connection_variables(cluster)
        run = playbook(
            *(inventory(tmp_path / "hosts.yml", cluster, more=own), "-vvv"),
            extra_vars=WANTED,
            name="controlplane.etcd.harden",
        )

        assert run.rc == 0, run.out
        assert asked_with(run.out) == own_certificates(cluster, own)
        for node in cluster.nodes:
            with node.client() as client:
                assert client.quota() == 64 * MIB

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that can be asked only by what the variables of each host say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from integration.support.ansible_commands import Run
from integration.support.connections import asked_with, connection_variables, own_certificates, with_own_client_ca
from integration.support.recovery import (
    FOREVER,
    QUICK,
    QUOTA,
    assert_full,
    assert_recovered,
    defragmented,
    inventory,
    locks,
    state,
)
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.pki import Authority

Playbook = Callable[..., Run]


@pytest.fixture
def full(make_cluster: Callable[..., Cluster], tmp_path: Path) -> Cluster:
    cluster = with_own_client_ca(make_cluster, tmp_path / "clients", quota_bytes=QUOTA)
    fill(cluster, event_ttl=FOREVER)
    return cluster


def test_each_host_is_asked_with_what_is_its_own(full: Cluster, playbook: Playbook, tmp_path: Path) -> None:
    own = connection_variables(full)
    plain, told = inventory(tmp_path / "plain.yml", full), inventory(tmp_path / "hosts.yml", full, more=own)
    before = state(full)

    without = playbook(plain, extra_vars=QUICK)
    assert without.rc == 2, without.out
    assert "No member of this cluster answers" in without.flat
    assert state(full) == before

    run = playbook(told, "-vvv", extra_vars=QUICK)

    assert run.rc == 0, run.out
    assert_recovered(full)
    assert sorted(defragmented(full)) == ["cp1", "cp2", "cp3"]
    assert asked_with(run.out) == own_certificates(full, own)

    status = playbook(told, extra_vars={"status_fail": "critical"}, name="controlplane.etcd.status")
    assert status.rc == 0, status.out
    assert "cp2" in status.out
    again = playbook(told, extra_vars=QUICK)
    assert again.rc == 0, again.out
    assert "is not out of space" in again.flat


def test_a_file_that_cannot_be_used_is_refused_before_anything_is_done(
    full: Cluster, playbook: Playbook, tmp_path: Path
) -> None:
    before = state(full)
    stranger = Authority.create("stranger").write(tmp_path / "stranger").certificate
    wrong = (
        ("cp2", "client_cert", tmp_path / "no-such.crt", "No such file or directory"),
        ("cp3", "ca_cert", stranger, "certificate is not trusted"),
    )
    own = connection_variables(full)
    for host, name, path, _reason in wrong:
        own[host][f"recover_{name}"] = str(path)

    run = playbook(inventory(tmp_path / "hosts.yml", full, more=own), extra_vars=QUICK)

    assert run.rc == 2, run.out
    for host, name, path, reason in wrong:
        assert f"{host}: its etcd cannot be asked with" in run.flat
        assert f"{name}={path}" in run.flat
        assert reason in run.flat
    assert "Nothing was changed." in run.flat
    assert state(full) == before
    assert locks(full) == []
    assert_full(full)


def test_a_member_that_is_down_is_no_wrong_variable(full: Cluster, playbook: Playbook, tmp_path: Path) -> None:
    own = connection_variables(full)
    full.nodes[1].kill()

    run = playbook(inventory(tmp_path / "hosts.yml", full, more=own), extra_vars={**QUICK, "recover_wait_timeout": 5})

    assert run.rc == 0, run.out
    assert_recovered(full)

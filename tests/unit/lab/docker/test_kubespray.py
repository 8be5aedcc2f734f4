# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that nodes of kubespray have."""

from __future__ import annotations

import pytest

from lab.docker.installations.kubespray import ETCDS, RELEASES, Release, environment
from lab.docker.nodes import Container

NODES = [Container(f"x-cp{number}", f"cp{number}", f"192.0.2.{10 + number}") for number in (1, 2, 3)]


def text(release: Release, etcd: str = "main", state: str = "existing") -> str:
    return environment(release, ETCDS[etcd], NODES, NODES[1], 32 << 20, state)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: str(release.name))
@pytest.mark.parametrize("etcd", ETCDS)
def test_an_environment_has_each_variable_once_and_ends_with_a_line(release: Release, etcd: str) -> None:
    lines = text(release, etcd).splitlines(keepends=True)
    names = [line.partition("=")[0] for line in lines if line.startswith("ETCD")]
    assert len(names) == len(set(names))
    assert all(line == "\n" or line.startswith(("#", "ETCD")) for line in lines)
    assert lines[-1].endswith("\n")


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: str(release.name))
def test_the_quota_is_where_the_template_has_it(release: Release) -> None:
    lines = text(release).splitlines()
    before = lines.index(f"ETCD_SNAPSHOT_COUNT={release.snapshot_count}")
    assert lines[before + 1] == "ETCD_QUOTA_BACKEND_BYTES=33554432"


def test_the_second_cluster_differs_in_names_ports_and_directory() -> None:
    main, events = (
        dict(line.split("=", 1) for line in text(RELEASES[1], etcd).splitlines() if line.startswith("ETCD"))
        for etcd in ("main", "events")
    )
    assert (main["ETCD_NAME"], events["ETCD_NAME"]) == ("etcd2", "etcd2-events")
    assert (main["ETCD_DATA_DIR"], events["ETCD_DATA_DIR"]) == ("/var/lib/etcd", "/var/lib/etcd-events")
    assert events["ETCD_ADVERTISE_CLIENT_URLS"] == "https://192.0.2.12:2383"
    assert events["ETCD_INITIAL_CLUSTER"].startswith("etcd1-events=https://192.0.2.11:2382,")
    assert main["ETCD_TRUSTED_CA_FILE"] == events["ETCD_TRUSTED_CA_FILE"]
    assert not [name for name in events if name.startswith(("ETCDCTL", "ETCD_EXPERIMENTAL"))]


def test_only_the_state_changes_when_the_members_are_healthy() -> None:
    new, existing = text(RELEASES[0], state="new"), text(RELEASES[0])
    assert new.replace("ETCD_INITIAL_CLUSTER_STATE=new", "ETCD_INITIAL_CLUSTER_STATE=existing") == existing

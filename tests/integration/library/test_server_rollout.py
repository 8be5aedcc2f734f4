# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_unit on real members whose settings a server of RKE2 or k3s writes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.support.clusters import replace_in_manifest
from integration.support.settings import MIB
from integration.support.stand_ins import ROOT, K3s, Rke2, believed, change_unit, quota_metric
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

pytestmark = pytest.mark.usefixtures("collections")

QUOTA = "quota-backend-bytes"
WANTED = {QUOTA: "64MiB", "auto-compaction-mode": "periodic", "auto-compaction-retention": "1"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """``server(Rke2, node)`` lets the stand-in run the etcd of a node, and the library believe in it."""
    with believed(monkeypatch) as believe:

        def make(kind: type[Rke2 | K3s], node: MemberProcess, **options: Any) -> Rke2 | K3s:
            stand_in = kind(node, tmp_path, monkeypatch, **options)
            believe(stand_in)
            return stand_in

        yield make


def _change(tmp_path: Path, server: Rke2 | K3s, *, check: bool = False, **options: Any) -> dict[str, Any]:
    manifest = str(server.manifest) if isinstance(server, Rke2) else server.unit
    return change_unit(manifest, tmp_path, check=check, **options)


@pytest.mark.parametrize("kind", [Rke2, K3s])
def test_check_run_check_again_run_again(
    make_cluster: Callable[..., Cluster], server: Callable[..., Any], kind: type, tmp_path: Path
) -> None:
    node = make_cluster(version="3.5.35").nodes[0]
    systemd = server(kind, node)
    there, pid = systemd.file.exists(), systemd.pid
    before = systemd.file.read_text("utf-8") if there else ""

    planned = _change(tmp_path, systemd, extra_args=WANTED, check=True)
    assert not planned["failed"], planned["msg"]
    assert planned["changed"] is True
    assert (systemd.pid, systemd.restarts, systemd.file.exists()) == (pid, 0, there)

    done = _change(tmp_path, systemd, extra_args=WANTED)
    assert not done["failed"], done["msg"]
    assert (done["file"], done["flags"], systemd.restarts) == (str(systemd.file), planned["flags"], 1)
    assert done["flags"]["after"] == {
        QUOTA: str(64 * MIB),
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": "1h",
    }
    assert systemd.pid != pid
    assert quota_metric(node) == 64 * MIB
    assert 'auto-compaction-retention: "1h0m0s"' in systemd.generated.read_text("utf-8")
    assert Path(done["backup_file"]).read_text("utf-8") == before
    after = systemd.file.read_text("utf-8")
    assert after == (
        f"token: secret\netcd-arg:\n- {QUOTA}={64 * MIB}  # ours\n- auto-compaction-mode=periodic\n"
        "- auto-compaction-retention=1h\n"
        if there
        else f"etcd-arg:\n  - {QUOTA}={64 * MIB}\n  - auto-compaction-mode=periodic\n  - auto-compaction-retention=1h\n"
    )
    assert systemd.file.stat().st_mode & 0o777 == (0o640 if there else 0o600)

    again = _change(tmp_path, systemd, extra_args=WANTED)
    assert not again["failed"], again["msg"]
    assert (again["changed"], again["seconds"], systemd.restarts) == (False, 0.0, 1)

    # An update of the service starts it once more, and it writes its files anew.
    systemd.restart()
    node.await_answer()
    again = _change(tmp_path, systemd, extra_args=WANTED)
    assert not again["failed"], again["msg"]
    assert (again["changed"], systemd.restarts) == (False, 1)


@pytest.mark.parametrize("kind", [Rke2, K3s])
def test_value_that_etcd_refuses_is_rolled_back(
    make_cluster: Callable[..., Cluster], server: Callable[..., Any], kind: type, tmp_path: Path
) -> None:
    node = make_cluster(version="3.5.35").nodes[0]
    systemd = server(kind, node)
    before = systemd.file.read_bytes() if systemd.file.exists() else None

    failed = _change(tmp_path, systemd, extra_args={"max-wals": "9", "heartbeat-interval": "5000"})

    assert (failed["failed"], failed["code"]) == (True, "rolled_back"), failed
    assert "heartbeat-interval" in failed["msg"]
    assert (systemd.file.read_bytes() if systemd.file.exists() else None) == before
    assert (systemd.running, systemd.restarts) == (True, 2)
    node.await_answer()


@pytest.mark.parametrize("kind", [Rke2, K3s])
def test_run_that_was_cut_off_before_the_restart_is_finished(
    make_cluster: Callable[..., Cluster], server: Callable[..., Any], kind: type, tmp_path: Path
) -> None:
    node = make_cluster(version="3.5.35").nodes[0]
    systemd = server(kind, node)
    systemd.file.write_text(f"token: secret\netcd-arg:\n- {QUOTA}={64 * MIB}\n", "utf-8")

    planned = _change(tmp_path, systemd, extra_args={QUOTA: "64MiB"}, check=True)
    assert not planned["failed"], planned["msg"]
    assert systemd.restarts == 0

    done = _change(tmp_path, systemd, extra_args={QUOTA: "64MiB"})

    assert not done["failed"], done["msg"]
    assert systemd.restarts == 1
    assert quota_metric(node) == 64 * MIB


def test_etcd_that_is_slow_to_catch_up_is_not_to_be_another_one(
    make_cluster: Callable[..., Cluster], server: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RKE2 restarts no etcd whose pod is as it should be."""
    systemd = server(Rke2, make_cluster(version="3.5.35").nodes[0])
    pid = systemd.pid
    change = importlib.import_module(f"{ROOT}._rollout.unit_change")
    monkeypatch.setattr(change, "missing", lambda _rollout: "it knew no leader a moment ago")

    done = _change(tmp_path, systemd, extra_args={QUOTA: "32MiB"})

    assert not done["failed"], done["msg"]
    assert (systemd.pid, systemd.restarts) == (pid, 1)


@pytest.mark.parametrize("kind", [Rke2, K3s])
def test_etcd_that_a_cut_off_run_left_down_is_rolled_back(
    make_cluster: Callable[..., Cluster], server: Callable[..., Any], kind: type, tmp_path: Path
) -> None:
    node = make_cluster(version="3.5.35").nodes[0]
    systemd = server(kind, node)
    before = systemd.file.read_bytes() if systemd.file.exists() else b""
    copies = tmp_path / "backups" / systemd.unit
    copies.mkdir(parents=True)
    (copies / "config.yaml.20261130T070000Z").write_bytes(before)
    systemd.file.write_bytes((before or b"etcd-arg:\n") + b"- heartbeat-interval=5000\n")
    systemd.restart()

    failed = _change(tmp_path, systemd, extra_args={"heartbeat-interval": "5000"})

    assert (failed["failed"], failed["code"]) == (True, "rolled_back"), failed
    assert (systemd.file.read_bytes() if systemd.file.exists() else b"") == before
    assert systemd.running
    node.await_answer()


def test_servers_that_can_be_asked_on_their_own_hosts_only(
    make_cluster: Callable[..., Cluster], server: Callable[..., Any], tmp_path: Path
) -> None:
    """As those of k3s without etcdctl: the client ports have no gateway, and that is on loopback. The connections of
    raft say that the others are there."""
    cluster = make_cluster(version="3.5.35")
    node, other, last = cluster.nodes
    for each in (other, last):
        first = f"    - --listen-client-urls={each.client_url}\n"
        replace_in_manifest(each, first, f"{first}    - --enable-grpc-gateway=false\n")
        each.restart(wait=False)  # the lab waits through the gateway
    systemd = server(K3s, node, gateway=True)

    done = _change(tmp_path, systemd, extra_args={QUOTA: "64MiB"}, transport="gateway")

    assert not done["failed"], done["msg"]
    assert quota_metric(node) == 64 * MIB

    last.stop()
    refused = _change(tmp_path, systemd, extra_args={QUOTA: "65MiB"}, transport="gateway")
    assert (refused["failed"], refused["code"]) == (True, "members_missing"), refused
    assert systemd.restarts == 1


def test_settings_that_wait_for_a_restart_are_not_applied_by_the_way(
    make_cluster: Callable[..., Cluster], server: Callable[..., Any], tmp_path: Path
) -> None:
    systemd = server(Rke2, make_cluster(version="3.5.35").nodes[0])
    with systemd.file.open("a") as file:
        file.write("- max-wals=7\n")

    refused = _change(tmp_path, systemd, extra_args={QUOTA: "64MiB"})

    assert (refused["failed"], refused["code"]) == (True, "unit_not_applied"), refused
    assert "--max-wals" in refused["msg"]
    assert systemd.restarts == 0


def test_a_diff_shows_nothing_secret(
    make_cluster: Callable[..., Cluster], server: Callable[..., Any], tmp_path: Path
) -> None:
    systemd = server(Rke2, make_cluster(version="3.5.35").nodes[0])
    planned = _change(tmp_path, systemd, extra_args={QUOTA: "64MiB"}, check=True, _ansible_diff=True)
    assert planned["diff"]["after"] == f"etcd-arg:\n- {QUOTA}={64 * MIB}  # ours\n"

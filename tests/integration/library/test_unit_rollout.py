# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_unit on real members that get their settings as systemd would give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.support.settings import MIB, SOME_VERSIONS
from integration.support.stand_ins import OwnUnit, believed, change_unit, quota_metric
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

pytestmark = pytest.mark.usefixtures("collections")

QUOTA = "quota-backend-bytes"
UNIT = "etcd.service"


@pytest.fixture
def unit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., OwnUnit]]:
    """``unit(node, variables=True)`` lets the stand-in run the etcd of a node, and the library believe in it."""
    with believed(monkeypatch) as believe:

        def make(node: MemberProcess, *, variables: bool = True) -> OwnUnit:
            stand_in = OwnUnit(node, tmp_path, variables=variables)
            believe(stand_in)
            return stand_in

        yield make


def _change(tmp_path: Path, *, check: bool = False, **options: Any) -> dict[str, Any]:
    return change_unit(UNIT, tmp_path, check=check, **options)


@pytest.mark.parametrize("variables", [True, False], ids=["environment file", "configuration file"])
@pytest.mark.parametrize("version", SOME_VERSIONS)
def test_check_run_check_again_run_again(
    make_cluster: Callable[..., Cluster], unit: Callable[..., OwnUnit], version: str, variables: bool, tmp_path: Path
) -> None:
    node = make_cluster(version=version).nodes[0]
    systemd = unit(node, variables=variables)
    wanted = {QUOTA: "64MiB", "auto-compaction-mode": "periodic", "auto-compaction-retention": "1h"}
    before, pid, mode = systemd.file.read_text("utf-8"), systemd.pid, systemd.file.stat().st_mode

    planned = _change(tmp_path, extra_args=wanted, check=True)
    assert not planned["failed"], planned["msg"]
    assert planned["changed"] is True
    assert (systemd.pid, systemd.file.read_text("utf-8")) == (pid, before)

    done = _change(tmp_path, extra_args=wanted)
    assert not done["failed"], done["msg"]
    assert done["file"] == str(systemd.file)
    assert (done["flags"], systemd.restarts) == (planned["flags"], 1)
    assert systemd.pid != pid
    assert quota_metric(node) == 64 * MIB
    assert Path(done["backup_file"]).read_text("utf-8") == before
    assert systemd.file.stat().st_mode == mode
    after = systemd.file.read_text("utf-8")
    kept = [line for line in before.splitlines() if "quota" not in line.lower()]
    assert [line for line in after.splitlines() if line in kept] == kept
    assert len(after.splitlines()) - len(kept) == (2 if variables else 3)  # the mode is the default beside variables

    again = _change(tmp_path, extra_args=wanted)
    assert not again["failed"], again["msg"]
    assert (again["changed"], again["seconds"], systemd.restarts) == (False, 0.0, 1)


def test_value_that_etcd_refuses_is_rolled_back(
    make_cluster: Callable[..., Cluster], unit: Callable[..., OwnUnit], tmp_path: Path
) -> None:
    node = make_cluster().nodes[0]
    systemd = unit(node)
    before = systemd.file.read_bytes()

    failed = _change(tmp_path, extra_args={"max-request-bytes": "lots"})

    assert (failed["failed"], failed["code"]) == (True, "rolled_back"), failed
    assert "lots" in failed["msg"]
    assert systemd.file.read_bytes() == before
    assert (systemd.running, systemd.restarts) == (True, 2)
    node.await_answer()


def test_run_that_was_cut_off_before_the_restart_is_finished(
    make_cluster: Callable[..., Cluster], unit: Callable[..., OwnUnit], tmp_path: Path
) -> None:
    node = make_cluster().nodes[0]
    systemd = unit(node)
    text = systemd.file.read_text("utf-8")
    systemd.file.write_text(text.replace(f"BYTES={32 * MIB}", f"BYTES={64 * MIB}"), "utf-8")

    planned = _change(tmp_path, extra_args={QUOTA: "64MiB"}, check=True)
    assert not planned["failed"], planned["msg"]
    assert systemd.restarts == 0

    done = _change(tmp_path, extra_args={QUOTA: "64MiB"})

    assert not done["failed"], done["msg"]
    assert systemd.restarts == 1
    assert quota_metric(node) == 64 * MIB


def test_etcd_that_a_cut_off_run_left_down_is_rolled_back(
    make_cluster: Callable[..., Cluster], unit: Callable[..., OwnUnit], tmp_path: Path
) -> None:
    node = make_cluster().nodes[0]
    systemd = unit(node)
    before = systemd.file.read_bytes()
    copies = tmp_path / "backups" / UNIT
    copies.mkdir(parents=True)
    (copies / "etcd.env.20261130T070000Z").write_bytes(before)
    systemd.file.write_bytes(before + b"ETCD_MAX_REQUEST_BYTES=lots\n")
    systemd.end()
    systemd.start()

    failed = _change(tmp_path, extra_args={"max-request-bytes": "lots"})

    assert (failed["failed"], failed["code"]) == (True, "rolled_back"), failed
    assert systemd.file.read_bytes() == before
    assert systemd.running
    node.await_answer()


def test_settings_that_wait_for_a_restart_are_not_applied_by_the_way(
    make_cluster: Callable[..., Cluster], unit: Callable[..., OwnUnit], tmp_path: Path
) -> None:
    systemd = unit(make_cluster().nodes[0])
    with systemd.file.open("a") as file:
        file.write("ETCD_MAX_WALS=7\n")

    refused = _change(tmp_path, extra_args={QUOTA: "64MiB"})

    assert (refused["failed"], refused["code"]) == (True, "unit_not_applied"), refused
    assert "--max-wals" in refused["msg"]
    assert systemd.restarts == 0

# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upkeep of a node's member, from files that are there, that are broken, and that are not there."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from unit.builders import Json, recorded_json, recorded_snapshot
from unit.stopped_node import stopped_node, write_pki

from ansible_collections.controlplane.etcd.plugins.module_utils._node import inspection
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import read_manifest
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import NodeReport
from ansible_collections.controlplane.etcd.plugins.module_utils._node.upkeep import Upkeep
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import state
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.upkeep import (
    certificates,
    image_version,
    read_upkeep,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import catalog

NOW = time.time()


@pytest.fixture(scope="module")
def written_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def node(tmp_path: Path, written_pki: Path) -> Json:
    return stopped_node(tmp_path, written_pki)


def report_of(node: Json) -> NodeReport:
    found = inspection.inspect_node(node)
    assert found
    return found


def upkeep_of(node: Json, root: Path, now: float = NOW) -> Upkeep:
    found = read_upkeep(report_of(node), node["snapshot_dir"], now, str(root))
    assert found
    return found


def test_a_node_with_nothing(node: Json, tmp_path: Path) -> None:
    found = upkeep_of(node, tmp_path)
    assert {each.use for each in found.certificates} == {"server", "client", "ca"}
    assert all(300 < each.days_left < 4000 for each in found.certificates)
    assert (found.db_size_bytes, found.quota_bytes, found.auto_compaction, found.version) == (None, None, False, "")
    assert (found.scheduled, found.last_run, found.last_run_success, found.last_snapshot) == (False, None, None, None)


SPEEDS = {"cp2": (9e7, NOW - 60), "cp3": (5e7, NOW - 60), "cp4": (1e7, NOW - 90 * state.DAY)}


def test_a_node_with_all_of_it(node: Json, tmp_path: Path) -> None:
    manifest = Path(node["manifest"])
    pod = yaml.safe_load(manifest.read_text("utf-8"))
    (container,) = pod["spec"]["containers"]
    container["command"] += ["--quota-backend-bytes=4096", "--auto-compaction-retention=1"]
    container["image"] = "registry.k8s.io/etcd:3.6.16-0"
    manifest.write_text(yaml.safe_dump(pod), "utf-8")
    database = Path(read_manifest(node["manifest"]).database)
    database.parent.mkdir(parents=True)
    whole = recorded_snapshot("3.6.16")
    # The file is longer than what counts: etcd lets it grow ahead.
    database.write_bytes(whole[:-32] + bytes(1 << 20))
    (tmp_path / "etc/cron.d").mkdir(parents=True)
    (tmp_path / "etc/cron.d/etcd-maintenance").touch()
    state.update(
        f"{tmp_path}{state.DIRECTORY}",
        lambda _old: state.State(last_run=NOW - 60, last_run_success=False, defrag_speeds=SPEEDS),
    )
    header = recorded_json("3.6.16", "status-follower")["header"]
    directory = Path(node["snapshot_dir"])
    directory.mkdir()
    report = report_of(node)
    for revision, sha256 in ((7, report.ca_sha256[0]), (9, report.ca_sha256[0]), (11, "of another cluster")):
        path = directory / f"etcd-{int(header['cluster_id']):x}-cp1-r{revision}.db"
        path.touch()
        known = f"{int(header['cluster_id']):x}"
        catalog.remember(catalog.Snapshot(str(path), known, sha256, "cp1", revision, 1, "", "file", NOW - 3600))

    found = upkeep_of(node, tmp_path)

    assert found.db_size_bytes is not None
    assert 0 < found.db_size_bytes <= len(whole) - 32
    assert (found.quota_bytes, found.auto_compaction, found.version) == (4096, True, "3.6.16")
    assert (found.scheduled, found.last_run_seconds, found.last_run_success) == (True, 60.0, False)
    assert found.defrag_bytes_per_second == 5e7
    assert found.last_snapshot
    assert (found.last_snapshot.path[-6:], found.last_snapshot.age_seconds) == ("-r9.db", 3600.0)


def test_a_manifest_that_has_gone_meanwhile(node: Json, tmp_path: Path) -> None:
    report = report_of(node)
    Path(node["manifest"]).unlink()
    assert read_upkeep(report, node["snapshot_dir"], NOW, str(tmp_path)) is None


def test_what_cannot_be_read_is_not_known(node: Json, tmp_path: Path) -> None:
    manifest = read_manifest(node["manifest"])
    Path(manifest.file("cert-file")).write_text("no certificate", "utf-8")
    database = Path(manifest.database)
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database")
    directory = Path(node["snapshot_dir"])
    directory.mkdir()
    known = f"etcd-{report_of(node).known_cluster_id}-cp1-r9.db"
    (directory / known).touch()
    record = {"path": str(directory / known), "created": "yesterday"}
    (directory / f"{known}.json").write_text(json.dumps(record), "utf-8")
    found = upkeep_of(node, tmp_path)
    assert "server" not in {each.use for each in found.certificates}
    assert (found.db_size_bytes, found.last_snapshot) == (None, None)


def test_days_count_from_the_clock_and_become_negative(node: Json) -> None:
    manifest = read_manifest(node["manifest"])
    now = {each.use: each.days_left for each in certificates(manifest, NOW)}
    later = {each.use: each.days_left for each in certificates(manifest, NOW + 5000 * state.DAY)}
    assert all(later[use] == pytest.approx(now[use] - 5000, abs=0.02) for use in now)
    assert later["server"] < 0


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("registry.k8s.io/etcd:3.6.5-0", "3.6.5"),
        ("localhost:5000/etcd:v3.5.1", "3.5.1"),
        ("localhost:5000/etcd", ""),
        ("etcd:3.5.15-0@sha256:0a1b", "3.5.15"),
        ("etcd@sha256:0a1b", ""),
        ("", ""),
    ],
)
def test_version_of_an_image(image: str, expected: str) -> None:
    assert image_version(image) == expected

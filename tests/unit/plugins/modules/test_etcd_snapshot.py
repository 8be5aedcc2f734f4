# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies of modules that judge before they act, on clusters of plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, Json, Reply, endpoint, member, recorded_snapshot, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors, write_check
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.write_check import Write, WriteCheck
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import EtcdManifest
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import catalog, format, sources
from ansible_collections.controlplane.etcd.plugins.modules import etcd_alarm, etcd_snapshot, etcd_write_check

STATUS, MEMBERS, ALARM = "/v3/maintenance/status", "/v3/cluster/member/list", "/v3/maintenance/alarm"
KV_RANGE = "/v3/kv/range"
NOSPACE, CORRUPT = Alarm(1, "NOSPACE"), Alarm(1, "CORRUPT")
WHOLE = recorded_snapshot("3.6.16")
REVISION = 202


class FakeModule:
    """As much of AnsibleModule as a body uses."""

    def __init__(self, *, check: bool = False, **params: Any) -> None:
        self.check_mode = check
        self.params = params
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class FakeMember:
    """A member whose cluster is as it is told to be."""

    def __init__(
        self, seen: ClusterView, replies: dict[str, Reply] | None = None, manifest: EtcdManifest | None = None
    ) -> None:
        self.endpoint, self.transport = endpoint(replies or {})
        self.tls = None
        self.manifest = manifest
        self.fingerprints = ["aa"]
        self._seen = seen

    def inspect_cluster(self) -> ClusterView:
        return self._seen

    def connect(self, url: str) -> Any:
        raise AssertionError(url)

    def ca_sha256(self) -> list[str]:
        return self.fingerprints


FULL = member(1, size=960 * MIB)
CLOSE = member(1, size=900 * MIB)

DISARMS: list[tuple[str, ClusterView, bool, list[str] | str, int]] = [
    ("armed", view(member(1), alarms=[NOSPACE]), False, ["cp1"], 0),
    ("not armed", view(member(1)), False, [], 0),
    ("armed, close to full", view(CLOSE, alarms=[NOSPACE]), False, ["cp1"], 1),
    ("not armed, close to full", view(CLOSE), False, [], 1),
    ("armed, full", view(FULL, alarms=[NOSPACE]), False, "The next writes would raise the alarm again: cp1", 0),
    ("not armed, full: disarmed too early", view(FULL), False, "The next writes would raise the alarm again: cp1", 0),
    ("check mode judges no sizes", view(FULL, alarms=[NOSPACE]), True, ["cp1"], 0),
    ("check mode, not armed", view(FULL), True, [], 0),
    ("corrupt", view(member(1), alarms=[NOSPACE, CORRUPT]), True, "A CORRUPT alarm is armed", 0),
    ("no leader", view(member(1), leader=0, alarms=[NOSPACE]), True, "The cluster has no leader", 0),
]


@pytest.mark.parametrize(("seen", "check", "expected", "warnings"), table(DISARMS))
def test_disarm(seen: ClusterView, check: bool, expected: list[str] | str, warnings: int) -> None:
    module, asked = FakeModule(check=check), FakeMember(seen, {ALARM: {}})
    if isinstance(expected, str):
        with pytest.raises(Refused, match=expected):
            etcd_alarm.disarm(module, asked)  # type: ignore[arg-type]  # both are made
    else:
        result = etcd_alarm.disarm(module, asked)  # type: ignore[arg-type]  # both are made
        assert result == {"changed": bool(expected), "disarmed": expected}
    sent = [body for _path, body in asked.transport.calls if body["action"] == "DEACTIVATE"]
    assert len(sent) == (len(expected) if isinstance(expected, list) and not check else 0)
    assert len(module.warnings) == warnings


SILENT = view(member(1), member(2, error="down"))

PROVEN: list[tuple[str, bool, list[str], list[str]]] = [
    ("run", False, ["cp1"], ["cp2 does not answer (down)."]),
    ("check mode: nothing is said again", True, [], []),
]


@pytest.mark.parametrize(("check", "writes", "findings"), table(PROVEN))
def test_proof(monkeypatch: pytest.MonkeyPatch, check: bool, writes: list[str], findings: list[str]) -> None:
    asked: list[float] = []

    def prove(_look: object, _connect: object, *, settle_seconds: float) -> WriteCheck:
        asked.append(settle_seconds)
        return WriteCheck((Write("cp1", True, ""), Write("cp3", False, "no")), SILENT, SILENT, 10.0, None, ())

    monkeypatch.setattr(write_check, "check_writes", prove)
    module, proven = FakeModule(check=check, settle_seconds=7.0), FakeMember(SILENT)
    result = etcd_write_check.prove(module, proven)  # type: ignore[arg-type]  # both are made
    assert asked == ([] if check else [7.0])
    assert (result["changed"], result["writes"], result["findings"]) == (False, writes, findings)
    assert (result["growth_bytes_per_minute"], result["minutes_to_full"], result["hashes_agree"]) == (0.0, None, None)


def test_proof_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = WriteCheck((), SILENT, SILENT, 0.0, None, ("there is no leader", "and more"))
    monkeypatch.setattr(write_check, "check_writes", lambda *_arguments, **_options: failed)
    with pytest.raises(errors.EtcdError, match=r"^there is no leader; and more$"):
        etcd_write_check.prove(FakeModule(settle_seconds=0.0), FakeMember(SILENT))  # type: ignore[arg-type]  # both are made


@pytest.fixture
def node(tmp_path: Path) -> EtcdManifest:
    """A member whose database is a recorded one."""
    manifest = EtcdManifest("etcd.yaml", "", {"data-dir": str(tmp_path / "data"), "name": "cp1"}, {}, ())
    Path(manifest.database).parent.mkdir(parents=True)
    Path(manifest.database).write_bytes(WHOLE[:-32])
    return manifest


def replies(*, leader: int = 1, own: int = REVISION, cluster: int = REVISION) -> dict[str, Reply]:
    """A member that has one revision, in a cluster that has another one."""
    header: Json = {"cluster_id": str(0xC1), "member_id": "1", "revision": str(own)}
    return {
        STATUS: {"header": header, "leader": str(leader), "dbSize": str(len(WHOLE))},
        MEMBERS: {"members": [{"ID": "1", "name": "cp1"}]},
        KV_RANGE: {"header": {**header, "revision": str(cluster)}} if leader else AssertionError(),
    }


def options(folder: Path, **changes: Any) -> Json:
    return {"directory": str(folder), "keep": 0, "method": "file", "reuse": False, "work_timeout": 5.0, **changes}


def snapshot(asked: FakeMember, folder: Path, *, check: bool = False, **changes: Any) -> Json:
    module = FakeModule(check=check, **options(folder, **changes))
    return etcd_snapshot.snapshot(module, asked)  # type: ignore[arg-type]  # both are made


def test_snapshot(tmp_path: Path, node: EtcdManifest) -> None:
    asked = FakeMember(SILENT, replies(), node)
    result = snapshot(asked, tmp_path / "new")
    path = tmp_path / "new/etcd-c1-cp1-r202.db"
    assert path.read_bytes() == WHOLE
    assert (result["changed"], result["path"], result["reused"], result["pruned"]) == (True, str(path), False, [])
    again = snapshot(asked, tmp_path / "new", reuse=True, check=True)
    assert (again["changed"], again["path"], again["reused"]) == (False, str(path), True)


REUSES: list[tuple[str, dict[str, Any], bool, bool, bool]] = [
    ("nothing happened", {}, True, False, True),
    ("not asked for", {}, False, False, False),
    ("another CA", {"fingerprints": ["bb"]}, True, False, False),
    ("a CA that is being replaced", {"fingerprints": ["aa", "bb"]}, True, False, True),
    ("its files are elsewhere: that cannot be told", {"manifest": None}, True, False, False),
    ("a write since", {}, True, True, False),
]


@pytest.mark.parametrize(("changes", "reuse", "written", "expected"), table(REUSES))
def test_reuse(
    tmp_path: Path,
    node: EtcdManifest,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    reuse: bool,
    written: bool,
    expected: bool,
) -> None:
    asked = FakeMember(SILENT, replies(), node)
    snapshot(asked, tmp_path / "new")
    for name, value in changes.items():
        setattr(asked, name, value)
    if written:
        monkeypatch.setattr(sources, "newest_put", lambda _data: REVISION + 1)
    assert snapshot(asked, tmp_path / "new", reuse=reuse, check=True)["reused"] is expected


def test_no_reuse_where_the_member_is_behind(
    tmp_path: Path, node: EtcdManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster's revision counts: what this member has not got yet may be a value."""
    monkeypatch.setattr(sources, "_COMMIT_SECONDS", 0.1)
    snapshot(FakeMember(SILENT, replies(), node), tmp_path / "new")
    behind = FakeMember(SILENT, replies(cluster=REVISION + 1), node)
    planned = snapshot(behind, tmp_path / "new", reuse=True, check=True)
    assert (planned["reused"], planned["revision"]) == (False, REVISION + 1)


FLOORS: list[tuple[str, dict[str, int], int]] = [
    ("the cluster's", {"own": 150, "cluster": 202}, 202),
    ("without a leader there is nothing newer than its own", {"leader": 0, "own": 150}, 150),
]


@pytest.mark.parametrize(("revisions", "floor"), table(FLOORS))
def test_revision_floor(tmp_path: Path, node: EtcdManifest, revisions: dict[str, int], floor: int) -> None:
    asked = FakeMember(SILENT, replies(**revisions), node)
    assert snapshot(asked, tmp_path / "new", check=True)["revision"] == floor
    assert not (tmp_path / "new").exists()


def test_member_that_is_behind_is_no_source(
    tmp_path: Path, node: EtcdManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_COMMIT_SECONDS", 0.1)
    with pytest.raises(format.SnapshotError, match="is older than what its member reports"):
        snapshot(FakeMember(SILENT, replies(cluster=REVISION + 1), node), tmp_path / "new")


KEEPS: list[tuple[str, int, list[str]]] = [("all", 0, []), ("this one", 1, ["7"]), ("two", 2, [])]


@pytest.mark.parametrize(("keep", "expected"), table(KEEPS))
def test_keep(tmp_path: Path, node: EtcdManifest, keep: int, expected: list[str]) -> None:
    older = tmp_path / "etcd-c1-cp1-r7.db"
    older.write_bytes(WHOLE)
    catalog.remember(catalog.Snapshot(str(older), "c1", "aa", "cp1", 7, len(WHOLE), "", "file", 1.0))
    result = snapshot(FakeMember(SILENT, replies(), node), tmp_path, keep=keep)
    assert result["pruned"] == [str(tmp_path / f"etcd-c1-cp1-r{revision}.db") for revision in expected]
    assert Path(result["path"]).exists()


def test_keep_below_zero(tmp_path: Path, node: EtcdManifest) -> None:
    with pytest.raises(Refused, match=r"^keep is -1; it takes 0, which keeps all, or a number of snapshots\.$"):
        snapshot(FakeMember(SILENT, replies(), node), tmp_path / "new", keep=-1)
    assert not (tmp_path / "new").exists()

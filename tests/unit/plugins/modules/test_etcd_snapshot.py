# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_snapshot: when a snapshot is reused, from which revision on one counts, and which are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import Json, Reply, member, recorded_snapshot, table, view
from unit.fake_cluster import FakeMember, FakeModule

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import catalog, sources
from ansible_collections.controlplane.etcd.plugins.modules import etcd_snapshot

STATUS, MEMBERS, KV_RANGE = "/v3/maintenance/status", "/v3/cluster/member/list", "/v3/kv/range"
WHOLE = recorded_snapshot("3.6.16")
REVISION = 202

SILENT = view(member(1), member(2, error="down"))


@pytest.fixture
def node(tmp_path: Path) -> MemberSettings:
    """A member whose database is a recorded one."""
    manifest = MemberSettings("etcd.yaml", "", {"data-dir": str(tmp_path / "data"), "name": "cp1"}, {}, ())
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


def options(directory: Path, **changes: Any) -> Json:
    return {"directory": str(directory), "keep": 0, "method": "file", "reuse": False, "work_timeout": 5.0, **changes}


def snapshot(asked: FakeMember, directory: Path, *, check: bool = False, **changes: Any) -> Json:
    module = FakeModule(check=check, **options(directory, **changes))
    return etcd_snapshot.snapshot(module, asked)  # type: ignore[arg-type]  # both are made


def test_snapshot(tmp_path: Path, node: MemberSettings) -> None:
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
    node: MemberSettings,
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


def test_no_reuse_if_the_member_is_behind(
    tmp_path: Path, node: MemberSettings, monkeypatch: pytest.MonkeyPatch
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
def test_revision_floor(tmp_path: Path, node: MemberSettings, revisions: dict[str, int], floor: int) -> None:
    asked = FakeMember(SILENT, replies(**revisions), node)
    assert snapshot(asked, tmp_path / "new", check=True)["revision"] == floor
    assert not (tmp_path / "new").exists()


def test_member_that_is_behind_is_no_source(
    tmp_path: Path, node: MemberSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_COMMIT_SECONDS", 0.1)
    with pytest.raises(Failure, match="is older than what its member reports"):
        snapshot(FakeMember(SILENT, replies(cluster=REVISION + 1), node), tmp_path / "new")


KEEPS: list[tuple[str, int, list[str]]] = [("all", 0, []), ("this one", 1, ["7"]), ("two", 2, [])]


@pytest.mark.parametrize(("keep", "expected"), table(KEEPS))
def test_keep(tmp_path: Path, node: MemberSettings, keep: int, expected: list[str]) -> None:
    older = tmp_path / "etcd-c1-cp1-r7.db"
    older.write_bytes(WHOLE)
    catalog.remember(catalog.Snapshot(str(older), "c1", "aa", "cp1", 7, len(WHOLE), "", "file", 1.0))
    result = snapshot(FakeMember(SILENT, replies(), node), tmp_path, keep=keep)
    assert result["pruned"] == [str(tmp_path / f"etcd-c1-cp1-r{revision}.db") for revision in expected]
    assert Path(result["path"]).exists()


def test_keep_below_zero(tmp_path: Path, node: MemberSettings) -> None:
    with pytest.raises(
        Refused, match=r"^keep is -1; it takes 0, which keeps all, or a number of snapshots\.$"
    ) as caught:
        snapshot(FakeMember(SILENT, replies(), node), tmp_path / "new", keep=-1)
    assert caught.value.code == "invalid_option"
    assert not (tmp_path / "new").exists()
